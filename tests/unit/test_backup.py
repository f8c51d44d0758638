"""Backups: the words on a report, the repository's password, and the program's own reading of a configuration."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from mattermost_controller.reporting import build, screen
from mattermost_controller.stages import backup as core

from tests import programs, states

SETTINGS = {"backup": {"repository": "/var/backups/mattermost"}, "paths": {"settings": "/etc/mattermost"}}


def test_a_report_is_read_by_its_keys():
    found = core.report("done: All well.\nresult=done\nreason=a = b\nnot a key=1\n")
    assert found == {"result": "done", "reason": "a = b"}


@pytest.mark.parametrize(
    ("count", "words"), [("0", "0 bytes"), ("999", "999 bytes"), ("55123", "55 kB"), ("1400000", "1.4 MB"), ("x", "x")]
)
def test_sizes_are_for_people(count, words):
    assert core.size(count) == words


def test_a_failure_says_why_and_what_to_do():
    assert (
        core.failure({"result": "refused", "reason": "No room.", "advice": "Make some."}, "") == "No room. Make some."
    )
    assert core.failure({"result": "done", "reason": "old"}, "sh: not found\n") == "sh: not found"
    assert "journalctl" in core.failure({}, "")


@pytest.mark.parametrize(
    ("function", "ending"), [("drilled", ", and a real run would change nothing."), ("created", ".")]
)
def test_a_dry_run_says_whether_a_real_run_would_change_something(function, ending):
    shell = states.load_state("mattermost_backup", test=True)
    shell.__context__ = {shell.PREFLIGHT: {"chat": {"host": None, "settings": SETTINGS}}}
    step = getattr(shell, function)("x") | {"__id__": "x", "function": f"mattermost_backup.{function}"}
    out, _ = screen.summary(build.from_steps([step], test=True), screen.Style())
    assert out[-1] == f"Dry run, 0.0 s: nothing was changed{ending}"


def test_a_backup_on_the_host_itself_is_said_to_be_one():
    found = {"snapshot": "abc", "bytes": "10", "added": "1"}
    assert "is lost with that disk" in core.created(found, SETTINGS)
    elsewhere = {**SETTINGS, "backup": {"repository": "rest:https://user:hidden@example.com/"}}
    said = core.created(found, elsewhere)
    assert "outlive" not in said
    assert "hidden" not in said


@pytest.mark.parametrize("looked", ["", "snapshot=abc\nversion=11.7.3\nhere=11.7.3\n"])
def test_a_restore_whose_report_no_program_of_ours_writes_fails_for_that_host(looked):
    def run(command, timeout):
        return SimpleNamespace(rc=0, out=looked if " look " in command else "newer=many\n", err="")

    shell = states.load_state("mattermost_backup")
    shell.__pillar__ = {}
    shell.__context__ = {shell.PREFLIGHT: {"chat": {"host": SimpleNamespace(run=run), "settings": SETTINGS}}}
    ret = shell.restored("x")
    assert (ret["result"], ret["comment"].partition(".")[0]) == (
        False,
        "chat: The host's report is not that of this bundle's program",
    )


CONFIG = {
    "SqlSettings": {"DriverName": "postgres", "AtRestEncryptKey": "k1", "DataSource": 'a"b'},
    "FileSettings": {"DriverName": "local", "Nested": {"PublicLinkSalt": "no"}, "PublicLinkSalt": "k2", "Size": 5},
    "Later": {"DriverName": "no"},
}


def shell(tmp_path, script):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG, indent=4))
    functions = programs.joined("mattermost-backup").partition("# ---- the command")[0]
    done = subprocess.run(["dash"], input=f"{functions}cd {tmp_path}\n{script}\n", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SqlSettings DriverName", "postgres"),
        ("FileSettings DriverName", "local"),
        ("FileSettings Size", "5"),
        ("FileSettings No", ""),
    ],
)
def test_the_program_reads_the_key_of_its_section(tmp_path, key, value):
    assert shell(tmp_path, f"config_value config.json {key}") == value


def test_the_fingerprint_changes_with_either_key_and_holds_none(tmp_path):
    first = shell(tmp_path, "keys_fingerprint config.json")
    assert len(first) == 64
    for section, key in (("SqlSettings", "AtRestEncryptKey"), ("FileSettings", "PublicLinkSalt")):
        kept, CONFIG[section][key] = CONFIG[section][key], "other"
        try:
            assert shell(tmp_path, "keys_fingerprint config.json") != first
        finally:
            CONFIG[section][key] = kept


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ({}, ("latest", False)),
        ({"snapshot": "1a2b3c4d"}, ("1a2b3c4d", False)),
        ({"snapshot": 12345678}, ("12345678", False)),
        ({"snapshot": "latest", "overwrite": True}, ("latest", True)),
        ({"overwrite": False}, ("latest", False)),
    ],
)
def test_what_the_pillar_says_is_taken(told, meant):
    assert core.parse_request(told) == meant


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"snapshot": "latest; reboot"}, "restore:snapshot"),
        ({"snapshot": ""}, "restore:snapshot"),
        ({"overwrite": "yes"}, "restore:overwrite"),
        ({"overwrit": True}, "restore:overwrit is not a known key"),
    ],
)
def test_what_the_pillar_cannot_mean_is_refused(told, words):
    with pytest.raises(ValueError, match=words):
        core.parse_request(told)


@pytest.mark.parametrize(
    ("backup", "here", "overwrite", "command"),
    [
        ("11.7.10", "11.7.10", False, "mattermost-restore to 1a2b"),
        ("11.7.10", "11.7.10", True, "mattermost-restore to 1a2b overwrite"),
        ("11.7.9", "11.7.10", False, "mattermost-restore to 1a2b from 11.7.9"),
        ("11.7.9", "11.8.1", True, "mattermost-restore to 1a2b overwrite from 11.7.9"),
    ],
)
def test_a_backup_of_the_same_or_an_older_version_is_restored(backup, here, overwrite, command):
    assert core.restore_command({"snapshot": "1a2b", "version": backup, "here": here}, overwrite) == command


@pytest.mark.parametrize(
    ("backup", "here", "words"),
    [
        ("11.8.1", "11.7.10", "Set mattermost:release:version to 11.8.1"),
        ("11.8.1", "", "the host has no Mattermost. Set mattermost:release:version to 11.8.1"),
        ("10.5.1", "11.8.1", "cannot take over the database of 10.5.1. Restore on a host that has Mattermost 10.5.1"),
    ],
)
def test_a_backup_that_the_version_here_does_not_take_over_is_refused(backup, here, words):
    with pytest.raises(ValueError, match=words):
        core.restore_command({"snapshot": "1a2b", "version": backup, "here": here}, True)


def test_a_restore_says_what_was_newer():
    assert "7 messages that are newer" in core.restored({"newer": "7", "advice": "Look."}, {})
    assert "newer" not in core.restored({"newer": "0"}, {})


def test_a_drill_says_what_stands_in_a_restores_way():
    assert core.drilled({"advice": "data is a mount point."}, {}).endswith("removed. data is a mount point.")
    assert core.drilled({"advice": ""}, {}).endswith("removed.")


def test_no_backup_is_made_in_the_middle_of_a_restore(tmp_path):
    script = 'own=$PWD; : >open; take_turn() { :; }; give_up() { say "$2"; exit 0; }; work'
    assert shell(tmp_path, script) == "A restore was interrupted and has not been rolled back yet."


@pytest.mark.parametrize("step", ["created", "drilled", "restored"])
def test_a_host_that_succeeded_is_not_among_the_failed_ones(step):
    def host(rc, out):
        done = SimpleNamespace(rc=rc, out=out, err="")
        return SimpleNamespace(run=lambda command, timeout: done, glance=lambda command: "")

    looked = "result=done\nversion=11.7.3\nhere=11.7.3\nsnapshot=abc\nreason=It is all there.\n"
    hosts = {"a": host(0, looked), "b": host(3, "result=failed\nreason=No room.\nadvice=Make some.\n")}
    shell = states.load_state("mattermost_backup")
    shell.__pillar__ = {}
    shell.__context__ = {"mattermost_preflight": {name: {"host": hosts[name], "settings": SETTINGS} for name in hosts}}
    ret = getattr(shell, step)("it-is-done")
    assert (ret["result"], ret["comment"].splitlines()[-1]) == (False, "b: No room. Make some.")
    report = build.from_steps([{**ret, "__id__": "it-is-done", "function": f"mattermost_backup.{step}"}], False)
    assert [(one.host, one.what, one.fix) for one in report.failures] == [("b", "No room.", "Make some.")]
    assert [row.host for row in report.rows] == ["a"]
    assert report.changed == ([] if step == "drilled" else ["a"])
