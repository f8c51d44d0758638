"""mattermost-restore with programs of the test's own: whatever it is killed after, one whole side serves and no message is lost."""

import hashlib
import itertools
import json
import os
import shutil
import subprocess

import pytest

from tests import programs, states
from tests.soak import in_check

# The host is a folder: databases are files that say whose they are, a server that runs is a file "server". What changes something is
# counted, and after the call whose number is in kill-at the program is killed, once.
STUB = r"""#!/bin/sh
name=${0##*/}
say() { printf '%s\n' "$*"; }
changes() {
    read -r number <"$HOST/count"
    number=$((number + 1)) wanted=
    say "$number" >"$HOST/count"
    say "$number $name $*" >>"$HOST/calls"
    [ ! -e "$HOST/kill-at" ] || read -r wanted <"$HOST/kill-at"
    [ "$number" != "$wanted" ] || { rm "$HOST/kill-at"; kill -9 "$(cat "$HOST/program")"; }
}
case $name in
    mv | touch | perl)
        for given; do case $given in *.new) grep -qxF "$given" "$HOST/flushed" || say "$given" >>"$HOST/unflushed" ;; esac; done
        "/bin/$name" "$@" || exit; changes "$@" ;;
    runuser) shift 3; exec "$@" ;;
    df) say x; say x 1 1 1000000000 1% / ;;
    mountpoint) [ "$2" = "$(cat "$HOST/mounted" 2>/dev/null)" ] ;;
    sync) say "$*" >>"$HOST/flushed" ;;
    chown | sleep) ;;
    restic)
        case $1 in
            snapshots) cat "$HOST/snapshots" 2>/dev/null || say '[{"time":"2026-01-01T00:00:00Z","short_id":"1a2b3c4d"}]' ;;
            dump)
                [ "$3" = / ] || { cat "$HOST/manifest"; exit; }
                whole=$HOST/whole$HOST
                mkdir -p "$whole/state" "$whole/deploy/backup/staging" "$whole/settings/secrets"
                cp -r "$HOST/backup/." "$whole/state/"
                say secret >"$whole/settings/secrets/pepper"
                : >"$whole/deploy/backup/staging/files"
                say dump >"$whole/deploy/backup/staging/database.dump"
                tar -C "$HOST/whole" -cf - .
                changes fetched ;;
        esac ;;
    pg_restore)
        while [ "$1" != -d ]; do shift; done
        say new >"$HOST/databases/$2" ;;
    systemctl)
        case "$*" in
            *' start mattermost.service') [ -e "$HOST/deploy/backup/closed" ] || say up >"$HOST/server" ;;
            'stop mattermost.service') rm -f "$HOST/server" ;;
            *mattermost-move*) [ -e "$HOST/moving" ]; exit ;;
        esac
        changes "$@" ;;
    mattermost-switch)
        [ ! -e "$HOST/deploy/backup/closed" ] || exit 1
        say up >"$HOST/server"
        [ ! -e "$HOST/posts-itself" ] || say posted >>"$HOST/databases/mm"
        [ ! -e "$HOST/breaks" ] || { say 'reason=It is broken.'; exit 4; }
        changes "$@" ;;
    psql)
        [ ! -e "$HOST/postgresql-is-down" ] || exit 2
        while [ "$1" != -d ]; do shift; done
        asked=$2 told=$(cat)
        named() { say "$told" | sed -n "/$1/{s/.*$1.*/\\1/p;q;}"; }
        cd "$HOST/databases" || exit
        case $told in
            *hashtextextended*)
                [ ! -e "$HOST/locked-out" ] || { say 'ERROR: it is locked out' >&2; exit 2; }
                sed -nE '/^(users|channels|posts|fileinfo)=/s/=/ /p' "$HOST/manifest" ;;
            'SELECT 1 FROM pg_database'*) found=$(named "= '\([^']*\)'"); [ ! -e "$found" ] || say 1 ;;
            'SELECT 1' | *'>= '*) say t ;;
            *'createat > 0'*) say 0 ;;
            *to_regclass*) [ -e "$asked" ] || exit 2; if [ -s "$asked" ]; then say t; else say f; fi ;;
            *'count(*) <> 0 FROM posts'*) if grep -qx posted "$asked"; then say t; else say f; fi ;;
            *'datname ~ '*) pattern=$(named "~ '\([^']*\)'"); ls | grep -E "$pattern"; true ;;
            *'CREATE DATABASE'*) found=$(named "LC_CTYPE %L', '\([^']*\)'"); : >"$found"; changes CREATE ;;
            ALTER*) set -- "$(named 'DATABASE "\([^"]*\)"')" "$(named 'TO "\([^"]*\)"')"; [ ! -e "$2" ] && /bin/mv "$1" "$2" || exit; changes "$told" ;;
            DROP*) found=$(named 'EXISTS "\([^"]*\)"'); [ ! -e "$found" ] || { rm "$found"; changes "$told"; } ;;
            *server_version_num*) say 150000 ;;
            *data_directory*) say "$HOST" ;;
        esac ;;
esac
"""
NAMES = "mv touch perl runuser df mountpoint chown sync sleep restic pg_restore systemctl mattermost-switch psql"
CONFIG = "state/config/config.json"


@pytest.fixture
def host(tmp_path):
    return made(tmp_path)


def made(tmp_path):
    folders = "bin state/config backup/config settings/secrets deploy/backup databases install run"
    for folder in folders.split():
        (tmp_path / folder).mkdir(parents=True)
    for name in NAMES.split():
        (tmp_path / "bin" / name).write_text(STUB)
        (tmp_path / "bin" / name).chmod(0o755)
    for folder, side in (("state", "old"), ("backup", "new")):
        (tmp_path / folder / "config/config.json").write_text(f"{side}\n")
        for part in ("data", "plugins", "client-plugins"):
            (tmp_path / folder / part).mkdir()
            (tmp_path / folder / part / "side").write_text(f"{side}\n")
    manifest = {
        "format": 1, "state": tmp_path / "state", "settings": tmp_path / "settings", "edition": "team", "postgresql": 150000,
        "newest": 0, "version": "1.2.3", "posts": "5 1", **dict.fromkeys(("users", "channels", "fileinfo"), "1 0"), "dump_bytes": 5, "files_bytes": 5, "files": 0,
        "dump_sha256": hashlib.sha256(b"dump\n").hexdigest(), "keys": hashlib.sha256(b" ").hexdigest(),
    }  # fmt: skip
    write(tmp_path / "manifest", manifest)
    values = {name: tmp_path / name for name in ("install", "state", "settings")}
    values |= {"work": tmp_path / "deploy", "bin_dir": tmp_path / "bin", "socket_dir": tmp_path, "database_port": 1}
    values |= {"name": "chat", "user": "mm", "role": "mm", "database": "mm", "service": "mattermost.service"}
    values |= {"repository": "/r", "platform": "debian12"}
    write(tmp_path / "settings/backup.conf", values)
    (tmp_path / "install/current").symlink_to("1.2.3")
    (tmp_path / "databases/mm").write_text("old\n")
    (tmp_path / "server").write_text("up\n")
    text = programs.joined("mattermost-restore").replace("set -u\n", f"set -u\necho $$ >{tmp_path}/program\n", 1)
    (tmp_path / "mattermost-restore").write_text(text)
    return tmp_path


def write(path, values):
    path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))


def program(host, what):
    """Return the command that systemd runs for *what*, and its environment, with no change counted yet."""
    environment = {
        "PATH": f"{host}/bin:{os.environ['PATH']}",
        "HOST": str(host),
        "MATTERMOST_BACKUP_SETTINGS": str(host / "settings/backup.conf"),
        "MATTERMOST_SWITCH_RUNTIME": str(host / "run/switch"),
        "MATTERMOST_RUN_LOCK": str(host / "run/deploy/lock"),
    }
    for name in ("count", "calls"):
        (host / name).write_text("0\n")
    return ["sh", str(host / "mattermost-restore"), "work", what], environment


def work(host, what, kill_at=None):
    """Run what systemd runs, once. kill_at: after which of its changes it is killed."""
    command, environment = program(host, what)
    if kill_at:
        (host / "kill-at").write_text(f"{kill_at}\n")
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def killed(host, what, kill_at):
    """Whether it was killed; without that it ended well."""
    done = work(host, what, kill_at)
    assert done.returncode in (0, -9), done.stdout + done.stderr
    return done.returncode == -9


def number_of(folder, call):
    host = made(folder)
    assert work(host, "latest:overwrite").returncode == 0
    (line,) = [line for line in (host / "calls").read_text().splitlines() if line.endswith(call)]
    return int(line.split()[0])


def post(host):
    """Have somebody post, when somebody can, and return whether it was taken."""
    if (host / "run/switch.closed").exists() or not (host / "server").exists():
        return False
    with (host / "databases/mm").open("a") as file:
        file.write("posted\n")
    return True


def databases(host):
    return {path.name: path.read_text().split() for path in (host / "databases").iterdir()}


def assert_whole(host, side):
    """The server is wholly that of *side*, old or new, it serves, and nothing is open or left."""
    places = [f"state/{part}/side" for part in ("data", "plugins", "client-plugins")] + [CONFIG, "databases/mm"]
    assert {place: (host / place).read_text().split()[0] for place in places} == dict.fromkeys(places, side)
    assert (host / "server").exists(), "the server does not run"
    assert not (host / "run/switch.closed").exists(), "the site stays closed"
    assert [
        path.name for path in (host / "deploy/backup").iterdir() if not path.name.endswith(("report", "lock"))
    ] == []
    assert list((host / "state").glob(".restore-*")) == []
    assert [name for name in databases(host) if "restored" in name or "drill" in name] == []
    aside = [name for name in databases(host) if "_replaced_" in name]
    assert len(list((host / "state").glob("replaced-*"))) == len(aside)


def test_a_restore_keeps_what_it_replaces(host):
    done = work(host, "latest:overwrite")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_whole(host, "new")
    (kept,) = [name for name in databases(host) if name != "mm"]
    assert databases(host)[kept] == ["old"]
    assert (host / f"state/replaced-{kept.rpartition('_')[2]}/data/side").read_text() == "old\n"
    assert (host / "settings/secrets/pepper").exists()


def test_a_check_that_could_not_be_made_says_nothing_against_the_backup(host):
    (host / "locked-out").touch()
    assert work(host, "latest:overwrite").returncode == 4
    assert_whole(host, "old")
    report = (host / "deploy/backup/restore-report").read_text()
    assert "could not be compared" in report
    assert "it is locked out" in report
    assert "older backup" not in report


def test_a_restore_says_which_secrets_it_could_not_put_in_place(host):
    (host / "settings/secrets").rmdir()
    (host / "settings/secrets").touch()  # nothing can be written there, as on a full disk
    done = work(host, "latest:overwrite")
    assert done.returncode == 0
    report = (host / "deploy/backup/restore-report").read_text()
    assert "result=done" in report
    assert "Some secrets or certificates of the backup could not be put in place" in report


def test_killed_it_still_says_which_secrets_it_could_not_put_in_place(tmp_path):
    decided = number_of(tmp_path / "whole", "backup/restored")
    host = made(tmp_path / "host")
    assert killed(host, "latest:overwrite", decided)
    (host / "settings/secrets").rmdir()
    (host / "settings/secrets").touch()
    assert work(host, "back").returncode == 0
    report = (host / "deploy/backup/restore-report").read_text()
    assert "The server runs with the data of the backup. Some secrets or certificates" in report


@pytest.mark.parametrize("then", ["killed", "refused"])
def test_the_next_deploy_knows_that_the_data_was_restored(tmp_path, then):
    """Whatever the last report says: else it would open the sign-up that an administrator of the restored server closed."""
    decided = number_of(tmp_path / "whole", "backup/restored") if then == "killed" else None
    host = made(tmp_path / "host")
    assert killed(host, "latest:overwrite", decided) == bool(decided)
    if then == "killed":
        assert not killed(host, "back", None)
    else:
        assert work(host, "no-number").returncode == 2
    assert states.load_state("mattermost_account", False)._came_from_elsewhere(host / "deploy")


def test_what_an_undo_relies_on_is_flushed_before_it_takes_its_place(host):
    """A power cut after an unflushed rename leaves an empty file: of all settings nothing but an older backup would remain."""
    (host / "flushed").touch()
    (host / "breaks").touch()
    assert work(host, "latest:overwrite").returncode == 4
    relied_on = ("/config.json.new", "/secrets/")
    unflushed = (host / "unflushed").read_text().splitlines() if (host / "unflushed").exists() else []
    assert [path for path in unflushed if any(part in path for part in relied_on)] == []
    assert any("config.json.new" in line for line in (host / "flushed").read_text().splitlines())


@pytest.mark.exhaustive
def test_an_empty_file_that_a_power_cut_left_never_takes_the_settings_place(tmp_path):
    """An older program relied on it unflushed: killed after each change, with what it kept emptied."""
    emptied = 0
    for number in itertools.count(1):
        host = made(tmp_path / str(number))
        if not killed(host, "latest:overwrite", number):
            break
        for kept in (host / "state").glob("replaced-*/config.json"):
            kept.write_text("")
            emptied += 1
        assert not killed(host, "back", None)
        assert (host / CONFIG).read_text() != ""
    assert emptied > 3


def test_one_that_was_killed_is_not_told_by_the_report_of_an_earlier_one(host):
    assert work(host, "latest:overwrite").returncode == 0
    (host / "bin/systemctl").write_text("#!/bin/sh\nexit 1\n")
    (shell, text, *_), environment = program(host, "")
    done = subprocess.run([shell, text, "to", "latest"], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "result=done" in done.stdout) == (4, False)
    assert "The restore was interrupted." in done.stderr


def test_a_server_that_does_not_come_up_is_put_back(host):
    (host / "breaks").touch()
    done = work(host, "latest:overwrite")
    assert done.returncode == 4
    assert "did not start: It is broken." in done.stderr
    assert_whole(host, "old")
    assert list(databases(host)) == ["mm"]


@pytest.mark.parametrize("first", in_check([1, 2, 3], 1))
def test_killed_anywhere_one_side_serves_whole_and_what_was_posted_is_there(tmp_path, first):
    for number in itertools.count(first, 3):
        host = made(tmp_path / str(number))
        if not killed(host, "latest:overwrite", number):
            break
        posted = post(host)
        assert not killed(host, "back", None)
        side = databases(host)["mm"][0]
        assert_whole(host, side)
        assert ("posted" in databases(host)["mm"]) == posted
        assert (side == "new") <= (host / "settings/secrets/pepper").exists(), "its secrets were not restored"
    assert number > 15, (host / "calls").read_text()


@pytest.mark.exhaustive
@pytest.mark.parametrize("posts", [False, True])
def test_killed_anywhere_in_the_undo_it_is_undone(tmp_path, posts):
    """A server may post to itself before it is proved: then what goes is kept as what a restore replaces is."""
    serving = number_of(tmp_path / "whole", "mattermost-switch restart")
    host = made(tmp_path / "host")
    if posts:
        (host / "posts-itself").touch()
    assert killed(host, "latest:overwrite", serving)
    shutil.copytree(host, tmp_path / "killed", symlinks=True)
    for number in itertools.count(1):
        shutil.rmtree(host)
        shutil.copytree(tmp_path / "killed", host, symlinks=True)
        again = killed(host, "back", number)
        assert not killed(host, "drill", None)
        assert_whole(host, "old")
        kept = [rows for name, rows in databases(host).items() if name != "mm"]
        assert kept == ([["new", "posted"]] if posts else [])
        for path in (host / "state").glob("replaced-*"):
            assert (path / "data/side").read_text() == "new\n"
        if not again:
            break
    assert number > 10, (host / "calls").read_text()


@pytest.mark.exhaustive
def test_without_postgresql_the_server_waits_for_the_undo(tmp_path):
    serving = number_of(tmp_path / "whole", "mattermost-switch restart")
    host = made(tmp_path / "host")
    assert killed(host, "latest:overwrite", serving)
    (host / "postgresql-is-down").touch()
    assert work(host, "back").returncode == 75
    assert not (host / "server").exists()
    assert (host / "deploy/backup/closed").exists()
    assert (host / "run/switch.closed").exists()
    (host / "postgresql-is-down").unlink()
    assert work(host, "back").returncode == 0
    assert_whole(host, "old")


FAILING = ["ALTER*_replaced_*TO*mm*", "'SELECT 1 FROM pg_database'*"]


@pytest.mark.parametrize("fails", in_check(FAILING, FAILING[0]))
def test_an_undo_that_must_wait_is_told(host, fails):
    for name in ("breaks", "posts-itself"):
        (host / name).touch()
    stub = host / "bin/psql"
    stub.write_text(STUB.replace("case $told in\n", f"case $told in\n            {fails}) exit 2 ;;\n"))
    assert work(host, "latest:overwrite").returncode == 4
    assert "could not be restored yet" in (host / "deploy/backup/restore-report").read_text()
    stub.write_text(STUB)
    assert not killed(host, "back", None)
    assert_whole(host, "old")
    assert (
        "did not start: It is broken. The restore was rolled back."
        in (host / "deploy/backup/restore-report").read_text()
    )
    assert ["new", "posted"] in databases(host).values(), "the restore that ended took what the undo has to keep"


@pytest.mark.parametrize("what", ["back", "drill"])
def test_what_earlier_ones_left_goes_but_no_message(host, what):
    left = ["state/.restore-20200101000000/data", "deploy/backup/drill/data"]
    for folder in left:
        (host / folder).mkdir(parents=True)
    for name, rows in {
        "restored_20200101000000": "new\n",
        "restored_20200102000000": "new\nposted\n",
        "drill": "",
    }.items():
        (host / f"databases/mm_{name}").write_text(rows)
    (host / "postgresql-is-down").touch()
    assert work(host, what).returncode in (75, 4)
    assert all((host / folder).exists() for folder in left), "nobody would know of the databases"
    (host / "postgresql-is-down").unlink()
    assert work(host, what).returncode == 0
    assert databases(host) == {"mm": ["old"], "mm_replaced_20200102000000": ["new", "posted"]}
    assert not any((host / folder).exists() for folder in left)


def test_a_switch_that_is_open_is_not_met_by_an_exchange(host):
    (host / "deploy/switch").mkdir()
    stub = host / "bin/pg_restore"
    stub.write_text(STUB.replace("pg_restore)\n", 'pg_restore)\n        : >"$HOST/deploy/switch/journal"\n'))
    done = work(host, "latest:overwrite")
    assert done.returncode == 4
    assert "An upgrade or a change of the database password may be running" in done.stderr
    assert_whole(host, "old")


def test_a_store_that_is_a_file_system_of_its_own_is_refused_before_the_fetch(host):
    (host / "mounted").write_text(str(host / "state/data"))
    done = work(host, "latest:overwrite")
    assert done.returncode == 2
    assert "a mount point" in done.stderr
    assert "fetched" not in (host / "calls").read_text()
    assert work(host, "drill").returncode == 0
    assert "a mount point" in (host / "deploy/backup/drill-report").read_text()


def test_a_backup_that_a_wrong_clock_dated_in_the_future_is_not_the_newest(host):
    found = [
        ("2026-01-01T10:00:00.5+02:00", "0aaaaaaa"),
        ("2026-01-01T09:00:00Z", "0bbbbbbb"),
        ("2999-01-01T00:00:00Z", "0ccccccc"),
    ]
    (host / "snapshots").write_text(
        json.dumps([{"time": time, "short_id": number} for time, number in found]).replace(" ", "")
    )
    done = work(host, "drill")
    assert done.returncode == 0, done.stderr
    assert "snapshot=0bbbbbbb" in (host / "deploy/backup/drill-report").read_text().splitlines()
    assert "0ccccccc is skipped: its date" in done.stderr


def test_a_restore_does_not_begin_while_the_password_is_changed(host):
    (host / "settings/secrets/rotation").mkdir()
    (host / "settings/secrets/rotation/begun").touch()
    done = work(host, "latest")
    assert (done.returncode, "is being changed" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("key", ["postgresql", "newest", "dump_bytes", "files_bytes", "files", "posts", "version"])
@pytest.mark.parametrize(
    "shell", in_check([["dash"], ["bash", "--posix"]], ["bash", "--posix"]), ids=lambda shell: shell[0]
)
def test_a_manifest_is_no_program(host, key, shell):
    """In the arithmetic of bash, which is /bin/sh on EL, an index is expanded; and a number becomes a part of a statement."""
    lines = (host / "manifest").read_text().splitlines()
    forged = f"{key}=PATH[$(touch {host}/ran)] 1"
    (host / "manifest").write_text("".join(f"{line}\n" for line in [forged, *lines]))
    (_, *words), environment = program(host, "drill")
    done = subprocess.run([*shell, *words], env=environment, capture_output=True, text=True, timeout=60)
    assert not (host / "ran").exists()
    assert (done.returncode, f"the value of {key} is not valid" in done.stderr) == (2, True), done.stderr
