"""The secret store: born once, private, never replaced, never told in an error."""

import os
import stat
import threading

import mattermost_secret_core as core
import pytest


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "settings" / "secrets")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_a_secret_is_made_once(store):
    first = core.get(store, "database-password")
    assert len(first) >= 40
    assert core.get(store, "database-password") == first
    assert core.get(store, "another") != first


def test_only_the_owner_reads_it(store):
    before = os.umask(0)
    try:
        core.get(store, "key")
    finally:
        os.umask(before)
    assert mode(store) == 0o700
    assert mode(os.path.join(store, "key")) == 0o600


def test_reading_makes_nothing(store):
    assert core.read(store, "key") is None
    assert not os.path.exists(store)


def test_an_existing_secret_is_never_replaced(store):
    core.write(store, "key", "first")
    assert core.write(store, "key", "second") == "first"
    assert core.read(store, "key") == "first"


def test_no_draft_stays_behind(store):
    core.get(store, "key")
    core.write(store, "key", "second")
    assert os.listdir(store) == ["key"]


def test_makers_at_once_get_one_value(store):
    values = []
    makers = [threading.Thread(target=lambda: values.append(core.get(store, "key"))) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(10)
    assert len(values) == 8
    assert len(set(values)) == 1


def test_wider_modes_are_taken_back(store):
    core.get(store, "key")
    os.chmod(store, 0o755)
    os.chmod(os.path.join(store, "key"), 0o644)
    assert list(core.permission_changes(store, "key").values()) == ["0755", "0644"]
    core.get(store, "key")
    assert core.permission_changes(store, "key") == {}
    assert mode(os.path.join(store, "key")) == 0o600


def test_an_empty_file_is_a_fault_not_a_new_secret(store):
    core.get(store, "key")
    open(os.path.join(store, "key"), "w").close()
    with pytest.raises(core.SecretError, match="is empty. Restore that file from a backup"):
        core.get(store, "key")


def test_an_empty_backup_password_is_never_replaced_by_a_new_one(store):
    core.get(store, "backup-password")
    open(os.path.join(store, "backup-password"), "w").close()
    with pytest.raises(
        core.SecretError, match="is empty. Restore that file from your copy. A new password would not open"
    ):
        core.get(store, "backup-password")


def test_a_link_is_not_followed(store, tmp_path):
    (tmp_path / "elsewhere").write_text("value\n")
    core.get(store, "key")
    os.symlink(tmp_path / "elsewhere", os.path.join(store, "link"))
    with pytest.raises(core.SecretError, match="cannot be read"):
        core.get(store, "link")


@pytest.mark.parametrize("name", ["../key", "", "Key", ".key", "a/b", "a b"])
def test_a_name_stays_inside_the_store(store, name):
    with pytest.raises(core.SecretError, match="is not a valid name for a secret"):
        core.get(store, name)
