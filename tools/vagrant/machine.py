"""Salt's configuration for the machine that Vagrant made, from what ``vagrant ssh-config`` says. Pure."""

from __future__ import annotations

import copy
import shlex

# .test is nobody's, for ever (RFC 6761)
NAME = "mattermost.test"
EMAIL = "admin@mattermost.test"
# Master options whose values are paths in the checkout.
PATH_OPTIONS = ("_dir", "_dirs", "_roots", "_file")


class MachineError(Exception):
    """The machine cannot be reached as it is; the text says why and what to do."""


def ssh_config(text: str) -> dict:
    """Return what ``vagrant ssh-config`` printed: lower-case option -> list of its values.

    Raises MachineError when it is about no machine or about several.
    """
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = shlex.split(line)
        if len(words) > 1:
            found.setdefault(words[0].lower(), []).append(" ".join(words[1:]))
    if len(found.get("host", [])) != 1:
        raise MachineError("vagrant ssh-config names no machine, or several. Run: vagrant status")
    missing = [name for name in ("hostname", "user", "port", "identityfile") if name not in found]
    if missing:
        raise MachineError(
            f"vagrant ssh-config says nothing about: {', '.join(missing)}. See what it prints: vagrant ssh-config"
        )
    return found


def roster(ssh: dict) -> dict:
    """Return the roster: the one machine under its public name."""
    user = ssh["user"][0]
    entry = {"host": ssh["hostname"][0], "port": int(ssh["port"][0]), "user": user, "priv": ssh["identityfile"][0]}
    if user != "root":
        entry["sudo"] = True
    return {NAME: entry}


def master(checkout: dict, root: str, folder: str, near: str, keys: list[str]) -> dict:
    """Return Salt's configuration for the machine.

    checkout: the loaded ``etc/salt/master``. root: the checkout. folder: what is kept for the machine. near: the same,
    relative to the checkout where that is shorter (a socket's path has a small limit). keys: every key that Vagrant names.
    """
    config = {name: absolute(name, value, root) for name, value in copy.deepcopy(checkout).items()}
    config.update(
        root_dir=f"{folder}/root",
        roster_file=f"{folder}/roster",
        pillar_roots={"base": [f"{folder}/pillar"]},
    )
    config["file_roots"]["base"].append(f"{folder}/files")
    given = dict(option.split("=", 1) for option in config.get("ssh_options", []))
    given.update(
        UserKnownHostsFile=f"{folder}/known_hosts",
        GlobalKnownHostsFile="/dev/null",
        # Its key is as new as the machine; from the first contact on it is pinned, as long as the machine lives.
        StrictHostKeyChecking="accept-new",
        ControlPath=f"{near}/cm-%C",
    )
    config["ssh_options"] = [f"{name}={value}" for name, value in given.items()]
    config["ssh_options"] += [f"IdentityFile={key}" for key in keys[1:]]
    return config


def absolute(option: str, value, root: str):
    """Return the value of a master option with its paths made absolute."""
    if not option.endswith(PATH_OPTIONS):
        return value
    if isinstance(value, dict):
        return {name: absolute(option, part, root) for name, part in value.items()}
    if isinstance(value, list):
        return [absolute(option, part, root) for part in value]
    return value if str(value).startswith("/") else f"{root}/{value}"


def settings(address: str, authority: str, own: dict) -> dict:
    """Return the pillar. address: the machine's, in the private network. authority: PEM file. own: the user's, which win."""
    ours = {
        "email": EMAIL,
        "certificate": {"source": "files", "chain": "salt://machine/chain.pem", "key": "salt://machine/key.pem"},
        "verify": {"address": address, "ca_file": authority},
    }
    return {"mattermost": merged(ours, own.get("mattermost") or {})}


def merged(under: dict, over: dict) -> dict:
    """Return *under* with *over* laid on it, branch by branch."""
    result = dict(under)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else value
    return result


def farewell(address: str, authority: str, saltfile: str) -> str:
    """What a person needs in order to look at the machine."""
    return f"""
https://{NAME}/ is up, on {address}.
  Add to /etc/hosts of this computer:  {address} {NAME}
  Import into the browser as a certificate authority (it is valid for this name only):  {authority}
  From a shell: curl --cacert {authority} --resolve {NAME}:443:{address} https://{NAME}/
  The administrator's first password: vagrant ssh -c 'sudo cat /etc/mattermost/first-admin-login'
  Deploy again: vagrant provision
  Check the site (run this in the checkout): SALT_SALTFILE={saltfile} .venv/bin/salt-run state.orchestrate mattermost.verify
  Remove the machine: vagrant destroy"""
