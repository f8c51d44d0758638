"""The account of PostgreSQL owns the directories of its files: nothing that it puts there leads root elsewhere."""

import os
import pwd
import re
import subprocess

import mattermost_database_cluster as host
import mattermost_database_major_cluster as major_cluster
import mattermost_database_owned_files as owned_files
import pytest
import yaml

from tests import programs, repository

ATTACKER = "nobody"  # in the part of `postgres`


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration directory that the attacker owns, beside one of root's; the way there is open to all."""
    monkeypatch.setattr(host, "SUPERUSER", ATTACKER)
    account = pwd.getpwnam(ATTACKER)
    folder = tmp_path
    while str(folder).startswith("/tmp/"):
        os.chmod(folder, 0o755)
        folder = folder.parent
    (tmp_path / "etc").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/passwd").write_text("root's own\n")
    os.chown(tmp_path / "etc", account.pw_uid, account.pw_gid)
    return tmp_path / "etc"


def as_before(config):
    assert os.listdir(config.parent / "root") == ["passwd"]
    assert (config.parent / "root/passwd").read_text() == "root's own\n"
    assert (config.parent / "root/passwd").stat().st_uid == 0
    assert os.geteuid() == os.getegid() == 0


@pytest.mark.parametrize("target", ["passwd", "ld.so.preload"])
@pytest.mark.parametrize("text", ["ours\n", None], ids=["written", "removed"])
def test_a_link_in_place_of_a_file_reaches_nothing_of_root(config, target, text):
    (config / "mattermost.conf").symlink_to(config.parent / "root" / target)
    if text or target == "passwd":
        with pytest.raises(host.DatabaseError, match="The account nobody cannot use"):
            owned_files.replace(str(config / "mattermost.conf"), text)
    as_before(config)


def test_a_link_in_place_of_the_directory_reaches_nothing_of_root(config):
    (config / "conf.d").symlink_to(config.parent / "root")
    with pytest.raises(host.DatabaseError, match="The account nobody cannot use"):
        owned_files.replace(str(config / "conf.d/mattermost.conf"), "ours\n")
    as_before(config)


def test_a_secret_of_root_is_not_read_through_a_link(config):
    (config.parent / "root/passwd").chmod(0o600)
    (config / "pg_hba.conf").symlink_to(config.parent / "root/passwd")
    with pytest.raises(host.DatabaseError, match="The account nobody cannot use"):
        owned_files.read(str(config / "pg_hba.conf"))


def test_a_fifo_keeps_nobody_waiting(config):
    os.mkfifo(config / "pg_hba.conf", 0o666)
    os.chmod(config / "pg_hba.conf", 0o666)
    with pytest.raises(host.DatabaseError, match="not a regular file"):
        owned_files.read(str(config / "pg_hba.conf"))


def test_a_plain_file_is_written_and_belongs_to_the_account(config):
    """The positive control."""
    path = config / "conf.d/mattermost.conf"
    owned_files.replace(str(path), "port = 5432\n")
    assert owned_files.read(str(path)) == "port = 5432\n"
    assert path.owner() == ATTACKER
    os.chmod(path, 0o640)
    owned_files.replace(str(path), "port = 5433\n")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("port = 5433\n", 0o640)
    owned_files.replace(str(path), None)
    assert not path.exists()
    as_before(config)


@pytest.mark.parametrize("draft", [".start.conf.new", "start.conf.new", "start.conf"])
def test_the_upgrade_of_postgresql_follows_no_link_of_its_account(config, draft):
    """It says in start.conf which cluster starts at boot, in the same directory."""
    (config / "start.conf").write_text("auto\n")
    (config / draft).unlink(missing_ok=True)
    (config / draft).symlink_to(config.parent / "root/passwd")
    program = programs.joined("mattermost-postgresql")
    at_boot = re.search(r"^at_boot\(\).*?^}$", program, re.MULTILINE | re.DOTALL)[0]
    script = f'as_postgres() {{ runuser -u {ATTACKER} -- "$@"; }}\nflush() {{ :; }}\nsay() {{ echo "$@"; }}\n{at_boot}\nat_boot old no'
    environment = {"PATH": os.environ["PATH"], "old_config": str(config), "old_enable": "e"}
    subprocess.run(["sh", "-c", script], env=environment, capture_output=True, check=True)
    assert (config / "start.conf").read_text() == "disabled\n"
    as_before(config)


@pytest.fixture
def victim(config):
    """A directory of root's that a link in PostgreSQL's leads to, in place of the one that is to be removed."""
    (config.parent / "root/conf.d").mkdir()
    (config.parent / "root/conf.d/site").write_text("root's own\n")
    (config / "17").mkdir()
    os.chown(config / "17", pwd.getpwnam(ATTACKER).pw_uid, 0)
    (config / "17/main").symlink_to(config.parent / "root")
    return config.parent / "root/conf.d/site"


def test_a_removed_cluster_takes_nothing_of_roots_along(config, victim, monkeypatch):
    new = host.Cluster(
        {"config_dir": f"{config}/17/main", "data_dir": f"{config}/17/data", "bin_dir": "/x", "remove": ["true"]}
    )
    major_cluster.drop(new)
    assert victim.exists()


def test_the_programs_removals_take_nothing_of_roots_along(config, victim):
    text = programs.joined("mattermost-postgresql").partition("# ---- the command")[0]
    text += f'\nas_postgres() {{ runuser -u {ATTACKER} -- "$@"; }}; own={config.parent}/own; journal=$own/none\n'
    (config.parent / "own").mkdir()
    (config.parent / "own/kept").write_text(f"15 17 2026-01-01 {config}/17/main/conf.d /none\n")
    (victim.parent / "PG_VERSION").write_text("15\n")
    for lines in (f"leave_no_settings {config}/17/main", "publish() { mv -f $1.new $1; }; forget 15"):
        subprocess.run(["sh", "-c", text + lines], capture_output=True, timeout=60)
        assert victim.exists(), lines


@pytest.mark.parametrize("platform", ["RedHat-7", "RedHat-8", "RedHat-9"])
def test_where_rm_removes_a_cluster_it_has_postgresqls_rights(platform):
    merged = yaml.safe_load(repository.text(f"tests/render/snapshots/{platform}.yaml"))
    assert merged["platform"]["postgresql"]["remove"][:4] == ["runuser", "-u", "postgres", "--"]
