"""Secrets that were born on the host get new values: the old ones open nothing, nobody sees either, and what was cut short goes on."""

import concurrent.futures
import json
import os
import shlex
import signal
import time

import pytest

from tests import secrets
from tests.probe import Probe, Target
from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment

STORE = "/etc/mattermost/secrets"
WATCH = "/tmp/stop-watching"  # removed with the host


@pytest.fixture(scope="module")
def host(lab, releases, deployed_snapshot):
    """A deployed host whose server logs in to its database with a password, with messages 1 to 3 and a backup of them."""
    with lab.passing("rotate") as name:
        deployment = Deployment(lab, lab.clone(deployed_snapshot, name), releases[0])
        deployment.wait_until_healthy()
        Chat(deployment).post(range(1, 4))
        deployment.set(database={"auth": "password"})
        assert deployment.orchestrate().rc == 0
        run = deployment.orchestrate("mattermost.backup")
        assert run.rc == 0, run
        yield deployment


def stored(deployment) -> dict:
    return {name: deployment.ssh(f"cat {STORE}/{name}").strip() for name in ("database-password", "backup-password")}


def logs_in(deployment, password) -> bool:
    line = f"127.0.0.1:5432:mattermost:mattermost:{password}"
    script = f"umask 077; echo {shlex.quote(line)} >/root/pgpass; PGPASSFILE=/root/pgpass psql -w -h 127.0.0.1 -U mattermost -d mattermost -c 'SELECT 1'; rc=$?; rm /root/pgpass; exit $rc"
    return deployment.host.ssh(script, check=False).returncode == 0


def refused_logins(deployment) -> int:
    """How many logins PostgreSQL refused for their password, ever."""
    return int(deployment.ssh("cat /var/log/postgresql/*.log | grep -c 'password authentication failed'", check=False))


def opens(deployment, password) -> bool:
    script = f"umask 077; echo {shlex.quote(password)} >/root/word; restic --no-cache -r /var/backups/mattermost --password-file /root/word cat config; rc=$?; rm /root/word; exit $rc"
    return deployment.host.ssh(script, check=False).returncode == 0


def keys(deployment) -> int:
    return len(json.loads(deployment.ssh("mattermost-backup restic key list --json")))


def assert_all_have(deployment, passwords):
    """Assert that server, database and repository have *passwords*, and that nothing is left to do."""
    deployment.wait_until_healthy()
    assert stored(deployment) == passwords
    assert logs_in(deployment, passwords["database-password"])
    assert opens(deployment, passwords["backup-password"])
    assert Chat(deployment).there() >= {1, 2, 3}
    assert keys(deployment) == 1
    assert deployment.ssh(f"ls {STORE}").split() == ["backup-password", "database-password"]
    run = deployment.orchestrate()
    assert (run.rc, run.changes) == (0, {}), run


def test_a_dry_run_says_what_would_be_replaced_and_changes_nothing(host):
    before = stored(host)
    run = host.orchestrate("mattermost.rotate", "test=True")
    assert run.rc == 0, run
    assert stored(host) == before


def test_old_secrets_open_nothing_nobody_sees_one_and_no_login_or_message_is_lost(host, record_property):
    old = stored(host)
    refused = refused_logins(host)
    program = secrets.watch_arguments(300, WATCH, old)
    target = Target(host.name, host.host.address, ca_file=str(host.lab.ca_file))
    with concurrent.futures.ThreadPoolExecutor() as pool, Chat(host) as chat, Probe(target) as probe:
        watcher = pool.submit(host.ssh, f"python3 -c {shlex.quote(program)}", timeout=400)
        run = host.orchestrate("mattermost.rotate")
        host.ssh(f"touch {WATCH}")
        seen = json.loads(watcher.result())
        time.sleep(0.5)
    assert run.rc == 0, run
    assert refused_logins(host) == refused, "the server tried the password that the database did not have"
    record_property("pause of a rotation, seconds", round(chat.pause, 2))
    print(f"pause of a rotation: {chat.pause:.2f} s; {probe.report}")
    assert len(chat.taken) > 5
    assert set(chat.taken) - Chat(host).there() == set()
    new = stored(host)
    assert not set(new.values()) & set(old.values())
    assert seen == {}, "arguments of processes held a secret"
    both = {f"{age} {name}": value for age, values in (("old", old), ("new", new)) for name, value in values.items()}
    assert secrets.found_in(str(run).encode(), both) == []
    found = host.ssh(f"python3 -c {shlex.quote(secrets.search_readable(planted=both))}", timeout=300)
    assert json.loads(found) == {}
    assert_all_have(host, new)
    assert not logs_in(host, old["database-password"])
    assert not opens(host, old["backup-password"])
    assert refused_logins(host) > refused, "a refused login is not seen"


# the server misbehaves with any login but the present one, by the stand-in's named switches
BROKEN = """
cd /opt/mattermost/current/bin
mv mattermost mattermost.real
. /etc/mattermost/environment
cat >mattermost <<END
#!/bin/sh
[ "\\$(printf %s "\\$MM_SQLSETTINGS_DATASOURCE" | sha256sum)" = "$(printf %s "$MM_SQLSETTINGS_DATASOURCE" | sha256sum)" ] || export STANDIN_FAULT_FAULT
exec "\\${0%/*}/mattermost.real" "\\$@"
END
chmod 755 mattermost
"""
MENDED = "cd /opt/mattermost/current/bin && mv mattermost.real mattermost"


@pytest.fixture
def broken_with_another_login(host, request):
    host.ssh(BROKEN.replace("FAULT_FAULT", f"FAULT_{request.param}"))
    yield host
    host.ssh(MENDED)


@pytest.mark.soak("records")
@pytest.mark.parametrize("broken_with_another_login", ["FAIL_START=1"], indirect=True)
def test_a_server_that_is_not_well_with_its_new_password_gets_the_old_one_back(broken_with_another_login):
    host = broken_with_another_login
    before, refused = stored(host), refused_logins(host)
    with Chat(host) as chat:
        run = host.orchestrate("mattermost.rotate")
        time.sleep(0.5)
    assert run.rc != 0
    assert "was not healthy with the new password" in run.comments
    assert "The old password is in use again." in run.comments
    after = stored(host)
    assert after["database-password"] == before["database-password"]
    assert refused_logins(host) == refused
    assert len(chat.taken) > 5
    assert set(chat.taken) - Chat(host).there() == set()
    assert_all_have(host, after)


@pytest.mark.parametrize("broken_with_another_login", ["SLOW_START_SECONDS=300"], indirect=True)
def test_a_power_cut_in_the_middle_is_undone_at_boot_with_no_controller(broken_with_another_login):
    host = broken_with_another_login
    before = stored(host)
    with host.started("salt-run", "state.orchestrate", "mattermost.rotate") as controller:
        host.ssh(
            "for i in $(seq 600); do [ -e /etc/mattermost/secrets/rotation/begun ] && systemctl show -p ActiveState mattermost | grep -q activating && exit; "
            "sleep 0.2; done; exit 1",
            timeout=150,
        )
        host.host.cut()
        os.killpg(controller.pid, signal.SIGKILL)
    host.host.start()
    host.wait_until_healthy()
    host.ssh("mattermost-new-database-password wait", timeout=120)
    after = stored(host)
    assert after["database-password"] == before["database-password"]
    assert "result=undone" in host.ssh("cat /var/lib/mattermost-deploy/rotate/report")
    assert_all_have(host, after)


@pytest.mark.soak("kills")
def test_a_rotation_that_was_cut_short_is_ended_by_the_next_run(host):
    before = stored(host)
    # the host's half died: after the store had the database's new password, and after the repository had its new key
    host.ssh(
        f"umask 077; head -c 30 /dev/urandom | base64 >{STORE}/database-password; echo interrupted >{STORE}/backup-password.new; "
        f"mattermost-backup restic key add --new-password-file {STORE}/backup-password.new; "
    )
    assert keys(host) == 2
    run = host.orchestrate("mattermost.rotate")
    assert run.rc == 0, run
    after = stored(host)
    assert after["backup-password"] == "interrupted"
    assert_all_have(host, after)
    assert not logs_in(host, before["database-password"])
    assert not opens(host, before["backup-password"])


def test_a_backup_from_before_restores_and_the_login_stays_the_hosts_own(host):
    before = stored(host)
    Chat(host).post([100])
    run = host.orchestrate("mattermost.restore", "pillar=" + json.dumps({"restore": {"overwrite": True}}))
    assert run.rc == 0, run
    assert 100 not in Chat(host).there()
    assert_all_have(host, before)


def test_without_a_password_there_is_none_to_rotate(host):
    host.set(database={"auth": "peer"})
    assert host.orchestrate().rc == 0
    run = host.orchestrate("mattermost.rotate", "test=True")
    assert run.rc == 0, run
    assert "backup-password" in str(run.changes)
    assert "database-password" not in str(run.changes)
