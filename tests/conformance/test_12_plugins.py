"""Row 12: plugins come from the file store, through the temporary directory."""

import json
import os

import pytest

from tests.conformance import unprivileged
from tests.conformance.bundle import bundle

ID = "org.example.thing"


def put(site, folder, name, data):
    path = site.home / folder
    path.mkdir(exist_ok=True)
    unprivileged.own(path)
    (path / name).write_bytes(data)
    return unprivileged.own(path / name)


@pytest.fixture
def stored(site):
    """A site with a bundle in its file store, switched on."""
    put(site, "data/plugins", f"{ID}.tar.gz", bundle(ID))
    site.set(PluginSettings__PluginStates={ID: {"Enable": True}})
    return site


def active(server):
    lists = server.local.get("plugins").json
    return {kind: [plugin["id"] for plugin in lists[kind]] for kind in ("active", "inactive")}


def test_a_stored_bundle_is_unpacked_and_active(stored, rules):
    server = stored.up()
    assert ID in active(server)["active"]
    assert (stored.home / "plugins" / ID / ".filestore").exists() is not rules.at_least(10, 11)
    assert (stored.home / "plugins" / ID / "plugin.json").exists()
    assert list((stored.home / "client-plugins" / ID).iterdir())


def test_a_disabled_one_is_unpacked_and_inactive(site):
    put(site, "data/plugins", f"{ID}.tar.gz", bundle(ID))
    assert ID in active(site.up())["inactive"]


def test_managed_copies_are_made_anew_at_every_start(stored):
    stored.up().stop()
    changed = stored.home / "plugins" / ID / "plugin.json"
    changed.write_text("{}")
    stored.up()
    assert json.loads(changed.read_text())["id"] == ID


def test_the_directories_are_made_when_only_they_are_missing(stored):
    (stored.home / "plugins").rmdir()
    (stored.home / "client-plugins").rmdir()
    assert ID in active(stored.up())["active"]


def test_a_deeper_missing_directory_switches_plugins_off(stored):
    stored.set(PluginSettings__Directory=f"{stored.home}/no/such/plugins")
    server = stored.up()
    assert "Failed to start up plugins" in server.log_text()
    assert server.local.get("plugins").status == 501


def test_an_unwritable_temporary_directory_leaves_the_plugin_off(stored):
    (stored.home / "tmp").chmod(0o555)
    server = stored.up(TMPDIR="/proc")
    assert "Failed to sync plugin from file store" in server.log_text()
    assert ID not in active(server)["active"]


def test_a_foreign_plugin_directory_leaves_the_plugin_off(stored, rules):
    if os.geteuid() != 0:
        pytest.skip("needs root to make a directory of another owner")
    foreign = stored.home / "plugins" / ID
    foreign.mkdir()
    (foreign / "plugin.json").write_text("{}")
    (foreign / ".filestore").touch()
    server = stored.up()
    said = server.log_text().lower()
    assert "failed to sync plugin from file store" in said
    assert "unable to move plugin from temporary directory to final destination" in said
    assert ("failed to remove local installation of managed plugin before sync" in said) is rules.at_least(10, 11)
    assert server.http.get("system/ping").status == 200


def test_unmanaged_directories(site, rules):
    """Older servers skip them with a warning; newer ones remove them."""
    if rules.at_least(10, 5) and not rules.at_least(10, 11):
        pytest.skip("between 10.5 and 10.11 either may happen")
    folder = unprivileged.own(site.make(f"plugins/{ID}"))
    for name, text in (("plugin.json", json.dumps({"id": ID, "version": "1.0.0"})), ("readme", "mine")):
        (folder / name).write_text(text)
        unprivileged.own(folder / name)
    server = site.up()
    if rules.at_least(10, 11):
        assert not folder.exists()
    else:
        assert folder.exists()
        assert "Skipping sync for unmanaged plugin" in server.log_text()
