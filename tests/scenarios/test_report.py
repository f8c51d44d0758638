"""What a person sees of a run, on the plain command: short, the result last, a failure once."""

import json
import re

import pytest

from tests.scenarios.upgrading import cloned


@pytest.fixture(scope="module")
def upgrading(lab, releases, deployed_snapshot):
    with cloned(lab, releases, deployed_snapshot, "report") as made:
        made.deployment.orchestrate()  # what a clone needs once: its backup is of another machine
        yield made


@pytest.fixture
def host(upgrading, releases):
    upgrading.deployment.use(releases[0])
    with upgrading.deployment.settings_put_back():
        yield upgrading.deployment


def seen(host, name="mattermost.ssl", *arguments):
    """Run the plain command; return its exit status, both streams as lines."""
    done = host.command("salt-run", "state.orchestrate", name, *arguments)
    return done.rc, done.out.splitlines(), done.err.splitlines()


def narrow(*parts):
    lines = [line for part in parts for line in part]
    assert [line for line in lines if len(line) > 80 and " " in line.strip()] == []
    assert [line for line in lines if "Traceback" in line or "\x1b" in line] == []
    return "\n".join(lines)


def test_a_run_with_nothing_to_do_is_a_few_lines(host, releases):
    rc, out, err = seen(host)
    said = narrow(out, err)
    assert rc == 0, said
    assert len(out) + len(err) <= 15, said
    assert out[-1].startswith("Done in ")
    assert out[-1].endswith(": nothing changed.")
    assert f"https://{host.name}   Mattermost {releases[0].version}   certificate until 20" in said
    assert re.search(r"^  \d+ stages: nothing to change$", said, re.MULTILINE), said


def test_a_dry_run_reads_the_same_way_and_names_what_would_change(host, releases):
    rc, out, err = seen(host, "mattermost.ssl", "test=True")
    assert rc == 0, err
    assert out[-1].endswith("nothing was changed, and a real run would change nothing.")
    assert len(out) + len(err) <= 15
    host.use(releases[1])
    rc, out, err = seen(host, "mattermost.ssl", "test=True")
    assert rc == 0, err
    said = narrow(out, err)
    assert f"Would upgrade Mattermost {releases[0].version} to {releases[1].version}" in said
    assert out[-1].endswith(": nothing was changed.")


@pytest.mark.soak("checks")
def test_a_change_is_told_with_its_stage(host):
    host.set(nginx={"hsts_seconds": 77})
    rc, out, err = seen(host, "mattermost.ssl", "test=True")
    said = narrow(out, err)
    assert rc == 0, said
    assert [line for line in out if line.startswith("  nginx-base  Would change nginx's ")], said


def test_a_failed_upgrade_is_told_once_and_last(upgrading, host, releases):
    upgrading.break_new("FAIL_START=1")
    host.use(releases[1])
    rc, out, err = seen(host)
    upgrading.mend_new()
    said = narrow(out, err)
    assert rc == 1, said
    (start,) = [number for number, line in enumerate(err) if line.startswith("Failed: ")]
    told = " ".join(line.strip() for line in err[start:])
    assert told.startswith(f"Failed: {host.name}: server: Mattermost {releases[1].version} ended")
    assert f"{releases[0].version} serves again" in told
    assert "Fix: " in told
    assert said.count("serves again") == 1, said
    assert len(err) - start <= 12, said
    assert "Not reached: " in said


def test_a_refused_preflight_is_told_once_with_what_to_do(host):
    host.set(email="nobody", nginx={"hsts_seconds": -7})
    rc, out, err = seen(host)
    said = narrow(out, err)
    assert rc == 1
    assert out == []
    assert "Refused before anything was changed: 2 of " in said
    assert said.count("-7") == 1, said
    assert said.count("Fix: ") == 2


def test_a_host_that_is_gone_is_told(host, upgrading):
    host.write(port=1)
    rc, out, err = seen(host)
    assert rc == 1
    assert "  reachable  " in "\n".join(err)
    assert "Fix: " in "\n".join(err)


@pytest.mark.soak("checks")
def test_data_are_whole_and_everything_is_there_for_who_asks(host):
    done = host.orchestrate()
    (steps,) = json.loads(done.out)["data"].values()
    assert json.loads(done.out)["retcode"] == done.rc == 0
    report = next(step for step in steps.values() if step["__id__"] == "report")
    assert "nothing changed." in report["comment"]
    debug = host.command("salt-run", "state.orchestrate", "mattermost.verify", "-l", "debug")
    assert "Summary for " in debug.out
    assert debug.out.splitlines()[-1].startswith("Done in ")
    whole = host.command("salt-run", "state.orchestrate", "mattermost.verify", "--out=highstate")
    assert "Summary for " in whole.out
    assert "\nDone in " not in whole.out.rpartition("Summary for ")[2]
