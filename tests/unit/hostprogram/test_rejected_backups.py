"""A backup in which restic read something that is not the server's, and that cannot be removed: nobody restores it."""

import subprocess

import pytest

from tests.unit.hostprogram.conftest import SHELLS, usable
from tests.unit.hostprogram.test_backup_files import folders, script

GOOD, BAD = "1a2b3c4d", "deadbeef"
# a repository of two backups, the newer one with a file of root's; what is asked of it is noted
RESTIC = r"""
restic() {
    printf '%s\n' "$*" >>"$own/asked"
    case $1 in
        snapshots) printf '[{"time":"2026-01-01T00:00:00Z","short_id":"GOOD"},{"time":"2026-01-02T00:00:00Z","short_id":"BAD"}]\n' ;;
        ls) printf '{"path":"%s/data/race/shadow","uid":0,"struct_type":"node"}\n' "$state" ;;
        forget) [ -e "$own/may-remove" ] ;;
    esac
}
id() { echo 33; }
snapshot=BAD name=chat
""".replace("GOOD", GOOD).replace("BAD", BAD)


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def run(request, tmp_path):
    shell = request.param
    usable(shell)
    variables = folders(tmp_path) | {
        "user": "daemon",
        "shown_repository": "/r",
        "prune": "",
        "staging": "/s",
    }
    variables |= dict.fromkeys(("keep_daily", "keep_weekly", "keep_monthly"), "1")
    for part in ("plugins", "client-plugins"):
        (tmp_path / "state" / part).mkdir()
    for file in ("before", "error"):
        (tmp_path / "scratch" / file).touch()

    def run(program, lines):
        text = script(f"mattermost-{program}", f"{RESTIC}\n{lines}", **variables)
        return subprocess.run([*shell, "-c", text], capture_output=True, text=True, timeout=60)

    run.own = tmp_path / "own"
    return run


def test_what_cannot_be_removed_is_passed_over(run):
    done = run("backup", "refuse_foreign")
    assert done.returncode == 4
    assert "could not be removed" in done.stderr
    found = run("restore", 'find_snapshot latest; say "$snapshot"')
    assert found.stdout.split() == [GOOD], found.stderr
    assert f"The backup {BAD} " in found.stderr


def test_it_is_not_taken_by_its_number_either(run):
    run("backup", "refuse_foreign")
    listed = f'restic() {{ echo \'[{{"time":"2026-01-02T00:00:00Z","short_id":"{BAD}"}}]\'; }}; find_snapshot {BAD}'
    assert run("restore", listed).returncode == 2


def test_no_other_makes_room_for_it(run):
    """It would be the one that is kept of its day."""
    run("backup", "refuse_foreign")
    done = run("backup", f"snapshot={GOOD}; check_and_prune")
    assert done.returncode == 4
    assert BAD in done.stderr
    assert "--prune" not in (run.own / "asked").read_text()


def test_the_next_backup_removes_it(run):
    run("backup", "refuse_foreign")
    assert run("backup", "forget_rejected").returncode == 0
    assert run("restore", 'find_snapshot latest; say "$snapshot"').stdout.split() == [GOOD]
    (run.own / "may-remove").touch()
    done = run("backup", f"forget_rejected; snapshot={GOOD}; check_and_prune")
    assert done.returncode == 0, done.stderr
    assert f"forget -q {BAD}" in (run.own / "asked").read_text()


def test_one_that_is_removed_or_sound_is_not_remembered(run):
    (run.own / "may-remove").touch()
    assert "was removed" in run("backup", "refuse_foreign").stderr
    sound = run("backup", "restic() { :; }; refuse_foreign")
    assert sound.returncode == 0, sound.stderr
    assert run("restore", 'find_snapshot latest; say "$snapshot"').stdout.split() == [BAD]


def test_one_that_nobody_looked_at_is_passed_over(run):
    """The run was cut in between."""
    run("backup", 'restic() { [ "$1" = ls ] && kill -9 $$; }; refuse_foreign')
    assert run("restore", 'find_snapshot latest; say "$snapshot"').stdout.split() == [GOOD]
