"""A power cut after each change of a restore or a rotation, on a real file system that keeps only what was flushed: one side serves, whole."""

import itertools
import shutil

import pytest

from tests.attack.cutting import each_is_whole, empty
from tests.soak import in_check
from tests.unit.hostprogram import test_new_database_password as rotation
from tests.unit.hostprogram import test_restore as restore

# PostgreSQL flushes what it says is done, and with it all that the file system's log holds of others
PATCHES = {
    'sync) say "$*" >>"$HOST/flushed" ;;': 'sync) exec /bin/sync "$@" ;;',
    'changes "$told"': '/bin/sync "$HOST/databases" "$HOST"/databases/*; changes "$told"',
    "changes CREATE": '/bin/sync "$HOST/databases" "$HOST"/databases/*; changes CREATE',
    'say new >"$HOST/databases/$2"': 'say new >"$HOST/databases/$2"; /bin/sync "$HOST/databases/$2"',
}


def host_on(disk, without="", breaks=False):
    """Return a fresh host on the disk. without: a line of shell behind the program's functions. breaks: what is restored is not well."""
    folder = disk.place / "host"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    host = restore.made(folder)
    stub = restore.STUB
    for old, new in PATCHES.items():
        assert old in stub
        stub = stub.replace(old, new)
    for name in restore.NAMES.split():
        (host / "bin" / name).write_text(stub)
    if breaks:
        (host / "breaks").touch()
    program = host / "mattermost-restore"
    program.write_text(program.read_text().replace("# ---- the command", f"{without}\n# ---- the command"))
    disk.flush()
    return host


def boot(host):
    """What a boot does: nothing runs, /run is empty, mattermost-restore-back.service comes before the server."""
    for path in ("server", "kill-at", "count", "calls"):
        (host / path).unlink(missing_ok=True)
    empty(host / "run")
    own = host / "deploy/backup"
    if (own / "open").exists():
        (own / "closed").touch()
    assert restore.work(host, "back").returncode == 0
    (own / "open.new").unlink(missing_ok=True)  # not renamed yet, it means nothing
    if not (own / "closed").exists():
        (host / "server").write_text("up\n")


def whole(host):
    """Return which side serves after a boot; AssertionError and its like when that one is not whole."""
    boot(host)
    side = restore.databases(host)["mm"][0]
    restore.assert_whole(host, side)
    return side


def cuts(disk, without="", breaks=False, each=1):
    """Cut the power after every EACHth change of a restore; yield the call that was the last and the host as it came up."""
    for number in itertools.count(1, each):
        host = host_on(disk, without, breaks)
        if restore.work(host, "latest:overwrite", number).returncode != -9:
            return
        last = (host / "calls").read_text().splitlines()[-1].replace(str(host), "")
        disk.cut()
        yield last, host


SOAK = pytest.mark.soak("power-cut-restore")


@pytest.mark.parametrize("breaks", in_check([False, True], False), ids=["restore", "its-undo"])
@pytest.mark.parametrize("each", [pytest.param(4, marks=pytest.mark.exhaustive), pytest.param(1, marks=SOAK)])
def test_one_side_serves_whole_after_each_cut(disk, breaks, each):
    seen = each_is_whole(cuts(disk, breaks=breaks, each=each), whole)
    assert sum(seen.values()) > 15 / each, seen


ASIDE = """copy_file() {
    cp -p "$1" "$2.new" || return 1
    case $2 in "$replaced"/*) mv -f "$2.new" "$2" ;; *) publish "$2" ;; esac
}"""


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "without",
    ["flush() { :; }; sync() { :; }", pytest.param(ASIDE, marks=SOAK)],
    ids=["any-flush", "flush-of-what-is-put-aside"],
)
def test_the_control_unflushed_something_is_lost(disk, without):
    """So that the test above can fail: the same program with a flush less."""
    for _, host in cuts(disk, without):
        boot(host)
        try:
            restore.assert_whole(host, restore.databases(host)["mm"][0])
        except (AssertionError, OSError, IndexError, KeyError):
            return
    pytest.fail("nothing was lost: no power was cut")


ROTATION_SOAK = pytest.mark.soak("power-cut-rotation")
STEPS = ["psql-new", "mv-environment", "mv-database-password"]
OTHERS = ["sync-0", "sync-1", "systemctl-stop", "mattermost-switch-new"]
UNDO = ["psql-old", "mattermost-switch-old"]
CUTS = [
    *((step, "") for step in STEPS),
    *(pytest.param(step, "", marks=ROTATION_SOAK) for step in OTHERS),
    *(pytest.param(step, "mattermost-switch-new", marks=ROTATION_SOAK) for step in UNDO),
]


def rotated_on(disk, step, broken="", without=""):
    """Return a host on the disk whose rotation was cut after *step*, as it came up. broken: the step that fails before."""
    folder = disk.place / "host"
    folder.mkdir()
    host = rotation.made(folder)
    stub = rotation.STUB.replace(
        '[ "$step" != "$(cat "$HOST/broken")" ] || exit 1',
        '[ $name = psql ] && /bin/sync "$HOST/database"; [ $name != sync ] || /bin/sync "$1"\n[ "$step" != "$(cat "$HOST/broken")" ] || exit 1',
    )
    for name in ("systemctl", "psql", "mattermost-switch", "mv", "runuser", "sync"):
        (host / "bin" / name).write_text(stub)
    program = host / "program.sh"
    program.write_text(program.read_text().replace("\nread_settings\n", f"\n{without}\nread_settings\n"))
    (host / "broken").write_text(f"{broken}\n")
    disk.flush()
    (host / "kill-after").write_text(f"{step}\n")
    rotation.rotate(host, times=1)
    assert (host / "kill-after").read_text() == "", "it was not killed"
    disk.cut()
    for name in ("server", "kill-after", "flushed"):
        (host / name).unlink(missing_ok=True)
    (host / "server").write_text("stopped\n")
    (host / "broken").write_text("\n")
    empty(host / "run")
    assert rotation.work(host).returncode == 0
    if not (host / "deploy/rotate/closed").exists():
        (host / "server").write_text((host / "settings/environment").read_text())
    (host / "deploy/rotate/report").touch()
    return host


@pytest.mark.parametrize(("step", "broken"), CUTS)
def test_one_password_is_everywhere_after_each_cut_of_a_rotation(disk, step, broken):
    host = rotated_on(disk, step, broken)
    rotation.everywhere(host, (host / "database").read_text().strip())


def test_the_control_an_unflushed_rotation_is_lost(disk):
    """Tried again where nothing is lost: ``sync`` of any other program of the machine flushes this disk, too."""
    for _ in range(10):
        try:
            rotation.everywhere(rotated_on(disk, "mv-environment", without="flush() { :; }; sync() { :; }"), "old")
        except (AssertionError, OSError):
            return
        shutil.rmtree(disk.place / "host")
    pytest.fail("nothing was lost: no power was cut")
