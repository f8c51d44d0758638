"""Turn what ssh and sudo say when a host cannot be used into one sentence and what to do about it."""

from __future__ import annotations

import shlex
import subprocess

import mattermost_subprocess
from mattermost_lines import lines_of

from mattermost_controller.findings import Finding, refusal

# (check, words of ssh or sudo, sentence, what to do); the first match counts. {name} fields: see explain().
_CASES = (
    (
        "host-key",
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", "Offending"),
        "the host key that {address} shows now{fingerprints} differs from the key in {known_hosts}.",
        "if the host was reinstalled, run: ssh-keygen -R '{label}' -f {known_hosts}. If not, do not log in, because "
        "this may be an attack.",
    ),
    (
        "host-key",
        (
            "Host key verification failed",
            "host key needs to be accepted",
            "host key is known for",
            "authenticity of host",
        ),
        "the host key of {address} is not known yet{fingerprints}.",
        "compare that key with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub at the host's console. Then accept "
        "it: salt-ssh -i -r {target} uptime",
    ),
    (
        "ssh-key",
        ("UNPROTECTED PRIVATE KEY FILE", "bad permissions"),
        "the private key {priv} can be read by other accounts, so ssh does not use it.",
        "{chmod}",
    ),
    (
        "ssh-key",
        ("need passphrase", "Enter passphrase", "incorrect passphrase"),
        "the private key {priv} has a passphrase, and ssh did not get this passphrase.",
        "set priv_passwd: in the roster entry of {id}. Or set priv: agent-forwarding in that entry and use an ssh agent.",
    ),
    (
        "ssh-login",
        ("Permission denied", "Too many authentication failures", "Authentication failed"),
        "{address} refuses the login of {user} by {means}.",
        "check user and {check} in the roster entry of {id}{public}.",
    ),
    (
        "ssh-login",
        ("account is currently not available", "account is not available"),
        "the account {user} may log in to {address}, but its login shell runs no command (nologin).",
        "give the account a shell on the host: usermod -s /bin/sh {user}. Or set another user: in the roster entry of {id}.",
    ),
    (
        "reachable",
        ("Connection refused",),
        "{address} refuses connections to port {port}.",
        "start the ssh server on the host, or set the right port: in the roster entry of {id}.",
    ),
    (
        "reachable",
        ("timed out", "Timeout", "No answer within"),
        "{address} did not answer in time (port {port}).",
        "check the address in the roster entry of {id}, the host's firewall, and whether the host is up or overloaded.",
    ),
    (
        "reachable",
        ("Could not resolve hostname", "Name or service not known", "nodename nor servname"),
        "the name {address} cannot be resolved to an address.",
        "correct host: in the roster entry of {id}.",
    ),
    (
        "reachable",
        ("No route to host", "Network is unreachable"),
        "there is no network route to {address} from the controller.",
        "check the address in the roster entry of {id} and the controller's network (a VPN?).",
    ),
    (
        "sudo",
        ("must have a tty",),
        "sudo on {address} requires a terminal.",
        "allow sudo without a terminal. Add the line `Defaults:{user} !requiretty` to a file in /etc/sudoers.d on the host.",
    ),
    (
        "sudo",
        ("a password is required", "a terminal is required", "incorrect password", "Sorry, try again"),
        "sudo on {address} requires the password of {user}, and the roster has no password or a wrong one.",
        "add `{user} ALL=(ALL) NOPASSWD: ALL` to a file in /etc/sudoers.d there, or set passwd: and tty: True in the roster entry of {id}.",
    ),
    (
        "sudo",
        ("not in the sudoers file", "not allowed to execute", "may not run sudo"),
        "the user {user} may not use sudo on {address}.",
        "allow sudo for that user in /etc/sudoers.d on the host, or set user: root and remove sudo: True in the roster entry of {id}.",
    ),
    (
        "sudo",
        ("sudo: not found", "sudo: command not found", "sudo: No such file"),
        "{address} has no sudo, but the roster entry of {id} sets sudo: True.",
        "install sudo on the host, or set user: root and remove sudo: True in the roster entry of {id}.",
    ),
)


def explain(host, rc: int, words: str, fingerprints: str = "", known_hosts: str = "known_hosts") -> Finding:
    """Return the refusal for a command on a host that failed.

    host: a ``hosts.roster.Host``. rc: exit status; words: what ssh and sudo printed.
    fingerprints: the host's present keys as text, shown where a key is the matter.
    """
    entry = host.entry
    fields = {
        "id": host.id,
        "target": shlex.quote(host.id),
        "address": host.address,
        "port": host.port,
        "user": host.user,
        "priv": entry.get("priv") or "of this controller (salt-ssh.rsa)",
        "chmod": f"run: chmod 600 {entry['priv']}"
        if entry.get("priv")
        else "run chmod 600 on ssh/salt-ssh.rsa in Salt's pki_dir",
        "means": "password" if entry.get("passwd") else "key",
        "check": "passwd" if entry.get("passwd") else "priv",
        "public": "" if entry.get("passwd") else ", and that the host's authorized_keys contains the .pub of that key",
        "label": host.address if host.port == "22" else f"[{host.address}]:{host.port}",
        "known_hosts": known_hosts,
        "fingerprints": f" ({fingerprints})" if fingerprints else "",
    }
    for check, signs, sentence, fix in _CASES:
        if any(sign.lower() in words.lower() for sign in signs):
            return refusal(check, _capital(sentence.format(**fields)), fix.format(**fields))
    output = " ".join(words.split())[-300:] or "nothing"
    return refusal(
        "reachable",
        f"ssh to {host.address}, or the first command there, failed (exit status {rc}). It printed: {output}.",
        f"try the same login, and read its whole output: salt-ssh {fields['target']} --raw true",
    )


def chatter(host, words: str) -> Finding:
    """Return the refusal for a login shell that prints *words* before the output of a command: scp and sftp take them for data."""
    return refusal(
        "ssh-login",
        f"The login shell of {host.user} on {host.address} prints text before each command, so no file can be copied: {' '.join(words.split())[:100]}",
        f"let the startup files of {host.user} there (such as ~/.bashrc) print only at a terminal: [ -t 1 ] && echo ...",
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def is_about_the_key(finding: Finding) -> bool:
    """Say whether the host's fingerprints belong into this finding."""
    return finding.check == "host-key"


def known_hosts_file(options: list[str]) -> str:
    """Return the file that ssh pins host keys in, from Salt's ``ssh_options``."""
    for option in options:
        name, _, value = option.partition("=")
        if name.strip().lower() == "userknownhostsfile":
            return value.strip()
    return "~/.ssh/known_hosts"


def fingerprints(address: str, port: str = "22", timeout: int = 5) -> str:
    """Return the fingerprints that the host shows now, e.g. ``ED25519 SHA256:…``; "" when it shows none.

    timeout: seconds. Asks the host without logging in.
    """
    try:
        scanned = mattermost_subprocess.run(
            ["ssh-keyscan", "-T", str(timeout), "-p", port, "-t", "ed25519,ecdsa,rsa", address], timeout=timeout * 3
        ).stdout
        listed = mattermost_subprocess.run(["ssh-keygen", "-lf", "-"], input=scanned, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ", ".join(sorted(_fingerprint(line) for line in lines_of(listed.stdout) if "SHA256:" in line))


def _fingerprint(line: str) -> str:
    """Turn ``256 SHA256:abc host (ED25519)`` into ``ED25519 SHA256:abc``."""
    words = line.split()
    return f"{words[-1].strip('()')} {words[1]}"
