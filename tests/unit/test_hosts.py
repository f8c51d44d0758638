"""Which hosts a run touches: said by one rule, refused in one sentence."""

import os
import shlex
import subprocess
import types

import pytest
from mattermost_controller.hosts import roster


def test_a_single_entry_needs_no_name():
    assert roster.choose({"chat": {}}, []) == ["chat"]


def test_several_entries_need_names():
    with pytest.raises(roster.TargetError, match="has 2 entries .* mattermost:hosts"):
        roster.choose({"chat": {}, "other": {}}, [])


def test_a_named_host_must_be_in_the_roster():
    with pytest.raises(
        roster.TargetError, match="names chta, but the roster has no such entry. The roster contains: chat"
    ):
        roster.choose({"chat": {}}, ["chta"])


def test_where_to_correct_it_is_said_and_an_empty_roster_is_not_listed():
    with pytest.raises(roster.TargetError) as caught:
        roster.choose({}, ["chta"])
    assert str(caught.value).endswith(
        "but the roster has no such entry. Correct mattermost:hosts in pillar/mattermost.sls, or the roster."
    )


def test_only_named_hosts_are_touched():
    assert roster.choose({"chat": {}, "shared": {}}, ["chat"]) == ["chat"]


def test_hosts_that_are_no_list_are_not_read_letter_by_letter(monkeypatch):
    monkeypatch.setattr(roster, "roster", lambda opts: {"chat": {}})
    with pytest.raises(roster.TargetError, match="mattermost:hosts is not a list"):
        roster.targets({}, {"mattermost": {"hosts": "chat"}})


@pytest.mark.parametrize("engine", ["ssh", "minion"])
@pytest.mark.parametrize("name", [1, True, None, "", ["chat"], {"chat": None}], ids=str)
def test_a_host_whose_name_is_not_text_is_refused(monkeypatch, name, engine):
    """YAML takes `- 1`, `- on` and `- chat:` for something else."""
    monkeypatch.setattr(roster, "roster", lambda opts: {"chat": {}, "1": {}})
    monkeypatch.setattr(roster, "_override", {})
    with pytest.raises(roster.TargetError, match="mattermost:hosts contains .*, which is not text. Write each"):
        roster.targets({}, {"mattermost": {"hosts": ["chat", name], "engine": engine}}, "mattermost.ssl")


def test_a_host_that_is_named_twice_is_one_host(monkeypatch):
    """Else it would be two batches."""
    monkeypatch.setattr(roster, "roster", lambda opts: {"chat": {}, "other": {}})
    monkeypatch.setattr(roster, "_override", {})
    found = roster.targets({}, {"mattermost": {"hosts": ["other", "chat", "other"]}})
    assert [host.id for host in found] == ["other", "chat"]


def test_a_host_that_the_command_names_and_the_roster_has_not_is_corrected_there(monkeypatch):
    monkeypatch.setattr(roster, "roster", lambda opts: {"old": {}})
    with pytest.raises(roster.TargetError) as caught:
        roster.named({}, {}, ["old", "nwe"], "mattermost.move")
    assert str(caught.value) == (
        "The command names nwe, but the roster has no such entry. The roster contains: old. Correct the command, or the roster."
    )


def test_the_pillar_of_a_run_names_its_hosts(monkeypatch):
    monkeypatch.setattr(roster, "roster", lambda opts: {"chat": {"host": "192.0.2.1"}, "shared": {"host": "192.0.2.2"}})
    monkeypatch.setattr(roster, "_override", {})
    pillar = {"mattermost": {"hosts": ["shared"]}}
    assert [host.id for host in roster.targets({}, pillar)] == ["shared"]


def test_a_missing_roster_says_how_to_get_one(tmp_path):
    with pytest.raises(roster.TargetError, match=r"Copy roster\.example"):
        roster.targets({"roster_file": str(tmp_path / "roster")}, {})


def test_a_pillar_is_compiled_once_for_the_same_grains_whatever_was_learnt_since(monkeypatch):
    compiled = []

    class Pillar:
        def __init__(self, opts, grains, *_):
            compiled.append(grains["os"])

        def compile_pillar(self):
            return {"mattermost": {"email": "a@example.com"}}

    monkeypatch.setattr("salt.pillar.Pillar", Pillar)
    monkeypatch.setattr(roster, "_override", {})
    host = roster.Host("new.example.com", {"host": "192.0.2.9"}, {"file_roots": {"base": ["salt"]}, "pillar_roots": {}})
    debian = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
    host.settings(debian)["email"] = "changed@example.com"
    roster.take_listed({"11.7": "11.7.9"})
    assert host.settings(debian)["email"] == "a@example.com"
    host.settings({**debian, "os": "Ubuntu", "osmajorrelease": 24})
    assert compiled == ["Debian", "Ubuntu"]


def test_what_the_run_lays_over_the_settings_counts_at_once(monkeypatch):
    grains = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
    opts = {"file_roots": {"base": ["salt"]}}
    host = roster.Host("new.example.com", {"host": "192.0.2.9"}, opts)
    monkeypatch.setattr(host, "pillar", lambda grains: {"mattermost": {"email": "a@example.com", "mail": {"port": 25}}})
    monkeypatch.setattr(roster, "_override", {})
    assert host.settings(grains)["name"] == "new.example.com"
    roster.override_hosts(["new.example.com"], {"name": "chat.example.com", "mail": {"server": "mail.example.com"}})
    found = host.settings(grains)
    assert found["name"] == "chat.example.com"
    assert (found["mail"]["server"], found["mail"]["port"]) == ("mail.example.com", 25)


@pytest.mark.parametrize(
    ("entry", "ran", "first"),
    [
        ({}, "/bin/sh -c", b""),
        ({"sudo": True}, "sudo -n /bin/sh -c", b""),
        ({"sudo": True, "passwd": "secret"}, "sudo -S -p '' /bin/sh -c", b"secret\nmattermost-data-begins\n"),
    ],
)
def test_a_stream_is_roots_and_a_password_never_an_argument(entry, ran, first, monkeypatch):
    host = roster.Host("chat", {"host": "192.0.2.9", **entry}, {})
    monkeypatch.setattr(host, "command", lambda remote: ["ssh", remote])
    monkeypatch.setattr(host, "_has_connection", lambda: True)
    (_, remote), preface = host.stream("cat >/data")
    assert remote.startswith(ran)
    assert preface == first
    assert "secret" not in remote


PASSWORD = "it's (x)"  # as a command it would be a fault of syntax, told with the password


@pytest.fixture
def local_host(tmp_path, monkeypatch):
    """A host whose commands run here, with a sudo that asks for the password, or, told so, does not."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def host(asks=True, **entry):
        ask = f'IFS= read -r given; [ "$given" = {shlex.quote(PASSWORD)} ] || exit 1' if asks else ":"
        none = "echo 'sudo: a password is required' >&2; exit 1" if asks else ":"
        (tmp_path / "sudo").write_text(
            f'#!/bin/sh\nwhile :; do case $1 in -n) {none}; shift ;; -p) shift 2 ;; -*) shift ;; *) break ;; esac; done\n{ask}\nexec "$@"\n'
        )
        (tmp_path / "sudo").chmod(0o755)
        made = roster.Host("chat", {"host": "192.0.2.9", "sudo": True, "passwd": PASSWORD, **entry}, {})
        monkeypatch.setattr(made, "command", lambda remote: ["sh", "-c", remote])
        monkeypatch.setattr(made, "connect", lambda: roster.Result(0, "", ""))
        return made

    return host


@pytest.mark.parametrize("asks", [True, False])
def test_a_password_is_no_command_whether_sudo_asks_or_not(local_host, asks):
    done = local_host(asks).run("echo one\necho two\n")
    assert done == roster.Result(0, "one\ntwo\n", "")


@pytest.mark.parametrize("sudo", [True, False])
def test_our_programs_are_found_under_the_path_of_els_sudo(local_host, sudo, monkeypatch):
    """EL's secure_path has no /usr/local; by a bare name backup, restore, drill and rollback were not found there."""
    host = local_host(sudo=sudo)
    monkeypatch.setenv("PATH", f"{os.environ['PATH'].split(':')[0]}:/sbin:/bin:/usr/sbin:/usr/bin")
    said = host.run('printf %s "$PATH"').out.split(":")
    argv, preface = host.stream('printf %s "$PATH"')
    streamed = subprocess.run(argv, input=preface, capture_output=True, check=True).stdout.decode().split(":")
    for path in (said, streamed):
        assert {"/usr/local/sbin", "/usr/local/bin"} <= set(path)


@pytest.mark.parametrize(("is_open", "logins"), [(False, 2), (True, 0)])
def test_each_command_logs_in_again_unless_the_connection_is_open(is_open, logins, monkeypatch):
    host = roster.Host("chat", {"host": "192.0.2.9", "passwd": PASSWORD}, {})
    done = []
    shell = types.SimpleNamespace(exec_cmd=lambda command: done.append(command) or ("", "", 0))
    monkeypatch.setattr(host, "_shell", lambda: shell)
    monkeypatch.setattr(host, "_has_connection", lambda: is_open)
    monkeypatch.setattr(host, "command", lambda remote: ["sh", "-c", remote])
    assert host.run("echo one").out == "one\n"
    host.stream("cat")
    assert done == ["true"] * logins


def test_a_command_never_asks_at_the_terminal(tmp_path):
    entry = {"host": "192.0.2.9", "priv": str(tmp_path / "key")}
    words = roster.Host("chat", entry, {"pki_dir": "", "root_dir": str(tmp_path)}).command("true")
    shown = subprocess.run([words[0], "-G", *words[1:-1]], capture_output=True, text=True, check=True).stdout
    assert "batchmode yes" in shown.splitlines()


DATA = bytes(range(256)) * 1000


@pytest.mark.parametrize("asks", [True, False])
def test_a_file_arrives_whole_and_private_whether_sudo_asks_or_not(local_host, tmp_path, asks):
    (tmp_path / "archive").write_bytes(DATA)
    done = local_host(asks).send(str(tmp_path / "archive"), str(tmp_path / "it's there"), "archive")
    assert done == roster.Result(0, "", "")
    assert (tmp_path / "it's there").read_bytes() == DATA
    assert (tmp_path / "it's there").stat().st_mode & 0o777 == 0o600


def test_a_file_that_came_incomplete_is_none(local_host, tmp_path, monkeypatch):
    (tmp_path / "archive").write_bytes(DATA)
    monkeypatch.setattr(os.path, "getsize", lambda path: len(DATA) + 1)
    done = local_host(passwd="", asks=False).send(str(tmp_path / "archive"), str(tmp_path / "there"), "archive")
    assert (done.rc, done.err) == (1, "the transfer was incomplete\n")
    assert not (tmp_path / "there").exists()
