"""Clients that others wrote, on the trial host: ``make trial && . .lab/trial.env && pytest tests/clients``.

A trial that was upgraded is rolled back and upgraded again meanwhile; another one is restarted.
"""

import os
from pathlib import Path

import pytest

from tests import trial_host
from tests.clients import installed, talking

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("HOST_ID", "ADDRESS", "SSH_KEY", "CA_FILE", "SALT_SALTFILE")


@pytest.fixture(scope="module")
def talked():
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        pytest.skip(f"NO DEPLOYED HOST: {', '.join(missing)} not set; run `make trial` and `. .lab/trial.env` first.")
    login, password = trial_host.admin_login()
    site = {"name": os.environ["HOST_ID"], "address": os.environ["ADDRESS"], "login": login, "password": password}
    if trial_host.ssh("mattermost-switch back", check=False).returncode == 0:
        newer = trial_host.ssh("readlink /opt/mattermost/current").stdout.strip()
        commands = {"a rollback": "mattermost-switch back go", "an upgrade": f"mattermost-switch to {newer}"}
    else:
        commands = {"a restart": "systemctl restart mattermost"}
    print("\n".join(commands.values()))
    changes = {f"after {name}": lambda command=command: trial_host.ssh(command) for name, command in commands.items()}
    cache = Path(os.environ.get("LAB_CACHE") or ROOT / ".lab/cache")
    return talking.talk(cache, site, os.environ["CA_FILE"], changes)


@pytest.mark.parametrize("client", installed.KINDS)
def test_a_client_that_others_wrote_works(talked, client):
    talker = talked[client]
    if isinstance(talker, str):
        pytest.skip(talker)
    assert talker.missing == "", talker.told()
    print(talker.told())
