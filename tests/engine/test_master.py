"""A site's own Salt master serves this tree beside its own: its minions go on answering, and the master has our Python.

What the controller gives hosts over salt-ssh, a minion and a masterless host make by themselves: settings and deploy states.
"""

import ast
import base64
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import mattermost_config_core
import mattermost_settings_data
import pytest

from tests import repository, secrets
from tests.engine import daemons
from tests.render import compiler

TREE = repository.ROOT / "salt"
PILLAR = {"mattermost": {"name": "chat.example.test", "email": "admin@example.test"}}
GRAINS = {daemons.MINION: compiler.GRAINS["Debian-12"], daemons.MASTERLESS: compiler.GRAINS["RedHat-7"]}
# the deploy states of both sites, in order
DEPLOY = list(
    dict.fromkeys(
        name
        for site in ("ssl", "non-ssl")
        for name in re.findall(r"apply: (\S+)", (TREE / f"mattermost/{site}.sls").read_text())
    )
)
OWN = {  # what the site has of its own, nothing of it about Mattermost
    "top.sls": "base: {'*': [motd]}\n",
    "motd.sls": "there-is-a-motd:\n  test.succeed_without_changes: []\n",
    "_runners/site.py": "import mattermost_controller\n\n\ndef package():\n    return mattermost_controller.__file__\n",
}


@pytest.fixture(scope="module")
def site():
    folder = daemons.new_folder()
    for name, text in OWN.items():
        path = folder / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    both = daemons.Daemons(folder, [folder / "own", TREE], GRAINS)
    both.set_pillar(PILLAR)
    with both:
        yield both


@pytest.fixture(scope="module")
def synced(site):
    """What the minion says that it took over at its first sync; the masterless host has synced too."""
    site.call("saltutil.sync_all")
    return site.ask("saltutil.sync_all")


def names(folder):
    """What Salt finds there: files, and in packages what orchestrations alone use."""
    return sorted(path.stem for path in (TREE / folder).glob("mattermost_*"))


def test_a_minion_that_synced_the_tree_goes_on_returning(site, synced):
    assert f"states.{names('_states')[0]}" in synced["states"]
    assert synced["log_handlers"] == []
    assert site.ask("test.ping") is True
    assert site.ask("state.show_low_sls", "motd")[0]["__id__"] == "there-is-a-motd"


def test_every_deploy_state_and_module_loads_on_a_minion(site, synced):
    assert site.ask("sys.list_state_modules", "mattermost_*") == names("_states")
    assert site.ask("sys.list_modules", "mattermost_*") == names("_modules")


def test_the_master_has_the_controllers_python_after_a_sync(site):
    assert "utils.mattermost_controller.__init__" in site.run("saltutil.sync_all")["utils"]
    package = site.extmods("master") / "utils/mattermost_controller/__init__.py"
    assert site.run("site.package") == str(package)


def test_a_highstate_of_something_else_syncs_the_tree_and_the_minion_goes_on_returning(site):
    shutil.rmtree(site.extmods("minion"), ignore_errors=True)
    assert {state["result"] for state in site.ask("state.apply").values()} == {True}
    assert (site.extmods("minion") / "states").exists()
    assert site.ask("test.ping") is True


@pytest.fixture(params=[daemons.MINION, daemons.MASTERLESS])
def host(request, site, synced):
    """What asks one of the two hosts, and that host as the controller sees it over salt-ssh."""
    ask = site.ask if request.param == daemons.MINION else site.call
    return ask, compiler.Host(GRAINS[request.param], PILLAR, {"id": request.param})


def test_the_deploy_states_render_as_over_salt_ssh(host):
    ask, over_ssh = host
    states = [*DEPLOY, compiler.TOP]
    there = over_ssh.compiled(ask("state.show_sls", ",".join(states)))
    assert json.loads(json.dumps(there)) == json.loads(json.dumps(over_ssh.low(*states)))


def test_the_settings_are_merged_as_over_salt_ssh(host):
    ask, over_ssh = host
    assert ask("mattermost_settings.get") == shown(over_ssh.settings())


def shown(settings):
    schema = mattermost_settings_data.load([TREE])["schema"]
    return json.loads(json.dumps(mattermost_config_core.all_shown(mattermost_settings_data.hidden(schema, settings))))


def test_the_minion_has_nothing_to_say_of_this_tree(site, synced):
    """Asked when all above is done, before what is to fail. What a Salt says of itself differs by version."""
    site.ask("sys.list_state_modules", "mattermost_*")
    said = site.log("minion").read_text().splitlines()
    assert [line for line in said if "mattermost" in line or "extmods" in line] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the host's lock is root's")
def test_the_controllers_python_comes_to_a_minion_and_no_deploy_imports_it(site, synced):
    """Only who has all state modules listed, those of the orchestrations too, has it imported."""
    shutil.rmtree(site.extmods("minion"))
    assert site.ask("saltutil.sync_all")["states"]
    assert site.ask("state.apply", "mattermost.deploy.server", "test=True", seconds=120)
    package = site.extmods("minion") / "utils/mattermost_controller"
    assert (package / "__init__.py").exists()
    assert ast.parse((package / "__init__.py").read_text()).body[1:] == []
    # Salt's loader itself imports the __init__.py of a package that it looks at
    imported = {path.name.split(".")[0] for path in site.extmods("minion").rglob("*.pyc")}
    ours = {path.name.split(".")[0] for path in package.rglob("*.pyc")}
    assert "mattermost_environment" in imported, "what was imported does not show"
    assert ours <= {"__init__"}, "imported on the minion"


def keeping(site, planted=None):
    """Return the files of master, minion and masterless host with a planted secret in them."""
    places = ("master", "minion", "masterless", site.log("master"), site.log("minion"))
    return secrets.below(site.folder, planted, places)


def test_a_minion_refuses_faulty_settings_with_their_sentence(site, synced):
    site.set_pillar({"mattermost": {"relase": {}}})
    faults = [re.findall(r"Jinja error: (.*)", error) for error in site.ask("state.apply", "mattermost.deploy.server")]
    assert {tuple(found) for found in faults} == {("mattermost:relase is not a setting. Did you mean release?",)}


@pytest.mark.skipif(os.geteuid() != 0, reason="the host's lock is root's")
def test_a_top_file_never_changes_the_version_of_a_host(site, synced):
    lab = repository.ROOT / ".lab"  # below /tmp the settings take no directory
    lab.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=lab) as install:
        (Path(install) / "current").symlink_to("11.7.3")
        settings = {"release": {"version": "11.7.4", "sha256": "0" * 64}, "paths": {"install": install}}
        site.set_pillar({"mattermost": PILLAR["mattermost"] | settings})
        states = site.ask("state.apply", "mattermost", "test=True", seconds=120)
    answer = {state["__id__"]: state for state in states.values()}
    refusal = answer.pop("nothing-is-due-that-needs-an-orchestration")
    assert refusal["result"] is False
    assert "Mattermost 11.7.3 is deployed on this host, and the settings name 11.7.4" in refusal["comment"]
    done = {state["__sls__"] for state in answer.values() if state.get("__state_ran__", True)}
    assert done == {"mattermost.deploy.common"}, "what changes the site is not run"


@pytest.mark.skipif(os.geteuid() != 0, reason="the host's lock is root's")
def test_a_secret_of_the_pillar_rests_in_the_masters_pillar_cache_alone(site, synced):
    site.set_pillar({"mattermost": PILLAR["mattermost"] | secrets.pillar()})
    answer = site.ask("state.apply", "mattermost.deploy.database,mattermost.deploy.server", "test=True", seconds=120)
    told = {state["__id__"]: state["result"] for state in answer.values()}
    assert told["server-reads-its-secrets-from-a-private-file"] is None, answer
    assert "@mattermost-progress@" not in site.log("minion").read_text(), (
        "that is for a controller at the other end of ssh"
    )
    assert site.call("state.apply", "mattermost.deploy.server", "test=True")
    site.ask("saltutil.refresh_pillar", "wait=True")
    assert site.ask("mattermost_settings.get")["mail"]["password"] == "(hidden)"
    cached = f"master/var/cache/salt/master/pillar/{daemons.MINION}.p"
    assert keeping(site) == {cached}
    assert (site.folder / cached).stat().st_mode & 0o777 == 0o600, "docs/salt-master-secrets.md names it"
    # a value of its own: it is an argument of a process, and another test looks there for the others
    control = {"control": "a value that a person types"}
    site.ask("test.arg", control["control"], base64.b64encode(control["control"].encode()).decode())
    assert any("/jobs/" in place for place in keeping(site, control)), "the search finds what a job keeps"
