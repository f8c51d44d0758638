"""A program that no package brings: only the known file, whole, once; the administrator's own stays."""

import bz2
import functools
import hashlib
import http.server
import os
import threading

import mattermost_program_core as core
import pytest

from tests.states import load_state

PROGRAM = b"#!/bin/sh\necho it works\n"
PACKED = bz2.compress(PROGRAM)
SHA256 = hashlib.sha256(PACKED).hexdigest()


@pytest.fixture
def url(tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www/restic.bz2").write_bytes(PACKED)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "www")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/restic.bz2"
    server.shutdown()
    server.server_close()


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "bin/restic")


def placed(path, url, sha256=SHA256, test=False):
    state = load_state("mattermost_program")
    state.__opts__ = {"test": test}
    return state.installed(path, url, sha256, setting="platform:backup:program")


def content(path):
    with open(path, "rb") as file:
        return file.read()


def test_it_is_fetched_once(path, url):
    first = placed(path, url)
    assert first["result"] is True, first
    assert content(path) == PROGRAM
    assert os.stat(path).st_mode & 0o777 == 0o755
    again = placed(path, "http://127.0.0.1:9/gone")
    assert (again["result"], again["changes"]) == (True, {})


def test_where_a_package_has_it_nothing_is_done(path):
    assert placed(path, "")["changes"] == {}
    assert not os.path.exists(path)


def test_another_checksum_is_not_opened(path, url):
    refused = placed(path, url, "0" * 64)
    assert refused["result"] is False
    assert "mattermost:platform:backup:program:source" in refused["comment"]
    assert not os.path.exists(path)


def test_what_cannot_be_fetched_is_told(path, url):
    refused = placed(path, url.replace("restic", "none"))
    assert refused["result"] is False
    assert "HTTP 404" in refused["comment"]


def test_a_newer_one_takes_the_place_of_ours(tmp_path, path, url):
    placed(path, url)
    newer = bz2.compress(b"newer")
    (tmp_path / "www/restic.bz2").write_bytes(newer)
    assert placed(path, url, hashlib.sha256(newer).hexdigest())["changes"]
    assert content(path) == b"newer"


@pytest.mark.parametrize("ours_before", [False, True])
def test_the_administrators_own_stays(path, url, ours_before):
    if ours_before:
        placed(path, url)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"my own")
    kept = placed(path, url)
    assert (kept["result"], kept["changes"]) == (True, {})
    assert content(path) == b"my own"


def test_a_dry_run_fetches_nothing(path, url):
    assert placed(path, url, test=True)["result"] is None
    assert not os.path.exists(path)


def test_a_broken_transfer_is_tried_again(url):
    pauses = []
    with pytest.raises(core.ProgramError, match="could not be downloaded"):
        core.fetch("http://127.0.0.1:9/x", pause=pauses.append)
    assert pauses == [1, 2, 3]
