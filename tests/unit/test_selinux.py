"""SELinux: what is allowed, once; nothing where it is off; a clear word where its tools are missing."""

import pytest

from tests.lab.el import recipes
from tests.states import load_state

WEBROOT = {"path": "/srv/acme", "pattern": "/srv/acme(/.*)?", "type": "httpd_sys_content_t", "usual": "/var/www"}
BOOLEAN = "httpd_can_network_connect"


@pytest.fixture
def state(tmp_path, monkeypatch):
    """The state on a host where SELinux is on and the lab's recorder stands in for its tools."""
    module = load_state("mattermost_selinux")
    (tmp_path / "enforce").write_text("1")
    monkeypatch.setattr(module, "ENFORCE", (str(tmp_path / "enforce"),))
    monkeypatch.setattr(module, "PATH", f"{tmp_path}/bin")
    return module


@pytest.fixture
def tools(tmp_path):
    text = (recipes.FILES / "selinux").read_text().replace("/var/lib/lab", str(tmp_path))
    (tmp_path / "bin").mkdir()
    for name in ("semanage", "setsebool", "getsebool", "restorecon"):
        program = tmp_path / "bin" / name
        program.write_text(text)
        program.chmod(0o755)
    return lambda: (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []


def test_a_boolean_is_switched_on_for_good_and_once(state, tools):
    assert state.allowed("nginx", [BOOLEAN])["changes"] == {BOOLEAN: "on"}
    assert tools()[-1] == f"setsebool -P {BOOLEAN} on"
    again = state.allowed("nginx", [BOOLEAN])
    assert (again["result"], again["changes"]) == (True, {})


def test_files_in_an_unusual_place_are_labelled_once(state, tools):
    assert state.allowed("nginx", [], [WEBROOT])["changes"] == {WEBROOT["pattern"]: WEBROOT["type"]}
    assert f"semanage fcontext -a -t httpd_sys_content_t {WEBROOT['pattern']}" in tools()
    assert state.allowed("nginx", [], [WEBROOT])["changes"] == {}


def test_files_that_could_not_be_labelled_are_labelled_by_the_next_run(state, tools, tmp_path):
    (tmp_path / "acme").mkdir()
    label, restorecon = WEBROOT | {"path": str(tmp_path / "acme")}, tmp_path / "bin/restorecon"
    works = restorecon.read_text()
    restorecon.write_text("#!/bin/sh\necho 'Read-only file system' >&2\nexit 1\n")
    assert state.allowed("nginx", [], [label])["result"] is False
    restorecon.write_text(works)
    assert state.allowed("nginx", [], [label])["changes"] == {WEBROOT["pattern"]: WEBROOT["type"]}
    assert tools()[-1] == f"restorecon -RF {label['path']}"


def test_files_in_their_usual_place_need_nothing(state, tools):
    label = WEBROOT | {"path": "/var/www/letsencrypt"}
    assert state.allowed("nginx", [], [label])["result"] is True
    assert tools() == []


def test_a_dry_run_on_a_bare_host_promises_and_a_run_without_tools_refuses(state):
    state.__opts__ = {"test": True}
    assert state.allowed("nginx", [BOOLEAN], tools="policycoreutils-python")["result"] is None
    state.__opts__ = {"test": False}
    refused = state.allowed("nginx", [BOOLEAN], tools="policycoreutils-python")
    assert refused["result"] is False
    assert "Install the package policycoreutils-python" in refused["comment"]


def test_a_dry_run_changes_nothing(state, tools):
    state.__opts__ = {"test": True}
    assert state.allowed("nginx", [BOOLEAN])["result"] is None
    assert tools() == [f"getsebool {BOOLEAN}"]


def test_where_selinux_is_off_nothing_is_asked(state, tools, monkeypatch):
    monkeypatch.setattr(state, "ENFORCE", ("/nonexistent/enforce",))
    assert state.allowed("nginx", [BOOLEAN], [WEBROOT])["result"] is True
    assert tools() == []


def test_a_removal_takes_back_what_deploys_told_and_nothing_else(state, tools, tmp_path, monkeypatch):
    monkeypatch.setattr(state.records, "boolean", lambda name: "on")
    record, paths = {"booleans": {BOOLEAN: "off"}, "contexts": ["/srv/mine(/.*)?"]}, {"work": str(tmp_path / "work")}
    state.records.write(paths["work"], record)
    mine = WEBROOT | {"path": "/srv/mine", "pattern": "/srv/mine(/.*)?"}
    state.allowed("nginx", [], [WEBROOT, mine])
    done = state.as_before("selinux", paths, [WEBROOT, mine])
    assert done["changes"] == {BOOLEAN: "off", WEBROOT["pattern"]: "removed"}
    assert tools()[-2:] == [f"setsebool -P {BOOLEAN} off", f"semanage fcontext -d {WEBROOT['pattern']}"]
    state.records.write(paths["work"], {"booleans": {BOOLEAN: "on"}})
    assert state.as_before("selinux", paths, [WEBROOT])["changes"] == {}


def test_files_that_cannot_be_labelled_are_a_failure(state, tools, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "bin/restorecon").write_text("#!/bin/sh\necho read-only >&2; exit 1\n")
    ret = state.allowed("nginx", [], [WEBROOT | {"path": str(tmp_path / "files")}])
    assert ret["result"] is False
    assert ret["comment"].endswith(f"restorecon -RF {tmp_path}/files failed: read-only.")
