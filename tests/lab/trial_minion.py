"""A trial by Salt's own engine: a master on the bridge and a minion on each host, which know each other's keys by fingerprint.

All of it is this machine's pinned Salt. A minion runs it by its host's Python where that is the same as here, else it is the lab's own
archive of Salt with a Python (`relenv`).
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from salt.utils.crypt import pem_finger

import salt
from tests.lab import plan, relenv, trial
from tests.lab.errors import LabError
from tests.lab.service import Service
from tests.lab.shell import run, wait_until

PLATFORM = "debian12"  # whose Python is the same as here
PUBLISH, ANSWER = 4505, 4506
HOME = "opt/minion"
UNUSED = ("libcloud*", "pip*", "virtualenv*", "hypothesis*", "ruff*", "shellcheck*")
PROGRAMS = ("salt", "salt-run", "salt-key", "salt-call")
WAIT = 120  # seconds for a daemon on a busy machine
PROGRAM = """#!PYTHON -I
import sys

sys.path.insert(0, "PACKAGES")  # not by PYTHONPATH, which what it starts would inherit
import salt.scripts

salt.scripts.NAME()
"""
UNIT = """[Unit]
Description=Salt minion of the trial

[Service]
ExecStart=/opt/minion/salt_minion -c /opt/minion/etc
KillMode=process

[Install]
WantedBy=multi-user.target
"""


def hosts(lab, first, count):
    """The trial's hosts by the IDs of their minions: *first*, which is there, and further ones up to *count*."""
    found = {name_of(1): first}
    for number in range(2, count + 1):
        made = lab.host(f"{trial.NAME}{number}", first.platform)
        found[name_of(number)] = made
        lab.names.set(name_of(number), made.address)
        print(f"Target host: {name_of(number)} = {made.address}, {first.platform}", flush=True)
    return found


def name_of(number):
    """The public name of the trial's host *number*, from 1 on, which is the ID of its minion."""
    first, dot, rest = plan.PUBLIC_NAME.partition(".")
    return plan.PUBLIC_NAME if number == 1 else f"{first}{number}{dot}{rest}"


def master_options(lab):
    """What a person writes for a master of this tree, and where it lies."""
    directory = lab.directory
    return {
        "user": "root",
        "root_dir": str(directory / "salt-master"),
        "sock_dir": str(lab.short / "master"),
        "interface": lab.instance.gateway,
        "publish_port": PUBLISH,
        "ret_port": ANSWER,
        "worker_threads": 3,
        "file_roots": {"base": [str(lab.root / "salt")]},
        "pillar_roots": {"base": [str(directory / "pillar")]},
    }


def pillars(hosts):
    """The files of the master's pillar by name. hosts: settings by ID: each host gets its own, the master who they are."""
    found = {"top": {"base": {**{host: [f"host-{n}"] for n, host in enumerate(hosts)}, "*_master": ["engine"]}}}
    found["engine"] = {"mattermost": {"engine": "minion", "hosts": list(hosts)}}
    for number, settings in enumerate(hosts.values()):
        branch = settings["mattermost"]
        authority = Path(branch["letsencrypt"]["ca_file"]).read_text()
        found[f"host-{number}"] = {
            "mattermost": {**branch, "letsencrypt": {**branch["letsencrypt"], "ca_file": authority}}
        }
    return found


def configure(lab, hosts, archive):
    """Have the master and a minion on each of *hosts*, the lab's by minion ID, and Salt's commands use that master."""
    etc = lab.directory / "etc/salt-master"
    trial.dump(etc / "master", master_options(lab))
    trial.dump(lab.directory / "Saltfile", {name: {"config_dir": str(etc)} for name in PROGRAMS})
    for name, value in pillars({key: trial.chosen(lab, host, archive) for key, host in hosts.items()}).items():
        trial.dump(lab.directory / f"pillar/{name}.sls", value)
    service = Service(lab, "salt-master")
    service.ensure(
        [program("salt-master"), "-c", etc],
        address=lab.instance.gateway,
        port=ANSWER,
        depends=(etc / "master").read_text(),
        seconds=WAIT,
    )
    print(f"Salt master on {lab.instance.gateway}, configuration: {etc}", flush=True)
    pki = lab.directory / "salt-master/etc/salt/pki/master"
    for key, host in hosts.items():
        start(lab, host, key, pem_finger(str(pki / "master.pub")))
        accept(etc, pki, host, key)
    asked(etc, "salt-run", "saltutil.sync_all")


def start(lab, host, minion_id, master_mark):
    """Have a minion on *host* that takes orders of the master with the key *master_mark* (fingerprint) alone."""
    home = host.root / HOME
    python, packages = bring_salt(lab, host, home)
    for name in ("salt_minion", "salt_call"):
        text = PROGRAM.replace("NAME", name).replace("PYTHON", python).replace("PACKAGES", packages)
        (home / name).write_text(text)
        (home / name).chmod(0o755)
    options = {
        "id": minion_id,
        "root_dir": f"/{HOME}",
        "master": lab.instance.gateway,
        "master_finger": master_mark,
        "enable_fqdns_grains": False,
    }
    trial.dump(home / "etc/minion", options)
    (host.root / "etc/systemd/system/salt-minion.service").write_text(UNIT)
    host.ssh("systemctl daemon-reload; systemctl enable --now salt-minion")


def bring_salt(lab, host, home):
    """Have Salt below *home* of a host; return the Python that runs it and where its packages are, both as the host sees them."""
    if host.platform == PLATFORM:
        if not (home / "python").exists():
            shutil.copytree(Path(salt.__file__).parents[1], home / "python", ignore=shutil.ignore_patterns(*UNUSED))
        return "/usr/bin/python3", f"/{HOME}/python"
    print(
        f"The minion's Salt is an archive that the lab makes. Salt's own packages for {host.platform} are not tried.",
        flush=True,
    )
    if not (home / "salt").exists():
        home.mkdir(exist_ok=True)
        run(["tar", "-xf", relenv.build(lab.cache), "-C", home], timeout=300)
    return f"/{HOME}/salt/bin/python3", f"/{HOME}/salt/lib/python3.11/dist-packages"


def accept(etc, pki, host, minion_id):
    """Accept the key of the minion when it is the one that its host has; wait until the minion answers. pki: where the master keeps keys."""
    # by the files: `salt-key -f` of Salt 3008.2 shows other fingerprints than a minion, and than those that master_finger means
    known, new = pki / "minions" / minion_id, pki / "minions_pre" / minion_id
    wait_until(lambda: known.exists() or new.exists(), f"The key of the minion {minion_id}", timeout=WAIT)
    here = pem_finger(str(known if known.exists() else new))
    there = json.loads(host.ssh(f"/{HOME}/salt_call -c /{HOME}/etc --local --out=json key.finger").stdout)["local"]
    if here != there:
        raise LabError(f"The master was offered another key of {minion_id} ({here}) than its host has ({there}).")
    if not known.exists():
        asked(etc, "salt-key", "-y", "-a", minion_id)
        print(f"Key of {minion_id} accepted: {there}", flush=True)

    def answers():
        return asked(etc, "salt", "--static", "--timeout=5", minion_id, "test.ping").get(minion_id) is True

    wait_until(answers, f"An answer of the minion {minion_id}", timeout=WAIT)


def asked(etc, name, *words):
    """What a command of Salt returns as JSON, {} when it is none."""
    said = run([program(name), "-c", etc, "--out=json", "--no-color", *words], check=False).stdout
    try:
        found = json.loads(said)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def program(name):
    return Path(sys.executable).parent / name
