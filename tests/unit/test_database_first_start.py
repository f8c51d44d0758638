"""A cluster that a package makes starts once, with our settings: who keeps it from starting before, for how long, and what when it fails."""

import os
import pwd
import subprocess

import mattermost_database_cluster as host
import mattermost_database_first_start as first_start
import mattermost_database_setup as setup
import pytest

WANTED = {"port": "5432", "max_connections": "100"}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """One that is not there yet; ``said`` has what the service manager was told."""
    monkeypatch.setattr(host, "SUPERUSER", pwd.getpwuid(os.geteuid()).pw_name)
    monkeypatch.setattr(first_start, "HOLD", f"{tmp_path}/run/{{unit}}.service.d/hold.conf")
    data = {"service": "postgresql@15-main", "bin_dir": f"{tmp_path}/bin"}
    cluster = host.Cluster(data | {"data_dir": f"{tmp_path}/data", "config_dir": f"{tmp_path}/etc"})
    cluster.said = []
    monkeypatch.setattr(host, "systemctl", lambda *words: cluster.said.append(words))
    return cluster


def made(tmp_path, ran=False):
    (tmp_path / "data").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/postgresql.conf").write_text("include_dir = 'conf.d'\n")
    if ran:
        (tmp_path / "data/postmaster.opts").touch()


def holds(tmp_path):
    return [path for path in (tmp_path / "run").rglob("*.conf")]


def test_a_package_does_not_start_what_this_process_is_about_to_start(cluster, tmp_path):
    first_start.hold(cluster)
    (path,) = holds(tmp_path)
    assert path.parent.name == "postgresql@15-main.service.d"
    condition = path.read_text().splitlines()[-1]
    judge = ["systemd-analyze", "condition"]
    assert subprocess.run([*judge, condition], capture_output=True).returncode == 1
    ended = subprocess.Popen(["true"])
    ended.wait()
    after = condition.replace(str(os.getpid()), str(ended.pid))
    assert subprocess.run([*judge, after], capture_output=True).returncode == 0


def test_a_cluster_that_is_there_is_not_held(cluster, tmp_path):
    made(tmp_path)
    first_start.hold(cluster)
    assert holds(tmp_path) == []
    assert cluster.said == []


def test_the_first_start_has_our_settings_and_nothing_is_held_any_more(cluster, tmp_path, monkeypatch):
    first_start.hold(cluster)
    made(tmp_path)
    cluster.said.clear()
    seen = []
    monkeypatch.setattr(setup, "start", lambda it: seen.append((tmp_path / "etc/conf.d/mattermost.conf").read_text()))
    assert first_start.start(cluster, WANTED) == [f"{tmp_path}/etc/conf.d/mattermost.conf"]
    assert "max_connections = '100'" in seen[0]
    assert not list((tmp_path / "run").iterdir())
    assert cluster.said == [("daemon-reload",)]


def test_a_cluster_that_ran_before_starts_as_it_is(cluster, tmp_path, monkeypatch):
    made(tmp_path, ran=True)
    monkeypatch.setattr(setup, "start", lambda it: None)
    assert first_start.start(cluster, WANTED) == []
    assert not (tmp_path / "etc/conf.d/mattermost.conf").exists()
    assert cluster.said == []


def test_settings_that_postgresql_does_not_start_with_are_taken_back(cluster, tmp_path, monkeypatch):
    made(tmp_path)
    ours, starts = tmp_path / "etc/conf.d/mattermost.conf", []

    def start(it):
        starts.append(ours.exists())
        if ours.exists():
            raise host.DatabaseError("no")

    monkeypatch.setattr(setup, "start", start)
    assert first_start.start(cluster, WANTED) == []
    assert starts == [True, False]
    assert not ours.exists()


def test_a_cluster_that_does_not_start_at_all_says_why(cluster, tmp_path, monkeypatch):
    made(tmp_path)

    def start(it):
        raise host.DatabaseError("its log's reason")

    monkeypatch.setattr(setup, "start", start)
    with pytest.raises(host.DatabaseError, match="its log's reason"):
        first_start.start(cluster, WANTED)
