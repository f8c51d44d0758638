"""The archive that is fetched while packages are installed: joined by the state that unpacks it, which alone says why it failed."""

import threading

import pytest

from tests.states import load_state

SUM = "a" * 64
RELEASE = {
    "version": "11.7.10",
    "pinned": True,
    "arch": "amd64",
    "edition": "team",
    "known_by": "sum",
    "line": "11.7",
    "sha256": SUM,
    "source": "https://releases.example.test/a.tar.gz",
}


class World:
    """A host with nothing but a folder, a server that answers when it is let, and what was unpacked."""

    def __init__(self, folder, monkeypatch):
        self.install, self.work = str(folder), str(folder / "work")
        self.fetched, self.laid_out, self.unpacked, self.serve = [], [], [], threading.Event()
        self.fails = self.full = ""
        self.state = load_state("mattermost_release")
        self.state.__lowstate__ = [
            {"state": "mattermost_release", "fun": fun, "name": self.install} for fun in ("begun", "unpacked")
        ]
        monkeypatch.setattr(self.state.fetch, "archive", self.archive)
        monkeypatch.setattr(self.state.core, "check_glibc", lambda *words: None)
        monkeypatch.setattr(self.state.tree, "lay_out", self.lay_out)
        monkeypatch.setattr(self.state.tree, "move_in", lambda aside, *words: self.unpacked.append(aside))

    def archive(self, *words):
        self.fetched.append(words[:3])
        self.serve.wait(20)
        if self.fails:
            raise self.state.ReleaseError(self.fails)
        return "/archive"

    def lay_out(self, archive, *words):
        self.laid_out.append(archive)
        if self.full:
            raise self.state.ReleaseError(self.full)
        return f"{archive} aside"

    def begin(self, **release):
        return self.state.begun(self.install, {**RELEASE, **release}, self.work)

    def unpack(self, **release):
        return self.state.unpacked(self.install, {**RELEASE, **release}, self.work, "nobody")


@pytest.fixture
def world(tmp_path, monkeypatch):
    yield (made := World(tmp_path, monkeypatch))
    made.serve.set()


def test_a_download_goes_on_beside_what_comes_next_and_is_waited_for(world):
    begun = world.begin()  # returns although nothing has arrived
    assert (begun["result"], begun["changes"], world.unpacked) == (True, {}, [])
    threading.Timer(0.2, world.serve.set).start()
    assert world.unpack()["result"] is True
    assert (len(world.fetched), world.unpacked) == (1, ["/archive aside"])


def test_a_download_that_fails_is_told_by_the_state_that_needs_it(world):
    world.fails = "it could not be downloaded"
    world.serve.set()
    assert world.begin()["result"] is True
    assert (world.unpack()["result"], world.unpack()["comment"]) == (False, "it could not be downloaded")
    assert len(world.fetched) == 2, "the second try fetches by itself"


def test_the_archive_is_laid_out_beside_what_comes_next(world):
    world.serve.set()
    world.begin()
    world.state.__context__[world.state.BEGUN][1].result(20)
    assert (world.laid_out, world.unpacked) == (["/archive"], [])
    world.unpack()
    assert (world.laid_out, world.unpacked) == (["/archive"], ["/archive aside"])


@pytest.mark.parametrize("unpacked", [[], ["/opt/mattermost.coming"]])
def test_a_run_that_does_not_unpack_there_fetches_the_archive_alone(world, tmp_path, unpacked):
    world.serve.set()
    (tmp_path / ".unpack-of-another").mkdir()
    world.state.__lowstate__[1:] = [world.state.__lowstate__[1] | {"name": each} for each in unpacked]
    world.begin()
    world.state.__context__[world.state.BEGUN][1].result(20)
    assert (len(world.fetched), world.laid_out) == (1, [])
    assert (tmp_path / ".unpack-of-another").exists(), "the folder may be another server's"
    world.unpack()
    assert (len(world.fetched), world.unpacked) == (1, ["/archive aside"])


def test_a_full_disk_is_told_by_the_state_that_needs_the_release(world):
    world.full = "No space left on device"
    world.serve.set()
    assert world.begin()["result"] is True
    assert (world.unpack()["result"], world.unpack()["comment"]) == (False, "No space left on device")
    world.full = ""
    assert world.unpack()["result"] is True


def test_what_a_run_left_aside_that_was_killed_goes_before_the_next_is_laid_out(world, tmp_path):
    (tmp_path / ".unpack-old").mkdir()
    world.begin()
    assert not (tmp_path / ".unpack-old").exists()


def test_what_was_begun_of_another_release_is_not_taken(world):
    world.serve.set()
    world.begin()
    world.unpack(version="11.7.11", sha256="b" * 64)
    assert [words[2] for words in world.fetched] == [SUM, "b" * 64]


def test_without_a_begun_download_the_archive_is_fetched_then(world):
    world.serve.set()
    assert world.unpack()["result"] is True
    assert world.unpacked == ["/archive aside"]


@pytest.mark.parametrize(
    "release",
    [
        {"source": "/srv/a.tar.gz"},
        {"source": "file:///srv/a.tar.gz"},
        {"sha256": ""},
        {"known_by": ""},
        {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    ],
    ids=["on the controller", "on the host", "signed", "unknown", "the sum of nothing"],
)
def test_nothing_is_begun_that_no_server_has_or_nothing_proves(world, release):
    assert world.begin(**release)["result"] is True
    assert world.fetched == []


def test_nothing_is_begun_in_a_dry_run_nor_before_the_authorities_are_known(world):
    world.state.__opts__["test"] = True
    world.begin()
    world.state.__opts__["test"] = False
    world.state.begun(world.install, RELEASE, world.work, "/nowhere/authorities.pem")
    assert world.fetched == []


def test_nothing_is_begun_for_a_release_that_is_there(world, tmp_path):
    server = tmp_path / "11.7.10/bin/mattermost"
    server.parent.mkdir(parents=True)
    server.write_text("")
    server.chmod(0o755)
    world.begin()
    assert world.fetched == []
