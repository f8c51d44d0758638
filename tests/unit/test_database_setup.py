"""How a cluster is set up: which files change, which settings count, and what another file takes away."""

import os
import pwd

import mattermost_database_cluster as host
import mattermost_database_files as files
import mattermost_database_setup as setup
import pytest

WANTED = files.settings(5432, 100, (3900 * 1024, 2))


@pytest.fixture(autouse=True)
def owner(monkeypatch):
    """The files are the test's own, in the part of PostgreSQL's account."""
    monkeypatch.setattr(host, "SUPERUSER", pwd.getpwuid(os.geteuid()).pw_name)


@pytest.fixture
def seen(tmp_path):
    """A freshly made cluster, as `FACTS_QUERY` shows it."""
    (tmp_path / "postgresql.conf").write_text("max_connections = 100\ninclude_dir = 'conf.d'\n")
    return {
        "config_file": str(tmp_path / "postgresql.conf"),
        "loaded": 0,
        "current": WANTED | {"shared_buffers": "128MB"},
        "files": [{"name": "max_connections", "value": "100", "file": str(tmp_path / "postgresql.conf")}],
    }


def names(found):
    return sorted(os.path.basename(path) for path in found)


def entry(name, value, file):
    return {"name": name, "value": value, "file": file}


def with_ours(seen, *more):
    drop_in = os.path.join(os.path.dirname(seen["config_file"]), setup.DROP_IN)
    ours = [entry(name, value, drop_in) for name, value in WANTED.items()]
    return seen | {"files": [*seen["files"], *ours, *more]}


def test_a_fresh_cluster_gets_our_settings(seen):
    assert names(setup.texts(seen, WANTED)) == ["mattermost.conf"]


def test_written_files_are_not_written_again(seen):
    os.mkdir(os.path.join(os.path.dirname(seen["config_file"]), "conf.d"))
    for path, text in setup.texts(seen, WANTED).items():
        with open(path, "w") as file:
            file.write(text)
    assert setup.texts(with_ours(seen), WANTED) == {}


def test_only_what_is_not_in_force_is_a_difference(seen):
    assert setup.differences(seen, WANTED, files.AT_START) == {"shared_buffers": {"old": "128MB", "new": "512MB"}}
    done = seen | {"current": WANTED}
    assert setup.differences(done, WANTED, files.AT_START) == {}


def test_a_larger_value_of_the_administrator_is_neither_set_nor_a_difference(seen):
    found = seen | {
        "files": [entry("max_connections", "500", "/etc/x.conf")],
        "current": seen["current"] | {"max_connections": "500"},
    }
    assert "max_connections" not in setup.managed(found, WANTED)
    assert "max_connections" not in setup.differences(found, WANTED, files.AT_START)


@pytest.mark.parametrize(("name", "value"), [("listen_addresses", "*"), ("port", "5555"), ("max_connections", "10")])
def test_a_later_file_may_not_take_away_what_must_hold(seen, name, value):
    (sentence,) = setup.conflicts(with_ours(seen, entry(name, value, "/data/postgresql.auto.conf")), WANTED)
    assert sentence.startswith(f"/data/postgresql.auto.conf sets {name} to {value} and overrides this bundle's file")
    assert sentence.endswith(f"run in psql: ALTER SYSTEM RESET {name}.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen_addresses", "127.0.0.1, ::1"),
        ("listen_addresses", ""),
        ("max_connections", "300"),
        ("shared_buffers", "256MB"),
    ],
)
def test_a_later_file_may_do_what_does_no_harm(seen, name, value):
    found = with_ours(seen, entry(name, value, "/data/postgresql.auto.conf"))
    assert setup.conflicts(found, WANTED) == []
    assert name not in setup.differences(found | {"current": WANTED | {name: value}}, WANTED, files.AT_START)


def test_a_value_of_the_users_own_writing_is_told_by_the_file(seen):
    wanted = WANTED | {"work_mem": "4096kB"}
    found = with_ours(seen | {"current": WANTED | {"work_mem": "4MB"}})
    assert "work_mem" in setup.differences(found, wanted, wanted, ["work_mem"]), "not written yet"
    drop_in = os.path.join(os.path.dirname(seen["config_file"]), setup.DROP_IN)
    found["files"].append(entry("work_mem", "4096kB", drop_in))
    assert setup.differences(found, wanted, wanted, ["work_mem"]) == {}
    assert "work_mem" in setup.differences(found | {"pending": ["work_mem"]}, wanted, wanted, ["work_mem"])


def test_a_setting_that_is_given_up_is_a_difference_while_our_file_has_it(seen):
    drop_in = os.path.join(os.path.dirname(seen["config_file"]), setup.DROP_IN)
    found = with_ours(seen | {"current": WANTED}, entry("max_locks_per_transaction", "128", drop_in))
    assert setup.no_longer_set(found, WANTED) == {"max_locks_per_transaction"}
    assert set(setup.differences(found, WANTED, ["max_locks_per_transaction"])) == {"max_locks_per_transaction"}
    assert setup.conflicts(found, WANTED) == []


@pytest.mark.parametrize(
    ("stderr", "sentence"),
    [
        (
            'psql: error: connection to server on socket "/run/x" failed: FATAL:  Peer authentication failed for user "mm"\n',
            'FATAL: Peer authentication failed for user "mm".',
        ),
        ('psql:<stdin>:3: ERROR:  database "x" does not exist\n', 'ERROR: database "x" does not exist.'),
        ("psql: error: could not translate host name\n", "could not translate host name."),
        ("", "psql failed without a message."),
    ],
)
def test_the_reason_is_postgresqls_own(stderr, sentence):
    assert host.reason(stderr) == sentence


def cluster(tmp_path, pid, status="ready"):
    lines = [str(pid), str(tmp_path), "1700000000", "5433", "/run/here", "localhost", "  1  2", f"{status}   "]
    (tmp_path / "postmaster.pid").write_text("\n".join(lines) + "\n")
    return host.Cluster({"data_dir": str(tmp_path)})


def test_a_running_cluster_is_found_by_its_own_file(tmp_path):
    assert cluster(tmp_path, os.getpid()).running() == ("/run/here", 5433)


@pytest.mark.parametrize(("pid", "status"), [(2**22 + 1, "ready"), (os.getpid(), "starting")], ids=["dead", "starting"])
def test_a_dead_or_starting_cluster_is_not_running(tmp_path, pid, status):
    assert cluster(tmp_path, pid, status).running() is None


def test_no_file_means_not_running(tmp_path):
    assert host.Cluster({"data_dir": str(tmp_path)}).running() is None


def test_the_log_tells_the_last_serious_complaint(tmp_path):
    (tmp_path / "a.log").write_text(
        "x LOG:  fine\nx FATAL:  could not create shared memory\nx LOG:  database system is shut down\n"
    )
    found = host.Cluster({"logs": str(tmp_path / "*.log")}).log_tail()
    assert found == f"{tmp_path}/a.log says: x FATAL:  could not create shared memory."
