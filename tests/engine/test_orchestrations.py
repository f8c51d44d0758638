"""The orchestrations of a real Salt master that has the tree from git, by a real minion: without ssh, a roster and our log handler.

The minion's host is this machine, and nothing that is run here changes it; `tests/scenarios/test_minion.py` deploys.
"""

import json
import os
import shutil

import pytest

from tests import repository, secrets
from tests.engine import daemons, encrypted, in_git
from tests.lab import signer
from tests.render import compiler

TREE = repository.ROOT / "salt"
SETTINGS = {
    "name": "chat.example.test",
    "email": "admin@example.test",
    "release_sources": dict.fromkeys(("page", "list", "advisories", "support"), ""),
}
OWN = {"mattermost": {"engine": "minion", "hosts": [daemons.MINION]}}
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a minion that deploys is root's")


@pytest.fixture(scope="module")
def site():
    folder = daemons.new_folder()
    served = folder / "salt"
    shutil.copytree(TREE, served, ignore=shutil.ignore_patterns("__pycache__"))
    grains = {daemons.MINION: compiler.GRAINS["Debian-12"], daemons.MASTERLESS: {}}
    in_git.commit(folder / "tree.git", folder)
    key = signer.Signer(folder, "site")
    more = {"gpg_keydir": str(key.home), **in_git.options(folder / "tree.git", base=in_git.BRANCH)}
    # as on the page: nothing of ours below master.d
    both = daemons.Daemons(folder, [], grains, **more)
    give(both, encrypted.secret(key, folder))
    with both:
        both.run("saltutil.sync_all")
        yield both
        key.gpg("--list-keys")  # ends the helper that Salt's gpg started


def give(site, password):
    """Give the host its settings. password: of the mail server; the same as before, when it was given once."""
    site.password = password
    given = secrets.pillar()
    given["mail"] |= {"password": password}
    site.set_pillar({"mattermost": SETTINGS | given}, OWN)
    path = site.folder / "pillar/site.sls"
    path.write_text("#!yaml|gpg\n" + path.read_text())


def reachable(step):
    """What a preflight or a verification says of the way to the only host."""
    ((host, found),) = step["findings"].items()
    (one,) = [each for each in found if each["check"] == "reachable"]
    return one["level"], one["sentence"], one["todo"]


def test_the_preflight_inspects_the_host_by_its_minion_and_no_secret_is_kept(site):
    step = site.orchestrate("mattermost.preflight")["hosts-are-fit"]
    assert reachable(step)[:2] == ("ok", "The minion answers and has the code of this bundle.")
    found = {one["check"]: one["level"] for one in step["findings"][daemons.MINION]}
    assert found["platform"] == "ok", step
    assert found["breaking-changes"] == "ok", step

    cached = f"master/var/cache/salt/master/pillar/{daemons.MINION}.p"
    assert keeping(site, secrets.PLANTED) <= {"pillar/site.sls", cached}
    assert found["settings"] == "ok", step
    assert keeping(site, {"mail": encrypted.SECRET}) == {cached}, "it was decrypted on the master"
    assert keeping(site, {"control": SETTINGS["name"]}) > {cached}, "the search finds what is kept of the probe"


def keeping(site, planted):
    """Return the files of the master and its minion that hold one of *planted*."""
    return {path for path in secrets.below(site.folder, planted) if not path.startswith("salt/")}


def test_an_installation_is_found_by_its_minion_and_what_it_holds_is_kept_nowhere(site, tmp_path_factory):
    tree = tmp_path_factory.mktemp("chat")  # closed to who would run the program, so its version stays unknown
    (tree / "bin").mkdir()
    (tree / "config").mkdir()
    (tree / "bin/mattermost").touch(0o755)
    planted = {"database": "of-hand-Kw3x7", "key": "at-rest-8d1b7a44"}
    settings = {
        "SqlSettings": {
            "DataSource": f"postgres://mmuser:{planted['database']}@localhost/chat",
            "AtRestEncryptKey": planted["key"],
        }
    }
    (tree / "config/config.json").write_text(json.dumps(settings))
    request = {"import": {"from": daemons.MINION, "directory": str(tree)}}
    step = site.orchestrate("mattermost.import", f"pillar={json.dumps(request)}")["from-host-is-named"]
    assert step["comment"].startswith("The version of the hand-made installation is unknown."), step
    assert secrets.found_in(json.dumps(step).encode(), planted) == []
    assert keeping(site, planted) == set()
    assert any("/jobs/" in place for place in keeping(site, {"control": "mattermost_moving.run"}))


def test_a_minion_whose_settings_the_pillar_gives_to_another_is_refused(site):
    site.set_pillar({"mail": "of another"}, OWN)
    step = site.orchestrate("mattermost.preflight")["hosts-are-fit"]
    give(site, site.password)
    assert f"The master's pillar has no branch mattermost for {daemons.MINION}." in step["comment"], step


def test_a_minion_that_is_not_there_is_reported(site):
    hosts = 'pillar={"mattermost": {"hosts": ["nobody.example"]}}'
    level, sentence, todo = reachable(site.orchestrate("mattermost.verify", hosts)["site-is-verified"])
    assert (level, sentence) == ("refusal", "The minion nobody.example does not answer.")
    assert "salt-key -L" in todo


def test_a_master_that_has_not_synced_what_it_serves_is_refused(site):
    with (site.folder / "salt/_utils/mattermost_answer.py").open("a") as file:
        file.write("\n# the next version\n")
    in_git.commit(site.folder / "tree.git", site.folder)
    site.run("fileserver.update")
    level, sentence, todo = reachable(site.orchestrate("mattermost.verify")["site-is-verified"])
    assert (level, sentence) == (
        "refusal",
        f"The minion {daemons.MINION} and the master have different versions of this bundle's code.",
    )
    assert "`salt-run saltutil.sync_all`" in todo
    site.run("saltutil.sync_all")
    ((_, found),) = site.orchestrate("mattermost.verify")["site-is-verified"]["findings"].items()
    assert [one["check"] for one in found] == ["installed"]
