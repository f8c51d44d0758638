"""A host that cannot be used: each of ssh's and sudo's answers becomes one sentence and a way out."""

from types import SimpleNamespace

import pytest
from mattermost_controller.hosts import collect, ssh_errors
from mattermost_controller.hosts.roster import Host, Result

WORDS = {
    "no shell": "This account is currently not available.",
    "refused": "ssh: connect to host 192.0.2.7 port 2222: Connection refused",
    "silent": "ssh: connect to host 192.0.2.7 port 2222: Connection timed out",
    "nameless": "ssh: Could not resolve hostname 192.0.2.7: Name or service not known",
    "far": "ssh: connect to host 192.0.2.7 port 22: No route to host",
    "new key": "No ED25519 host key is known for 192.0.2.7 and you have requested strict checking.\r\nHost key verification failed.",
    "other key": "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nOffending ED25519 key in known_hosts:1\nHost key verification failed.",
    "denied": "deploy@192.0.2.7: Permission denied (publickey,password).",
    "passphrase": "Private key file need passphrase",
    "open key": "@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nPermissions 0644 for 'key' are too open.\nPermission denied (publickey).",
    "no sudo": "/bin/sh: 1: sudo: not found",
    "sudo password": "sudo: a password is required",
    "sudo prompt": "sudo: a terminal is required to read the password; either use the -S option",
    "sudo terminal": "sudo: sorry, you must have a tty to run sudo",
    "sudo forbidden": "deploy is not in the sudoers file.  This incident will be reported.",
}


def host(opts=None, **entry):
    return Host("chat", {"host": "192.0.2.7", "user": "deploy", "port": 2222, **entry}, opts or {})


@pytest.mark.parametrize(
    ("words", "check", "sentence", "todo"),
    [
        ("refused", "reachable", "192.0.2.7 refuses connections to port 2222.", "port:"),
        ("silent", "reachable", "192.0.2.7 did not answer in time (port 2222).", "firewall"),
        ("nameless", "reachable", "name 192.0.2.7 cannot be resolved", "host:"),
        ("far", "reachable", "There is no network route to 192.0.2.7", "network"),
        ("new key", "host-key", "is not known yet (ED25519 SHA256:abc)", "salt-ssh -i -r chat uptime"),
        (
            "other key",
            "host-key",
            "host key that 192.0.2.7 shows now (ED25519 SHA256:abc) differs from the key in pinned.",
            "ssh-keygen -R '[192.0.2.7]:2222' -f pinned",
        ),
        ("denied", "ssh-login", "refuses the login of deploy by key", "priv"),
        ("no shell", "ssh-login", "its login shell runs no command", "usermod -s /bin/sh deploy"),
        ("passphrase", "ssh-key", "has a passphrase", "priv_passwd: in the roster entry of chat"),
        ("open key", "ssh-key", "can be read by other accounts", "chmod 600"),
        ("no sudo", "sudo", "has no sudo", "set user: root and remove sudo: True in the roster entry of chat"),
        ("sudo password", "sudo", "requires the password of deploy", "NOPASSWD"),
        ("sudo prompt", "sudo", "requires the password of deploy", "passwd: and tty: True"),
        ("sudo terminal", "sudo", "requires a terminal", "`Defaults:deploy !requiretty`"),
        (
            "sudo forbidden",
            "sudo",
            "The user deploy may not use sudo",
            "set user: root and remove sudo: True in the roster entry of chat",
        ),
    ],
)
def test_each_failure_has_its_sentence(words, check, sentence, todo):
    found = ssh_errors.explain(host(priv="key"), 255, WORDS[words], "ED25519 SHA256:abc", "pinned")
    assert (found.check, found.level) == (check, "refusal")
    assert sentence in found.sentence
    assert todo in found.fix


def test_a_wrong_password_is_named_as_such():
    found = ssh_errors.explain(host(passwd="s3cret"), 255, WORDS["denied"])
    assert "by password" in found.sentence
    assert "passwd" in found.fix
    assert "s3cret" not in str(found)


def test_a_login_that_the_roster_does_not_name_is_salts_own():
    salts = host(opts={"ssh_user": "admin", "ssh_port": "2200"}, user=None, port=None)
    assert "login of admin" in ssh_errors.explain(salts, 255, WORDS["denied"]).sentence
    assert "to port 2200" in ssh_errors.explain(salts, 255, WORDS["refused"]).sentence
    roots = host(user=None, port=None)
    assert "login of root" in ssh_errors.explain(roots, 255, WORDS["denied"]).sentence
    assert "to port 22." in ssh_errors.explain(roots, 255, WORDS["refused"]).sentence


def test_words_that_nobody_foresaw_are_passed_on():
    found = ssh_errors.explain(host(), 255, "kex_exchange_identification: Connection closed by remote host")
    assert "kex_exchange_identification" in found.sentence


@pytest.mark.parametrize("words", [WORDS["new key"], "Connection closed"])
def test_an_id_in_a_command_to_copy_starts_no_other(words):
    odd = Host("x;touch /tmp/y", {"host": "192.0.2.7"}, {})
    assert "'x;touch /tmp/y'" in ssh_errors.explain(odd, 255, words).fix


def test_the_pinned_file_is_read_from_the_options():
    assert ssh_errors.known_hosts_file(["ControlMaster=auto", "UserKnownHostsFile=known_hosts"]) == "known_hosts"


@pytest.mark.parametrize(
    ("options", "place"),
    [(None, "known_hosts"), (["ProxyJump=gate"], "~/.ssh/known_hosts"), (["UserKnownHostsFile=pinned"], "pinned")],
)
def test_the_file_of_pinned_keys_is_the_one_that_ssh_reads(monkeypatch, options, place):
    """Options of a roster entry are in place of those of the checkout, its file of keys among them."""
    monkeypatch.setattr(ssh_errors, "fingerprints", lambda *_: "")
    one = host(ssh_options=options)
    monkeypatch.setattr(one, "connect", lambda: Result(255, "", WORDS["other key"]))
    fault = collect.from_hosts([one], collect.log_in([one]), {"chat": ""}, "known_hosts")["chat"].fault
    assert f"-f {place}." in fault.fix


def fake(login=None, answer=None, opts=None, **entry):
    made = Host("chat", {"host": "192.0.2.7", **entry}, opts or {})
    made.connect = lambda: login or Result(0, "", "")
    made.run = lambda script, timeout: answer or Result(0, "time\t1000\nuid\t0\nend\tok\n", "")
    return made


def collected(one):
    return collect.from_hosts([one], collect.log_in([one]), {"chat": ""}, "known_hosts")["chat"]


def test_a_host_that_answers_gives_facts():
    found = collected(fake())
    assert found.fault is None
    assert found.facts["uid"] == 0


def test_a_login_shell_that_prints_is_refused_and_named():
    """Its words would be the first of each file that is copied: scp says "Received message too long"."""
    for said in ("Welcome!\n", "no line end"):
        found = collected(fake(answer=Result(0, f"{said}time\t1000\nuid\t0\nend\tok\n", ""), user="ops")).fault
        assert (found.check, said.strip() in found.sentence) == ("ssh-login", True)
        assert "startup files of ops" in found.fix


def test_a_login_that_fails_gives_the_fault():
    assert collected(fake(login=Result(255, "", WORDS["refused"]))).fault.check == "reachable"


@pytest.mark.parametrize("login", [{"user": "deploy"}, {"opts": {"ssh_user": "deploy"}}])
def test_a_user_who_is_not_root_is_refused(login):
    found = collected(fake(answer=Result(0, "time\t1\nuid\t1000\nend\tok\n", ""), **login)).fault
    assert (found.check, found.sentence) == ("sudo", "The user deploy is not root on 192.0.2.7.")


def test_sudo_that_fails_is_refused():
    assert collected(fake(answer=Result(1, "", WORDS["sudo password"]))).fault.check == "sudo"


def test_an_answer_cut_short_is_refused():
    assert collected(fake(answer=Result(0, "uid\t0\n", ""))).fault.check == "probe"


@pytest.mark.parametrize(("there", "expected"), [(1000, 0), (1001, 0), (1100, 99), (900, -99)])
def test_the_clocks_difference_leaves_room_for_the_way(there, expected):
    assert round(collect.skew(there, 1000.2, 1001.4)) == expected


def test_faults_of_the_settings_are_all_told():
    class Wrong(ValueError):
        faults = ("mattermost:a is not a setting.", "mattermost:b is not a setting.")

    def settings(grains):
        raise Wrong()

    _, faults = collect.early_settings([SimpleNamespace(id="chat", settings=settings)])
    assert [one.sentence for one in faults["chat"]] == list(Wrong.faults)
    assert {one.check for one in faults["chat"]} == {"settings"}


def test_a_platform_that_is_not_listed_is_a_matter_of_the_host():
    assert (
        collect.settings_fault("This host runs Arch , which is not supported. Supported: Debian 12.").check
        == "platform"
    )
