"""A restart by the host program: proved, repeated when it was killed; and what a restore of a backup, which asks for one, keeps it from."""

import pytest

from tests.unit.hostprogram.host import ID, NEW, OLD


def test_a_restart_is_proved_and_changes_no_version(host):
    host.deployed()
    pid = host.get("pid")
    assert host.run("restart").returncode == 0
    assert host.get("pid") > pid
    assert host.current == OLD
    host.fault(OLD, "unhealthy")
    done = host.run("restart")
    assert done.returncode == 4
    assert "database_status unhealthy" in done.stdout


@pytest.mark.parametrize("held", [True, False])
def test_a_start_that_fails_leaves_the_site_closed_for_who_has_something_to_put_back(host, held):
    host.deployed().fault(OLD, "wrong-version")
    if held:
        (host.folder / "run.hold").touch()
    assert host.run("restart").returncode == 4
    assert (host.folder / "run.closed").exists() == held
    host.fault(OLD, "")
    assert host.run("restart").returncode == 0
    assert not (host.folder / "run.closed").exists()


def test_a_restart_that_fails_for_the_environment_puts_the_old_one_back(host):
    host.deployed().set(bad_environment="A=bad")
    (host.folder / "settings/environment").write_text("A=bad\n")
    done = host.run("restart")
    assert done.returncode == 3, done.stdout + done.stderr
    host.assert_old()
    assert (host.folder / "settings/environment.failed").read_text() == "A=bad\n"


def test_the_version_in_use_that_is_not_well_is_restarted_once(host):
    host.deployed().set(active="inactive")
    assert host.run("to", OLD).returncode == 0
    assert host.report()["kind"] == "to"
    assert not (host.folder / "run/request").exists()


def kills_at_stop(host, number):
    """Have the program killed while it stops the server for the *number*-th time."""
    stub = host.folder / "bin/systemctl"
    real = stub.resolve()
    stub.unlink()
    counts = f'case $* in "stop mattermost.service") echo >>"$WORLD/stops"; [ "$(wc -l <"$WORLD/stops")" != {number} ] || : >"$WORLD/kill_in_stop" ;; esac\n'
    stub.write_text(real.read_text().replace("cd ", counts + "cd ", 1))
    stub.chmod(0o755)


def test_killed_with_the_old_environment_back_it_does_not_call_the_new_one_healthy(host):
    host.deployed().set(bad_environment="A=bad")
    (host.folder / "settings/environment").write_text("A=bad\n")
    kills_at_stop(host, 2)
    done = host.run("restart")
    assert (host.folder / "stops").stat().st_size > 2, "it was not killed"
    assert done.returncode == 3, done.stdout + done.stderr
    host.assert_old()
    assert (host.folder / "settings/environment.failed").read_text() == "A=bad\n"
    assert "ended" in host.report()["reason"]


def test_killed_it_asks_the_new_server_for_what_the_old_one_showed(host):
    """And not for what the server shows that was started in place of it."""
    host.deployed().set(**{"rows/mattermost": "m1"})
    kills_at_stop(host, 1)
    stub = host.folder / "bin/systemctl"
    stub.write_text(
        stub.read_text().replace("kill -9", "echo active >active; echo cannot-read >faults/11.7.100; kill -9")
    )
    assert host.run("restart").returncode == 4
    assert "does not return the newest message" in host.report()["reason"]


@pytest.mark.exhaustive
def test_a_restart_that_is_killed_while_the_server_is_stopped_is_done_again(host):
    host.deployed().set(kill_in_stop="")
    done = host.run("restart")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (host.folder / "kill_in_stop").exists(), "it was not killed"
    assert host.get("active") == "active"
    assert not (host.folder / "run/request").exists()


def restored(host, *names):
    (host.folder / "work/backup").mkdir(exist_ok=True)
    for name in names:
        (host.folder / "work/backup" / name).touch()


@pytest.mark.parametrize("fault", ["", "wrong-version"])
def test_the_site_stays_closed_until_a_restore_opens_it(host, fault):
    host.deployed().fault(OLD, fault)
    restored(host, "open")
    assert host.run("restart").returncode == (4 if fault else 0)
    assert (host.folder / "run.closed").exists()


@pytest.mark.parametrize("command", [["to", NEW], ["back", "overwrite"], ["restart"]])
def test_nothing_is_begun_in_the_middle_of_a_restore(host, command):
    host.deployed()
    restored(host, "open", "closed")
    (host.folder / "run.closed").touch()
    pid = host.get("pid")
    done = host.run(*command)
    assert done.returncode == 2
    assert "A restore of a backup is running" in done.stdout
    assert host.get("pid") == pid, "the server was touched"
    assert (host.folder / "run.closed").exists()


@pytest.mark.parametrize("command", [["to", NEW], ["back", "overwrite"], ["restart"]])
def test_nothing_starts_a_server_that_is_held_for_its_move(host, command):
    host.deployed().set(active="inactive", moving="")
    (host.folder / "run.closed").touch()
    done = host.run(*command)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "it is being moved to a new host" in done.stdout
    assert host.get("active") == "inactive"
    assert host.current == OLD
    assert (host.folder / "run.closed").exists(), "people are let in"


@pytest.mark.exhaustive
def test_an_import_in_place_deploys_while_the_server_that_it_replaces_is_held(host):
    host.deployed().set(moving="")
    (host.folder / "work/aside").mkdir()
    (host.folder / "work/aside/journal").touch()
    assert host.run("to", NEW).returncode == 0
    host.assert_new()
    assert not (host.folder / "run.closed").exists()


def test_what_a_restore_has_put_aside_stays_while_it_may_have_to_go_back(host):
    host.deployed().keep("replaced", OLD)
    restored(host, "open")
    for command in (["forget", f"replaced_{ID}", "anyway"], ["prune"]):
        assert host.run(*command).returncode == 5
    assert host.kept == [f"mattermost_replaced_{ID}"]
