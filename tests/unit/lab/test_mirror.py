"""The release mirror: what it serves, ranges, faults."""

import http.client
import threading

import pytest

from tests.lab import mirror
from tests.lab.plan import RELEASES_NAME, VENDOR_RELEASES_NAME

NAME = "mattermost-team-1.2.3-linux-amd64.tar.gz"
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def places(tmp_path):
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / NAME).write_bytes(CONTENT)
    (tmp_path / "sites/other.example.test/a").mkdir(parents=True)
    (tmp_path / "sites/other.example.test/a/b.txt").write_text("b")
    return tmp_path


@pytest.mark.parametrize("host", [RELEASES_NAME, VENDOR_RELEASES_NAME])
def test_an_archive_is_offered_under_its_version(places, host):
    assert mirror.locate(host, f"/1.2.3/{NAME}", places / "archives", places / "sites") == places / "archives" / NAME


def test_another_name_has_its_own_files(places):
    found = mirror.locate("other.example.test", "/a/b.txt", places / "archives", places / "sites")
    assert found.read_text() == "b"


@pytest.mark.parametrize("path", [f"/1.2.4/{NAME}", f"/{NAME}", "/", "/1.2.3/", f"/1.2.3/../1.2.3/{NAME}"])
def test_anything_else_is_not_there(places, path):
    assert mirror.locate(RELEASES_NAME, path, places / "archives", places / "sites") is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-9", (0, 9)),
        ("bytes=90-", (90, 99)),
        ("bytes=-10", (90, 99)),
        ("bytes=90-400", (90, 99)),
        ("bytes=100-", False),
        ("lines=1-2", None),
    ],
)
def test_a_range_is_understood(header, expected):
    assert mirror.byte_range(header, 100) == expected


def test_an_empty_file_satisfies_no_range():
    assert mirror.byte_range("bytes=0-", 0) is False


@pytest.fixture
def server(places, monkeypatch):
    """The mirror on loopback, without TLS; yields ``(its switch, a get function)``."""
    switch = mirror.Mirror(places / "faults.json", places / "log")
    attributes = {"archives": places / "archives", "sites": places / "sites", "faults": switch.faults, "used": {}}
    handler = type("Handler", (mirror.Handler,), attributes)
    running = mirror.http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()

    def get(path=f"/1.2.3/{NAME}", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", running.server_port, timeout=10)
        connection.request("GET", path, headers={"Host": RELEASES_NAME, **headers})
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        except http.client.IncompleteRead as error:
            return answer.status, error.partial
        finally:
            connection.close()

    yield switch, get
    running.shutdown()
    running.server_close()


def test_the_whole_file_is_served(server):
    _, get = server
    assert get() == (200, CONTENT)


def test_a_download_can_be_resumed(server):
    _, get = server
    assert get(Range="bytes=1000-") == (206, CONTENT[1000:])


def test_a_resume_beyond_the_end_is_refused(server):
    _, get = server
    assert get(Range=f"bytes={len(CONTENT)}-")[0] == 416


def test_a_status_fault_strikes_as_often_as_told(server):
    switch, get = server
    switch.fault("status", 503, times=2)
    assert [get()[0] for _ in range(3)] == [503, 503, 200]


def test_a_fault_strikes_only_its_path(server):
    switch, get = server
    switch.fault("status", 404, path="/1.2.3/other")
    assert get()[0] == 200


def test_a_short_body_ends_early_and_resumes(server):
    switch, get = server
    switch.fault("short", 1000, times=1)
    status, start = get()
    assert (status, start) == (200, CONTENT[:1000])
    assert start + get(Range="bytes=1000-")[1] == CONTENT


def test_wrong_bytes_have_the_right_length(server):
    switch, get = server
    switch.fault("wrong")
    _, body = get()
    assert len(body) == len(CONTENT)
    assert body != CONTENT


def test_a_slow_answer_is_complete(server):
    switch, get = server
    switch.fault("slow", 200_000)
    assert get() == (200, CONTENT)


def test_healing_ends_all_faults(server):
    switch, get = server
    switch.fault("status", 404)
    assert get()[0] == 404
    switch.heal()
    assert get()[0] == 200


def test_an_unknown_fault_is_refused(server):
    with pytest.raises(ValueError, match="no fault of the mirror"):
        server[0].fault("sow")
