"""The password of the backups' repository: born once, never shown, and the one before stays beside a given one."""

import json

from tests import states


def kept(store, password="", test=False, repository=""):
    return states.load_state("mattermost_backup_password", test).stored(str(store), password, repository)


def test_a_password_is_born_once_and_never_shown(tmp_path):
    store = tmp_path / "secrets"
    assert kept(store, test=True)["result"] is None
    assert not store.exists()
    first = kept(store)
    value = (store / "backup-password").read_text().strip()
    assert first["changes"]
    assert value not in json.dumps(first)
    assert kept(store)["changes"] == {}
    assert (store / "backup-password").read_text().strip() == value


def test_a_given_password_takes_the_place_of_the_one_before_which_is_kept(tmp_path):
    kept(tmp_path)
    own = (tmp_path / "backup-password").read_text()
    would = kept(tmp_path, "of another repository", test=True)
    assert (would["result"], (tmp_path / "backup-password").read_text()) == (None, own)
    ret = kept(tmp_path, "of another repository")
    assert ret["changes"]
    assert "the previous password is kept in" in ret["comment"]
    assert "of another" not in json.dumps([would, ret])
    assert (tmp_path / "backup-password").read_text() == "of another repository\n"
    (aside,) = tmp_path.glob("backup-password-until-*")
    assert aside.read_text() == own
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    assert kept(tmp_path, "of another repository")["changes"] == {}


def test_only_the_first_deploy_warns_that_backups_are_on_the_hosts_own_disk(tmp_path):
    (warning,) = kept(tmp_path, repository="/var/backups/mattermost")["warnings"]
    assert "mattermost:backup:repository" in warning
    assert "warnings" not in kept(tmp_path, repository="/var/backups/mattermost")
    assert "warnings" not in kept(tmp_path, "another", repository="/var/backups/mattermost")


def test_a_repository_elsewhere_gives_no_warning(tmp_path):
    for name, repository in (("a", "s3:https://s3.example.com/bucket"), ("b", "")):
        assert "warnings" not in kept(tmp_path / name, repository=repository)
