"""A masterless host takes the tree from a git repository, in an environment of its own, with a secret that its pillar holds encrypted."""

import getpass
import json
import shutil

import pytest
import yaml

from tests import repository
from tests.engine import daemons, encrypted, in_git
from tests.lab import signer
from tests.render import compiler

ENVIRONMENT = in_git.BRANCH
SETTINGS = {"name": "chat.example.test", "email": "admin@example.test"}


@pytest.fixture(scope="module")
def call():
    """What asks the host by ``salt-call``, for data or the text of its refusal."""
    folder = daemons.new_folder()
    key = signer.Signer(folder, "site")
    try:
        in_git.commit(folder / "tree.git")
        options = {
            "root_dir": str(folder),
            "id": "masterless.example",
            "user": getpass.getuser(),
            "file_client": "local",
            **in_git.options(folder / "tree.git"),
            "pillar_roots": {ENVIRONMENT: [str(folder / "pillar")]},
            "gpg_keydir": str(key.home),
            "grains": compiler.GRAINS["Debian-12"],
            "enable_fqdns_grains": False,
        }
        settings = SETTINGS | {"mail": {"password": encrypted.secret(key, folder)}}
        write(folder / "pillar/top.sls", yaml.safe_dump({ENVIRONMENT: {"*": ["site"]}}))
        write(folder / "pillar/site.sls", "#!yaml|gpg\n" + yaml.safe_dump({"mattermost": settings}))
        write(folder / "etc/minion", yaml.safe_dump(options))
        yield lambda *words: salt_call(folder, *words)
    finally:
        key.gpg("--list-keys")  # ends the helper that Salt's gpg started
        shutil.rmtree(folder)


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def salt_call(folder, *words):
    options = ["--local", "-c", str(folder / "etc"), "--out=json", "--no-color"]
    done = repository.run(str(repository.BIN / "salt-call"), *options, *words)
    return json.loads(done.stdout)["local"] if done.stdout.startswith("{") else done.stderr


@pytest.fixture(scope="module")
def synced(call):
    return call("saltutil.sync_all", f"saltenv={ENVIRONMENT}")


def test_the_states_of_a_top_file_come_from_git(call, synced):
    host = compiler.Host(compiler.GRAINS["Debian-12"], {"mattermost": SETTINGS})
    low = host.compiled(call("state.show_sls", compiler.TOP, f"saltenv={ENVIRONMENT}"))
    assert [chunk["__id__"] for chunk in low] == [chunk["__id__"] for chunk in host.low(compiler.TOP)]
    assert {chunk["__env__"] for chunk in low} == {ENVIRONMENT}
    (environment,) = [chunk for chunk in low if chunk["state"] == "mattermost_environment"]
    assert environment["mail_password"] == encrypted.SECRET


def test_a_command_shows_the_settings_without_the_secret(call, synced):
    settings = call("mattermost_settings.get", f"saltenv={ENVIRONMENT}")
    assert (settings["name"], settings["mail"]["password"]) == (SETTINGS["name"], "(hidden)")


def test_a_command_without_the_environment_names_what_to_set(call, synced):
    assert "has no salt://mattermost/schema.yaml in the environment base." in call("mattermost_settings.get")
