"""What undoes a failed upgrade needs no disk: it may be what that upgrade filled. With a real cluster that may write no temporary file."""

import pytest

from tests.attack.test_database_role import cluster, pytestmark, template

__all__ = ["cluster", "pytestmark", "template"]
FILL = "INSERT INTO posts SELECT md5(n::text), n FROM generate_series(1, 200000) n;"


@pytest.fixture
def full(cluster):  # noqa: F811
    """The database with many messages, and a copy that lacks two and has one of its own."""
    cluster.plant("ALTER TABLE posts ADD PRIMARY KEY (id);", FILL)
    cluster.sql("CREATE DATABASE copy TEMPLATE mattermost OWNER mattermost", database="postgres")
    cluster.sql("DELETE FROM posts WHERE id IN ('a', 'b'); INSERT INTO posts VALUES ('Ä-7', 1)", database="copy")
    cluster.sql("ALTER ROLE mattermost SET temp_file_limit = 0", database="postgres")
    return cluster


@pytest.mark.exhaustive
def test_two_databases_are_compared_without_a_temporary_file(full):
    count = 'COPY (SELECT id FROM posts ORDER BY id COLLATE "C") TO STDOUT'
    done = full.sql(count, "nobody", "mattermost", check=False)
    assert "temporary file size exceeds temp_file_limit" in done.stderr, (
        "the control: a sort that is larger than its memory"
    )
    done = full.run("mattermost-kept", "only_in posts mattermost copy && only_in posts copy mattermost")
    assert done.stdout.split() == ["2", "1"], done.stderr
