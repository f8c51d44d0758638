"""A backup in which restic read something that is not the server's, and that cannot be removed: nobody restores it."""

import subprocess

import pytest

from tests.unit.hostprogram.conftest import EACH_SHELL, usable
from tests.unit.hostprogram.test_backup_files import folders, script

GOOD, BAD = "1a2b3c4d", "deadbeef"
# a repository of two backups, the newer one with a file of root's; what is asked of it is noted
RESTIC = r"""
restic() {
    printf '%s\n' "$*" >>"$own/asked"
    case $1 in
        snapshots)
            case $* in *run-*) printf '[{"tags":["mattermost","run-1-2"],"short_id":"BAD"}]\n' ;; *)
                printf '[{"time":"2026-01-01T00:00:00Z","short_id":"GOOD"},{"time":"2026-01-02T00:00:00Z","tags":["mattermost","run-1-2"],"short_id":"BAD"}]\n' ;;
            esac ;;
        ls) printf '{"path":"%s/data/race/shadow","uid":0,"struct_type":"node"}\n' "$state" ;;
        forget) [ ! -e "$own/may-remove" ] || echo "$3" >>"$own/removed" ;; # well in any case, as restic's
        list) for one in GOOD BAD; do grep -q "$one" "$own/removed" 2>/dev/null || echo "${one}00000000"; done ;;
    esac
}
id() { echo 33; }
snapshot=BAD name=chat run=run-1-2
""".replace("GOOD", GOOD).replace("BAD", BAD)


@pytest.fixture(params=EACH_SHELL, ids=lambda shell: shell[0])
def run(request, tmp_path):
    shell = request.param
    usable(shell)
    variables = folders(tmp_path) | {
        "user": "daemon",
        "repository": "/r",
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
    run.scratch = tmp_path / "scratch"
    return run


def test_what_cannot_be_removed_is_passed_over(run):
    done = run("backup", "refuse_foreign")
    assert done.returncode == 4
    assert "could not be removed" in done.stderr
    found = run("restore", 'find_snapshot latest; say "$snapshot"')
    assert found.stdout.split() == [GOOD], found.stderr
    assert f"Backup {BAD} is skipped" in found.stderr


def test_it_is_not_taken_by_its_number_either(run):
    run("backup", "refuse_foreign")
    listed = f'restic() {{ echo \'[{{"time":"2026-01-02T00:00:00Z","short_id":"{BAD}"}}]\'; }}; find_snapshot {BAD}'
    done = run("restore", listed)
    assert done.returncode == 2
    assert f"The backup {BAD} may contain files that are not the server's. Restore another backup" in done.stderr


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
    assert "was removed" in run("backup", "reject $run; refuse_foreign").stderr
    assert next(run.own.glob("rejected-*")).read_text() == ""
    sound = run("backup", "restic() { :; }; refuse_foreign")
    assert sound.returncode == 0, sound.stderr
    assert run("restore", 'find_snapshot latest; say "$snapshot"').stdout.split() == [BAD]


def test_one_that_nobody_looked_at_is_passed_over(run):
    """The run was cut in between."""
    run("backup", 'restic() { [ "$1" = ls ] && kill -9 $$; }; refuse_foreign')
    assert run("restore", 'find_snapshot latest; say "$snapshot"').stdout.split() == [GOOD]


@pytest.mark.parametrize("file", ["foreign", "after"])
def test_one_that_a_full_disk_kept_from_being_judged_is_passed_over(run, file):
    (run.scratch / file).symlink_to("/dev/full")
    assert run("backup", "refuse_foreign").returncode == 4
    assert run("restore", 'find_snapshot latest; say "$snapshot"').stdout.split() == [GOOD]


def test_one_that_is_not_compared_is_not_sound(run):
    done = run("backup", "comm() { rm -f $scratch/others; }; refuse_foreign")
    assert (done.returncode, "could not be compared" in done.stderr) == (4, True)


def test_one_that_cannot_be_noted_is_removed(run):
    (run.own / "may-remove").touch()
    done = run("backup", "publish() { return 1; }; refuse_foreign")
    assert (done.returncode, "cannot be written" in done.stderr) == (4, True)
    assert BAD in (run.own / "removed").read_text()


def test_a_full_disk_loses_no_note(run):
    run("backup", "refuse_foreign")
    note = next(run.own.glob("rejected-*"))
    note.with_name(f"{note.name}.new").symlink_to("/dev/full")
    done = run("backup", f"reject {GOOD} || accept {GOOD} || echo not noted")
    assert done.stdout == "not noted\n"
    assert run("restore", 'find_snapshot latest; say "$snapshot"').stdout.split() == [GOOD]


def test_a_sound_one_is_not_called_bad(run):
    """Its note cannot be taken away: this is what the run says, and no more."""
    done = run("backup", "accept() { return 1; }; restic() { :; }; refuse_foreign")
    assert (done.returncode, "cannot be written" in done.stderr, "never" in done.stderr) == (4, True, False)


def test_a_backup_whose_number_is_not_known_is_no_success(run):
    """Its summary did not fit on the disk."""
    done = run("backup", "certificates= settings=/s; store_backup")
    assert done.returncode == 4
    assert "restic did not say which backup it wrote" in done.stderr


def test_another_repository_has_its_own_notes(run):
    run("backup", "refuse_foreign")
    done = run("backup", "repository=/other; forget_rejected; check_and_prune")
    assert done.returncode == 0, done.stderr
    assert BAD in run("backup", "snapshot=x; check_and_prune").stderr


def test_no_earlier_one_goes_before_the_new_one_is_judged(run):
    steps = "take_turn open_repository list_files check_room refuse_unreadable dump_database refuse_incomplete write_manifest begin_repository"
    stubs = f'for step in {steps}; do eval "$step() {{ first=; }}"; done; readlink() {{ :; }}'
    text = f"staging=$own/staging install=/i; reject {BAD}; store_backup() {{ give_up failed 'It is full.' ''; }}; work"
    done = run("backup", f"{stubs}\n{text}")
    assert "It is full." in done.stderr
    assert not (run.own / "asked").exists()


def test_one_whose_run_was_cut_before_its_number_was_known_is_passed_over_and_removed(run):
    (run.own / "may-remove").touch()
    cut = "date() { echo 1; }; restic() { kill -9 $$; }; certificates= settings=/s"
    run("backup", cut + "; store_backup")
    note = next(run.own.glob("rejected-*"))
    assert note.read_text().startswith("run-1-")
    note.write_text("run-1-2\n")
    assert run("restore", 'find_snapshot latest; say "$snapshot"').stdout.split() == [GOOD]
    assert run("backup", "forget_rejected").returncode == 0
    assert (run.own / "removed").read_text().split() == [BAD]
    assert note.read_text() == ""


@pytest.mark.parametrize(("status", "kept"), [(1, False), (12, False), (137, True)])
def test_a_run_that_wrote_nothing_leaves_no_note(run, status, kept):
    done = run("backup", f"restic() {{ return {status}; }}; certificates= settings=/s; store_backup")
    assert (done.returncode, "could not write" in done.stderr) == (4, True)
    assert (next(run.own.glob("rejected-*")).read_text() != "") == kept
