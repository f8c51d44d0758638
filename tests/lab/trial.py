"""A trial: one lab host with a Salt configuration of its own, apart from the user's.

Everything is written below ``.lab/``; the checkout's own roster, pillar, known
hosts and cache are neither read nor written.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

from tests.lab import archives, plan, platforms, release_source
from tests.lab.el import settings as el
from tests.lab.errors import LabError

NAME = "trial"
EMAIL = "admin@example.test"
# Master options whose values are paths in the checkout.
_PATH_OPTIONS = ("_dir", "_dirs", "_roots", "_file")


def master_config(checkout_config, root, directory, short):
    """The trial's Salt master configuration, from the checkout's.

    checkout_config: the loaded ``etc/salt/master``. root: the checkout. directory: its
    ``.lab``. short: directory for sockets, whose paths have a small limit.
    """
    config = _absolute(checkout_config, root)
    config.update(
        root_dir=str(directory / "salt"),
        roster_file=str(directory / "roster"),
        pillar_roots={"base": [str(directory / "pillar")]},
        known_hosts_file=str(directory / "known_hosts"),
    )
    pinned = {
        "UserKnownHostsFile": str(directory / "known_hosts"),
        "GlobalKnownHostsFile": "/dev/null",
        "ControlPath": f"{short}/%C",
    }
    given = dict(option.split("=", 1) for option in config.get("ssh_options", []))
    config["ssh_options"] = [f"{key}={value}" for key, value in {**given, **pinned}.items()]
    return config


def _absolute(value, root, key=""):
    """*value* with relative paths under path options made absolute."""
    if isinstance(value, dict):
        # Below file_roots the keys are environments: the paths are those of the option.
        return {k: _absolute(v, root, key if key.endswith("_roots") else k) for k, v in value.items()}
    if isinstance(value, list):
        return [_absolute(item, root, key) for item in value]
    if isinstance(value, str) and key.endswith(_PATH_OPTIONS):
        return str(root / value)
    return value


def roster(instance, address, key):
    """The trial's roster: one host, by its public name. LabError for an address that is
    not a lab host's."""
    if not instance.holds(address):
        raise LabError(f"{address} is not a host of this lab ({instance.network}): the trial leaves it alone.")
    return {plan.PUBLIC_NAME: {"host": address, "user": "root", "priv": str(key)}}


def settings(address, archive, acme_directory, lab_root, ca_file):
    """What a user would set, for the trial host.

    archive: `archives.Archive` or None (then only the address and CA are set).
    """
    found = {
        "email": EMAIL,
        "letsencrypt": {"directory_url": acme_directory, "ca_file": str(lab_root)},
        "verify": {"address": address, "ca_file": str(ca_file)},
    }
    if archive is not None:
        found["release"] = {"version": archive.version, "sha256": archive.sha256, "source": archive.url}
    return {"mattermost": found}


def chosen(lab, host, archive):
    """What a user would set for *host*, its platform's own settings included. archive: as for `settings`."""
    found = settings(host.address, archive, lab.acme.url, lab.authority.root, lab.ca_file)
    found["mattermost"]["release_sources"] = release_source.serve(lab)
    entry = platforms.get(host.platform)
    if entry["builder"] == "el":
        found["mattermost"].update(el.settings(lab, entry["shape"], Path(host.facts["lowers"][-1])))
    return found


def environment(variables):
    """Shell lines ``NAME=value`` for a file to be sourced, which exports them.

    ``PATH`` is put before the one that is there.
    """
    lines = [
        f"{name}={shlex.quote(str(value))}" + (":$PATH" if name == "PATH" else "") for name, value in variables.items()
    ]
    return "\n".join(["# Source this: . .lab/trial.env", "set -a", *lines, "set +a"]) + "\n"


def configure(lab, host, archive):
    """Write all files of the trial of *host* and return its environment variables."""
    directory = lab.directory
    config = yaml.safe_load((lab.root / "etc/salt/master").read_text())
    lab.short.mkdir(parents=True, exist_ok=True)
    dump(directory / "etc/salt/master", master_config(config, lab.root, directory, lab.short))
    sections = {name: {"config_dir": str(directory / "etc/salt")} for name in ("salt-ssh", "salt-run", "salt-call")}
    dump(directory / "Saltfile", sections)
    dump(directory / "roster", roster(lab.instance, host.address, lab.ssh_key))
    (directory / "known_hosts").write_text(host.known_hosts(plan.PUBLIC_NAME))
    dump(directory / "pillar/top.sls", {"base": {"*": ["mattermost"]}})
    dump(directory / "pillar/mattermost.sls", chosen(lab, host, archive))
    variables = {
        "URL": f"https://{plan.PUBLIC_NAME}",
        "HOST_ID": plan.PUBLIC_NAME,
        "ADDRESS": host.address,
        "SSH_KEY": lab.ssh_key,
        "CA_FILE": lab.ca_file,
        "ACME_DIRECTORY": lab.acme.url,
        "ARCHIVE_URL": archive.url if archive else "",
        "ARCHIVE_SHA256": archive.sha256 if archive else "",
        "SALT_SALTFILE": directory / "Saltfile",
        "CURL_CA_BUNDLE": lab.authority.root,
        "PATH": Path(sys.executable).parent,
    }
    (directory / "trial.env").write_text(environment(variables))
    return variables


def dump(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# Written by the lab for the trial host.\n" + yaml.safe_dump(value, sort_keys=False))


def host(lab, platform, archive=None):
    """Have the trial host and its configuration, say so, and return the host and its environment variables.

    archive: `archives.Archive` to deploy. It is noted with the host; without one the
    note is used, or what the mirror has.
    """
    made = lab.host(NAME, platform)
    print(
        f"Target host: {plan.PUBLIC_NAME} = {made.address}, {platform}, a container on {lab.instance.mark}", flush=True
    )
    lab.names.set(plan.PUBLIC_NAME, made.address)
    if archive is not None:
        (made.directory / "archive").write_text(str(archive.path))
    return made, configure(lab, made, archive or noted(lab, made))


def noted(lab, made):
    """The `Archive` that the host was last given, else the oldest one that the mirror has,
    else None."""
    note = made.directory / "archive"
    paths = [Path(note.read_text())] if note.exists() else []
    paths += archives.available(lab.archives)
    return next((archives.describe(path) for path in paths if path.exists()), None)


def choose_archive(lab, given):
    """The `Archive` to deploy: the file *given*, else the one that the trial host has
    already, else the official one where it can be downloaded, else the stand-in."""
    if given:
        return archives.admit(given, lab.archives)
    for made in lab.hosts():
        if made.name == NAME and (made.directory / "archive").exists():
            return noted(lab, made)
    found = archives.official(lab.root, lab.archives)
    if found is None:
        print(STANDIN, flush=True)
        build = lab.root / "tests/lab/standin/build.py"
        if subprocess.run([sys.executable, build], cwd=lab.root).returncode:
            raise LabError("The stand-in could not be built; the reason is above.")
        found = archives.describe(archives.available(lab.archives)[0])
    return found


STANDIN = """\
*******************************************************************************
  The official Mattermost archive cannot be downloaded here. This trial deploys
  a STAND-IN server of our own: it shows the deployment, it is not a chat.
  With a real archive: make trial ARCHIVE=mattermost-team-X.Y.Z-linux-amd64.tar.gz
*******************************************************************************"""


def run(lab, platform, given, orchestration, engine="ssh", count=1):
    """Deploy the trial host by *orchestration* and return Salt's exit status.

    given: path of an archive, or None (see `choose_archive`). engine: ``ssh`` or ``minion``. count: how many hosts, by minions alone.
    """
    if count != 1 and engine != "minion":
        raise LabError("Several hosts are for ENGINE=minion: a trial over ssh has one.")
    platforms.get(platform)  # refuses one that is not there, before anything is built
    archive = choose_archive(lab, given)
    made, variables = host(lab, platform, archive)
    if engine == "minion":
        from tests.lab import trial_minion

        trial_minion.configure(lab, trial_minion.hosts(lab, made, count), archive)
    print(f"Release: {archive.version} from {archive.path}", flush=True)
    own = {name: str(value) for name, value in variables.items() if name != "PATH"}
    salt_run = Path(sys.executable).parent / "salt-run"
    status = subprocess.run(
        [salt_run, "state.orchestrate", orchestration], cwd=lab.root, env={**os.environ, **own}
    ).returncode
    print(farewell(made, orchestration, lab.ca_file) if status == 0 else failure(orchestration, status))
    return status


def farewell(made, orchestration, ca_file):
    """What a person needs to look at the deployed host."""
    scheme, port = ("http", 80) if orchestration.endswith("non-ssl") else ("https", 443)
    url = f"{scheme}://{plan.PUBLIC_NAME}/"
    return f"""
{url} is up, on {made.address}.
  In a browser of this machine: add to /etc/hosts    {made.address} {plan.PUBLIC_NAME}
                                trust this CA        {ca_file}
  From a shell: curl --cacert {ca_file} --resolve {plan.PUBLIC_NAME}:{port}:{made.address} {url}
  The host:     . .lab/trial.env && ssh -i $SSH_KEY -o UserKnownHostsFile=.lab/known_hosts root@$ADDRESS
  Take it away: make trial-down"""


def failure(orchestration, status):
    return (
        f"\n{orchestration} ended with {status}. The host stays for a look: . .lab/trial.env && "
        "ssh -i $SSH_KEY -o UserKnownHostsFile=.lab/known_hosts root@$ADDRESS"
    )
