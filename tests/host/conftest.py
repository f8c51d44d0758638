"""The deployed host that these tests look at: the one that .lab/trial.env names, or any other with the same variables."""

import os
import subprocess
import tempfile

import mattermost_settings_core as core
import mattermost_settings_data
import pytest
import testinfra

NEEDED = ("HOST_ID", "ADDRESS", "SSH_KEY", "CA_FILE", "URL")


@pytest.fixture(scope="session")
def trial():
    """The trial's variables as a dict; skips, saying so, when they were not sourced."""
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        pytest.skip(f"NO DEPLOYED HOST: {', '.join(missing)} not set; run `make trial` and `. .lab/trial.env` first.")
    return {name: os.environ[name] for name in NEEDED}


@pytest.fixture(scope="session")
def host(trial):
    """The host, by ssh as root, as testinfra sees it; all looks share one connection."""
    known = os.path.join(os.path.dirname(os.environ.get("SALT_SALTFILE", "")), "known_hosts")
    options = "-o BatchMode=yes -o ConnectTimeout=10" + (
        f" -o UserKnownHostsFile={known}" if os.path.exists(known) else ""
    )
    with tempfile.TemporaryDirectory(prefix="host-tier-") as folder:
        connection = f"{folder}/ssh"
        yield testinfra.get_host(
            f"ssh://root@{trial['ADDRESS']}",
            ssh_identity_file=trial["SSH_KEY"],
            ssh_extra_args=options,
            controlpersist=60,
            controlpath=connection,
        )
        hang_up = ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={connection}", trial["ADDRESS"]]
        subprocess.run(hang_up, capture_output=True, check=False)


@pytest.fixture(scope="session")
def platform(host):
    """The facts of the host's platform, as the states have them."""
    lines = host.file("/etc/os-release").content_string.splitlines()
    release = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    family = {"debian": "Debian", "ubuntu": "Ubuntu"}.get(release["ID"], "RedHat")
    platforms = mattermost_settings_data.load(["salt"])["platforms"]
    facts = core.platform(platforms, f"{family}-{release['VERSION_ID'].split('.')[0]}")
    facts = core.on_arch(facts, core.release_arch({"cpuarch": host.check_output("uname -m")}))
    postgresql = facts["postgresql"]
    return facts | {"postgresql": core.with_major(postgresql, postgresql["version"])}
