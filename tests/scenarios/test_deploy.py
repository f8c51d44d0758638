"""From a bare host to a verified server, again without a change, and through what happens to servers."""

import random
import re
import subprocess
import time

import pytest

STAGES = [
    *("preflight", "archive", "packages", "database", "server"),
    *("nginx-base", "firewall", "letsencrypt", "nginx-ssl", "backup", "releases", "record", "verify"),
]


@pytest.mark.as_shipped
def test_a_dry_run_on_a_bare_host_changes_nothing(bare):
    before = set(bare.ssh(FINGERPRINT).splitlines())
    run = bare.orchestrate("mattermost.ssl", "test=True")
    assert run.rc == 0, run
    assert list(run.stages) == STAGES
    assert set(bare.ssh(FINGERPRINT).splitlines()) ^ before == set()


@pytest.mark.as_shipped
def test_fresh_then_again_then_a_dry_run(bare):
    first = bare.orchestrate()
    assert first.rc == 0, first
    assert list(first.stages) == STAGES
    assert all(stage["result"] is True for stage in first.stages.values()), first.comments
    starts = bare.ssh("journalctl -q -o cat -u postgresql@15-main | grep -c '^Starting'")
    assert int(starts) == 1, "its package started it, and the stage again with its settings"

    before = bare.main_pids()
    again = bare.orchestrate()
    assert again.rc == 0, again
    assert again.changes == {}
    assert bare.main_pids() == before, "a run that changes nothing restarted something"

    dry = bare.orchestrate("mattermost.ssl", "test=True")
    assert dry.rc == 0, dry
    assert dry.changes == {}


def test_a_program_of_an_earlier_deploy_loses_the_part_beside_it(deployed_host):
    """Until November 2026 programs of backups read a file; one that finds it gone must not be there any more."""
    library = "/usr/local/lib/mattermost/backup.sh"
    deployed_host.ssh(
        f"mkdir -p $(dirname {library}); echo 'exit 9' >{library}\n"
        f"for name in backup restore; do printf '#!/bin/sh\\n. {library}\\n' >/usr/local/sbin/mattermost-$name; done"
    )
    run = deployed_host.apply("backup")
    assert run.rc == 0, run
    assert deployed_host.ssh(f"test ! -e {library} && mattermost-backup status && mattermost-restore status")
    assert deployed_host.apply("backup").changes == {}


# What a host is made of: packages, units, files outside of caches, logs and Salt's own folder.
FINGERPRINT = """
dpkg-query -W; systemctl list-unit-files --no-pager --no-legend | grep -v transient
find /etc /opt /usr/local /var/lib /var/opt /home /root -xdev -type f \\
    -not -path '/var/lib/systemd/*' -not -path '/var/lib/apt/*' -printf '%p %s %m %u\\n'
"""


@pytest.mark.soak("kills")
@pytest.mark.parametrize("seconds", [2, 5, 9])
def test_a_run_that_is_killed_is_finished_by_the_next(bare, seconds):
    assert killed(bare, seconds).rc in (137, -9)
    finished(bare)


@pytest.mark.soak("kills")
def test_runs_killed_at_any_time_are_finished(bare, seed):
    anytime = random.Random(seed)
    for _ in range(8):
        killed(bare, anytime.uniform(1, 40))
    finished(bare)


def killed(bare, seconds):
    """Run the orchestration and kill it after *seconds*; return its `Run`, which may have ended before."""
    command = ["timeout", "--signal=KILL", f"{seconds:.1f}", "salt-run", "state.orchestrate", "mattermost.ssl"]
    return bare.command(*command)


def finished(bare):
    """Run it to its end, once the host's part of the killed one has ended, and again without a change."""
    deadline = time.monotonic() + 120
    run = bare.orchestrate()
    while run.rc != 0 and "is in progress" in run.out and time.monotonic() < deadline:
        time.sleep(2)
        run = bare.orchestrate()
    assert run.rc == 0, run
    assert bare.orchestrate().changes == {}


# the host's own upgrade: it holds dpkg's lock for a while
UPGRADE = """
cat >/root/unattended-upgrade <<'END'
import fcntl, time
file = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(40)
END
systemd-run -q --unit=own-upgrade python3 /root/unattended-upgrade
"""
DOWNLOADS = "/var/lib/mattermost-deploy/downloads"


@pytest.mark.soak("checks")
def test_what_goes_wrong_with_archive_or_packages_has_its_own_name(bare):
    """An archive that breaks off, a full disk, the host's own package run, a slow mirror: the next run goes on where that ended."""
    try:
        bare.lab.mirror.fault("short", 3_000_000)
        broken = bare.orchestrate()
        assert broken.rc == 1
        assert broken.stages["packages"]["result"] is True
        assert "could not be downloaded: the transfer ended early." in broken.stages["server"]["comment"], broken
        bare.lab.mirror.heal()

        bare.ssh(f"mount -t tmpfs -o size=8m small {DOWNLOADS}")
        full = bare.orchestrate()
        bare.ssh(f"umount {DOWNLOADS}")
        assert full.rc == 1
        assert f"{DOWNLOADS} has 8 MiB free, but the download needs" in full.stages["server"]["comment"], full

        # firewalld starts anew while the rest of the archive is on its way
        bare.ssh("dpkg --purge restic firewalld >/dev/null" + UPGRADE)
        bare.lab.mirror.fault("slow", 200_000)
        done = bare.orchestrate()
    finally:
        bare.lab.mirror.heal()
    assert done.rc == 0, done
    assert "so far, installing packages: unattended-upgrade (process" in done.err
    assert re.search(r"so far, .*the archive \d+ % of 27 MiB", done.err), done.err
    assert bare.orchestrate().changes == {}


@pytest.mark.soak("checks")
def test_two_runs_at_once_are_not_two_runs(deployed_host):
    first = subprocess.Popen(
        ["salt-run", "state.orchestrate", "mattermost.ssl"],
        env=deployed_host.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        first.stderr.readline()  # its first line of progress: it is at work
        second = deployed_host.orchestrate()
    finally:
        first.communicate(timeout=120)
    assert first.returncode == 0
    assert second.rc == 1
    assert "Another run is in progress in this checkout" in second.out


def test_chat_comes_back_after_a_reboot(deployed_host):
    deployed_host.host.reboot()
    deployed_host.wait_until_healthy()
    assert deployed_host.orchestrate().changes == {}


@pytest.mark.soak("kills")
def test_chat_comes_back_after_a_power_cut(deployed_host):
    deployed_host.host.cut()
    deployed_host.host.start()
    deployed_host.wait_until_healthy()
    assert deployed_host.orchestrate().changes == {}


def test_chat_survives_a_restart_of_postgresql(deployed_host):
    before = deployed_host.ssh("systemctl show --value --property=MainPID mattermost")
    deployed_host.ssh("systemctl restart postgresql@15-main")
    deployed_host.wait_until_healthy()
    assert deployed_host.ssh("systemctl show --value --property=MainPID mattermost") == before


def test_from_https_to_http_and_back(deployed_host):
    plain = deployed_host.orchestrate("mattermost.non-ssl")
    assert plain.rc == 0, plain
    assert "redirect" not in deployed_host.ssh(f"curl -sSI -H 'Host: {deployed_host.name}' http://127.0.0.1/ | head -1")
    # what only a certificate needs is nobody's to ask for here
    email = deployed_host.settings["mattermost"]["email"]
    deployed_host.set(email="")
    for operation in ("backup", "rotate"):
        run = deployed_host.orchestrate(f"mattermost.{operation}")
        assert run.rc == 0, run
    assert deployed_host.orchestrate("mattermost.non-ssl").changes == {}
    deployed_host.set(email=email)
    back = deployed_host.orchestrate("mattermost.ssl")
    assert back.rc == 0, back
    assert deployed_host.orchestrate("mattermost.ssl").changes == {}
    deployed_host.wait_until_healthy()
