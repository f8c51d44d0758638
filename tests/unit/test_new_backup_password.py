"""The repository's new password, with a restic of the test's own: wherever it was cut short, the next run ends it."""

import json
import os
import subprocess

import pytest

from tests import programs

# keys are lines "ID PASSWORD"; one action may be made to fail
RESTIC = """#!/bin/sh
word=$(cat "$RESTIC_PASSWORD_FILE")
own=$(awk -v word="$word" '$2 == word { print $1 }' "$KEYS")
[ "$*" != "${FAIL:-}" ] && [ -n "$own" ] || { echo 'wrong password or no key found' >&2; exit 1; }
case "$1 $2" in
    'cat config') echo '{}' ;;
    'key list') awk -v own="$own" 'BEGIN { printf "[" } { printf "%s{\\"current\\":%s,\\"id\\":\\"%s\\"}", sign, $1 == own ? "true" : "false", $1; sign = "," } END { print "]" }' "$KEYS" ;;
    'key add') echo "b$$ $(cat "$4")" >>"$KEYS" ;;
    'key remove') [ "$3" != "$own" ] || exit 1; sed -i "/^$3 /d" "$KEYS" ;;
esac
"""


@pytest.fixture
def host(tmp_path):
    return made(tmp_path)


def made(tmp_path):
    for folder in ("bin", "settings/secrets", "work/backup"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin/restic").write_text(RESTIC)
    (tmp_path / "bin/restic").chmod(0o755)
    (tmp_path / "keys").write_text("a0 old\nc0 the-administrators\n")
    (tmp_path / "settings/secrets/backup-password").write_text("old\n")
    (tmp_path / "work/backup/known").write_text("/var/backups/x\n")
    needed = {name: "x" for name in ("name", "install", "state", "service", "user", "database", "role", "platform")}
    needed |= {"bin_dir": "/x", "socket_dir": "/x", "database_port": "1", "repository": "/var/backups/x"}
    needed |= {"settings": tmp_path / "settings", "work": tmp_path / "work"}
    (tmp_path / "backup.conf").write_text("".join(f"{key}={value}\n" for key, value in needed.items()))
    return tmp_path


def environment(host, fail=""):
    return {
        "PATH": f"{host}/bin:{os.environ['PATH']}",
        "MATTERMOST_BACKUP_SETTINGS": str(host / "backup.conf"),
        "KEYS": str(host / "keys"),
        "FAIL": fail,
    }


def run(host, fail=""):
    return subprocess.run(
        [str(programs.installed("mattermost-new-backup-password", host))],
        env=environment(host, fail),
        capture_output=True,
        text=True,
    )


def keys(host) -> dict:
    """Return ``{password: key}``."""
    return {line.split()[1]: line.split()[0] for line in (host / "keys").read_text().splitlines()}


def stored(host) -> str:
    return (host / "settings/secrets/backup-password").read_text().strip()


def test_only_the_new_password_opens_and_other_keys_stay(host):
    done = run(host)
    assert done.returncode == 0, done.stderr
    assert set(keys(host)) == {stored(host), "the-administrators"}
    assert len(stored(host)) >= 40
    assert stored(host) not in done.stdout + done.stderr
    assert os.listdir(host / "settings/secrets") == ["backup-password"]
    assert (host / "settings/secrets/backup-password").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("fail", ["key list --json", "key remove a0", "key add --new-password-file NEW"])
def test_what_was_cut_short_is_ended_by_the_next_run(host, fail):
    done = run(host, fail.replace("NEW", str(host / "settings/secrets/backup-password.new")))
    assert done.returncode == 4, done.stdout
    assert stored(host) in keys(host), "the repository opens with what is stored"
    assert run(host).returncode == 0
    assert set(keys(host)) == {stored(host), "the-administrators"}
    assert stored(host) != "old"
    assert not (host / "work/backup/old-key").exists()


def test_a_run_whose_new_password_was_lost_is_begun_anew(host):
    (host / "work/backup/old-key").write_text("a0\n")
    done = run(host)
    assert done.returncode == 0, done.stderr
    assert set(keys(host)) == {stored(host), "the-administrators"}
    assert stored(host) != "old"


def test_a_repository_that_does_not_open_is_refused(host):
    (host / "keys").write_text("z9 another\n")
    done = run(host)
    assert done.returncode == 2
    assert "Nothing was changed" in done.stderr
    assert done.stderr.endswith(
        ", then run on the controller: salt-run state.orchestrate mattermost.ssl (or .non-ssl)\n"
    )
    assert stored(host) == "old"


def test_before_the_first_backup_the_password_is_just_replaced(host):
    (host / "work/backup/known").unlink()
    (host / "keys").write_text("")
    assert run(host).returncode == 0
    assert stored(host) != "old"


def test_the_stub_lists_keys_as_restic_does(host):
    shown = subprocess.run(
        [str(host / "bin/restic"), "key", "list", "--json"],
        env={"PATH": os.environ["PATH"], "KEYS": str(host / "keys"), "RESTIC_PASSWORD_FILE": str(host / "settings/secrets/backup-password")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(shown.stdout)[0] == {"current": True, "id": "a0"}


def test_in_an_append_only_repository_the_old_key_stays_and_is_named(host):
    with (host / "backup.conf").open("a") as file:
        file.write("prune=no\n")
    done = run(host, fail="key remove a0")
    assert done.returncode == 0, done.stderr
    assert "restic key remove a0" in done.stdout
    assert len(keys(host)) == 3
    assert not (host / "work/backup/old-key").exists()
