"""The password of the backups' repository: born once, never shown, and the only key to backups is never lost."""

import json
import os

import pytest

from tests import programs, states

# opens with what the file "opens" holds; says what it was asked, the password not
RESTIC = """#!/bin/sh
echo "$*" >>"$(dirname "$0")/asked"
while [ "$#" -gt 0 ]; do
    [ "$1" != --password-file ] || RESTIC_PASSWORD_FILE=$2
    shift
done
[ "$(cat "$RESTIC_PASSWORD_FILE")" = "$(cat "$(dirname "$0")/opens")" ] && exit
echo 'Fatal: wrong password or no key found' >&2
exit 1
"""


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A deployed host whose repository opens with the stored password."""
    for folder in ("bin", "settings/secrets", "work/backup"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin/restic").write_text(RESTIC)
    (tmp_path / "bin/restic").chmod(0o755)
    (tmp_path / "bin/opens").write_text("old\n")
    (tmp_path / "settings/secrets/backup-password").write_text("old\n")
    (tmp_path / "work/backup/known").write_text("/var/backups/x\n")
    needed = {name: "x" for name in ("name", "install", "state", "service", "user", "database", "role", "platform")}
    needed |= {"bin_dir": "/x", "socket_dir": "/x", "database_port": "1", "repository": "/var/backups/x"}
    needed |= {"settings": tmp_path / "settings", "work": tmp_path / "work", **programs.BACKUPS}
    (tmp_path / "settings/backup.conf").write_text("".join(f"{key}={value}\n" for key, value in needed.items()))
    programs.installed("mattermost-backup", tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return tmp_path


def kept(store, password="", test=False, work="", repository=""):
    return states.load_state("mattermost_backup_password", test).stored(str(store), password, work, repository)


def store(host, password, test=False, repository="/var/backups/x"):
    """Run the state on a deployed host with *password* in the settings."""
    state = states.load_state("mattermost_backup_password", test)
    state.PROGRAM = str(host / "bin/mattermost-backup")
    return state.stored(str(host / "settings/secrets"), password, str(host / "work"), repository)


def stored(host) -> dict:
    """Return ``{name without its date: value}`` of the store."""
    files = (host / "settings/secrets").iterdir()
    return {file.name.partition("-until-")[0] + "-until" * ("until" in file.name): file.read_text() for file in files}


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


def test_a_password_that_does_not_open_the_repository_of_the_backups_is_refused(host):
    for test in (True, False):
        ret = store(host, "another", test)
        assert (ret["result"], ret["changes"]) == (False, {})
        assert "wrong password or no key found" in ret["comment"]
        assert "mattermost-backup restic key passwd" in ret["comment"]
    assert stored(host) == {"backup-password": "old\n"}


def test_a_repository_that_cannot_be_asked_is_a_refusal(host):
    (host / "bin/mattermost-backup").unlink()
    assert store(host, "another")["result"] is False
    assert stored(host) == {"backup-password": "old\n"}


def test_a_password_that_opens_the_repository_is_taken_and_the_one_before_is_kept(host):
    (host / "bin/opens").write_text("another\n")
    would = store(host, "another", test=True)
    assert (would["result"], stored(host)) == (None, {"backup-password": "old\n"})
    ret = store(host, "another")
    assert ret["result"] is True
    assert stored(host) == {"backup-password": "another\n", "backup-password-until": "old\n"}
    assert "the previous one is kept in" in ret["comment"]
    assert {file.stat().st_mode & 0o777 for file in (host / "settings/secrets").iterdir()} == {0o600}
    assert store(host, "another")["changes"] == {}
    assert "another" not in (host / "bin/asked").read_text() + json.dumps([would, ret])


def test_the_password_of_a_repository_elsewhere_is_taken_and_the_one_before_is_kept(host):
    assert store(host, "another", repository="/mnt/elsewhere")["result"] is True
    assert stored(host) == {"backup-password": "another\n", "backup-password-until": "old\n"}


def test_before_the_first_backup_a_given_password_takes_the_place_of_the_hosts_own(tmp_path):
    kept(tmp_path)
    own = (tmp_path / "backup-password").read_text()
    ret = kept(tmp_path, "of another repository", work=str(tmp_path / "work"))
    assert ret["changes"]
    assert "of another" not in json.dumps(ret)
    assert (tmp_path / "backup-password").read_text() == "of another repository\n"
    (aside,) = tmp_path.glob("backup-password-until-*")
    assert aside.read_text() == own
    assert kept(tmp_path, "of another repository")["changes"] == {}
