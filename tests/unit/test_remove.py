"""A removal: what it may be told, what goes and what stays on given paths, and what it says."""

import os
import pwd

import mattermost_baseline_record as records
import mattermost_database_files as database_files
import mattermost_firewall_core as firewall
import mattermost_remove_core as core
import mattermost_remove_database as databases
import mattermost_remove_files as files
import mattermost_repositories_core as repositories
import pytest

from tests.states import load_state

NAME = "chat.example.com"


def test_the_data_go_only_by_the_hosts_own_name():
    assert core.parse_request({}, NAME) is False
    assert core.parse_request({"purge": NAME}, NAME) is True
    for wrong in ("chat.example.org", True, "", "yes", [NAME]):
        with pytest.raises(ValueError, match=r"this host is chat\.example\.com\. Nothing was removed"):
            core.parse_request({"purge": wrong}, NAME)
    with pytest.raises(ValueError, match="remove:purgge is not a known key"):
        core.parse_request({"purgge": NAME}, NAME)
    with pytest.raises(ValueError, match="must be a mapping"):
        core.parse_request(True, NAME)


MOUNTS = "/dev/vda / ext4 rw 0 0\nnas:/x /mnt/nas nfs4 rw 0 0\nsshfs /mnt/far fuse.sshfs rw 0 0\n/dev/vdb /mnt/nasty ext4 rw 0 0\n"


@pytest.mark.parametrize(
    ("repository", "elsewhere"),
    [
        ("/var/backups/mattermost", False),
        ("/mnt/nasty/chat", False),
        ("/mnt/nas/chat", True),
        ("/mnt/nas", True),
        ("/mnt/far/chat", True),
        ("s3:https://s3.example.com/chat", True),
    ],
)
def test_backups_on_another_machine_are_known(repository, elsewhere):
    assert core.is_elsewhere(repository, MOUNTS) is elsewhere


def test_what_is_destroyed_is_counted():
    counts = {"users": 1, "posts": 20, "files": 3, "backups": 2}
    said = core.contents(counts, "mattermost", "/var/opt/mattermost", "/var/backups/mattermost")
    assert "1 account and 20 messages of the database mattermost, 3 files in" in said
    assert "2 backups in /var/backups/mattermost" in said
    assert core.contents({}, "mattermost", "/x", "") == "No data is left to destroy."


@pytest.mark.parametrize(
    ("is_there", "said"), [(True, "the database mattermost, if it exists"), (False, "No data is left")]
)
def test_a_database_that_cannot_be_asked_is_not_said_to_be_gone(monkeypatch, is_there, said):
    """As after a removal, which stops PostgreSQL."""
    remains = databases.Remains({"data_dir": "/x"}, "mattermost", "mattermost", "")
    monkeypatch.setattr(databases.host.Cluster, "is_initialised", lambda self: is_there)
    monkeypatch.setattr(databases.host.Cluster, "running", lambda self: None)
    assert said in core.contents(remains.counts(), "mattermost", "/x", "")


def test_the_key_to_backups_elsewhere_is_named():
    assert core.what_stays_of_a_purge("", "") == "Nothing is kept."
    said = core.what_stays_of_a_purge("on another machine", "/etc/mattermost/secrets/backup-password")
    assert said.startswith(
        "The backups on another machine were not changed. /etc/mattermost/secrets/backup-password stays"
    )


@pytest.mark.parametrize(("program", "test", "stays"), [(False, False, True), (False, True, True), (True, True, False)])
def test_backups_that_a_purge_leaves_here_keep_their_password(tmp_path, monkeypatch, program, test, stays):
    """After a removal their program is gone, and nobody can tell whose they are: they stay."""
    state = load_state("mattermost_uninstall", test)
    for path in ("repository/config", "secrets/backup-password", *(["mattermost-backup"] if program else [])):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("x")
    monkeypatch.setattr(state, "BACKUP", str(tmp_path / "mattermost-backup"))
    paths = {name: str(tmp_path / name) for name in ("install", "state", "work", "run", "webroot")} | {
        "settings": str(tmp_path)
    }
    ret = state.files("x", paths, True, str(tmp_path / "repository"), False)
    password = tmp_path / "secrets/backup-password"
    assert (str(password) not in ret["changes"] and str(password.parent) not in ret["changes"]) is stays
    assert password.exists()
    (tmp_path / "repository/config").unlink()
    ret = state.files("x", paths, True, str(tmp_path / "repository"), False)
    assert [path for path in ret["changes"] if path.endswith(("secrets", "backup-password"))]


@pytest.mark.parametrize("test", [True, False])
def test_the_empty_folder_of_backups_is_named_when_it_goes(tmp_path, test):
    state = load_state("mattermost_uninstall", test)
    paths = {name: str(tmp_path / name) for name in ("install", "state", "settings", "work", "run", "webroot")}
    records.write(paths["work"], {"directories": [str(tmp_path)]})
    repository = tmp_path / "backups/chat"
    repository.mkdir(parents=True)
    ret = state.files("x", paths, True, str(repository), True)
    assert ret["changes"] == {str(repository): "destroyed"}
    assert repository.parent.exists() is test
    assert state.files("x", {**paths, "work": "/none"}, True, str(repository), True)["changes"] == {}


@pytest.fixture
def paths(tmp_path):
    found = {name: str(tmp_path / name) for name in ("install", "state", "settings", "work")}
    for place in (
        "install/11.7.1/bin/mattermost", "install/mine/file", "state/config/config.json", "state/data/file", "state/mine",
        "settings/environment", "settings/switch.conf", "settings/secrets/backup-password", "settings/secrets/database-password",
        "work/before.json", "work/config.json", "work/switch/report", "work/backup/known", "work/backup/rejected-7", "work/backup/cache/x",
        "work/downloads/x",
    ):  # fmt: skip
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("x")
    (tmp_path / "install/current").symlink_to("11.7.1")
    return found


def left(tmp_path):
    return {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir() or path.is_symlink()}


def test_a_removal_leaves_data_secrets_and_the_note_of_the_version(paths, tmp_path):
    assert files.kept_version(paths["install"]) == "11.7.1"
    for path in files.kept_aside(paths):
        files.remove(path)
    assert left(tmp_path) == {
        "install/current", "install/mine/file", "state/config/config.json", "state/data/file", "state/mine",
        "settings/environment", "settings/secrets/backup-password", "settings/secrets/database-password",
        "work/before.json", "work/config.json", "work/backup/known", "work/backup/rejected-7",
    }  # fmt: skip
    assert files.kept_aside(paths) == []


def test_a_purge_takes_only_what_is_known_in_a_directory_of_others(paths, tmp_path):
    for path in files.everything(paths, lambda folder: False, ""):
        files.remove(path)
    assert left(tmp_path) == {"install/mine/file", "state/mine", "work/before.json"}


def test_a_purge_takes_all_of_a_directory_that_a_deploy_made(paths, tmp_path):
    for path in files.everything(paths, lambda folder: True, ""):
        files.remove(path)
    assert left(tmp_path) == {"work/before.json"}


@pytest.mark.parametrize("made", [True, False])
def test_a_purge_leaves_the_key_to_backups_elsewhere(paths, tmp_path, made):
    key = f"{paths['settings']}/secrets/backup-password"
    (tmp_path / "settings/secrets/backup-password-until-20260101").write_text("of a repository used before")
    for path in files.everything(paths, lambda folder: made, key):
        files.remove(path)
    assert {path for path in left(tmp_path) if path.startswith("settings")} == {
        f"settings/secrets/{name}" for name in ("backup-password", "backup-password-until-20260101")
    }


def test_only_empty_directories_that_we_made_are_pruned(tmp_path):
    (tmp_path / "a/b/c").mkdir(parents=True)
    files.prune(str(tmp_path / "a/b/c"), [str(tmp_path / "a")])
    assert [path.name for path in tmp_path.rglob("*")] == ["a"]
    (tmp_path / "a/file").write_text("x")
    files.prune(str(tmp_path / "a"), [])
    assert (tmp_path / "a/file").exists()


def test_a_firewall_is_put_back_and_ssh_is_never_closed():
    before = firewall.Zone(frozenset({"imaps"}), frozenset({"25/tcp"}), True)
    now = firewall.Zone(frozenset({"ssh", "http", "https", "imaps"}), frozenset({"25/tcp", "2222/tcp"}), False)
    assert [step.option for step in firewall.back(now, before, strict=False)] == [
        "--add-masquerade", "--remove-service=http", "--remove-service=https",
    ]  # fmt: skip
    closed = firewall.Zone(frozenset({"ssh", "http", "https"}), frozenset(), False)
    steps = {step.option for step in firewall.back(closed, before, strict=True)}
    assert {"--add-service=imaps", "--add-port=25/tcp"} <= steps
    had = firewall.Zone(frozenset({"ssh", "http"}), frozenset(), False)
    assert [step.option for step in firewall.back(now, had, strict=False)] == ["--remove-service=https"]
    calls = firewall.Zone(frozenset({"ssh"}), frozenset({"25/tcp", "8443/udp"}), True)
    assert [step.option for step in firewall.back(calls, before, False, ["8443/udp", "25/tcp"])] == [
        "--remove-port=8443/udp"
    ]


def test_our_lines_leave_postgresqls_files_and_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(databases.host, "SUPERUSER", pwd.getpwuid(os.geteuid()).pw_name)
    lines = ["local mattermost mattermost peer"]
    main, own = "port = 5432\n", "# mine\nlocal all all peer\n"
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/mattermost.conf").write_text(database_files.drop_in({"port": "5432"}))
    (tmp_path / "postgresql.conf").write_text(database_files.with_include(main))
    (tmp_path / "pg_hba.conf").write_text(database_files.with_block(own, lines))
    (tmp_path / "pg_ident.conf").write_text("# none\n")
    remains = databases.Remains({"config_dir": str(tmp_path)}, "mattermost", "mattermost")
    assert remains.texts() == {
        str(tmp_path / "conf.d/mattermost.conf"): None,
        str(tmp_path / "postgresql.conf"): main,
        str(tmp_path / "pg_hba.conf"): own,
    }


def test_a_host_is_looked_at_once_and_again_after_a_removal():
    assert records.is_needed(None, deployed=False)
    assert not records.is_needed(None, deployed=True)
    assert not records.is_needed({"packages": []}, deployed=False)
    assert records.is_needed({"packages": [], "left": {}}, deployed=False)


def test_what_a_removal_left_is_not_taken_for_the_hosts_own():
    units = {"postgresql.service": {"enabled": False}, "nginx.service": {"enabled": False}}
    old = {
        "packages": ["base"],
        "users": ["root"],
        "groups": ["root"],
        "directories": ["/var"],
        "letsencrypt": ["/etc/letsencrypt/mine"],
        "cluster": False,
        "units": units,
    }
    kept = {"packages": ["base", "postgresql-15"], "users": ["mattermost", "root"], "groups": ["root"]}
    certbots = ["/etc/letsencrypt/accounts/a", "/etc/letsencrypt/mine"]
    old["left"] = {
        **kept,
        "directories": ["/var", "/var/opt/mattermost"],
        "letsencrypt": certbots,
        "cluster": True,
    }
    now = {
        **kept,
        "packages": [*kept["packages"], "vim"],
        "directories": ["/var", "/var/opt/mattermost", "/srv"],
        "letsencrypt": [*certbots, "/etc/letsencrypt/new"],
        "cluster": True,
    }
    now["units"] = {"postgresql.service": {"enabled": True}, "nginx.service": {"enabled": True}}
    joined = records.without_our_leftovers(now, old)
    assert joined["packages"] == ["base", "vim"]
    assert joined["users"] == ["root"]
    assert joined["directories"] == ["/srv", "/var"]
    assert joined["letsencrypt"] == ["/etc/letsencrypt/mine", "/etc/letsencrypt/new"]
    assert joined["cluster"] is False
    assert joined["units"] == {"postgresql.service": {"enabled": False}, "nginx.service": {"enabled": True}}
    assert records.without_our_leftovers(now, None) == now


def test_empty_directories_go_with_the_one_that_a_package_of_ours_made(tmp_path):
    (tmp_path / "certbot/renewal-hooks/post").mkdir(parents=True)
    (tmp_path / "certbot/mine").mkdir()
    (tmp_path / "certbot/mine/file").write_text("x")
    files.prune_empty(str(tmp_path / "certbot"), [str(tmp_path), str(tmp_path / "certbot")])
    assert (tmp_path / "certbot/renewal-hooks/post").is_dir()
    files.prune_empty(str(tmp_path / "certbot"), [str(tmp_path)])
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["certbot", "file", "mine"]
    (tmp_path / "certbot/mine/file").unlink()
    files.prune_empty(str(tmp_path / "certbot"), [str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


DISABLED = "[postgresql]\nname=postgresql\nstream=\nprofiles=\nstate=disabled\n"
CHOSEN = "[postgresql]\nname=postgresql\nstream=13\nprofiles=server\nstate=enabled\n"


@pytest.mark.parametrize("before", [None, CHOSEN])
def test_a_module_stream_that_was_disabled_is_as_before(tmp_path, monkeypatch, before):
    module = tmp_path / "modules/postgresql.module"
    monkeypatch.setattr(repositories, "MODULES", str(module.parent))
    state = load_state("mattermost_baseline_restore", test=True)
    paths, platform = {"work": str(tmp_path / "work")}, {"repositories": {"dead_hosts": [], "keys": {}}}
    records.write(paths["work"], {"modules": {"postgresql": before}})
    module.parent.mkdir()

    module.write_text(DISABLED)
    assert state.system("system", platform, paths)["result"] is None
    assert module.read_text() == DISABLED
    state.__opts__ = {"test": False}
    assert state.system("system", platform, paths)["changes"] == {str(module): "restored"}
    assert (module.read_text() if module.exists() else None) == before
    assert state.system("system", platform, paths)["changes"] == {}

    other = DISABLED.replace("state=disabled", "state=enabled")
    module.write_text(other)  # somebody's since
    assert state.system("system", platform, paths)["changes"] == {}
    assert module.read_text() == other
    records.write(paths["work"], {"modules": {"postgresql": DISABLED}})
    module.write_text(DISABLED)
    assert state.system("system", platform, paths)["changes"] == {}


def test_a_dry_run_of_a_purge_says_that_a_stopped_postgresql_would_be_started(tmp_path, monkeypatch):
    """As a removal leaves it: what is in the database cannot be asked, but the run itself would start it and look."""
    state = load_state("mattermost_baseline_restore", test=True)
    cluster = {"service": "postgresql@15-main", "enable": "postgresql", "data_dir": str(tmp_path / "15/main")}
    monkeypatch.setattr(state.host.Cluster, "is_initialised", lambda self: True)
    monkeypatch.setattr(state.host.Cluster, "running", lambda self: None)
    monkeypatch.setattr(state.databases.Remains, "texts", lambda self: {})
    monkeypatch.setattr(state.records, "unit", lambda name: {"active": False, "enabled": False})
    for purge, result in ((True, None), (False, True)):
        ret = state.database("mattermost", "mattermost", cluster, {"work": str(tmp_path)}, purge)
        assert (ret["result"], "database mattermost" in ret["changes"]) == (result, purge), ret


@pytest.mark.parametrize(("there", "gone"), [(["postgresql16-server"], set()), (["nginx"], {"root", "group root"})])
def test_an_account_stays_as_long_as_a_package_that_made_it(tmp_path, monkeypatch, there, gone):
    state, paths = load_state("mattermost_uninstall", test=True), {"work": str(tmp_path / "work")}
    monkeypatch.setattr(state.packages.Packages, "names", lambda self: there)
    records.write(paths["work"], {"users": [], "groups": []})
    said = state.accounts("accounts", "mattermost", paths, False, {"root": "postgresql*-server"})
    assert set(said["changes"]) == gone


def test_accounts_go_after_what_was_theirs_is_on_disk_as_roots(tmp_path, monkeypatch):
    state, paths = load_state("mattermost_uninstall", test=False), {"work": str(tmp_path / "work")}
    done = []
    monkeypatch.setattr(state.packages.Packages, "names", lambda self: [])
    monkeypatch.setattr(state.os, "sync", lambda: done.append("flushed"))
    monkeypatch.setattr(state.commands, "failure", lambda *command: done.append(command[0]) or "")
    for step in ("end_processes", "give_to_root"):
        monkeypatch.setattr(state.remove_files, step, lambda uid, step=step: done.append(step))
    records.write(paths["work"], {"users": [], "groups": []})
    assert state.accounts("accounts", "daemon", paths, True, {"nobody": "none"})["result"]
    assert done.index("flushed") > max(place for place, what in enumerate(done) if what == "give_to_root")
    assert done.index("flushed") < done.index("userdel")
    assert done.count("userdel") == 2


def test_the_source_of_apt_goes_once_no_postgresql_is_left_that_it_updates(tmp_path):
    root = f"{tmp_path}/"
    for path in ("etc/apt/sources.list.d/mattermost-postgresql.sources", "etc/apt/keyrings/mattermost-postgresql.asc"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("ours")
    (tmp_path / "etc/apt/sources.list.d/debian.sources").write_text("theirs")
    program = tmp_path / "usr/lib/postgresql/17/bin/postgres"
    program.parent.mkdir(parents=True)
    program.write_text("")
    assert files.apt_sources(root) == []
    program.unlink()
    assert [os.path.basename(path) for path in files.apt_sources(root)] == [
        "mattermost-postgresql.asc",
        "mattermost-postgresql.sources",
    ]


@pytest.mark.parametrize(
    ("text", "goes"), [("# Managed by Salt (mattermost.deploy.server).\n", True), ("[Unit]\n", False)]
)
def test_a_server_that_an_import_put_back_stays(tmp_path, monkeypatch, text, goes):
    monkeypatch.setattr(files, "UNITS", str(tmp_path))
    for name in ("mattermost.service", "mattermost-aside.service", "multi-user.target.wants/mattermost-aside.service"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "mattermost.service.d").mkdir()
    (tmp_path / "mattermost.service.d/moved.conf").write_text(text)
    (tmp_path / "multi-user.target.wants/mattermost.service").symlink_to("../mattermost.service")
    ours = {path for path in files.units() if path.endswith(("/mattermost.service", "mattermost.service.d/moved.conf"))}
    assert len(ours) == (3 if goes else 0)
    assert str(tmp_path / "mattermost-aside.service") in files.units()


def test_releases_that_an_import_left_beside_go(tmp_path):
    (tmp_path / "mattermost.coming/1.2.3").mkdir(parents=True)
    assert files.versions(str(tmp_path / "mattermost")) == [str(tmp_path / "mattermost.coming")]
