"""Salt's own archive for hosts without a usable Python: fetched once, checked always."""

import functools
import hashlib
import http.server
import io
import os
import tarfile
import threading

import pytest
from mattermost_controller.hosts import relenv_archive


def archive(says, member="salt/salt-call"):
    """The bytes of an archive in the onedir's layout."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:xz") as tar:
        part = tarfile.TarInfo(member)
        part.size = len(says)
        tar.addfile(part, io.BytesIO(says))
    return made.getvalue()


FIRST, OTHER = archive(b"one"), archive(b"other")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "salt.tar.xz"
    path.write_bytes(FIRST)
    return path


@pytest.fixture
def url(source):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=source.parent)
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{source.name}"
    server.shutdown()
    server.server_close()


def bring(tmp_path, source, sha256=None, said=None):
    """sha256: None for that of the file itself, or of FIRST."""
    lines = said if said is not None else []
    if sha256 is None:
        path = str(source)
        sha256 = hashlib.sha256(content(path) if os.path.exists(path) else FIRST).hexdigest()
    path, found = relenv_archive.ensure(
        {"source": str(source), "sha256": sha256},
        str(tmp_path / "cache"),
        "amd64",
        lambda text, part: lines.append(text),
    )
    assert found == hashlib.sha256(content(path)).hexdigest()
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def test_a_file_lies_where_salt_looks(tmp_path, source):
    path = bring(tmp_path, source)
    assert path == str(tmp_path / "cache/relenv/linux/x86_64/salt-relenv.tar.xz")
    assert content(path) == FIRST


def test_a_url_is_fetched_once_with_a_line_of_progress(tmp_path, url, source):
    said = []
    bring(tmp_path, url, said=said)
    source.unlink()
    assert content(bring(tmp_path, url, said=said)) == FIRST
    assert len(said) == 1
    assert url in said[0]


def test_nothing_is_trusted_on_first_sight(tmp_path, url):
    with pytest.raises(relenv_archive.RelenvError, match=r"is not set.*mattermost:relenv:sha256"):
        bring(tmp_path, url, sha256="")
    assert not (tmp_path / "cache").exists()


def test_a_kept_archive_that_was_damaged_is_fetched_again_and_another_is_refused(tmp_path, url, source):
    path = bring(tmp_path, url)
    with open(path, "ab") as file:
        file.write(b"damaged")
    assert content(bring(tmp_path, url)) == FIRST
    with open(path, "ab") as file:
        file.write(b"damaged")
    source.write_bytes(OTHER)
    with pytest.raises(relenv_archive.RelenvError, match=r"not [0-9a-f]{64} \(mattermost:relenv:sha256"):
        bring(tmp_path, url)


def test_what_a_killed_run_left_is_removed(tmp_path, source):
    folder = tmp_path / "cache/relenv/linux/x86_64"
    folder.mkdir(parents=True)
    (folder / ".salt-relenv-killed").write_bytes(FIRST[:-40])
    bring(tmp_path, source)
    assert sorted(path.name for path in folder.iterdir()) == ["salt-relenv.tar.xz", "salt-relenv.tar.xz.json"]


def test_another_source_is_another_archive(tmp_path, source):
    bring(tmp_path, source)
    other = tmp_path / "other.tar.xz"
    other.write_bytes(OTHER)
    assert content(bring(tmp_path, other)) == OTHER


def test_a_given_checksum_is_kept(tmp_path, source):
    good = hashlib.sha256(FIRST).hexdigest()
    assert content(bring(tmp_path, source, good)) == FIRST
    with pytest.raises(relenv_archive.RelenvError, match=r"mattermost:relenv:sha256"):
        bring(tmp_path, source, "0" * 64)
    assert sorted(path.name for path in (tmp_path / "cache/relenv/linux/x86_64").iterdir()) == [
        "salt-relenv.tar.xz",
        "salt-relenv.tar.xz.json",
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [("http://127.0.0.1:9/x", "could not be downloaded"), ("/nowhere/x", "cannot be read on the controller")],
)
def test_what_is_not_there_is_told_with_what_to_do(tmp_path, name, words):
    with pytest.raises(relenv_archive.RelenvError, match=words) as caught:
        bring(tmp_path, name)
    assert "mattermost:relenv:source" in str(caught.value)


@pytest.mark.parametrize(
    "damaged",
    [b"<html>", FIRST[:-40], FIRST[:60] + b"x" + FIRST[61:], archive(b"x", "salt/other")],
    ids=["a page", "cut off", "a wrong byte", "of something else"],
)
def test_what_is_no_whole_archive_of_salt_never_takes_the_good_ones_place(tmp_path, source, damaged):
    path = bring(tmp_path, source)
    other = tmp_path / "other.tar.xz"
    other.write_bytes(damaged)
    with pytest.raises(relenv_archive.RelenvError, match=r"is damaged or contains no salt-call"):
        bring(tmp_path, other)
    assert content(path) == FIRST


def test_the_architecture_is_filled_in(tmp_path, source):
    (tmp_path / "salt-arm64").write_bytes(OTHER)
    settings = {"source": str(tmp_path / "salt-{arch}"), "sha256": hashlib.sha256(OTHER).hexdigest()}
    assert relenv_archive.ensure(settings, str(tmp_path / "cache"), "arm64")[0].endswith(
        "/linux/arm64/salt-relenv.tar.xz"
    )


@pytest.mark.parametrize(("arch", "machine"), [("amd64", "x86_64"), ("arm64", "aarch64")])
def test_salt_ssh_takes_the_checked_archive_and_fetches_none(tmp_path, source, arch, machine):
    cache = str(tmp_path / "cache")
    with pytest.raises(SystemExit, match="mattermost.ssl test=True"):
        relenv_archive.only_pinned(cache, "Linux", machine)
    path, _ = relenv_archive.ensure({"source": str(source), "sha256": hashlib.sha256(FIRST).hexdigest()}, cache, arch)
    assert relenv_archive.only_pinned(cache, "Linux", machine) == path
