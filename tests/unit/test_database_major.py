"""Which major of PostgreSQL is at work, and what an upgrade brings over to the next one."""

import mattermost_database_cluster as host
import mattermost_database_major_cluster as ready
import mattermost_database_major_core as core
import mattermost_database_major_in_use as majors
import mattermost_settings_core as settings_core
import mattermost_settings_data
import pytest
from mattermost_controller.preflight import release

DEPLOY, UPGRADE = "deploy it", "upgrade it"  # the commands
DATA = mattermost_settings_data.load(["salt"])
DEBIAN = {"os_family": "Debian", "os": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
EL7 = {"os_family": "RedHat", "os": "CentOS", "osmajorrelease": 7, "cpuarch": "x86_64"}


def merged(grains=DEBIAN, **pillar):
    return settings_core.merge(DATA, {"email": "a@example.test", **pillar}, {}, grains, "chat.example.test")


def test_a_major_of_the_distribution_needs_no_other_repository():
    platform = merged()["platform"]
    assert platform["postgresql"]["version"] == 15
    assert platform["repositories"]["kind"] == "none"


def test_another_major_has_its_own_places_and_comes_from_postgresql_itself():
    platform = merged(database={"version": 17})["platform"]
    assert platform["postgresql"]["packages"][0] == "postgresql-17"
    assert platform["postgresql"]["service"] == "postgresql@17-main"
    assert platform["postgresql"]["initialise"] == ["pg_createcluster", "--locale=C.UTF-8", "17", "main"]
    assert platform["repositories"]["kind"] == "apt"
    assert "{version}" in platform["postgresql"]["template"]["data_dir"]


def test_what_the_settings_name_in_full_stays():
    platform = merged(platform={"postgresql": {"packages": ["postgresql-15", "postgresql-15-cron"]}})["platform"]
    assert platform["postgresql"]["packages"] == ["postgresql-15", "postgresql-15-cron"]


def test_on_el_the_repository_follows_the_major():
    vendors = merged(EL7 | {"osmajorrelease": 9}, database={"version": 16})["platform"]["repositories"]["vendors"]
    assert vendors["mattermost-pgdg16"]["baseurl"].endswith("/16/redhat/rhel-9-$basearch")


def test_a_part_of_a_repository_that_the_settings_name_lies_over_ours():
    pillar = {"repositories": {"vendors": {"mattermost-pgdg15": {"baseurl": "https://mirror.example.test/"}}}}
    section = merged(EL7, platform=pillar)["platform"]["repositories"]["vendors"]["mattermost-pgdg15"]
    assert (section["baseurl"], section["keys"]) == ("https://mirror.example.test/", ["pgdg"])


def test_a_major_that_was_never_made_for_the_platform_is_refused():
    with pytest.raises(settings_core.SettingsError, match="15 is the newest PostgreSQL"):
        merged(EL7, database={"version": 16})


@pytest.mark.parametrize(
    ("found", "serving"),
    [
        (majors.Majors([], {}, 0), 0),
        (majors.Majors([15], {}, 0), 15),
        (majors.Majors([15, 17], {15: 17}, 0), 17),
        (majors.Majors([15, 17], {}, 17), 15),
    ],
)
def test_the_major_at_work_is_neither_replaced_nor_unfinished(found, serving):
    assert majors.in_use(found) == serving


def test_a_host_without_data_or_with_it_in_the_wanted_major_is_fine():
    assert majors.refusal(15, majors.Majors([], {}, 0), UPGRADE) is None
    assert majors.refusal(15, majors.Majors([15], {}, 0), UPGRADE) is None
    assert majors.refusal(17, majors.Majors([15, 17], {15: 17}, 0), UPGRADE) is None


def test_data_in_another_major_is_never_left_behind():
    assert "run `upgrade it`" in majors.refusal(17, majors.Majors([15], {}, 0), UPGRADE)
    assert "run `upgrade it`" in majors.refusal(17, majors.Majors([15, 17], {}, 17), UPGRADE), (
        "made ready is not at work"
    )
    assert "only as a reserve" in majors.refusal(15, majors.Majors([15, 17], {15: 17}, 0), UPGRADE)


def test_a_cluster_that_an_undone_upgrade_left_is_not_the_one_at_work():
    left = majors.Majors([15, 17], {17: 15}, 0)
    assert majors.in_use(left) == 15
    assert majors.refusal(15, left, UPGRADE) is None
    assert "run `upgrade it`" in majors.refusal(17, left, UPGRADE)


def test_nothing_is_set_up_while_an_upgrade_is_open():
    assert "is running" in majors.refusal(15, majors.Majors([15, 17], {}, 17, open=True), UPGRADE)


def test_majors_are_found_by_our_settings_file_and_the_record(tmp_path):
    for version in (15, 17):
        (tmp_path / f"etc/{version}/main/conf.d").mkdir(parents=True)
        (tmp_path / f"etc/{version}/main/conf.d/mattermost.conf").touch()
        (tmp_path / f"data/{version}").mkdir(parents=True)
        (tmp_path / f"data/{version}/PG_VERSION").touch()
    (tmp_path / "etc/16/main/conf.d").mkdir(parents=True)
    (tmp_path / "work/postgresql").mkdir(parents=True)
    (tmp_path / "work/postgresql/kept").write_text("15 17 2026-11-24 /data/15 /etc/15\n")
    (tmp_path / "etc/18/main/conf.d").mkdir(parents=True)
    (tmp_path / "etc/18/main/conf.d/mattermost.conf").touch()  # left behind by a cluster that was removed
    template = {"config_dir": f"{tmp_path}/etc/{{version}}/main", "data_dir": f"{tmp_path}/data/{{version}}"}
    assert majors.inspect(template, f"{tmp_path}/work") == majors.Majors([15, 17], {15: 17}, 0)
    (tmp_path / "work/postgresql/next").write_text("17\n")
    (tmp_path / "work/postgresql/journal").write_text("begin x\n")
    found = majors.inspect(template, f"{tmp_path}/work")
    assert (found.pending, found.open) == (17, True)


def test_only_what_the_administrator_changed_is_brought_over():
    seen = [
        {"name": "data_directory", "value": "/var/lib/15", "file": "/etc/15/postgresql.conf"},
        {"name": "log_line_prefix", "value": "%m", "file": "/etc/15/postgresql.conf"},
        {"name": "old_snapshot_threshold", "value": "1h", "file": "/etc/15/conf.d/admin.conf"},
        {"name": "shared_buffers", "value": "128MB", "file": "/etc/15/conf.d/mattermost.conf"},
        {"name": "deadlock_timeout", "value": "1s", "file": "/etc/15/conf.d/admin.conf"},
        {"name": "deadlock_timeout", "value": "2s", "file": "/var/lib/15/postgresql.auto.conf"},
        {"name": "cron.host", "value": "it's", "file": "/etc/15/conf.d/admin.conf"},
    ]
    packaged = core.settings_of("log_line_prefix = '%m'\t# a note\n#deadlock_timeout = 1s\n")
    known = {"log_line_prefix", "deadlock_timeout", "shared_buffers"}
    found, gone = core.settings_to_copy(seen, "/etc/15/conf.d/mattermost.conf", packaged, known)
    assert found == {"deadlock_timeout": "2s", "cron.host": "it's"}
    assert gone == ["old_snapshot_threshold"]
    assert "cron.host = 'it''s'\ndeadlock_timeout = '2s'\n" in core.copied_settings_text(found, 15)


@pytest.mark.parametrize(
    ("version", "checksums", "tail"),
    [(17, "off", "main"), (17, "on", "--data-checksums"), (18, "off", "--no-data-checksums")],
)
def test_the_new_cluster_is_made_like_the_old_one(version, checksums, tail):
    like = {"encoding": "SQL_ASCII", "collate": "C", "ctype": "C.UTF-8", "checksums": checksums}
    command = core.initialise(
        merged(database={"version": version})["platform"]["postgresql"]["initialise_like"], like, version
    )
    assert {"--encoding=SQL_ASCII", "--lc-collate=C", "--lc-ctype=C.UTF-8"} <= set(command)
    assert command[-1] == tail
    if tail == "main":
        assert "--" not in command


@pytest.mark.parametrize("left", [None, "", ready.NO_CLUSTER])
def test_packages_make_no_cluster_while_they_are_installed(tmp_path, monkeypatch, left):
    place = tmp_path / "mattermost.conf"
    monkeypatch.setattr(ready, "CREATE_NONE", str(place))
    if left is not None:
        place.write_text(left)
    with ready.NoClusterOfTheirOwn():
        assert place.read_text() == "create_main_cluster = off\n"
    assert not place.exists()


def test_a_file_of_others_at_that_place_is_neither_replaced_nor_removed(tmp_path, monkeypatch):
    place = tmp_path / "mattermost.conf"
    place.write_text("create_main_cluster = on\n")
    monkeypatch.setattr(ready, "CREATE_NONE", str(place))
    with pytest.raises(host.DatabaseError, match="is not from this bundle. Rename"), ready.NoClusterOfTheirOwn():
        pass
    assert place.read_text() == "create_main_cluster = on\n"


def test_there_is_no_way_back_and_none_from_nothing():
    assert "Deploy the host first" in core.refusal(0, 17, {}, DEPLOY)
    assert "cannot go back to 15" in core.refusal(17, 15, {15: 17}, DEPLOY)
    assert core.refusal(15, 17, {}, DEPLOY) is None
    assert core.refusal(17, 17, {}, DEPLOY) is None


def test_databases_of_others_are_told_from_copies_of_ours():
    names = ["mattermost", "mattermost_before_20261124", "shop", "mattermostly"]
    assert core.others(names, "mattermost") == ["shop", "mattermostly"]
    assert "also has the databases shop, mattermostly." in core.not_shared(["shop", "mattermostly"])


def test_the_copy_must_fit():
    assert core.too_little_room(1024, 1 << 20, "/x") is None
    assert "needs 1280 MiB" in core.too_little_room(1 << 20, 1 << 20, "/x")


@pytest.mark.parametrize(("running", "level"), [("15.20", "note"), ("13.9", "note"), ("18.1", "refusal")])
def test_the_run_that_brings_the_data_over_takes_an_older_postgresql_only(running, level):
    facts = {"current": "11.7.10", "files": [], "postgresql": {5432: running}}
    found = release.postgresql(merged(database={"version": 17}), facts, {"another_postgresql": True})
    assert found.level == level, found
