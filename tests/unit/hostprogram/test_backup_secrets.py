"""The login to the repository's storage: whole for restic, and in the environment of no other program."""

import os
import subprocess

import pytest

from tests import programs
from tests.unit.hostprogram.conftest import EACH_SHELL, usable

STUB = '#!/bin/sh\nenv >>"$WORLD/${0##*/}-environment"\n[ "${0##*/}" = runuser ] || exit 0\nshift 3\nexec "$@"\n'
SECRETS = {"AWS_SECRET_ACCESS_KEY": "hidden/with+padding=", "B2_ACCOUNT_KEY": "a=b=="}


@pytest.fixture(params=EACH_SHELL, ids=lambda shell: shell[0])
def world(request, tmp_path):
    """A folder with stand-ins for programs that note their environment, and the program's functions in it as ``run``."""
    usable(request.param)
    (tmp_path / "bin").mkdir()
    for name in ("runuser", "restic", "psql", "pg_restore", "mattermost"):
        (tmp_path / "bin" / name).write_text(STUB)
        (tmp_path / "bin" / name).chmod(0o755)
    needed = dict.fromkeys(("name", "state", "settings", "service", "role", "platform", "socket_dir"), "x")
    needed |= {"user": "u", "database": "d", "database_port": "1", "repository": "s3:x", "bin_dir": tmp_path / "bin"}
    needed |= {"install": tmp_path, "work": tmp_path / "work"} | SECRETS
    (tmp_path / "backup.conf").write_text("# A comment=1\n" + "".join(f"{k}={v}\n" for k, v in needed.items()))
    environment = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "WORLD": str(tmp_path),
        "MATTERMOST_BACKUP_SETTINGS": str(tmp_path / "backup.conf"),
    }

    def run(script, name="mattermost-backup"):
        functions = programs.joined(name).partition("# ---- the command")[0]
        text = f"{functions}read_settings\nscratch={tmp_path}\n{script}\n"
        subprocess.run([*request.param, "-c", text], env=environment, check=True)
        return {
            path.name.removesuffix("-environment"): path.read_text().splitlines()
            for path in tmp_path.glob("*-environment")
        }

    return run


def test_restic_has_the_login_whole_and_knows_its_repository(world):
    found = world("restic_says cat config")["restic"]
    assert {f"{key}={value}" for key, value in SECRETS.items()} <= set(found)
    assert {"RESTIC_REPOSITORY=s3:x", "RESTIC_PASSWORD_FILE=x/secrets/backup-password"} <= set(found)


def test_another_password_file_is_for_one_call(world):
    found = world("RESTIC_PASSWORD_FILE=/another restic_says cat config")["restic"]
    assert "RESTIC_PASSWORD_FILE=/another" in found


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("mattermost-backup", "restic_says cat config; super 'SELECT 1'; as_role d 'SELECT 1'"),
        ("mattermost-restore", "restic_says cat config; role_client pg_restore"),
    ],
)
def test_what_runs_as_another_user_has_none_of_it_in_its_environment(world, name, script):
    found = world(script, name)
    for program in set(found) - {"restic"}:
        secret = [line for line in found[program] if line.partition("=")[0] in SECRETS or "RESTIC" in line]
        assert secret == [], f"{program} has {secret}"
    assert "runuser" in found


def test_a_setting_keeps_the_equal_sign_at_its_end(world, tmp_path):
    with (tmp_path / "backup.conf").open("a") as file:
        file.write("repository=s3:x=\n")
    assert "RESTIC_REPOSITORY=s3:x=" in world("restic_says cat config")["restic"]


@pytest.mark.parametrize(("prune", "forgets"), [("yes", True), ("no", False)])
def test_an_append_only_repository_is_not_asked_to_forget(world, tmp_path, prune, forgets):
    (tmp_path / "bin/restic").write_text('#!/bin/sh\necho "$1" >>"$WORLD/asked"\n')
    with (tmp_path / "backup.conf").open("a") as file:
        file.write(f"prune={prune}\n")
    world("keep_daily=1 keep_weekly=1 keep_monthly=1 snapshot=x shown_repository=x; check_and_prune")
    assert (tmp_path / "asked").read_text().split() == ["check", "forget"][: 1 + forgets]
