"""Release archives: names, versions, checksums."""

import hashlib
import io

import pytest

from tests.lab import archives
from tests.lab.errors import LabError
from tests.scenarios.deployment import standins

OLD, NEW = (f"mattermost-team-{version}-linux-amd64.tar.gz" for version in ("9.11.2", "10.1.0"))


def test_the_version_is_read_from_the_name():
    assert archives.version_of(OLD) == "9.11.2"


@pytest.mark.parametrize(
    "name", ["mattermost-9.11.2-linux-amd64.tar.gz", "mattermost-team-9.11-linux-amd64.tar.gz", "x"]
)
def test_other_files_are_no_team_archives(name, tmp_path):
    (tmp_path / name).touch()
    with pytest.raises(LabError, match="not named like a Team Edition archive"):
        archives.admit(tmp_path / name, tmp_path / "archives")


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(LabError, match=f"{OLD} does not exist"):
        archives.admit(tmp_path / OLD, tmp_path)


def test_an_admitted_archive_is_served_with_its_checksum(tmp_path):
    (tmp_path / OLD).write_bytes(b"content")
    found = archives.admit(tmp_path / OLD, tmp_path / "archives")
    assert found.sha256 == hashlib.sha256(b"content").hexdigest()
    assert found.url == f"https://releases.lab.test/9.11.2/{OLD}"
    assert (tmp_path / "archives" / OLD).read_bytes() == b"content"


def test_an_archive_already_in_place_stays(tmp_path):
    (tmp_path / OLD).write_bytes(b"content")
    assert archives.admit(tmp_path / OLD, tmp_path).path.read_bytes() == b"content"


def test_a_new_file_of_the_same_name_replaces_the_old(tmp_path):
    for content in (b"one", b"two"):
        (tmp_path / OLD).write_bytes(content)
        archives.admit(tmp_path / OLD, tmp_path / "archives")
        (tmp_path / OLD).unlink()
    assert (tmp_path / "archives" / OLD).read_bytes() == b"two"


def test_versions_are_ordered_as_numbers(tmp_path):
    for name in (OLD, NEW, ".part"):
        (tmp_path / name).touch()
    assert [path.name for path in archives.available(tmp_path)] == [OLD, NEW]


SCHEMA = """
properties:
  release:
    properties:
      version: {default: 9.11.2}
      source: {default: 'https://vendor.example/{version}/mattermost-team-{version}-linux-{arch}.tar.gz'}
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose default release has the content ``official``; yields it and what was asked for."""
    home = tmp_path / "salt/mattermost"
    home.mkdir(parents=True)
    (home / "schema.yaml").write_text(SCHEMA)
    digest = hashlib.sha256(b"official").hexdigest()
    (home / "releases.yaml").write_text(f"amd64: {{9.11.2: {digest}}}\n")
    asked = []

    def answer(content):
        def urlopen(url, timeout):
            asked.append(url)
            if content is None:
                raise OSError("no route")
            return io.BytesIO(content)

        monkeypatch.setattr(archives.urllib.request, "urlopen", urlopen)

    return tmp_path, asked, answer


def test_the_official_archive_is_fetched_once(checkout, tmp_path):
    root, asked, answer = checkout
    answer(b"official")
    found = [archives.official(root, tmp_path) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0].path.read_bytes() == b"official"
    assert asked == [f"https://vendor.example/9.11.2/{OLD}"]


def test_an_unreachable_vendor_is_no_error(checkout, tmp_path):
    root, _, answer = checkout
    answer(None)
    assert archives.official(root, tmp_path) is None
    assert archives.available(tmp_path) == []


def test_an_official_archive_with_another_checksum_is_refused(checkout, tmp_path):
    root, _, answer = checkout
    answer(b"spoilt")
    with pytest.raises(LabError, match="checksum"):
        archives.official(root, tmp_path)
    assert archives.available(tmp_path) == []


def test_an_archive_that_a_person_tried_is_no_tests(tmp_path):
    for name in (OLD, NEW):
        (tmp_path / name).write_bytes(b"content")
    (tmp_path / f".{NEW}.stamp").touch()
    assert [found.version for found in standins(tmp_path)] == ["10.1.0"]
