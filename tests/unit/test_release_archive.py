"""An archive is fetched whole, and unpacked whole or not at all: against a small server and archives made here."""

import getpass
import hashlib
import http.server
import io
import os
import pathlib
import tarfile
import threading
import time

import mattermost_release_core as core
import mattermost_release_fetch as fetch
import mattermost_release_tree as tree
import pytest

from tests.unit import unpacking

SERVER = """#!/bin/sh
echo "Version: 11.7.100"
echo "Build Enterprise Ready: {enterprise}"
"""
# the release's own tool: writes the path into the page and the manifest, in place
MMCTL = b"""#!/bin/sh
[ "$1 $2 $3 $5" = "config subpath --path --assets-dir" ] || exit 9
grep -q '<p' "$6/root.html" || { echo "Error: no meta tag" >&2; exit 1; }
[ "$4" != /broken ] || { echo "Error: permission denied" >&2; : >"$6/root.html"; exit 1; }
echo "<p $4>" >"$6/root.html"
[ "$4" = / ] || echo "$4" >"$6/manifest.json"
"""
FILES = {
    "bin/mmctl": MMCTL,
    "client/manifest.json": b"{}",
    "config/config.json": b"{}",
    "client/root.html": b"<p>",
    "i18n/en.json": b"[]",
    "templates/a.html": b"",
    "MIT-COMPILED-LICENSE.md": b"MIT",
}


def archive(folder, extra=(), enterprise="false", root="mattermost", without=()):
    """Make a small release archive; returns its path."""
    files = {"bin/mattermost": SERVER.format(enterprise=enterprise).encode(), **FILES}
    path = folder / "release.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            if name in without:
                continue
            info = tarfile.TarInfo(f"{root}/{name}")
            info.size, info.mode, info.uid = len(content), 0o6777 if name.startswith("bin/") else 0o666, 1234
            tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info, io.BytesIO(b"x" * info.size))
    return path


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves ``content``; the first ``breaks`` answers end half-way, the first ``sick`` ones are 503; ``pause``: seconds after each 4 KiB."""

    content, breaks, sick, pause, ranges = b"", 0, 0, 0, []

    def do_GET(self):  # noqa: N802
        cls = type(self)
        if cls.sick:
            cls.sick -= 1
            self.send_error(503)
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        cls.ranges.append(start)
        if start > len(cls.content):
            self.send_error(416)
            return
        body = cls.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if cls.breaks:
            cls.breaks -= 1
            body = body[: len(body) // 2]
        for start in range(0, len(body) if self.pause else 0, 4096):
            self.wfile.write(body[start : start + 4096])
            time.sleep(self.pause)
        if not self.pause:
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror():
    handler = type("Handler", (Mirror,), {"content": os.urandom(300_000), "ranges": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    handler.url = f"http://127.0.0.1:{server.server_port}/a.tar.gz"
    handler.sum = hashlib.sha256(handler.content).hexdigest()
    yield handler
    server.shutdown()
    server.server_close()


def get(mirror, folder, checksum=None):
    return fetch.archive(mirror.url, "a.tar.gz", checksum or mirror.sum, str(folder), pause=lambda seconds: None)


def test_a_download_arrives_whole(mirror, tmp_path):
    path = get(mirror, tmp_path)
    assert pathlib.Path(path).read_bytes() == mirror.content
    assert os.listdir(tmp_path) == ["a.tar.gz"]


def test_a_broken_transfer_goes_on_where_it_ended(mirror, tmp_path):
    mirror.breaks = 2
    assert pathlib.Path(get(mirror, tmp_path)).read_bytes() == mirror.content
    assert mirror.ranges[0] == 0
    assert 0 < mirror.ranges[1] < mirror.ranges[2]


def test_a_part_of_something_else_is_fetched_again(mirror, tmp_path):
    (tmp_path / "a.tar.gz.part").write_bytes(b"stale" * 100)
    assert pathlib.Path(get(mirror, tmp_path)).read_bytes() == mirror.content


def test_a_part_longer_than_the_file_is_fetched_again(mirror, tmp_path):
    (tmp_path / "a.tar.gz.part").write_bytes(b"s" * 400_000)
    assert pathlib.Path(get(mirror, tmp_path)).read_bytes() == mirror.content


def test_a_busy_server_is_asked_again(mirror, tmp_path):
    mirror.sick = 2
    assert pathlib.Path(get(mirror, tmp_path)).read_bytes() == mirror.content


def test_a_server_that_stays_busy_is_given_up_with_its_words(mirror, tmp_path):
    mirror.sick = 99
    with pytest.raises(core.ReleaseError, match="could not be downloaded: the download server answers 503"):
        get(mirror, tmp_path)


def test_a_server_that_sends_too_slowly_is_given_up_with_that_reason(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "SLOW_SECONDS", 0.1)
    mirror.pause = 0.05
    with pytest.raises(
        core.ReleaseError, match="could not be downloaded: the download server sends too slowly, [0-9]+ KiB in 0 s"
    ):
        get(mirror, tmp_path)
    assert mirror.ranges[-1] > 0, "each try goes on where the one before ended"


def test_a_download_tells_how_far_it_is(mirror, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(fetch.mattermost_progress, "tell_part", lambda *words: told.append(words))
    get(mirror, tmp_path)
    assert (told[-2], told[-1]) == (("the archive", "100 % of 0 MiB"), ("the archive",))


def test_a_wrong_checksum_is_refused_and_nothing_stays(mirror, tmp_path):
    with pytest.raises(core.ReleaseError, match=r"SHA-256 of http.*The file was not opened"):
        get(mirror, tmp_path, "0" * 64)
    assert os.listdir(tmp_path) == []


def test_a_file_on_the_host_is_checked_too(tmp_path):
    path = tmp_path / "release.tar.gz"
    path.write_bytes(b"")
    with pytest.raises(core.ReleaseError, match="an empty file"):
        fetch.archive(f"file://{path}", "x", "0" * 64, str(tmp_path))
    assert path.exists()


def test_a_copy_from_the_controller_is_found_by_its_name(tmp_path):
    (tmp_path / "mine.tar.gz").write_bytes(b"abc")
    checksum = hashlib.sha256(b"abc").hexdigest()
    assert fetch.archive("/home/me/mine.tar.gz", "x", checksum, str(tmp_path)) == str(tmp_path / "mine.tar.gz")


@pytest.fixture
def install(tmp_path, monkeypatch):
    folder = tmp_path / "install"
    folder.mkdir()
    if os.geteuid():  # only root can run the version check as somebody else
        monkeypatch.setattr(tree, "_version_of", lambda *args: SERVER.split('"')[1] + "\nBuild Enterprise Ready: false")
    return folder


def unpack(path, install, site="/"):
    unpacking.unpack(str(path), str(install), "11.7.100", getpass.getuser(), site)


def page(install):
    return (install / "11.7.100/client/root.html").read_text()


def test_the_web_client_is_rewritten_by_the_releases_own_tool_before_it_is_moved_in(tmp_path, install):
    unpack(archive(tmp_path), install)
    assert page(install) == "<p />\n"
    assert tree.client_path(str(install), "11.7.100") == "/"


def test_another_path_of_the_site_rewrites_it_again(tmp_path, install):
    unpack(archive(tmp_path), install, "/chat")
    assert (page(install), tree.client_path(str(install), "11.7.100")) == ("<p /chat>\n", "/chat")
    before = (install / "11.7.100/client/root.html").stat().st_ino
    tree.rewrite_client(str(install / "11.7.100"), "/talk", str(install))
    assert (page(install), tree.client_path(str(install), "11.7.100")) == ("<p /talk>\n", "/talk")
    assert (install / "11.7.100/client/manifest.json").read_text() == "/talk\n"
    assert (install / "11.7.100/client/root.html").stat().st_ino != before, "a reader could see half of it"
    assert os.listdir(install) == ["11.7.100"]


def test_a_tool_that_fails_half_way_leaves_the_client_as_it_was(tmp_path, install):
    unpack(archive(tmp_path), install)
    with pytest.raises(core.ReleaseError, match="could not be set up for the path /broken: Error: permission denied"):
        tree.rewrite_client(str(install / "11.7.100"), "/broken", str(install))
    assert (page(install), tree.client_path(str(install), "11.7.100")) == ("<p />\n", "/")


def test_an_archive_with_an_empty_page_is_refused(tmp_path, install, monkeypatch):
    monkeypatch.setitem(FILES, "client/root.html", b"")
    with pytest.raises(core.ReleaseError, match=r"no web client: its client/root.html is empty"):
        unpack(archive(tmp_path), install)
    assert os.listdir(install) == []


def test_a_release_is_moved_in_whole_and_roots_alone(tmp_path, install):
    unpack(archive(tmp_path), install)
    assert os.listdir(install) == ["11.7.100"]
    assert tree.is_whole(str(install), "11.7.100")
    for path in (install / "11.7.100").rglob("*"):
        mode, wanted = path.stat().st_mode & 0o7777, 0o755 if path.is_dir() or path.parent.name == "bin" else 0o644
        assert mode == wanted, f"{path} is {mode:o}"
        assert path.stat().st_uid == os.geteuid()


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"root": "other"}, "everything in a Mattermost release is below mattermost/"),
        ({"without": ("bin/mattermost",)}, "does not contain mattermost/bin/mattermost"),
        ({"without": ("client/root.html",)}, "does not contain mattermost/client/root.html"),
        ({"enterprise": "true"}, "not the Team Edition"),
        ({"extra": [tarfile.TarInfo("mattermost/../../evil")]}, "outside its directory"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_bad_archive_leaves_nothing(tmp_path, install, made, says):
    if os.geteuid() and made.get("enterprise"):
        pytest.skip("needs root to run the archive's server")
    with pytest.raises(core.ReleaseError, match=says):
        unpack(archive(tmp_path, **made), install)
    assert os.listdir(install) == []
    assert not (tmp_path / "evil").exists()


def link(name, target):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def test_nothing_is_written_through_a_link(tmp_path, install):
    evil = tarfile.TarInfo("mattermost/out/evil")
    evil.size = 1
    with pytest.raises(core.ReleaseError, match="is below a symbolic link"):
        unpack(archive(tmp_path, extra=[link("mattermost/s", "."), link("mattermost/out", "s/.."), evil]), install)
    assert list(tmp_path.rglob("evil")) == []


def test_a_truncated_archive_is_no_archive(tmp_path, install):
    path = archive(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(core.ReleaseError, match="not a readable archive"):
        unpack(path, install)
    assert os.listdir(install) == []


def test_a_full_disk_is_told_before_unpacking(tmp_path, install, monkeypatch):
    monkeypatch.setattr(tree.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(core.ReleaseError, match=r"has 0 MiB free.*Free some space"):
        unpack(archive(tmp_path), install)


def test_what_a_killed_run_left_aside_is_swept(install):
    (install / ".unpack-xyz" / "mattermost").mkdir(parents=True)
    (install / "11.7.100").mkdir()
    tree.sweep(str(install))
    assert os.listdir(install) == ["11.7.100"]


def test_current_names_the_installed_version(install):
    assert tree.current(str(install)) is None
    (install / "current").symlink_to("11.7.100")
    assert tree.current(str(install)) == "11.7.100"
