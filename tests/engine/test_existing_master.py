"""A master as sites have it: the tree in an environment of its own, a secret encrypted in the pillar, an operator who is not root."""

import getpass
import json
import os
import shutil
import subprocess

import pytest
import yaml

from tests import repository, secrets
from tests.engine import daemons, encrypted
from tests.lab import signer
from tests.render import compiler

ENVIRONMENT, OPERATOR = "production", "nobody"
SETTINGS = {"name": "chat.example.test", "email": "admin@example.test"}
MAIL = {"server": "smtp.example.test", "username": "chat"}
# what docs/salt-master.md allows
ALLOWED = ["test.ping", "saltutil.sync_all", "mattermost_settings.get", "state.apply"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the host's lock is root's, and so is the master")


class Site(daemons.Daemons):
    """The master serves nothing of ours in ``base``."""

    def __init__(self, folder):
        self.key = signer.Signer(folder, "site")
        more = {"publisher_acl": {OPERATOR: [{daemons.MINION: ALLOWED}]}, "gpg_keydir": str(self.key.home)}
        super().__init__(folder, [], {daemons.MINION: compiler.GRAINS["Debian-12"], daemons.MASTERLESS: {}}, **more)
        path = folder / "master/etc/master"
        roots = {"file_roots": {ENVIRONMENT: [str(repository.ROOT / "salt")]}}
        roots["pillar_roots"] = {ENVIRONMENT: [str(folder / "pillar")]}
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | roots))
        (folder / "pillar").mkdir()
        (folder / "pillar/top.sls").write_text(yaml.safe_dump({ENVIRONMENT: {"*": ["site"]}}))
        mail = MAIL | {"password": encrypted.secret(self.key, folder)}
        text = "#!yaml|gpg\n" + yaml.safe_dump({"mattermost": SETTINGS | {"mail": mail}})
        (folder / "pillar/site.sls").write_text(text)
        self.home = folder / "home"

    def start(self):
        # an operator reads the way to a key of his own; a master of packages has it open
        for path in (self.folder, self.folder / "master/var"):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        self.home.mkdir()
        shutil.chown(self.home, OPERATOR)
        super().start()
        (self.folder / "master/var").chmod(0o755)

    def stop(self):
        super().stop()
        self.key.gpg("--list-keys")  # ends the helper that Salt's gpg started

    def as_operator(self, program, *words):
        """What *program* says to an operator in the group of the master's account; he may read this Python wherever it is."""
        options = ["--reuid", OPERATOR, "--regid", "nogroup", "--groups", "0"]
        reading = ["--inh-caps", "-all,+dac_read_search", "--ambient-caps", "+dac_read_search"]
        command = [repository.BIN / program, "-c", self.folder / "master/etc", "--out=json", "--timeout=60", *words]
        done = subprocess.run(
            ["setpriv", *options, *reading, *command],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            capture_output=True,
            text=True,
        )
        try:
            said = json.loads(done.stdout)
        except ValueError:
            return done.stdout + done.stderr
        return said.get(daemons.MINION) if isinstance(said, dict) else said


@pytest.fixture(scope="module")
def site():
    assert getpass.getuser() == "root"
    with Site(daemons.new_folder()) as entered:
        yield entered


IN_ENVIRONMENT = f"saltenv={ENVIRONMENT}"
APPLY = ("state.apply", "mattermost.deploy.server", "test=True")


def judged(states):
    """Return how the states of an answer ended; the answer where it has none."""
    return {state["result"] for state in states.values()} if isinstance(states, dict) else states


def test_an_operator_who_is_not_root_does_what_he_is_allowed(site):
    assert "states.mattermost_release" in site.as_operator(
        "salt", daemons.MINION, "saltutil.sync_all", IN_ENVIRONMENT
    ).get("states")
    settings = site.as_operator("salt", daemons.MINION, "mattermost_settings.get", IN_ENVIRONMENT)
    assert (settings["name"], settings["mail"]["password"]) == (SETTINGS["name"], "(hidden)")
    states = site.as_operator("salt", daemons.MINION, *APPLY, IN_ENVIRONMENT)
    assert judged(states) <= {True, None}, states
    assert site.as_operator("salt", daemons.MINION, "cmd.run", "id") == "Authorization error occurred."
    assert "unable to switch" in site.as_operator("salt-run", "manage.up")

    cached = f"master/var/cache/salt/master/pillar/{daemons.MINION}.p"
    found = secrets.below(site.folder, {"mail": encrypted.SECRET})
    assert found == {cached}, "it was decrypted on the master, and rests in the master's pillar cache alone"


def test_what_a_run_is_given_to_end_at_the_first_failure_names_the_environment_too(site):
    given = site.folder / "failhard"
    given.write_text("failhard: True\nlocal_state: True\n")
    site.ask("saltutil.sync_all", IN_ENVIRONMENT)
    refused = site.ask(*APPLY, IN_ENVIRONMENT, f"localconfig={given}", seconds=120)
    assert refused == ["No matching sls found for 'mattermost.deploy.server' in env 'base'"]
    given.write_text(given.read_text() + f"saltenv: {ENVIRONMENT}\n")
    states = site.ask(*APPLY, IN_ENVIRONMENT, f"localconfig={given}", seconds=120)
    assert judged(states) <= {True, None}, states


def test_a_command_without_the_environment_names_what_to_set(site):
    assert "has no salt://mattermost/schema.yaml in the environment base." in site.ask("mattermost_settings.get")
