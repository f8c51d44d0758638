"""What the role sets for itself changes neither what a backup holds nor whether it can be restored elsewhere. With a real cluster."""

import pytest

from tests.attack.test_database_role import cluster, pytestmark, template
from tests.soak import in_check

__all__ = ["cluster", "pytestmark", "template"]
RESTORE = """compare_files() { :; }; in_manifest() { sed -n "s/^$1 //p" "$staging/census"; }; restore_database mattermost_drill"""
ODD = {
    "bytea_output": ("escape", r"ALTER TABLE fileinfo ADD preview bytea; INSERT INTO fileinfo VALUES ('f', 'p', 0, '\xdeadbeef');"),
    "extra_float_digits": ("-15", "ALTER TABLE posts ADD part float8 DEFAULT 1::float8 / 3;"),
    "timezone": ("Asia/Tokyo", "ALTER TABLE users ADD seen timestamptz DEFAULT now();"),
    "client_encoding": ("LATIN1", "INSERT INTO posts VALUES ('c', 3, 0, 'x', 'u', 'c', U&'\\4e2d\\6587');"),
}  # fmt: skip


@pytest.mark.parametrize("setting", in_check(ODD, "client_encoding"))
def test_a_backup_does_not_depend_on_settings_of_the_role(cluster, setting):  # noqa: F811
    """A different host has none of them: its restore compared checksums of values that were written in a different form."""
    value, contents = ODD[setting]
    cluster.plant(contents, f"ALTER ROLE mattermost SET {setting} = '{value}';")
    done = cluster.run("mattermost-backup", "dump_database")
    assert done.returncode == 0, done.stderr
    cluster.plant(f"ALTER ROLE mattermost RESET {setting};")
    done = cluster.run("mattermost-restore", RESTORE, dump=cluster.place / "own/staging/database.dump")
    assert done.returncode == 0, done.stderr
