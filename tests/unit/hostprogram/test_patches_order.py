"""An unattended patch stays in its window and out of the way of others; after one that was rolled back there is no other."""

import fcntl

import pytest

from tests.soak import in_check
from tests.unit.hostprogram.conftest import SHELLS, usable
from tests.unit.hostprogram.patch_host import OLD, PATCH, Host


@pytest.fixture
def host(tmp_path):
    usable(SHELLS[0])
    return Host(tmp_path, SHELLS[0])


def test_a_patch_that_is_rolled_back_stops_it_until_a_person_acts(host):
    host.outcome("undone")
    code, report = host.work()
    assert (code, report["result"]) == (4, "failed")
    assert f"Mattermost {PATCH} was rolled back to {OLD}: because of a test" in report["reason"]
    assert "mattermost-patches resume" in report["advice"]
    assert host.run("tell").returncode == 0
    assert host.lines("told")[0] == "Mattermost was not patched"
    assert "rolled back" in host.lines("told")[1]
    for _ in range(2):
        code, report = host.work()
        assert (code, report["result"]) == (0, "stopped")  # told once
    assert len(host.lines("switched")) == 1
    assert f"stopped=Mattermost {PATCH} was rolled back" in host.run("status").stdout
    host.outcome("done")
    assert host.run("resume").returncode == 0
    assert host.work()[1]["result"] == "done"
    assert host.current == PATCH


def test_a_deploy_of_the_patch_lets_it_go_on(host):
    host.outcome("undone")
    host.work()
    (host.folder / "install/current").unlink()
    (host.folder / "install/current").symlink_to(PATCH)
    assert host.work()[1]["result"] == "done"
    assert "stopped=" not in host.run("status").stdout


WENT_BACK = {
    "went-back": {"kind": "back", "result": "done", "from": PATCH, "to": OLD},
    "deploy-undone": {"kind": "to", "result": "undone", "from": OLD, "to": PATCH},
}


@pytest.mark.parametrize("said", WENT_BACK.values(), ids=WENT_BACK)
def test_what_a_person_went_back_from_is_not_installed_again(host, said):
    host.write("work/switch/report", {"id": 1, **said})
    code, report = host.work()
    assert (code, report["result"]) == (4, "failed"), report
    assert host.work()[1]["result"] == "stopped"
    host.stayed()


@pytest.mark.exhaustive
def test_it_is_remembered_over_a_restart(host):
    host.work()
    (host.folder / "install/current").unlink()
    (host.folder / "install/current").symlink_to(OLD)
    host.write("work/switch/report", {"id": 2, "kind": "restart", "result": "done", "from": OLD, "to": OLD})
    assert host.work()[1]["reason"].startswith(f"This host was rolled back by hand from Mattermost {PATCH} to {OLD}.")


@pytest.mark.exhaustive
def test_an_upgrade_to_another_line_that_failed_does_not_stop_patches(host):
    host.write("work/switch/report", {"id": 1, "kind": "to", "result": "undone", "from": OLD, "to": "12.1.0"})
    assert host.work()[1]["result"] == "done"


AT_WORK = (
    "work/switch/journal",
    "work/postgresql/journal",
    "work/backup/open",
    "work/backup/closed",
    "work/aside/journal",
    "work/moved",
    "down",
)


@pytest.mark.parametrize("mark", in_check(AT_WORK, AT_WORK[0]))
def test_it_leaves_alone_a_host_where_something_else_is_at_work(host, mark):
    (host.folder / mark).parent.mkdir(parents=True, exist_ok=True)
    (host.folder / mark).touch()
    code, report = host.work()
    assert (code, report["result"]) == (0, "skipped"), report
    host.stayed()


def test_a_deploy_and_a_patch_keep_each_other_out(host):
    lock = host.folder / "run/deploy/lock"
    lock.parent.mkdir()
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        code, report = host.work()
        assert (code, report["reason"]) == (0, "A deploy is running on this host. The next window tries again.")
        host.stayed()
    stub = host.folder / "bin/mattermost-switch"
    stub.write_text(
        stub.read_text().replace("#!/bin/sh", f'#!/bin/sh\nflock -n {lock} true || echo held >"$WORLD/held"')
    )
    assert host.work()[0] == 0
    assert host.lines("held") == ["held"]
    assert "mattermost-patches" in lock.read_text()


def test_the_server_is_not_stopped_after_the_window(host):
    host.settings["seconds"] = 0
    code, report = host.work()
    assert (code, report["result"]) == (0, "skipped")
    assert "The window ended" in report["reason"]
    assert host.lines("switched") == []
    assert (host.folder / "install" / PATCH / "bin/mattermost").exists()
    (host.folder / f"mattermost-{PATCH}-amd64.tar.gz").unlink()  # it is not fetched again
    host.settings["seconds"] = 600
    assert host.work()[1]["result"] == "done"


def test_a_person_does_not_wait_for_the_window(host):
    host.settings["seconds"] = 0
    (host.folder / "bin/systemctl").write_text(
        (host.folder / "bin/systemctl").read_text()
        + f'case "$*" in "start mattermost-patches.service") {" ".join(host.shell)} {host.program} work >/dev/null ;; esac\n'
    )
    done = host.run("now")
    assert (done.returncode, "result=done" in done.stdout) == (0, True), done
    assert host.current == PATCH


@pytest.mark.parametrize(
    ("why", "ends"),
    [
        ("A backup, a drill, a restore or a PostgreSQL upgrade is running.", (0, "skipped")),
        ("The copy needs 900 MiB, and 10 MiB are free.", (4, "failed")),
    ],
)
def test_a_refused_upgrade_is_tried_again_and_told_where_waiting_does_not_help(host, why, ends):
    (host.folder / "why").write_text(why)
    host.outcome("refused")
    code, report = host.work()
    assert (code, report["result"]) == ends
    assert why in report["reason"]
    host.outcome("done")
    assert host.work()[1]["result"] == "done"


def test_what_it_did_is_told(host):
    host.work()
    assert host.run("tell").returncode == 0
    assert host.lines("told")[0] == "Mattermost was patched"
    assert f"Mattermost was upgraded from {OLD} to {PATCH}" in host.lines("told")[1]
    host.write("work/patches/report", {"result": "running"})
    host.run("tell")
    assert "ended without a report" in host.lines("told")[1]
