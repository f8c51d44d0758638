"""A download server, or whoever is on the way to it, that speaks no HTTP: what is downloaded from ends in a sentence, not in a trace."""

import contextlib
import socket
import threading

import mattermost_program_core as program
import mattermost_release_fetch as release
import pytest
from mattermost_controller.hosts import relenv_archive
from mattermost_release_facts import ReleaseError
from mattermost_repositories_core import RepositoryError

from tests import states

ANSWERS = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nx",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
    "a length of thousands of digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx",
    "a part cut off": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nx",
    "a part of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
    "a line without an end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\n\r\n",
    "an address that is none": b"HTTP/1.1 302 Found\r\nLocation: http://[x/\r\n\r\n",
}


@pytest.fixture(params=ANSWERS)
def url(request):
    """Of a server that gives that answer to each request."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                asked, _ = server.accept()
            except OSError:
                return
            with asked:
                asked.recv(65536)
                asked.sendall(ANSWERS[request.param])

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/file"
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def of_relenv(url, folder):
    relenv_archive.ensure({"source": url, "sha256": "0" * 64}, str(folder), "amd64")


def of_the_release(url, folder):
    release.download(url, str(folder / "part"), "0" * 64, None, lambda seconds: None)


def of_a_program(url, folder):
    program.fetch(url, pause=lambda seconds: None)


def of_a_key(url, folder):
    states.load_state("mattermost_repositories")._fetched(url, None)


DOWNLOADS = {
    of_relenv: relenv_archive.RelenvError,
    of_the_release: ReleaseError,
    of_a_program: program.ProgramError,
    of_a_key: RepositoryError,
}


@pytest.mark.parametrize("download", DOWNLOADS, ids=lambda download: download.__name__)
def test_an_odd_answer_of_a_download_server_ends_in_a_sentence(download, url, tmp_path):
    with contextlib.suppress(DOWNLOADS[download]):
        download(url, tmp_path)
