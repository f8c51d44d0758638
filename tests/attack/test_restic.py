"""restic reads the server's files by their paths while the server exchanges folders for links: nothing of root's stays in a backup."""

import json
import os
import shutil
import subprocess

import pytest

from tests import programs
from tests.attack.racer import SERVER, at_work, exchange, world
from tests.restic import repository

ROUNDS = 40  # each is lost by the attacker in two of three
RACES = 20


@pytest.fixture
def place():
    """A server's files, and a directory of root's alone."""
    if not shutil.which("restic"):
        pytest.skip("NO RESTIC HERE")
    state = ("state/config", "state/plugins", "state/client-plugins")
    with world(["precious", *state, "own", "settings", "scratch"]) as path:
        for file in ("file", "shadow"):
            (path / "precious" / file).write_text("of root alone")
            (path / "precious" / file).chmod(0o600)
        for number in range(RACES):
            race = path / f"state/data/race{number}"
            race.mkdir(parents=True)
            for file in ("file", "shadow"):
                (race / file).write_text("the server's")
            race.with_name(f"race{number}-link").symlink_to(path / "precious")
        for top, folders, files in os.walk(path / "state/data"):
            for each in (top, *(os.path.join(top, one) for one in folders + files)):
                os.lchown(each, SERVER.pw_uid, SERVER.pw_gid)
        (path / "settings/password").write_text("word")
        (path / "settings/backup.conf").write_text("")
        repository(path / "repository", "word")
        yield path


def backup(place, lines="store_backup", program="mattermost-backup"):
    functions = programs.joined(program).partition("# ---- the command")[0]
    values = {
        "name": "chat", "state": place / "state", "settings": place / "settings", "settings_file": place / "settings/backup.conf",
        "repository": place / "repository", "shown_repository": "the repository", "own": place / "own", "staging": place / "own/staging",
        "scratch": place / "scratch", "report": place / "own/report", "user": SERVER.pw_name, "certificates": "",
        "RESTIC_PASSWORD_FILE": place / "settings/password",
    }  # fmt: skip
    (place / "own/staging").mkdir(exist_ok=True)
    text = "\n".join([functions, *(f"{key}='{value}'" for key, value in values.items()), lines])
    return subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=120)


def of_root(place):
    """Return what the backups in the repository have in place of the server's files."""
    found = []
    for snapshot in json.loads(backup(place, "restic snapshots --json").stdout):
        nodes = backup(place, f"restic ls --json {snapshot['id']}").stdout.splitlines()[1:]
        found += [
            node["path"]
            for node in map(json.loads, nodes)
            if "/state/data/" in node["path"] and node["uid"] != SERVER.pw_uid
        ]
    return found


@pytest.mark.exhaustive
def test_no_backup_keeps_what_the_server_may_not_read(place):
    assert backup(place).returncode == 0
    races = [str(place / f"state/data/race{number}") for number in range(RACES)]
    with at_work(exchange, races):
        for _ in range(ROUNDS):
            done = backup(place)
            assert done.returncode in (0, 4), done.stderr
            if "which is not a file of the server" in done.stderr:
                break
        else:
            pytest.fail("the server never won the race, so this shows nothing")
    assert "docs/break-in.md" in done.stderr
    assert of_root(place) == []


@pytest.mark.parametrize("name", ["by-root", 'R&D "<new>" a\\b.pdf'])
def test_a_file_that_an_administrator_put_there_is_no_attack(place, name):
    (place / "state/data" / name).write_text("x")
    done = backup(place)
    assert done.returncode == 0, done.stderr
    assert of_root(place) == [f"{place}/state/data/{name}"]


def test_a_backup_whose_run_was_cut_before_it_was_judged_is_passed_over_and_removed(place):
    latest = ("find_snapshot latest; say $snapshot", "mattermost-restore")
    assert backup(place).returncode == 0
    sound = backup(place, *latest).stdout
    backup(place, "refuse_foreign() { kill -9 $$; }; store_backup")
    assert len(json.loads(backup(place, "restic snapshots --json").stdout)) == 2
    assert backup(place, *latest).stdout == sound
    assert backup(place, "store_backup; forget_rejected").returncode == 0
    assert len(json.loads(backup(place, "restic snapshots --json").stdout)) == 2
    assert backup(place, *latest).stdout not in ("", sound)
