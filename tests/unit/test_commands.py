"""What is run for its effect and fails is named, and its state does not say that all went well."""

import types

import mattermost_baseline_record as records
import mattermost_commands as commands
import mattermost_database_major_cluster as major_cluster
import pytest

from tests.states import load_state

FAILS = "#!/bin/sh\necho 'it will not' >&2\nexit 1\n"
# A unit that is on and that nothing but what `systemctl` may switch, if it may, changes.
SYSTEMCTL = """#!/bin/sh
case $1 in
--quiet) [ -e "{root}/$2" ] ;;
enable) ! grep -q enable "{root}/refused" 2>/dev/null && : >"{root}/is-enabled" ;;
disable) ! grep -q disable "{root}/refused" 2>/dev/null && rm -f "{root}/is-enabled" ;;
start) ! grep -q start "{root}/refused" 2>/dev/null && : >"{root}/is-active" ;;
stop) ! grep -q stop "{root}/refused" 2>/dev/null && rm -f "{root}/is-active" ;;
esac || {{ echo "$1 refused" >&2; exit 1; }}
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a program in front of the host's own ones."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/sbin:/usr/bin:/sbin:/bin")

    def put(name, text=FAILS):
        path = tmp_path / "bin" / name
        path.write_text(text.format(root=tmp_path) if name == "systemctl" else text)
        path.chmod(0o755)

    return put


@pytest.fixture
def system(tmp_path, program, monkeypatch):
    """Run the removal's state for the system's own settings; the record says what the host was like."""
    program("systemctl", SYSTEMCTL)
    state = load_state("mattermost_baseline_restore")
    key = {"fingerprints": ["ab"]}
    platform = {"repositories": {"dead_hosts": [], "keys": {"vendor": key}}}
    platform |= {part: {"service": part, "packages": [part]} for part in ("nginx", "certbot", "firewall")}
    state.pkgs = types.SimpleNamespace(Packages=lambda: types.SimpleNamespace(keys=lambda: {"ab": "gpg-pubkey-ab-1"}))
    monkeypatch.setattr(state.repositories, "imported", lambda known, ours: list(known.values()))

    def run(**record):
        records.write(str(tmp_path / "work"), {"packages": ["nginx"], **record})
        return state.system("system", platform, {"work": str(tmp_path / "work")})

    return run


def test_a_key_that_rpm_keeps_is_named(system, program):
    program("rpm")
    ret = system(keys=[])
    assert ret["result"] is False
    assert ret["comment"] == "rpm -e --allmatches gpg-pubkey-ab-1 failed: it will not."
    assert ret["changes"] == {}


def test_a_key_that_rpm_removes_is_gone(system, program):
    program("rpm", "#!/bin/sh\n")
    assert system(keys=[]) | {"name": ""} == {
        "name": "",
        "result": True,
        "changes": {"gpg-pubkey-ab-1": "removed"},
        "comment": "The package repositories and services of this host were restored.",
    }


@pytest.mark.parametrize("verb", ["enable", "start"])
def test_a_service_that_does_not_come_back_is_named(system, tmp_path, verb):
    (tmp_path / "refused").write_text(verb)
    ret = system(units={"nginx.service": {"enabled": True, "active": True}})
    assert (ret["result"], ret["changes"]) == (False, {})
    assert ret["comment"] == f"systemctl {verb} nginx.service failed: {verb} refused."
    (tmp_path / "refused").unlink()
    ret = system(units={"nginx.service": {"enabled": True, "active": True}})
    assert (ret["result"], ret["changes"]) == (True, {"nginx.service": "started"})


@pytest.mark.parametrize(("verb", "mark"), [("disable", "is-enabled"), ("stop", "is-active")])
def test_a_unit_that_cannot_be_switched_off_is_named(program, tmp_path, verb, mark):
    program("systemctl", SYSTEMCTL)
    (tmp_path / "refused").write_text(verb)
    assert commands.switch_unit("x.service", enabled=False, active=False) == "", "off already: there is nothing to say"
    (tmp_path / mark).touch()
    said = commands.switch_unit("x.service", enabled=False, active=False)
    assert said == f"systemctl {verb} x.service failed: {verb} refused."


@pytest.mark.parametrize(("command", "gone"), [("true", False), ("false", False), ("rm", True)])
def test_a_cluster_that_stays_is_not_taken_for_gone(tmp_path, command, gone):
    data = tmp_path / "PG_VERSION"
    data.touch()
    cluster = types.SimpleNamespace(
        data={"remove": [command, str(data)], "config_dir": str(tmp_path)}, is_initialised=data.exists
    )
    assert major_cluster.drop(cluster) is gone


def test_a_removal_kills_a_server_that_prolongs_its_own_stop(tmp_path, program, monkeypatch):
    """As its main process may, with EXTEND_TIMEOUT_USEC."""
    program(
        "systemctl",
        SYSTEMCTL.replace("stop) ", 'stop) [ -e "{root}/killed" ] || exec sleep 60; ').replace(
            "esac ||", 'kill) : >"{root}/killed" ;;\nesac ||'
        ),
    )
    monkeypatch.setattr(commands, "STOP_SECONDS", 0.2)
    for name in ("is-active", "is-enabled"):
        (tmp_path / name).touch()
    commands.stop_ours("mattermost.service")
    assert (tmp_path / "killed").exists()
    assert commands.switch_unit("mattermost.service", enabled=False, active=False) == ""
