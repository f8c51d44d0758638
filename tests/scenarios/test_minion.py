"""A Salt master deploys and operates a host by its minion, without any ssh access: `mattermost:engine: minion`."""

import concurrent.futures
import json
import shlex
import subprocess
import sys
import time

import pytest

from tests import secrets
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment
from tests.scenarios.majors import GO_BACK, NEW, OLD, clusters, whole, with_old_postgresql
from tests.scenarios.minions import HOME, master_of
from tests.scenarios.pausing import Pausing

pytestmark = pytest.mark.soak("minion")

BACKUP_PASSWORD = "bak-Yd6 #$x;4c1f80"
FAULT = "/etc/systemd/system/mattermost.service.d/fault.conf"
# as on a busy machine: to systemd it runs while its rules are not yet in force
SLOW_FIREWALLD = """mkdir -p /opt/slow /etc/systemd/system/firewalld.service.d
printf '[Service]\\nEnvironment=PYTHONPATH=/opt/slow\\n' >/etc/systemd/system/firewalld.service.d/slow.conf
cat >/opt/slow/sitecustomize.py <<'END'
import time
from firewall.core.fw import Firewall

start = Firewall.start
Firewall.start = lambda self: (time.sleep(10), start(self))[1]
END
"""
REPORT_SECONDS = 240  # until a minion that is gone is reported, on a busy machine


def test_a_master_deploys_a_bare_host_by_its_minion_removes_and_restores_it(bare):
    planted = {name: secrets.PLANTED[name] for name in ("mail:password", "server:environment")}
    planted["backup:password"] = BACKUP_PASSWORD
    given = secrets.pillar()
    bare.set(mail=given["mail"], server={"environment": given["server"]["environment"]})
    bare.set(backup={"password": BACKUP_PASSWORD})
    bare.ssh(SLOW_FIREWALLD)
    control = {"control": "a value that a person types"}
    with master_of(bare) as master:
        with master.events_kept():
            fresh = master.orchestrate()
            assert fresh.rc == 0, fresh
            assert fresh.stages["verify"]["result"] is True, fresh
            before = bare.main_pids()
            again = master.orchestrate()
            assert (again.rc, again.changes) == (0, {}), again
            assert bare.main_pids() == before
            login = posted(bare)
            later = [master.orchestrate("mattermost.backup")]
            bare.ssh("cp -a /var/backups/mattermost /root/repository")
            purge = json.dumps({"remove": {"purge": bare.name}})
            later += [master.orchestrate("mattermost.remove", f"pillar={purge}")]
            assert "Nothing is kept." in later[-1].stages["what-stays-is-reported"]["comment"], later[-1]
            assert bare.ssh("ls -d /opt/mattermost /etc/mattermost /var/backups/mattermost 2>/dev/null; true") == ""
            bare.ssh("mkdir -p /var/backups && cp -a /root/repository /var/backups/mattermost")
            later += [master.orchestrate("mattermost.restore"), master.orchestrate()]
            master.command("salt", bare.name, "test.arg", control["control"])
        assert [run for run in later if run.rc != 0] == []
        assert Chat(bare, login).there() >= set(range(1, 6))

        said = "".join(str(run) + run.out for run in (fresh, again, *later))
        assert secrets.found_in(said.encode(), planted) == []
        kept = searched_here(master, planted)
        assert kept == {"pillar/mattermost.sls", f"var/cache/salt/master/pillar/{bare.name}.p"}
        there = json.loads(
            bare.ssh(f"python3 -c {shlex.quote(secrets.search_all([f'/{HOME}'], planted))}", timeout=300)
        )
        assert there == {}, "the minion keeps a secret"
        found = searched_here(master, control)
        assert "events.log" in found, "the search finds what goes over the event bus"
        assert any("/jobs/" in place for place in found), "the search finds what a job keeps"


def posted(deployment):
    """Post messages 1 to 5; return the login that did."""
    chat = Chat(deployment)
    chat.post(range(1, 6))
    return chat.login


def searched_here(master, planted):
    """Return the files of the master that hold one of *planted*, below its folder."""
    program = secrets.search_all([str(master.folder)], planted)
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=True)
    return {place.removeprefix(f"{master.folder}/") for place in json.loads(done.stdout)}


def test_a_master_takes_a_host_over_and_operates_it(deployed_host, releases):
    host = deployed_host
    before = host.main_pids()
    with master_of(host) as master:
        taken = master.orchestrate()
        assert (taken.rc, taken.changes) == (0, {}), taken
        assert host.main_pids() == before
        status = master.orchestrate("mattermost.status")
        (seen,) = status.stages["hosts-are-healthy"]["status"].values()
        assert (seen["drift"]["looked"], seen["drift"]["drifted"]) == (True, False), status

        for name in ("backup", "drill", "renew", "rotate"):
            done = master.orchestrate(f"mattermost.{name}")
            assert done.rc == 0, done
        host.wait_until_healthy()
        words = host.ssh("cat /etc/mattermost/secrets/backup-password").split()
        assert words
        assert searched_here(master, {"backup-password": words[0]}) == set()
        assert any("/jobs/" in place for place in searched_here(master, {"control": host.name})), (
            "the search finds what a job keeps"
        )

        host.use(releases[-1])
        master.take_settings()
        host.ssh(
            f"mkdir -p {FAULT.rpartition('/')[0]} && printf '[Service]\\nEnvironment=STANDIN_FAULT_FAIL_MIGRATION=1\\n' >{FAULT} && systemctl daemon-reload"
        )
        failed = master.orchestrate()
        assert failed.rc == 1, failed
        assert "Stage server failed" in failed.comments, failed
        assert running(host) == releases[0].version
        host.wait_until_healthy()
        host.ssh(f"rm {FAULT} && systemctl daemon-reload")

        with concurrent.futures.ThreadPoolExecutor() as pool:
            upgrade = pool.submit(master.orchestrate)
            host.ssh(
                "until [ -s /var/lib/mattermost-deploy/switch/journal ]; do sleep 0.1; done; systemctl kill -s KILL minion",
                timeout=300,
            )
            killed = time.monotonic()
            cut = upgrade.result()
        assert cut.rc == 1, cut
        assert f"The minion {host.name} does not answer." in cut.comments
        assert time.monotonic() - killed < REPORT_SECONDS
        host.wait_until_healthy()
        assert running(host) == releases[-1].version, "the host ends by itself what it began"

        master.start_minion()
        ended = master.orchestrate()
        assert ended.rc == 0, ended
        back = master.orchestrate("mattermost.rollback")
        assert back.rc == 0, back
        assert running(host) == releases[0].version
        host.wait_until_healthy()


def test_a_checkout_that_meets_a_masters_run_is_told_and_takes_the_host_back(deployed_host):
    host = deployed_host
    before = host.main_pids()
    with master_of(host) as master:
        by_ssh, by_minion = both_at_once(master, host)
        assert by_ssh.rc == 1, by_ssh
        assert "Another run is in progress on the host (process " in by_ssh.comments
        assert (by_minion.rc, by_minion.changes) == (0, {}), by_minion
        applied = master.command("salt", "--static", "--timeout=300", host.name, "state.apply", "mattermost")
        assert (applied.rc, applied.changes) == (0, {}), applied
        assert "server-runs-the-wanted-version" in applied.states
        back = host.orchestrate()
        assert (back.rc, back.changes) == (0, {}), back
        assert host.main_pids() == before


def both_at_once(master, host):
    """Run mattermost.ssl by ssh while the minion is at work on it; return both runs."""
    begun = "/etc/mattermost/secrets/rotation/begun"  # a run of states waits while it is there
    held = '[ -e /run/mattermost-deploy/lock ] && grep -q ":$(stat -c %i /run/mattermost-deploy/lock) " /proc/locks'
    host.ssh(f"mkdir -p {begun.rpartition('/')[0]} && : >{begun}")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        by_minion = pool.submit(master.orchestrate)
        try:
            host.ssh(f"until {held}; do sleep 0.1; done", timeout=300)
            by_ssh = host.orchestrate()
        finally:
            host.ssh(f"rm {begun}")
        return by_ssh, by_minion.result()


# as when its package is updated: the upgrade goes on when the minion that began it is gone
# Salt's unit ends only its main process (KillMode=process). The rest waits for its job, and while it is there a new one ends at once
RESTART = """
systemctl restart minion
for _ in $(seq 300); do systemctl is-failed -q minion && exit; sleep 0.2; done
exit 1
"""


class Upgrade(Pausing):
    """The host's own program that brings the data to another PostgreSQL."""

    program = "postgresql"


def test_a_master_brings_a_host_to_another_postgresql(lab, releases):
    with lab.passing("minion-major") as name:
        host = Deployment(lab, lab.host(name, platform="debian13"), releases[0])
        with_old_postgresql(host)
        with master_of(host) as master:
            fresh = master.orchestrate()
            assert fresh.rc == 0, fresh
            posted(host)
            host.set(database={"version": NEW})
            master.take_settings()
            upgrade = Upgrade(host)

            done = master.orchestrate("mattermost.postgresql")
            assert done.rc == 0, done
            assert f"mattermost-postgresql forget {OLD}" in str(done.changes), "where the old one is kept"
            whole(host, NEW)
            assert clusters(host) == {OLD: (5432, "down"), NEW: (5432, "online")}

            host.ssh(GO_BACK, timeout=120)
            whole(host, OLD)
            cut = meanwhile(master, upgrade, RESTART)
            assert cut.rc == 1, cut
            assert f"The minion {host.name} does not answer.\nSee whether" in cut.comments
            upgrade.until("! systemctl is-active -q mattermost-postgresql", "the end of the upgrade")
            whole(host, NEW)
            master.start_minion()
            again = master.orchestrate("mattermost.postgresql")
            assert (again.rc, again.changes) == (0, {}), again


def meanwhile(master, upgrade, command):
    """Run mattermost.postgresql, and *command* on the host once its data is copied; return the run."""
    upgrade.pause_after("copied")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        run = pool.submit(master.orchestrate, "mattermost.postgresql")
        try:
            upgrade.reached(300)
            upgrade.run(command, timeout=180)
        finally:
            upgrade.go_on()
        return run.result()


def running(host):
    return host.ssh("readlink /opt/mattermost/current").strip()
