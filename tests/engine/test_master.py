"""A site's own Salt master serves this tree beside its own: its minions go on answering, and the master has our Python."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests import repository
from tests.engine import daemons

TREE = repository.ROOT / "salt"
OWN = {  # what the site has of its own, nothing of it about Mattermost
    "top.sls": "base: {'*': [motd]}\n",
    "motd.sls": "there-is-a-motd:\n  test.succeed_without_changes: []\n",
    "_runners/site.py": "import mattermost_controller\n\n\ndef package():\n    return mattermost_controller.__file__\n",
}


@pytest.fixture(scope="module")
def site():
    folder = Path(tempfile.mkdtemp(prefix="mm"))
    for name, text in OWN.items():
        path = folder / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    started = daemons.Daemons(folder, [folder / "own", TREE])
    try:
        started.start()
        yield started
    finally:
        started.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def synced(site):
    """What the minion says that it took over at its first sync."""
    return site.ask("saltutil.sync_all")


def names(folder):
    return sorted(path.stem for path in (TREE / folder).glob("*.py"))


def test_a_minion_that_synced_the_tree_goes_on_returning(site, synced):
    assert f"states.{names('_states')[0]}" in synced["states"]
    assert synced["log_handlers"] == []
    assert site.ask("test.ping") is True
    assert site.ask("state.show_low_sls", "motd")[0]["__id__"] == "there-is-a-motd"


def test_every_deploy_state_and_module_loads_on_a_minion(site, synced):
    assert site.ask("sys.list_state_modules", "mattermost_*") == names("_states")
    assert site.ask("sys.list_modules", "mattermost_*") == names("_modules")


def test_the_controllers_python_comes_to_a_minion_and_is_inert_there(site, synced):
    site.ask("sys.list_state_modules", "mattermost_*")
    package = site.extmods("minion") / "utils/mattermost_controller"
    assert (package / "__init__.py").exists()
    assert [str(path) for path in package.rglob("*.pyc")] == [], "imported on the minion"


def test_the_master_has_the_controllers_python_after_a_sync(site):
    assert "utils.mattermost_controller.__init__" in site.run("saltutil.sync_all")["utils"]
    package = site.extmods("master") / "utils/mattermost_controller/__init__.py"
    assert site.run("site.package") == str(package)


def test_a_highstate_of_something_else_syncs_the_tree_and_the_minion_goes_on_returning(site):
    shutil.rmtree(site.extmods("minion"), ignore_errors=True)
    assert {state["result"] for state in site.ask("state.apply").values()} == {True}
    assert (site.extmods("minion") / "states").exists()
    assert site.ask("test.ping") is True


def test_the_minion_has_nothing_to_say_of_this_tree(site, synced):
    """Asked last: of all that the tests above did. What a Salt says of itself differs by version."""
    site.ask("sys.list_state_modules", "mattermost_*")
    said = site.log("minion").read_text().splitlines()
    assert [line for line in said if "mattermost" in line or "extmods" in line] == []
