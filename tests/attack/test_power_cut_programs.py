"""A power cut after each change of a switch, of going back, of an upgrade of PostgreSQL and of an import in place: one side serves, whole."""

import pytest

from tests.attack.cutting import Cutter, each_is_whole, empty
from tests.unit.hostprogram import test_aside as aside
from tests.unit.hostprogram import test_postgresql as postgresql
from tests.unit.hostprogram.conftest import SHELLS
from tests.unit.hostprogram.host import NEW, OLD, Host

keeper = postgresql.keeper  # the fixture
# XFS more thinly: what it keeps of what nobody flushed differs, the programs do not
KINDS = pytest.mark.parametrize(("disk", "each"), [("ext4", 1), ("xfs", 4)], indirect=["disk"], ids=["ext4", "xfs"])


def words(journal):
    """The first words of a journal as it lay on disk."""
    return [line.split()[0] for line in journal.read_text().splitlines()] if journal.exists() else []


def must_stay(records):
    """Whether people may have posted to the new side when a journal with these records was cut: it is not undone then."""
    return "serving" in records and "undo" not in records


# -- mattermost-switch

NOT_WELL = "wrong-version"
WORLD = {"active": "inactive", "pid": "100", "log": "", "free_kib": "1000000000", "size_kib": "1000"}


def before_an_upgrade(folder, fault=""):
    host = Host(folder, SHELLS[0])
    (folder / "bin/sync").unlink()
    host.deployed().set(**{"rows/mattermost": "m1"})
    host.fault(NEW, fault)
    return host


def asked(*request):
    """Return what has a host do *request*."""

    def begin(host):
        host.set(**{"run/request": f"20260101000000 {' '.join(request)}"})
        return [*host.command, "work"], host.environment

    return begin


def boot(host):
    """What a boot does: mattermost-switch.service first, again until it ends well, then the server. Returns which version serves, whole."""
    records = words(host.journal)
    empty(host.folder / "run")
    for path in host.folder.glob("run.*"):
        path.unlink()
    host.set(**WORLD)
    assert any(host.run("work").returncode == 0 for _ in range(6))
    assert not host.journal.exists()
    if host.get("active") != "active":
        host.set(active="active")  # systemd starts the server itself
    assert not (host.folder / "run.closed").exists(), "the site stays closed"
    side = host.current
    assert host.databases["mattermost"] == side, "the database is another version's"
    rows = [host.get(f"rows/{name}").split() for name in host.databases if (host.folder / "rows" / name).exists()]
    if must_stay(records):
        assert side == host.newer, records
    elif records and "healthy" not in records:
        assert side == host.older, records
    assert set().union(*map(set, rows)) == host.messages, "messages are gone"
    return side


def upgraded(host):
    host.older, host.newer, host.messages = OLD, NEW, {"m1"}
    side = boot(host)
    if side == OLD:
        host.assert_old()
    else:
        assert [name for name in host.kept if "_before_" in name], "the copy is gone"
    return side


SWITCH = pytest.mark.soak("power-cut-switch")


@SWITCH
@KINDS
@pytest.mark.parametrize(("fault", "sides"), [("", {OLD, NEW}), (NOT_WELL, {OLD})], ids=["upgrade", "its-undo"])
def test_an_upgrade(disk, each, tmp_path, fault, sides):
    cutter = Cutter(disk, tmp_path / "cut", ["databases", "rows"])
    seen = each_is_whole(cutter.cuts(lambda folder: before_an_upgrade(folder, fault), asked("to", NEW), each), upgraded)
    assert each > 1 or set(seen) == sides
    assert sum(seen.values()) > 30 / each


def after_an_upgrade(folder, fault=""):
    host = Host(folder, SHELLS[0])
    (folder / "bin/sync").unlink()
    host.upgraded()
    host.fault(OLD, fault)
    return host


def went_back(host):
    host.older, host.newer, host.messages = NEW, OLD, {"m1", "m2", "m3"}
    side = boot(host)
    expected = {"A=new", "A=old"} if side == OLD else {"A=new"}
    assert host.get("settings/environment").split()[0] in expected
    return side


@SWITCH
@KINDS
@pytest.mark.parametrize("way", ["down", "copy"])
@pytest.mark.parametrize(("fault", "sides"), [("", {OLD, NEW}), (NOT_WELL, {NEW})], ids=["done", "its-undo"])
def test_going_back(disk, each, tmp_path, way, fault, sides):
    cutter = Cutter(disk, tmp_path / "cut", ["databases", "rows"])
    seen = each_is_whole(
        cutter.cuts(lambda folder: after_an_upgrade(folder, fault), asked("back", way), each), went_back
    )
    assert each > 1 or set(seen) == sides
    assert sum(seen.values()) > 30 / each


@SWITCH
def test_the_control_an_unflushed_switch_is_lost(disk, tmp_path):
    def without(folder):
        host = before_an_upgrade(folder)
        program = folder / "mattermost-switch"
        text = program.read_text().replace("# ---- the command", "flush() { :; }; sync() { :; }\n# ---- the command")
        assert "flush() { :; }" in text
        program.write_text(text)
        return host

    cutter = Cutter(disk, tmp_path / "cut", ["databases", "rows"])
    with pytest.raises(AssertionError, match="after: "):
        each_is_whole(cutter.cuts(without, asked("to", NEW)), upgraded)


# -- mattermost-postgresql


def new_major(host):
    records = words(host / "deploy/postgresql/journal")
    empty(host / "run")
    (host / "server").unlink(missing_ok=True)
    for side in ("old", "new"):
        postmaster = host / side / "postmaster.pid"
        postmaster.unlink(missing_ok=True)
        if (host / f"{side}-etc/start.conf").read_text() == "auto\n":
            postmaster.write_text((host / "keeper").read_text())
    if records:
        postgresql.work(host)
    found = postgresql.state_of(host)
    left = set(found["open"]) - ({"next"} if not records else set())
    assert left == set(), f"{left} stays"
    side = "new" if found["new"] else "old"
    assert found["old"] != found["new"], found
    assert found["at boot"][0] == ("auto" if side == "old" else "disabled"), found
    assert (found["unit"], found["settings"]) == (f"After={side}-unit", f"after={side}-unit")
    assert (host / side / "rows").read_text() == "posts 5 12345\n"
    assert (host / "old/rows").read_text() == "posts 5 12345\n", "the old cluster is not whole"
    if must_stay(records):
        assert side == "new", records
    elif records and "healthy" not in records:
        assert side == "old", records
    return side


@pytest.mark.soak("power-cut-postgresql")
@KINDS
@pytest.mark.parametrize("is_broken", [False, True], ids=["upgrade", "its-undo"])
def test_an_upgrade_of_postgresql(disk, each, tmp_path, keeper, is_broken):
    def made(folder):
        host = postgresql.made(folder, keeper)
        (host / "bin/sync").unlink()
        postgresql.request(host)
        if is_broken:
            (host / "loses-a-row").touch()
        return host

    def begin(host):
        return ["sh", str(host / "mattermost-postgresql"), "work"], postgresql.environment(host)

    seen = each_is_whole(Cutter(disk, tmp_path / "cut", ["old", "new"]).cuts(made, begin, each), new_major)
    assert each > 1 or set(seen) == ({"old"} if is_broken else {"old", "new"})
    assert sum(seen.values()) > 30 / each


# -- mattermost-aside, of an import in place


def before_an_import(folder):
    world = aside.World(folder, SHELLS[0])
    (folder / "opt/mattermost.coming/1.2.3").mkdir(parents=True)
    return world


def brought(world):
    """What a boot does with a host that was cut in an import: the previous installation is whole, or was left for good."""
    empty(world.folder / "run")
    for path in (world.folder / "proc").glob("77/exe"):
        path.unlink()
    assert world.run("work").returncode == 0
    assert not world.has("work/aside/journal")
    if world.has("work/aside/kept"):
        assert not world.has("units/mattermost.service.d/mattermost-aside.conf")
        assert world.has("opt/mattermost.before-import/bin/mattermost")
        return "ours"
    assert world.census() == world.before
    return "previous"


def put(world):
    return [*world.command, "put", str(world.folder / "opt/mattermost")], world.environment


def back(world):
    assert world.put().returncode == 0
    world.ours_comes()
    return [*world.command, "work"], world.environment


def keep(world):
    assert world.put().returncode == 0
    world.ours_comes()
    return [*world.command, "keep"], world.environment


@pytest.mark.soak("power-cut-import")
@KINDS
@pytest.mark.parametrize(("begin", "sides"), [(put, {"previous"}), (back, {"previous"}), (keep, {"previous", "ours"})])
def test_an_import_in_place(disk, each, tmp_path, begin, sides):
    def ready(world):
        command, environment = begin(world)
        disk.flush()
        return command, environment

    seen = each_is_whole(Cutter(disk, tmp_path / "cut").cuts(before_an_import, ready, each), brought)
    assert set(seen) <= sides
    assert sum(seen.values()) > 5 / each
