"""PostgreSQL's settings follow the host's memory and cores, within bounds, and steadily."""

import mattermost_database_tuning as tuning
import pytest

GIB = 1024 * 1024


@pytest.mark.parametrize(
    ("gib", "shared", "cache", "wal"),
    [
        (1, "128MB", "256MB", "1GB"),
        (2, "256MB", "512MB", "1GB"),
        (4, "512MB", "1GB", "1GB"),
        (8, "1GB", "2GB", "2GB"),
        (64, "2GB", "4GB", "4GB"),
    ],
)
def test_memory_follows_the_host(gib, shared, cache, wal):
    # a host of 4 GiB shows a little less than that to its programs
    found = tuning.tuned(int(gib * GIB * 0.97), 2, 100)
    assert (found["shared_buffers"], found["effective_cache_size"], found["max_wal_size"]) == (shared, cache, wal)


def test_memory_keeps_its_value_when_the_host_shows_a_little_less():
    assert tuning.tuned(int(4 * GIB * 0.97), 2, 100) == tuning.tuned(int(4 * GIB * 0.92), 2, 100)


@pytest.mark.parametrize("connections", [40, 100, 300, 1000])
@pytest.mark.parametrize("gib", [1, 2, 4, 64])
def test_more_working_memory_than_postgresqls_own_fits_once_for_each_connection(gib, connections):
    work = int(tuning.tuned(gib * GIB, 2, connections)["work_mem"].removesuffix("MB"))
    assert 4 <= work <= 16
    assert work == 4 or work * connections <= gib * 1024


@pytest.mark.parametrize(
    ("gib", "connections", "work_mem"), [(1, 40, "16MB"), (1, 100, "8MB"), (1, 1000, "4MB"), (64, 1000, "8MB")]
)
def test_working_memory_falls_with_the_number_of_connections(gib, connections, work_mem):
    assert tuning.tuned(gib * GIB, 2, connections)["work_mem"] == work_mem


@pytest.mark.parametrize(
    ("cores", "all_of_them", "one_query"), [(1, "1", "0"), (2, "2", "1"), (4, "4", "2"), (64, "8", "4")]
)
def test_parallel_workers_follow_the_cores(cores, all_of_them, one_query):
    found = tuning.tuned(4 * GIB, cores, 100)
    assert (found["max_parallel_workers"], found["max_parallel_workers_per_gather"]) == (all_of_them, one_query)
    assert int(found["max_parallel_maintenance_workers"]) >= 1


def test_a_container_counts_what_it_may_use(tmp_path):
    (tmp_path / "memory.max").write_text("1073741824\n")
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert tuning.machine(str(tmp_path)) == (GIB, 1)


def test_no_limit_is_no_limit(tmp_path):
    whole = tuning.machine(str(tmp_path))
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert tuning.machine(str(tmp_path)) == whole


def test_what_has_a_setting_of_its_own_is_refused_by_name():
    assert tuning.faults({"work_mem": "8MB"}) == []
    (sentence,) = tuning.faults({"max_connections": 300})
    assert sentence.startswith("mattermost:database:settings:max_connections must not be set: use mattermost:database")
