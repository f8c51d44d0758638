"""The record of what a host was like: taken of any files, and what a removal does by it."""

import errno
import glob
import os

import mattermost_baseline_record as records
import mattermost_firewall_firewalld as firewalld
import mattermost_repositories_core as repositories
import pytest

from tests.states import load_state

GRAINS = {"os": "CentOS"}
DEAD = ["mirrorlist.example.test"]
REPO = b"# B\xe4rbel's\n[base]\nmirrorlist=http://mirrorlist.example.test/?repo=os\nenabled=1\n"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Have what matches a pattern below tmp_path, and return the platform of a host that is looked at there."""
    found = glob.glob
    monkeypatch.setattr(glob, "glob", lambda pattern: found(f"{tmp_path}{pattern}"))
    monkeypatch.setattr(records, "unit", lambda name: {"enabled": False, "active": False})
    monkeypatch.setattr(records.packages.Packages, "names", lambda self: ["base"])
    monkeypatch.setattr(records.packages.Packages, "keys", lambda self: {})
    monkeypatch.setattr(records.firewall, "running", lambda: False)
    monkeypatch.setattr(firewalld, "CONF", str(tmp_path / "firewalld.conf"))
    monkeypatch.setattr(firewalld, "OWN", str(tmp_path / "zones"))
    nginx = {"service": "nginx", "snippet_dir": "/etc/nginx/mattermost", "unit_dropin": "/etc/systemd/system/x/y"}
    nginx |= {"site_dir": "/etc/nginx/conf.d", "default_sites": [], "packages": []}
    postgresql = {"service": "p", "enable": "p", "data_dir": str(tmp_path / "data"), "config_dir": str(tmp_path)}
    certbot = {"timer": "certbot.timer", "directory": str(tmp_path / "letsencrypt"), "service": "certbot"}
    return {
        "nginx": nginx,
        "postgresql": postgresql,
        "certbot": certbot,
        "firewall": {"service": "firewalld"},
        "repositories": {"modules_off": [], "dead_hosts": DEAD, "keys": {}},
        "selinux": {"booleans": []},
    }


@pytest.fixture
def paths(tmp_path):
    return {name: str(tmp_path / name) for name in ("work", "install", "settings", "state")}


def noted(host, paths, monkeypatch):
    """Take the record as a deploy does; return the state's answer."""
    monkeypatch.setattr(records, "is_deployed", lambda paths: False)
    bundle = {"version": "1.0.0", "breaking_changes": 1}
    return load_state("mattermost_baseline").recorded("x", host, paths, bundle)


def put(folder, name, data):
    path = os.path.join(os.fsencode(folder), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return os.fsdecode(path)


def test_a_purge_keeps_a_file_whose_name_is_not_utf_8(host, paths, tmp_path, monkeypatch):
    """It was there before the first deploy; the record of it lost its name, and the purge took it for one of ours."""
    mine = put(tmp_path, b"letsencrypt/m\xf6glich.pem", b"key")
    assert noted(host, paths, monkeypatch)["result"] is True
    ours = put(tmp_path, b"letsencrypt/accounts/new", b"x")
    state = load_state("mattermost_remove")
    monkeypatch.setattr(state.certbot_host, "remembered", lambda work: [])
    monkeypatch.setattr(state, "_systemctl", lambda *words: None)
    assert state.certificate("x", "chat.example.com", host["certbot"], True, paths)["changes"] == {ours: "removed"}
    assert os.path.exists(mine)


def switched_off(path, monkeypatch):
    """Have the repository of a dead host off in *path*, as a deploy does."""
    managing = load_state("mattermost_repositories")
    managing.__grains__ = GRAINS
    monkeypatch.setattr(managing, "_unusable", lambda *_: "")
    monkeypatch.setattr(managing, "FOLDER", "/etc/yum.repos.d")
    monkeypatch.setattr(managing.config, "differing", lambda wanted: {path: wanted[path]})
    assert managing.managed("system", {}, {}, DEAD)["changes"] == {path: "switched off: base"}


@pytest.mark.parametrize("before", [REPO, REPO.replace(b"\n", b"\r\n")], ids=["latin-1", "CRLF"])
def test_a_repository_file_of_any_bytes_is_restored_as_it_was(host, paths, tmp_path, monkeypatch, before):
    """Also one that root alone may read, for a password in it."""
    path = put(tmp_path, b"etc/yum.repos.d/base.repo", before)
    os.chmod(path, 0o600)
    assert noted(host, paths, monkeypatch)["result"] is True
    switched_off(path, monkeypatch)
    assert b"enabled=0" in (tmp_path / "etc/yum.repos.d/base.repo").read_bytes()
    assert load_state("mattermost_baseline_restore").system("x", host, paths)["changes"] == {path: "restored"}
    assert (tmp_path / "etc/yum.repos.d/base.repo").read_bytes() == before


def test_what_cannot_be_restored_is_named_and_the_rest_is_restored(host, paths, tmp_path, monkeypatch):
    """A file that is immutable, or a full disk, ended the removal in a trace."""
    for name in (b"base", b"more"):
        path = put(tmp_path, b"etc/yum.repos.d/" + name + b".repo", REPO)
    noted(host, paths, monkeypatch)
    for name in ("base", "more"):
        path = tmp_path / f"etc/yum.repos.d/{name}.repo"
        path.write_text(repositories.without_dead(path.read_text("latin-1"), DEAD)[0], "latin-1")
    state = load_state("mattermost_baseline_restore")
    write = state.config.write

    def refuse(path, *more):
        if path.endswith("base.repo"):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        write(path, *more)

    monkeypatch.setattr(state.config, "write", refuse)
    answer = state.system("x", host, paths)
    assert (answer["result"], list(answer["changes"])) == (False, [str(path)])
    assert "base.repo could not be restored: Operation not permitted. Restore it by hand" in answer["comment"]


def test_a_repository_file_that_is_a_link_stays_one(host, paths, tmp_path, monkeypatch):
    """What keeps the file elsewhere would miss each change from then on."""
    kept = put(tmp_path, b"srv/base.repo", REPO)
    path = tmp_path / "etc/yum.repos.d/base.repo"
    path.parent.mkdir(parents=True)
    path.symlink_to(kept)
    noted(host, paths, monkeypatch)
    switched_off(str(path), monkeypatch)
    assert path.is_symlink()
    assert b"enabled=0" in path.read_bytes()
    load_state("mattermost_baseline_restore").system("x", host, paths)
    assert path.is_symlink()
    assert path.read_bytes() == REPO


def test_a_repository_file_with_a_password_stays_roots_alone(host, paths, tmp_path, monkeypatch):
    path = put(tmp_path, b"etc/yum.repos.d/base.repo", REPO + b"password=secret\n")
    os.chmod(path, 0o600)
    noted(host, paths, monkeypatch)
    switched_off(path, monkeypatch)
    assert os.stat(path).st_mode & 0o777 == 0o600
    load_state("mattermost_baseline_restore").system("x", host, paths)
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_link_to_nothing_among_the_repositories_stops_no_deploy(host, paths, tmp_path, monkeypatch):
    """yum reads past it, and a full disk, which the refusal named, is not the cause."""
    path = put(tmp_path, b"etc/yum.repos.d/base.repo", REPO)
    (tmp_path / "etc/yum.repos.d/gone.repo").symlink_to("nowhere")
    (tmp_path / "etc/yum.repos.d/folder.repo").mkdir()
    answer = noted(host, paths, monkeypatch)
    assert answer["result"] is True, answer["comment"]
    assert list(records.read(paths["work"])["repositories"]) == [path]
    managing = load_state("mattermost_repositories", test=True)
    managing.__grains__ = GRAINS
    monkeypatch.setattr(managing, "FOLDER", "/etc/yum.repos.d")
    assert path in managing.managed("system", {}, {}, DEAD)["changes"]


def test_a_unit_that_is_a_link_to_nothing_is_none_of_ours(tmp_path):
    """Who linked it from a folder that is gone since had no deploy of ours, so the host is looked at."""
    unit = tmp_path / "mattermost.service"
    assert not records.is_foreign(str(unit))
    unit.symlink_to("/opt/gone/mattermost.service")
    assert records.is_foreign(str(unit))
    unit.unlink()
    unit.write_text("# Managed by Salt (mattermost.deploy.server).\n")
    assert not records.is_foreign(str(unit))


@pytest.mark.parametrize("text", ["", '{"packages": [', "[]", "\xff"], ids=["empty", "cut", "list", "bytes"])
def test_a_removal_refuses_a_record_that_cannot_be_read(paths, tmp_path, text):
    """Before it stops the server: later steps would end in a trace."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work/before.json").write_text(text, encoding="latin-1")
    state = load_state("mattermost_remove")
    answer = state.confirmed(
        "x", {}, "chat.example.com", paths, "/var/backups/mattermost", {}, "mattermost", "mattermost"
    )
    assert answer["result"] is False
    assert answer["comment"].startswith(f"Nothing was removed. {records.path(paths['work'])} is not ")
    assert "Move it away" in answer["comment"]  # no backup has it
    assert "ServiceSettings" not in answer["comment"]


def test_the_end_of_a_removal_names_what_the_package_manager_says(host, paths, monkeypatch):
    def refuse(self):
        raise records.packages.PackageError("rpm -qa failed: cannot open Packages database")

    records.write(paths["work"], {"users": [], "groups": []})
    monkeypatch.setattr(records.packages.Packages, "names", refuse)
    state = load_state("mattermost_uninstall")
    accounts = state.accounts("x", "mattermost", paths, False, {})
    noted = state.recorded("x", host, paths, False, "chat", "db", "/data", "/var/backups", False, "/etc/letsencrypt")
    for answer in (accounts, noted):
        assert answer["result"] is False
        assert answer["comment"].endswith(": rpm -qa failed: cannot open Packages database")


def test_a_removal_says_why_postgresql_cannot_be_asked(host, paths, monkeypatch):
    def refuse(self):
        raise restoring.host.DatabaseError("PostgreSQL refuses the password.")

    restoring = load_state("mattermost_baseline_restore")
    records.write(paths["work"], {"packages": [], "cluster": False})
    monkeypatch.setattr(restoring.host.Cluster, "is_initialised", lambda self: True)
    for asked in ("texts", "foreign"):
        monkeypatch.setattr(restoring.databases.Remains, asked, refuse)
    cluster = {**host["postgresql"], "data_dir": "/data"}
    database = restoring.database("mattermost", "mattermost", cluster, paths, False)
    platform = {**host, "postgresql": cluster}
    packages = restoring.packages("x", platform, paths, True, "chat.example.com", "mattermost", "mattermost")
    assert (database["result"], database["comment"]) == (False, "PostgreSQL refuses the password.")
    assert (packages["result"], packages["comment"]) == (
        False,
        "No package was removed. PostgreSQL refuses the password.",
    )


def test_a_purge_that_breaks_off_names_what_it_destroyed(host, paths, monkeypatch):
    def run(self, statement):
        if "ROLE" in statement:
            raise restoring.host.DatabaseError("The role owns a table of another database.")

    restoring = load_state("mattermost_baseline_restore")
    records.write(paths["work"], {"packages": [], "cluster": True})
    sql = {"database mattermost": "DROP DATABASE mattermost;\n", "role mattermost": "DROP ROLE mattermost;"}
    fakes = {"is_initialised": lambda self: True, "running": lambda self: 15, "psql": run}
    for name, fake in fakes.items():
        monkeypatch.setattr(restoring.host.Cluster, name, fake)
    for name, answer in {"texts": {}, "drop_sql": sql, "end_sessions": None}.items():
        monkeypatch.setattr(restoring.databases.Remains, name, lambda self, answer=answer: answer)
    cluster = {**host["postgresql"], "data_dir": "/data"}
    answer = restoring.database("mattermost", "mattermost", cluster, paths, True)
    assert answer["comment"] == "The role owns a table of another database."
    assert answer["changes"] == {"database mattermost": "destroyed"}


@pytest.mark.parametrize("test", [True, False])
def test_the_drop_in_that_goes_with_the_site_is_named(host, paths, tmp_path, monkeypatch, test):
    site, dropin = put(tmp_path, b"conf.d/mattermost.conf", b""), put(tmp_path, b"nginx.service.d/mattermost.conf", b"")
    nginx = {**host["nginx"], "snippet_dir": str(tmp_path / "conf.d"), "unit_dropin": dropin}
    monkeypatch.setattr(glob, "glob", lambda pattern: [site] if pattern.startswith(str(tmp_path / "conf.d")) else [])
    os.makedirs(paths["work"])
    state = load_state("mattermost_remove", test)
    monkeypatch.setattr(state, "_systemctl", lambda *words: None)
    monkeypatch.setattr(state.config, "find", lambda: None)
    monkeypatch.setattr(state.process, "master", lambda service: None)
    monkeypatch.setattr(state.files, "sites", lambda folder: [])
    assert state.site("x", nginx, paths)["changes"] == {site: "removed", dropin: "removed"}
    assert os.path.exists(dropin) is test


def test_a_unit_that_does_not_stop_leaves_those_named_that_did(monkeypatch):
    state = load_state("mattermost_remove")
    units = ["/etc/systemd/system/mattermost-backup.timer", "/etc/systemd/system/mattermost.service"]
    monkeypatch.setattr(state.files, "units", lambda: units)
    monkeypatch.setattr(state.records, "unit", lambda name: {"enabled": True, "active": True})
    monkeypatch.setattr(state.commands, "stop_ours", lambda unit: None)
    monkeypatch.setattr(state.commands, "switch_unit", lambda unit, **_: "It hangs." if "service" in unit else "")
    answer = state.stopped("x")
    assert answer["result"] is False
    assert answer["changes"] == {"mattermost-backup.timer": "stopped"}
