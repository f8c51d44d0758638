"""A person's own ~/.ssh/config is for other work too: what it says there changes nothing of what ssh tells Salt."""

import subprocess

import yaml

from tests import repository

THEIRS = """
Host *
    RequestTTY force
    RemoteCommand tmux attach
    PermitLocalCommand yes
    LocalCommand echo welcome
    LocalForward 8065 localhost:8065
    ExitOnForwardFailure yes
    VerifyHostKeyDNS yes
    LogLevel QUIET
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    ProxyJump bastion.example.com
"""


def asked(tmp_path, options):
    """Return what ssh would do, by the name of each option in lower case."""
    (tmp_path / "config").write_text(THEIRS)
    command = [
        "ssh",
        "-G",
        "-F",
        tmp_path / "config",
        *(word for option in options for word in ("-o", option)),
        "chat.example.com",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def test_it_decides_the_way_to_a_host_and_nothing_that_salt_reads(tmp_path):
    options = yaml.safe_load(repository.text("etc/salt/master"))["ssh_options"]
    found = asked(tmp_path, options)
    assert found["proxyjump"] == "bastion.example.com"
    assert found["userknownhostsfile"] == "known_hosts"
    assert (found["requesttty"], found["permitlocalcommand"], found["verifyhostkeydns"]) == ("false", "no", "false")
    assert (found.get("remotecommand", "none"), found["exitonforwardfailure"], found["loglevel"]) == (
        "none",
        "no",
        "INFO",
    )
    assert found["stricthostkeychecking"] == "true"
    planted = asked(tmp_path, [])
    assert (planted["requesttty"], planted["loglevel"]) == ("force", "SILENT"), "their file was not read"
