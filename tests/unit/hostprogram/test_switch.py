"""The host program under each shell that a host may have, with a small world in place of systemd, PostgreSQL and the server."""

import re
import shutil

import pytest

from tests.soak import in_check
from tests.unit.hostprogram.host import NEW, OLD

FORWARD = ["begin", "stopped", "copying", "copied", "switched", "started"]
UNDO = ["undo", "database-back", "config-back", "version-back"]


def test_each_shell_deploys_upgrades_and_undoes(host_of_each_shell):
    host = host_of_each_shell
    assert host.run("to", OLD).returncode == 0
    host.fault(NEW, "wrong-version")
    host.set(kill_after="undo")
    done = host.run("to", NEW)
    assert done.returncode == 3, done.stdout + done.stderr
    host.assert_old()
    host.fault(NEW, "")
    done = host.run("to", NEW)
    assert done.returncode == 0, done.stdout + done.stderr
    host.assert_new()


def test_a_first_deploy_is_an_upgrade_from_nothing(host):
    assert host.run("to", OLD).returncode == 0
    assert host.current == OLD
    assert host.get("active") == "active"
    assert list(host.databases) == ["mattermost"], "a first deploy has nothing to copy"
    assert host.report()["result"] == "done"


def test_an_upgrade_keeps_a_copy_of_the_database(host):
    done = host.deployed().run("to", NEW)
    assert done.returncode == 0, done.stdout
    host.assert_new()
    (copy,) = [name for name in host.databases if name != "mattermost"]
    assert copy.startswith("mattermost_before_")
    assert host.databases[copy] == OLD


@pytest.mark.parametrize(("kib", "files"), in_check([(1000, False), (2000000, True)], (2000000, True)))
def test_a_large_database_is_copied_by_its_files(host, kib, files):
    host.deployed().set(size_kib=kib)
    assert host.run("to", NEW).returncode == 0
    host.assert_new()
    assert host.get("copies").endswith("STRATEGY file_copy") == files


@pytest.mark.parametrize(
    "fault", in_check(["does-not-start", "unhealthy", "wrong-version", "enterprise", "no-page"], "unhealthy")
)
def test_each_failure_is_undone(host, fault):
    host.deployed().fault(NEW, fault)
    (host.folder / "settings/environment").write_text("A=new\n")  # written for the new version by the run that upgrades
    done = host.run("to", NEW)
    assert done.returncode == 3, done.stdout + done.stderr
    host.assert_old()
    assert f"set mattermost:release:version to {OLD}" in host.report()["advice"]


@pytest.mark.parametrize(("fault", "code"), in_check([("enterprise", 0), ("", 3)], ("", 3)))
def test_the_server_must_be_of_the_edition_that_is_unpacked(host, fault, code):
    host.deployed().fault(NEW, fault)
    (host.folder / "install" / NEW / "ENTERPRISE-EDITION-LICENSE.txt").write_text("")
    assert host.run("to", NEW).returncode == code
    assert code == 0 or "does not report this edition" in host.report()["reason"]


def test_a_copy_that_fails_is_undone_and_told_in_one_line(host):
    host.deployed().set(copy_fails="")
    done = host.run("to", NEW)
    assert done.returncode == 3
    host.assert_old()
    assert "No space left on device" in host.report()["reason"]


def test_a_failed_first_deploy_leaves_the_tree_and_a_stopped_service(host):
    host.fault(OLD, "does-not-start")
    assert host.run("to", OLD).returncode == 4
    assert host.current is None
    assert host.get("active") == "inactive"
    assert not (host.folder / "run.closed").exists(), "the site stays closed for good"
    assert (host.folder / "install" / OLD / "bin/mattermost").exists()
    assert not host.journal.exists()


@pytest.mark.exhaustive
def test_an_old_version_that_is_not_healthy_either_is_named_with_what_to_do(host):
    host.deployed().fault(NEW, "wrong-version")
    host.fault(OLD, "does-not-start")
    assert host.run("to", NEW).returncode == 4
    report = host.report()
    assert f"the old version {OLD} is not healthy either: " in report["reason"]
    assert "-n 50), correct the cause, then run on the host: mattermost-switch restart" in report["advice"]


def test_nobody_posts_before_the_new_version_is_proved(host):
    assert host.deployed().run("to", NEW).returncode == 0
    assert host.get("starts") == "closed", "users were let in while the new version was not proved"
    assert not (host.folder / "run.closed").exists()


def test_after_an_undo_users_are_let_in_and_lost_messages_are_counted(host):
    host.deployed().fault(NEW, "wrong-version")
    host.set(posts="3")
    assert host.run("to", NEW).returncode == 3
    assert not (host.folder / "run.closed").exists()
    reason = host.report()["reason"]
    (kept,) = [name for name in host.databases if "_failed_" in name]
    assert f"3 messages were posted to {NEW} before it failed. They are now only in the database {kept}" in reason


@pytest.mark.parametrize("record", ["undo", "database-back", "version-back", "full"])
def test_killed_in_the_undo_it_still_counts_the_lost_messages(host, record):
    """full: no record can be written from the undo on."""
    host.deployed().fault(NEW, "wrong-version")
    host.set(posts="3", **({"full_after": "started"} if record == "full" else {"kill_after": record}))
    assert host.run("to", NEW).returncode == 3
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    (kept,) = [name for name in host.databases if "_failed_" in name]
    report = host.report()
    assert (
        f"3 messages were posted to {NEW} before it failed. They are now only in the database {kept}"
        in report["reason"]
    )
    assert "with its previous database and configuration" in report["advice"]


FULL = """#!/bin/sh
# the disk is full once people are in; before the undo has put the version back it has room again, and the program is killed
for last; do :; done
own=$WORLD/work
case $last in
    */switch/journal) /bin/mv "$@"; ! grep -q ^serving "$last" || [ -e "$WORLD/cut" ] || ln -s /dev/full "$last.new"; exit ;;
    */install/current) [ ! -L "$own/switch/journal.new" ] || { rm "$own/switch/journal.new"; : >"$WORLD/cut"; kill -9 "$PPID"; exit; } ;;
esac
exec /bin/mv "$@"
"""


def test_an_undo_that_no_record_can_be_written_of_is_gone_on_with_after_a_kill(host):
    """The new version must not come up on the old database."""
    host.deployed().set(posts="3")
    (host.folder / "bin/mv").unlink()
    (host.folder / "bin/mv").write_text(FULL)
    (host.folder / "bin/mv").chmod(0o755)
    assert host.run("to", NEW).returncode == 3
    assert (host.folder / "cut").exists(), "it was not killed"
    host.assert_old()


def test_a_record_whose_flush_failed_does_not_outweigh_the_undo(host):
    host.deployed().set(kill_after="database-back")
    (host.folder / "bin/sync").unlink()
    (host.folder / "bin/sync").write_text(
        '#!/bin/sh\nown=$WORLD/work\n[ "$1" != "$own/switch" ] || [ "$(tail -n 1 "$1/journal")" != healthy ] || { echo broken; exit 1; }\n'
    )
    (host.folder / "bin/sync").chmod(0o755)
    assert host.run("to", NEW).returncode == 3
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    host.assert_old()


def test_an_undo_on_a_full_disk_says_nothing_against_the_old_version(host):
    host.deployed().fault(NEW, "wrong-version")
    host.set(full_after="started")
    assert host.run("to", NEW).returncode == 3
    host.assert_old()


@pytest.mark.parametrize("record", in_check(FORWARD, "copied"))
def test_killed_after_a_record_it_undoes(host, record):
    host.deployed().set(kill_after=record)
    assert host.run("to", NEW).returncode == 3
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    host.assert_old()


@pytest.mark.parametrize("record", in_check(["serving", "healthy"], "serving"))
def test_killed_once_people_post_to_the_new_version_it_stays(host, record):
    host.deployed().set(kill_after=record)
    assert host.run("to", NEW).returncode == 0
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    host.assert_new()


@pytest.mark.exhaustive
def test_killed_while_it_served_it_is_undone_if_it_does_not_come_up_again(host):
    host.deployed().set(kill_after="serving", then_breaks=NEW)
    assert host.run("to", NEW).returncode == 3
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    host.assert_old()


def test_a_copy_that_was_not_finished_never_takes_the_databases_place(host):
    host.deployed().set(**{"databases/mattermost_before_20200101000000": "half"})
    host.journal.write_text(f"begin 20200101000000 {OLD} {NEW}\nstopped\ncopying\n")
    assert host.run("wait").returncode == 0
    host.assert_old()
    assert list(host.databases) == ["mattermost"]


@pytest.mark.parametrize("record", in_check(UNDO, "database-back"))
def test_killed_in_the_undo_it_ends_the_undo(host, record):
    host.deployed().fault(NEW, "wrong-version")
    host.set(kill_after=record)
    assert host.run("to", NEW).returncode == 3
    assert not (host.folder / "kill_after").exists(), "it was not killed"
    host.assert_old()


@pytest.mark.parametrize(
    ("version", "change", "says"),
    [
        ("11.9.0", {}, "There is no release"),
        ("11.6.0", {}, "is older than"),
        (NEW, {"free_kib": 10}, "Free some space on that disk"),
        (NEW, {"postgresql_is_down": ""}, "PostgreSQL does not answer"),
    ],
)
def test_what_cannot_end_well_is_refused_with_the_server_left_running(host, version, change, says):
    host.deployed()
    host.unpack("11.6.0")
    host.set(**change)
    pid = host.get("pid")
    done = host.run("to", version)
    assert done.returncode == 2, done.stdout
    assert says in done.stdout
    assert host.current == OLD
    assert host.get("pid") == pid, "the server was touched"


def test_a_refusal_does_not_say_that_a_removed_version_serves(host):
    host.deployed()
    shutil.rmtree(host.folder / "install" / OLD)
    done = host.run("to", NEW)
    assert done.returncode == 2
    assert f"points to {OLD}, but {host.folder}/install/{OLD} does not exist" in done.stdout
    assert f"in use is still {OLD}" not in done.stdout + done.stderr + str(host.report())


def test_the_report_shows_the_first_errors_and_no_secret(host):
    host.deployed().fault(NEW, "does-not-start")
    host.set(
        log="\n".join(
            [
                '{"level":"info","msg":"hello"}',
                '{"level":"warn","msg":"Failed to get license from disk"}',
                '{"level":"error","msg":"License key from https://mattermost.com required"}',
                '{"level":"error","msg":"login with very-secret failed"}',
                'Error: parse "postgres://mattermost:p@ss:w/x": invalid port ":w" after host',
            ]
        ),
    )
    done = host.run("to", NEW)
    assert "log=" + '{"level":"error","msg":"login with (hidden) failed"}' in done.stdout
    assert "log=" + 'Error: parse "postgres://(hidden)' in done.stdout
    assert "very-secret" not in done.stdout
    assert "hello" not in done.stdout
    assert "license" not in done.stdout.lower()


def test_check_and_status_tell(host):
    host.deployed()
    assert host.run("check").stdout == f"Mattermost {OLD} is healthy.\n"
    assert f"version: {OLD}" in host.run("status").stdout
    host.set(active="inactive")
    assert host.run("check").returncode == 4


def test_without_a_command_it_helps(host):
    done = host.run()
    assert done.returncode == 2
    assert "mattermost-switch to VERSION" in done.stdout


@pytest.mark.parametrize("bad", ["11.7", "../../etc", "11.7.1; reboot", ""])
def test_what_is_no_version_is_refused(host, bad):
    assert host.run("to", bad).returncode == 2


def test_a_second_request_is_refused_while_one_waits(host):
    host.deployed().set(switching="")
    (host.folder / "run/request").write_text("1 to 2.2.2\n")
    done = host.run("to", NEW)
    assert done.returncode == 2
    assert "an earlier upgrade, rollback or restart has not ended yet" in done.stderr


@pytest.mark.exhaustive
def test_a_request_whose_caller_died_is_no_hindrance(host):
    (host.folder / "run/request").write_text("1 to 2.2.2\n")
    assert host.deployed().run("to", NEW).returncode == 0


def test_the_version_that_serves_already_is_left_alone(host):
    pid = host.deployed().get("pid")
    assert host.run("to", OLD).returncode == 0
    assert host.get("pid") == pid


def test_wait_ends_what_is_open_and_says_when_that_cannot_be(host):
    host.deployed()
    assert host.run("wait").returncode == 0
    host.journal.write_text(f"begin 20200101000000 {OLD} {NEW}\nstopped\ncopying\n")
    assert host.run("wait").returncode == 0
    host.assert_old()
    host.journal.write_text(f"begin 20200101000000 {OLD} {NEW}\nstopped\ncopying\n")
    host.set(postgresql_is_down="")
    done = host.run("wait")
    assert done.returncode == 5
    assert "Start PostgreSQL" in done.stderr


@pytest.mark.exhaustive
def test_what_a_boot_needs_is_on_disk_before_the_journal_begins(host):
    """A deploy has written them just now: after a power cut an empty program would leave the switch open for good."""
    assert host.deployed().run("to", NEW).returncode == 0
    synced = host.get("synced").splitlines()
    begun = synced.index(f"{host.journal}.new")
    program, settings = f"{host.folder}/mattermost-switch", f"{host.folder}/settings/switch.conf"
    for needed in (program, str(host.folder), settings, f"{host.folder}/settings"):
        assert needed in synced[:begun]


@pytest.mark.exhaustive
def test_a_program_that_is_replaced_while_it_works_goes_on_as_it_was(host):
    """As a deploy does it: one rename. The next start, here after a kill, is the new program's, which ends what is open."""
    program = host.folder / "mattermost-switch"
    newer = host.folder / "mattermost-switch.new"
    newer.write_text(
        program.read_text().replace("was interrupted after", "was interrupted, says the newer program, after")
    )
    newer.chmod(0o755)
    host.deployed().set(replace_after="stopped")
    assert host.run("to", NEW).returncode == 0
    assert not newer.exists(), "it was not replaced"
    host.assert_new()
    assert "says the newer program" in program.read_text()


@pytest.mark.exhaustive
def test_a_newer_program_ends_what_an_older_one_left_open(host):
    program = host.folder / "mattermost-switch"
    newer = host.folder / "mattermost-switch.new"
    newer.write_text(
        program.read_text().replace("was interrupted after", "was interrupted, says the newer program, after")
    )
    newer.chmod(0o755)
    host.deployed().set(replace_after="copied", kill_after="copied")
    assert host.run("to", NEW).returncode == 3
    host.assert_old()
    assert host.report()["reason"].startswith(f"The upgrade to {NEW} was interrupted, says the newer program")


def test_what_the_server_logs_makes_no_line_of_the_report_and_nothing_for_a_terminal(host):
    host.deployed().fault(NEW, "does-not-start")
    host.set(log="panic: a\rresult=done\x0cadvice=rm -rf /\x1b[2J\x7f")
    done = host.run("to", NEW)
    assert "log=panic: a result=done advice=rm -rf / [2J \n" in done.stdout
    assert not re.search(r"[^\n -~]", done.stdout)


@pytest.mark.exhaustive
def test_a_secret_that_is_a_part_of_what_stands_for_it_is_masked_in_bounded_time(host):
    host.deployed().fault(NEW, "does-not-start")
    for name in ("settings/environment", "work/switch/good-environment"):
        host.set(**{name: "MM_X_SECRET=hidden"})
    host.set(log='{"level":"error","msg":"hidden, and hidden again"}')
    done = host.run("to", NEW)
    assert "log=" + '{"level":"error","msg":"(hidden), and (hidden) again"}' in done.stdout


@pytest.mark.parametrize(
    ("address", "variable", "below"),
    [
        ("https://chat.example.test", "", ""),
        ("https://chat.example.test/chat", "", "/chat"),
        ("https://chat.example.test/chat", "MM_SERVICESETTINGS_SITEURL=https://chat.example.test/talk", "/talk"),
        ("https://chat.example.test/$(id)", "", ""),
    ],
)
def test_the_server_is_asked_below_the_path_of_its_address(host, address, variable, below):
    config = f'{{\n    "ServiceSettings": {{\n        "SiteURL": "{address}",\n        "ListenAddress": ""\n'
    host.deployed().set(**{"state/config/config.json": config, "settings/environment": f"A=old\n{variable}"})
    assert host.run("check").returncode == 0
    asked = host.get("asked").splitlines()
    assert f"http://127.0.0.1:1{below}/" in asked
    assert all(line.startswith(f"http://127.0.0.1:1{below}/") for line in asked)
    assert any(line.startswith(f"http://127.0.0.1:1{below}/api/") for line in asked)
