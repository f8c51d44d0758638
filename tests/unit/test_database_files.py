"""PostgreSQL's files: ours is first, the administrator's stays byte for byte, and memory is modest and steady."""

import mattermost_database_files as files

from tests import repository

HBA = """\
# the administrator's
local   all   postgres   peer
host    all   all   127.0.0.1/32   scram-sha-256
"""
LINES = ["local mattermost mattermost peer"]


def rules(text):
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def test_our_lines_come_before_all_others():
    assert rules(files.with_block(HBA, LINES))[0] == ["local", "mattermost", "mattermost", "peer"]


def test_the_administrators_lines_stay_byte_for_byte():
    assert files.with_block(HBA, LINES).endswith(HBA)
    assert files.with_block(files.with_block(HBA, LINES), []) == HBA


def test_a_second_time_changes_nothing():
    once = files.with_block(HBA, LINES)
    assert files.with_block(once, LINES) == once


def test_a_block_that_slipped_down_comes_back_to_the_top():
    once = files.with_block(HBA, LINES)
    assert files.with_block("local all all reject\n" + once, LINES) == files.with_block(
        "local all all reject\n" + HBA, LINES
    )


def test_another_way_of_login_replaces_the_block():
    once = files.with_block(HBA, LINES)
    hosts = files.hba_lines("password", "mm", "mmuser", "mattermost")
    assert files.with_block(once, hosts) == files.with_block(HBA, hosts)


def test_peer_lets_the_server_into_its_own_database_and_the_programs_into_its_copies():
    assert files.hba_lines("peer", "chat", "mattermost", "mattermost") == [
        "local chat mattermost peer map=mattermost",
        "local all mattermost peer map=mattermost-sql",
        "host all mattermost all reject",
    ]
    assert files.ident_lines("peer", "mattermost", "mattermost") == [
        "mattermost mattermost mattermost",
        "mattermost mattermost-sql mattermost",
        "mattermost-sql mattermost-sql mattermost",
    ]


def test_peer_maps_the_account_to_a_role_of_another_name():
    assert files.hba_lines("peer", "chat", "mmuser", "mattermost") == [
        "local chat mmuser peer map=mattermost",
        "local all mmuser peer map=mattermost-sql",
        "host all mmuser all reject",
    ]
    assert "mattermost mattermost mmuser" in files.ident_lines("peer", "mmuser", "mattermost")


def test_a_password_is_taken_on_the_loopback_only():
    copies, *lines, others = [line.split() for line in files.hba_lines("password", "mm", "mmuser", "mattermost")]
    assert copies == ["local", "all", "mmuser", "peer", "map=mattermost-sql"]
    assert others == ["host", "all", "mmuser", "all", "reject"]
    assert [(line[0], line[3], line[4]) for line in lines] == [
        ("host", "127.0.0.1/32", "scram-sha-256"),
        ("host", "::1/128", "scram-sha-256"),
    ]
    assert files.ident_lines("password", "mmuser", "mattermost") == ["mattermost-sql mattermost-sql mmuser"]


GIB4 = (4 * 1024 * 1024, 2)


def test_what_the_administrator_chose_elsewhere_is_left_alone():
    wanted = files.settings(5432, 100, GIB4)
    others = {"max_connections": "500", "shared_buffers": "65536000kB", "work_mem": "1MB", "max_wal_size": "1GB"}
    assert set(wanted) - set(files.without_others(wanted, others)) == {"max_connections", "shared_buffers", "work_mem"}


def test_fewer_connections_than_the_pool_needs_are_no_choice():
    assert "max_connections" in files.without_others(files.settings(5432, 100, GIB4), {"max_connections": "30"})


def test_what_the_settings_say_wins():
    wanted = files.settings(5432, 100, GIB4, {"work_mem": "32MB", "jit": False})
    assert (wanted["work_mem"], wanted["jit"]) == ("32MB", "off")
    assert "work_mem" in files.without_others(wanted, {"work_mem": "1MB"}, ["work_mem"])


def test_without_tuning_only_what_must_hold_is_set():
    assert set(files.settings(5432, 100, None)) == {*files.ESSENTIAL, "max_connections", "password_encryption"}


def test_only_ours_of_listening_counts():
    wanted = files.settings(5433, 100, GIB4)
    kept = files.without_others(wanted, {"listen_addresses": "*", "port": "9999"})
    assert (kept["listen_addresses"], kept["port"]) == ("localhost", "5433")


def test_the_folder_of_settings_is_read_once():
    assert files.with_include("port = 5432\n").count("include_dir = 'conf.d'") == 1
    debian = "port = 5432\ninclude_dir = 'conf.d'   # include files ending in '.conf'\n"
    assert files.with_include(debian) == debian
    commented = "#include_dir = 'conf.d'\n"
    assert files.with_include(commented).count("\ninclude_dir") == 1


def test_a_password_file_escapes_what_separates():
    assert files.passfile("127.0.0.1", 5432, "mm", "mmuser", r"p:a\s") == "127.0.0.1:5432:mm:mmuser:p\\:a\\\\s\n"


def test_the_account_of_the_programs_has_one_name():
    account = files.SQL_ACCOUNT
    assert f"SQL_ACCOUNT={account} " in repository.text("salt/mattermost/deploy/common/sql.sh")
    for name in ("database/login", "backup/init", "server/switch"):
        assert f"    - os_user: {account}\n" in repository.text(f"salt/mattermost/deploy/{name}.sls")
    assert f"    - name: {account}\n" in repository.text("salt/mattermost/deploy/database/login.sls")
    assert f"values {account} " in repository.text("salt/mattermost/scripts/status.sh")
