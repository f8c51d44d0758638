"""mattermost-new-database-password with programs of the test's own: wherever it is cut off, one password is everywhere, old or new."""

import os
import subprocess

import mattermost_database_scram as scram
import mattermost_environment_core as environment
import mattermost_rotation_core as core
import pytest

from tests import programs
from tests.soak import in_check

# The host is a folder: "database" and "server" hold the password at work there. A step may be broken, or the program killed after it.
STUB = """#!/bin/sh
name=$(basename "$0")
say() { printf '%s\\n' "$*"; }
step=$name
case $name in
    sync)
        # what was flushed is noted with its size then
        printf '%s %s\\n' "$(basename "$1")" "$(stat -c %s "$1")" >>"$HOST/flushed"
        [ "$(basename "$1")" != secrets ] || step=$step-secrets
        [ "$(basename "$1")" != rotation ] || step=$step-$(ls "$1" | grep -c begun) ;;
    systemctl)
        for unit; do :; done
        [ "$unit" != mattermost-move.service ] || { [ -e "$HOST/moving" ]; exit; }
        step=$name-$1
        [ "$1-$unit" != stop-mattermost.service ] || say stopped >"$HOST/server" ;;
    psql)
        [ ! -e "$HOST/down" ] || exit 2
        [ "$(cat "$HOST/server")" = stopped ] || say 'a login was refused' >>"$HOST/refused"
        word=$(cat)
        case $word in SELECT*) exit ;; esac
        step=$name-$word
        [ "$step" = "$(cat "$HOST/broken")" ] || say "$word" >"$HOST/database" ;;
    mattermost-switch)
        [ ! -e "$HOST/deploy/rotate/closed" ] || exit 4
        used=$(cat "$HOST/settings/environment")
        step=$name-$used
        if [ "$used" = "$(cat "$HOST/database")" ] && [ "$step" != "$(cat "$HOST/broken")" ]; then
            say "$used" >"$HOST/server"
        else
            say 'reason=It did not start.'
            step=$name-failed
        fi ;;
    mv)
        for place; do :; done
        step=$name-$(basename "$place")
        [ "$step" = "$(cat "$HOST/broken")" ] || /bin/mv "$@" ;;
    ln) /bin/ln "$@" ;;
esac
[ "$step" != "$(cat "$HOST/broken")" ] || exit 1
if grep -qsx "$step" "$HOST/kill-after"; then
    sed -i "/^$step/d" "$HOST/kill-after"
    kill -9 "$(cat "$HOST/program")"
fi
[ "$name" != runuser ] || { shift 3; exec "$@"; }
[ "$step" != mattermost-switch-failed ] || exit 4
"""


@pytest.fixture
def host(tmp_path):
    return made(tmp_path)


def made(tmp_path):
    for folder in ("bin", "deploy/switch", "settings/secrets", "run"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("systemctl", "psql", "mattermost-switch", "mv", "ln", "runuser", "sync"):
        (tmp_path / "bin" / name).write_text(STUB)
        (tmp_path / "bin" / name).chmod(0o755)
    values = {"work": tmp_path / "deploy", "settings": tmp_path / "settings", "service": "mattermost.service"}
    values |= {"psql": "psql", "socket_dir": "/run", "database_port": 1, "database": "mattermost"}
    (tmp_path / "switch.conf").write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    for name in ("database", "server", "settings/environment", "settings/secrets/database-password"):
        (tmp_path / name).write_text("old\n")
    (tmp_path / "deploy/switch/good-environment").write_text("old\n")
    (tmp_path / "broken").touch()
    text = programs.joined("mattermost-new-database-password").replace("/run/mattermost", f"{tmp_path}/run/mattermost")
    text = text.replace("PATH=${PATH:-/usr/bin}:", "PATH=$PATH:").replace(
        "set -u\n", f"set -u\necho $$ >{tmp_path}/program\n", 1
    )
    (tmp_path / "program.sh").write_text(text)
    return tmp_path


def environment_of(host):
    return {
        "PATH": f"{host}/bin:{os.environ['PATH']}",
        "HOST": str(host),
        "MATTERMOST_SWITCH_SETTINGS": str(host / "switch.conf"),
    }


def work(host, times=5):
    """Run what systemd runs, as often as systemd would start it again; returns the last CompletedProcess."""
    for _ in range(times):
        done = subprocess.run(
            ["sh", str(host / "program.sh"), "work"], env=environment_of(host), capture_output=True, text=True
        )
        if done.returncode == 0:
            break
    return done


def ready(host):
    """Have the change asked for, as mattermost.rotate does."""
    folder = host / "settings/secrets/rotation"
    folder.mkdir()
    for name, word in (("password", "new"), ("forward.sql", "new"), ("back.sql", "old"), ("environment", "new")):
        (folder / name).write_text(f"{word}\n")
    (host / "run/mattermost-rotate.request").touch()


def rotate(host, times=5):
    ready(host)
    return work(host, times)


def everywhere(host, word):
    """Assert that *word* is the password at work in all places, and that nothing is open."""
    places = ("database", "server", "settings/environment", "settings/secrets/database-password")
    assert {name: (host / name).read_text().strip() for name in places} == dict.fromkeys(places, word)
    assert not (host / "settings/secrets/rotation").exists()
    assert not (host / "deploy/rotate/closed").exists()
    assert not (host / "refused").exists(), "the server ran while it could not log in"
    return (host / "deploy/rotate/report").read_text()


def test_all_have_the_new_password(host):
    assert rotate(host).returncode == 0
    assert "result=done" in everywhere(host, "new")


@pytest.mark.parametrize("marker", ["open", "undone", "restored"])
def test_while_a_restore_is_open_nothing_is_touched(host, marker):
    (host / "deploy/backup").mkdir()
    (host / "deploy/backup" / marker).write_text("1\n")
    rotate(host)
    report = everywhere(host, "old")
    assert "result=refused" in report
    assert "journalctl -u 'mattermost-restore*'" in report


STEPS = ["systemctl-stop", "psql-new", "mv-environment", "mattermost-switch-new"]


@pytest.mark.parametrize("step", in_check([*STEPS, "sync-secrets"], "sync-secrets"))
def test_what_fails_is_undone(host, step):
    (host / "broken").write_text(f"{step}\n")
    if step == "systemctl-stop":
        assert rotate(host).returncode == 4, "it cannot be undone either while the server does not stop"
        (host / "broken").write_text("\n")
        work(host)
    else:
        rotate(host)
    assert "result=undone" in everywhere(host, "old")


def killed_after(host, step):
    """Ask for the change; the program is killed after its *step* and started again, as systemd does."""
    (host / "kill-after").write_text(f"{step}\n")
    rotate(host)
    assert (host / "kill-after").read_text() == "", "it was not killed"


@pytest.mark.parametrize("step", in_check(STEPS, "psql-new"))
def test_killed_before_the_store_has_it_it_is_undone(host, step):
    killed_after(host, step)
    assert "result=undone" in everywhere(host, "old")


def test_killed_once_the_store_has_it_it_stays(host):
    killed_after(host, "mv-database-password")
    assert "result=done" in everywhere(host, "new")


@pytest.mark.parametrize("step", in_check(["psql-old", "mattermost-switch-old"], "psql-old"))
def test_killed_in_its_undo_it_goes_on_undoing(host, step):
    (host / "broken").write_text("mattermost-switch-new\n")
    killed_after(host, step)
    report = everywhere(host, "old")
    assert "result=undone" in report
    assert "not healthy with the new password: It did not start." in report


@pytest.mark.parametrize("step", ["ln", "psql-old", "mattermost-switch-old"])
def test_killed_in_the_undo_of_a_store_that_is_not_flushed_it_goes_on_undoing(host, step):
    (host / "broken").write_text("sync-secrets\n")
    killed_after(host, step)
    assert "result=undone" in everywhere(host, "old")


def test_the_undo_waits_for_postgresql(host):
    (host / "kill-after").write_text("psql-new\n")
    rotate(host, times=1)
    (host / "down").touch()
    assert work(host).returncode == 75
    (host / "down").unlink()
    work(host)
    assert "result=undone" in everywhere(host, "old")


@pytest.mark.parametrize("name", ["switch", "postgresql"])
def test_during_another_change_it_is_refused(host, name):
    (host / "deploy" / name).mkdir(exist_ok=True)
    (host / "deploy" / name / "journal").touch()
    rotate(host)
    assert "result=refused" in everywhere(host, "old")


def test_what_an_undo_needs_is_on_disk_before_it_is_said_to_have_begun(host):
    killed_after(host, "sync-0")
    flushed = (host / "flushed").read_text().split("rotation ")[0].split()
    assert {"before": "4", "back.sql": "4", "environment": "4", "password": "4"}.items() <= dict(
        zip(flushed[::2], flushed[1::2], strict=True)
    ).items()
    assert (host / "server").read_text() == "old\n"


def cut_with_an_empty_before(host, step):
    """Have the power cut after *step*, with the environment file of before not on disk."""
    (host / "kill-after").write_text(f"{step}\n")
    rotate(host, times=1)
    (host / "settings/secrets/rotation/before").write_text("")


def test_an_empty_environment_file_of_before_is_never_put_in_place(host):
    cut_with_an_empty_before(host, "psql-new")
    work(host)
    assert "result=undone" in everywhere(host, "old")


def test_what_cannot_be_undone_is_left_as_it_is_and_said(host):
    cut_with_an_empty_before(host, "mv-environment")
    done = work(host)
    assert done.returncode == 4
    assert "cannot be restored" in done.stderr
    assert (host / "settings/environment").read_text() == "new\n"
    assert (host / "settings/secrets/rotation/password").exists()


def test_what_was_made_ready_and_never_begun_goes_away(host):
    rotate_later = host / "settings/secrets/rotation"
    rotate_later.mkdir()
    (rotate_later / "password").write_text("new\n")
    work(host)
    assert not rotate_later.exists()
    assert (host / "server").read_text() == "old\n"


def test_only_the_login_changes_in_the_environment_file():
    text = environment.rendered({"MM_A": 'b"$c', core.SOURCE: "postgres://mattermost:old@127.0.0.1:5432/mattermost"})
    made = core.made_ready({"name": "mattermost", "user": "o'mm", "port": 5433}, "SCRAM-SHA-256$x", text, "new word")
    found = environment.parsed(made["environment"])
    assert found["MM_A"] == 'b"$c'
    assert "new%20word@127.0.0.1:5433/mattermost" in found[core.SOURCE]
    assert made["back.sql"] == "ALTER ROLE \"o'mm\" PASSWORD 'SCRAM-SHA-256$x';\n"
    assert "new word" not in made["forward.sql"]
    assert scram.matches(made["forward.sql"].split("'")[-2], "new word")
    assert core.statement("mm", None) == 'ALTER ROLE "mm" PASSWORD NULL;\n'
