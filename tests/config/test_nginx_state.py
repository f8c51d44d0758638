"""mattermost_nginx.configured with the real nginx: a good file is never replaced by one that nginx refuses."""

import os
import pathlib

import pytest

from tests.config.nginx_program import BASE, NON_SSL, SSL, Tree
from tests.render import compiler
from tests.states import load_state

PLATFORM = "Debian-12"


def read(source):
    return (compiler.ROOT / "salt" / source.removeprefix("salt://")).read_text()


def state(test=False, reload=lambda service, log: None, master=0):
    module = load_state("mattermost_nginx", test, {"cp.get_file_str": read})
    module.process.master = lambda service: master
    module.process.reload = reload
    module.process.served_certificate = lambda name: None
    module.process.occupant = lambda ports: None
    return module


@pytest.fixture
def tree(tmp_path, monkeypatch):
    import mattermost_nginx_process

    for name in ("master", "reload", "served_certificate", "occupant"):
        monkeypatch.setattr(mattermost_nginx_process, name, getattr(mattermost_nginx_process, name))
    return Tree(tmp_path, PLATFORM)


def apply(module, tree, sls, **over):
    call = {k: v for k, v in tree.calls(sls)[0].items() if not k.startswith("__")}
    for key in ("state", "fun", "order", "require", "require_in", "watch"):
        call.pop(key, None)
    call |= {"directory": str(tree.etc), "program": str(tree.program), "work": str(tree.folder / "work"), "ports": []}
    return module.configured(**(call | over))


def content(tree):
    return {str(path): path.read_bytes() for path in tree.etc.rglob("*") if path.is_file()}


def test_files_are_put_in_place_once(tree):
    assert apply(state(), tree, BASE)["changes"]
    assert apply(state(), tree, SSL)["changes"]
    again = apply(state(), tree, SSL)
    assert (again["result"], again["changes"]) == (True, {})
    assert tree.refusal() == ""


def test_a_dry_run_changes_nothing(tree):
    before = content(tree)
    ret = apply(state(test=True), tree, BASE)
    assert ret["result"] is None
    assert len(ret["changes"]) == 5
    assert content(tree) == before


def test_an_admins_broken_file_is_named_and_nothing_changes(tree):
    (tree.etc / "conf.d/zz-admin.conf").write_text("bogus on;\n")
    before = content(tree)
    ret = apply(state(), tree, BASE)
    assert ret["result"] is False
    assert (
        f"because of {tree.etc}/conf.d/zz-admin.conf, which this bundle did not write: unknown directive"
        in ret["comment"]
    )
    assert content(tree) == before


def test_a_broken_file_of_ours_replaces_nothing(tree):
    apply(state(), tree, BASE)
    apply(state(), tree, SSL)
    before = content(tree)
    ret = apply(state(), tree, SSL, context=tree.calls(SSL)[0]["context"] | {"curves": "no-such-curve"})
    assert ret["result"] is False
    assert "nginx refuses the new configuration" in ret["comment"]
    assert content(tree) == before


def test_a_reload_that_is_refused_brings_the_old_files_back(tree):
    apply(state(), tree, BASE)
    before = content(tree)
    ret = apply(state(master=1, reload=lambda service, log: "bind() failed"), tree, SSL)
    assert ret["result"] is False
    assert "bind() failed. The old files were restored." in ret["comment"]
    assert content(tree) == before


def test_a_missing_certificate_is_said_before_anything_is_tried(tree):
    apply(state(), tree, BASE)
    tree.ca.unlink()
    ret = apply(state(), tree, SSL)
    assert ret["result"] is False
    command = "salt chat.example.com state.apply mattermost.deploy.letsencrypt"
    assert (
        ret["comment"] == f"{tree.ca} does not exist, so nginx cannot use it. Nothing was changed. Run first: {command}"
    )
    assert not (tree.etc / "conf.d/mattermost-ssl.conf").exists()


def test_a_dry_run_on_a_bare_host_says_what_must_come_first(tree):
    ret = apply(state(test=True), tree, SSL)
    assert ret["result"] is None
    assert (
        "A whole deploy creates that file before this step, with the state mattermost.deploy.nginx-base."
        in ret["comment"]
    )


def test_a_reload_that_an_earlier_run_owes_is_made_up_for(tree):
    apply(state(), tree, BASE)
    due = tree.folder / "work" / "nginx-reload-base"
    due.parent.mkdir(exist_ok=True)
    due.touch()
    reloads = []
    ret = apply(state(master=1, reload=lambda service, log: reloads.append(service)), tree, BASE)
    assert (ret["changes"], reloads) == ({"nginx": "reloaded"}, ["nginx"])
    assert not due.exists()


def test_each_site_puts_the_others_file_away(tree):
    apply(state(), tree, BASE)
    for sls, there, gone in ((SSL, "ssl", "non-ssl"), (NON_SSL, "non-ssl", "ssl"), (SSL, "ssl", "non-ssl")):
        apply(state(), tree, sls)
        assert (tree.etc / f"conf.d/mattermost-{there}.conf").exists()
        assert not (tree.etc / f"conf.d/mattermost-{gone}.conf").exists()
        assert tree.refusal() == ""


def test_the_default_site_is_put_away_and_an_admins_own_is_kept(tree):
    site = tree.etc / "sites-enabled/default"
    site.write_text("server { listen 80 default_server; }\n")
    ret = apply(state(), tree, BASE, put_away=[str(site)])
    assert ret["result"] is True
    assert ret["changes"][str(site)] == "removed"
    kept = list((tree.folder / "work/put-away").iterdir())
    assert [path.read_text() for path in kept] == ["server { listen 80 default_server; }\n"]
    assert not site.exists()


def test_the_proof_leaves_no_pid_file_and_no_copy(tree):
    before = set(os.listdir("/tmp"))
    apply(state(), tree, BASE)
    assert not (tree.folder / "nginx.pid").exists()
    assert [n for n in set(os.listdir("/tmp")) - before if n.startswith("mattermost-nginx-")] == []


def test_an_older_certificate_in_use_means_a_reload(tree):
    apply(state(), tree, BASE)
    apply(state(), tree, SSL)
    reloads = []
    module = state(master=1, reload=lambda service, log: reloads.append(service))
    module.process.served_certificate = lambda name: "0" * 64
    ret = apply(module, tree, SSL)
    assert "older certificate" in ret["comment"]
    assert reloads == ["nginx"]


def test_every_managed_file_says_who_manages_it(tree):
    apply(state(), tree, BASE)
    apply(state(), tree, SSL)
    ours = [
        p for p in pathlib.Path(tree.etc).rglob("*") if "mattermost" in str(p.relative_to(tree.etc)) and p.is_file()
    ]
    silent = [p.name for p in ours if b"Managed by Salt (mattermost.deploy.nginx-" not in p.read_bytes()]
    assert silent == ["unavailable.json"]  # JSON has no remarks
