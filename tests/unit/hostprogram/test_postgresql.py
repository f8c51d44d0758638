"""mattermost-postgresql with programs of the test's own: whatever it was cut off after, it ends whole-old, or whole-new once people may post."""

import os
import subprocess

import pytest

from tests import programs
from tests.soak import in_check

# The host is a folder: a running cluster is a postmaster.pid, the server a file "server". Every program notes what it was asked for.
STUB = """#!/bin/sh
name=$(basename "$0")
say() { printf '%s\\n' "$*"; }
say "$name $*" >>"$HOST/calls"
broken=
[ ! -e "$HOST/broken" ] || read -r broken <"$HOST/broken"
[ "$name" != "$broken" ] || exit 1
case $name in
    mv) # after each wanted record the program that writes it is killed, once
        /bin/mv "$@" || exit
        case $* in
            *last-journal) ! grep -qsx closed "$HOST/kill-after" || { rm "$HOST/kill-after"; kill -9 "$(cat "$HOST/program")"; } ;;
            *postgresql/journal)
                record=$(tail -n 1 "$HOST/deploy/postgresql/journal" | cut -d' ' -f1)
                grep -qsx "$record" "$HOST/kill-after" || exit 0
                sed -i "/^$record/d" "$HOST/kill-after"
                kill -9 "$(cat "$HOST/program")" ;;
        esac ;;
    runuser) shift 3; exec "$@" ;;
    systemctl)
        for word; do unit=$word; done
        case "$*" in
            *mattermost-move*) [ -e "$HOST/moving" ] || exit ;;
            *start*old-unit) [ -e "$HOST/full" ] && [ -e "$HOST/new" ] && exit; say "$KEEPER" >"$HOST/old/postmaster.pid" ;;
            *start*new-unit) [ -s "$HOST/starting" ] || [ "$broken" = new-unit ] || say "$KEEPER" >"$HOST/new/postmaster.pid" ;;
            show*) if [ -s "$HOST/starting" ]; then say ActiveState=activating; else say ActiveState=failed; fi ;;
            *stop*old-unit) rm -f "$HOST/old/postmaster.pid" ;;
            *stop*new-unit) rm -f "$HOST/new/postmaster.pid" ;;
            *stop*mattermost.service) rm -f "$HOST/server" ;;
        esac ;;
    pg_isready) # a start that is slow needs as many looks as the file has lines
        if [ -s "$HOST/starting" ] && grep -q '^systemctl.*start new-unit' "$HOST/calls"; then
            sed -i 1d "$HOST/starting"
            [ -s "$HOST/starting" ] || say "$KEEPER" >"$HOST/new/postmaster.pid"
            exit 1
        fi
        [ -e "$HOST/old/postmaster.pid" ] || [ -e "$HOST/new/postmaster.pid" ] ;;
    psql)
        [ ! -e "$HOST/new/postmaster.pid" ] || [ ! -e "$HOST/counts-nothing" ] || [ ! -e "$HOST/posted" ] || exit 2
        if [ -e "$HOST/new/postmaster.pid" ]; then data=$HOST/new; else data=$HOST/old; fi
        [ -e "$data/postmaster.pid" ] || exit 2
        case $(cat) in
            'SHOW data_directory') say "$data" ;;
            *pg_get_userbyid*) say mm ;;
            *'count(*) FROM posts') cut -d' ' -f2 "$data/rows" ;;
            SELECT*databases*) cat "$data/rows" ;;
        esac ;;
    pg_upgrade) cp "$HOST/old/rows" "$HOST/new/rows"; [ ! -e "$HOST/loses-a-row" ] || say 'posts 4 9' >"$HOST/new/rows" ;;
    mattermost-switch) [ ! -e "$HOST/deploy/postgresql/closed" ] && say up >"$HOST/server" ;;
    remove-new) rm -rf "$HOST/new" ;;
    chown | chmod | sync | sleep) ;;
esac
"""
NAMES = "mv runuser systemctl mattermost-switch remove-new chown chmod sync sleep"
RECORDS = ["begin", "stopped", "old-stopped", "copied", "switched"]


@pytest.fixture
def keeper():
    """The number of a process that stands for a postmaster that lives."""
    with subprocess.Popen(["sleep", "3600"]) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def host(tmp_path, keeper):
    return made(tmp_path, keeper)


def made(tmp_path, keeper):
    for folder in ("bin", "old", "new", "old-etc", "new-etc", "deploy/postgresql", "settings", "units", "run"):
        (tmp_path / folder).mkdir(parents=True)
    for name in [*NAMES.split(), "pg_isready", "psql", "pg_upgrade", "pg_ctl"]:
        (tmp_path / "bin" / name).write_text(STUB)
        (tmp_path / "bin" / name).chmod(0o755)
    values = {"work": "deploy", "settings": "settings", "socket_dir": "run", "new_logs": "none"}
    for side in ("old", "new"):
        values |= {f"{side}_bin": "bin", f"{side}_config": f"{side}-etc", f"{side}_data": side}
        (tmp_path / side / "PG_VERSION").touch()
    values = {key: f"{tmp_path}/{value}" for key, value in values.items()}
    values |= {"old_version": 15, "new_version": 17, "service": "mattermost.service", "database": "mm", "port": 5432}
    values |= {"old_service": "old-unit", "new_service": "new-unit", "old_enable": "e", "new_enable": "e"}
    values |= {"new_remove": "remove-new"}
    (tmp_path / "settings/postgresql-upgrade.conf").write_text("".join(f"{k}={v}\n" for k, v in values.items()))
    (tmp_path / "settings/switch.conf").write_text("after=old-unit\n")
    (tmp_path / "units/mattermost.service").write_text("After=old-unit\n")
    (tmp_path / "old-etc/start.conf").write_text("auto\n")
    (tmp_path / "new-etc/start.conf").write_text("manual\n")
    (tmp_path / "old/rows").write_text("posts 5 12345\n")
    (tmp_path / "old/postmaster.pid").write_text(f"{keeper}\n")
    (tmp_path / "deploy/postgresql/next").write_text("17\n")
    (tmp_path / "server").write_text("up\n")
    # the real places of the runtime files, moved below the host's folder
    text = (
        programs.joined("mattermost-postgresql")
        .replace("/run/mattermost", f"{tmp_path}/run/mattermost")
        .replace("/usr/bin/mv", "mv")
    )
    text = text.replace("PATH=${PATH:-/usr/bin}:", "PATH=$PATH:").replace(
        "set -u\n", f"set -u\necho $$ >{tmp_path}/program\n", 1
    )
    (tmp_path / "mattermost-postgresql").write_text(text)
    (tmp_path / "keeper").write_text(str(keeper))
    return tmp_path


def environment(host):
    return {
        "PATH": f"{host}/bin:{os.environ['PATH']}",
        "HOST": str(host),
        "KEEPER": (host / "keeper").read_text(),
        "MATTERMOST_UNITS": str(host / "units"),
        "MATTERMOST_PACKAGE_LOCKS": "",
        "MATTERMOST_POSTGRESQL_SETTINGS": str(host / "settings/postgresql-upgrade.conf"),
    }


def work(host):
    """Run what systemd runs, as often as systemd would start it again."""
    for _ in range(6):
        done = subprocess.run(
            ["sh", str(host / "mattermost-postgresql"), "work"], env=environment(host), capture_output=True, text=True
        )
        if done.returncode == 0:
            return done
    raise AssertionError(done.stdout + done.stderr)


def request(host):
    (host / "run/mattermost-postgresql").mkdir(exist_ok=True)
    (host / "run/mattermost-postgresql/request").write_text("1\n")


def ask(host):
    request(host)
    return work(host)


def state_of(host) -> dict:
    """Return what the host looks like."""
    read = lambda name: (host / name).read_text().strip() if (host / name).exists() else ""  # noqa: E731
    return {
        "old": (host / "old/postmaster.pid").exists(),
        "new": (host / "new/postmaster.pid").exists(),
        "server": read("server"),
        "at boot": (read("old-etc/start.conf"), read("new-etc/start.conf")),
        "unit": read("units/mattermost.service"),
        "settings": read("settings/switch.conf"),
        "open": sorted(
            path.name
            for path in (host / "deploy/postgresql").glob("*")
            if path.name in ("journal", "closed", "next", "saved")
        ),
        "result": next(
            (line for line in read("deploy/postgresql/report").splitlines() if line.startswith("result=")), ""
        ),
        "rows": read("old/rows"),
        "held": (host / "run/mattermost-switch.hold").exists(),
    }


def is_old(host):
    found = state_of(host)
    assert (found["old"], found["new"], found["server"]) == (True, False, "up"), found
    assert found["at boot"][0] == "auto"
    assert (found["unit"], found["settings"]) == ("After=old-unit", "after=old-unit")
    assert (found["open"], found["result"], found["rows"]) == ([], "result=undone", "posts 5 12345")
    assert not found["held"]
    assert not (host / "new/PG_VERSION").exists()


def is_new(host):
    found = state_of(host)
    assert (found["old"], found["new"], found["server"]) == (False, True, "up"), found
    assert found["at boot"] == ("disabled", "auto")
    assert (found["unit"], found["settings"]) == ("After=new-unit", "after=new-unit")
    assert (found["open"], found["result"], found["rows"]) == ([], "result=done", "posts 5 12345")
    assert not found["held"]
    assert (host / "deploy/postgresql/kept").read_text().startswith("15 17 ")


def test_the_data_is_brought_over_and_the_old_cluster_stays(host):
    ask(host)
    is_new(host)
    assert (host / "old/PG_VERSION").exists()


@pytest.mark.exhaustive
def test_a_cluster_is_given_the_time_that_its_start_takes(host):
    """On a busy disk it is long before there is a postmaster."""
    (host / "starting").write_text(50 * "\n")
    ask(host)
    is_new(host)


@pytest.mark.parametrize("record", in_check(RECORDS, "copied"))
def test_killed_before_anyone_can_post_it_is_undone(host, record):
    (host / "kill-after").write_text(record)
    ask(host)
    is_old(host)


@pytest.mark.parametrize("record", in_check(["serving", "healthy", "closed"], "serving"))
def test_killed_once_people_may_have_posted_it_goes_on(host, record):
    (host / "kill-after").write_text(record)
    ask(host)
    is_new(host)


def test_killed_in_its_undo_it_goes_on_undoing(host):
    (host / "broken").write_text("pg_upgrade")
    (host / "kill-after").write_text("undo")
    ask(host)
    is_old(host)


def test_an_undo_that_no_record_can_be_written_of_is_gone_on_with_after_a_kill(host):
    """The disk is full once people may post; it has room again when the units name the old cluster, and the program is killed."""
    fills = '; ! grep -q ^serving "$3" || [ -e "$HOST/cut" ] || ln -sf /dev/full "$3.new"'
    journal = f"            */deploy/postgresql/journal.new*) : {fills} ;;\n"
    cut = '[ ! -L "$HOST/deploy/postgresql/journal.new" ] || { rm "$HOST/deploy/postgresql/journal.new"; : >"$HOST/cut"; kill -9 "$(cat "$HOST/program")"; }; '
    for name, before, added in (
        ("mv", "            *last-journal)", journal),
        ("systemctl", '[ -e "$HOST/full" ]', cut),
    ):
        text = (host / "bin" / name).read_text()
        assert text.count(before) == 1
        (host / "bin" / name).write_text(text.replace(before, added + before))
    ask(host)
    assert (host / "cut").exists(), "it was not killed"
    is_old(host)


@pytest.mark.parametrize("broken", in_check(["pg_upgrade", "new-unit"], "pg_upgrade"))
def test_what_fails_is_undone(host, broken):
    (host / "broken").write_text(broken)
    ask(host)
    is_old(host)


@pytest.mark.exhaustive
def test_on_a_disk_that_the_copy_filled_the_old_cluster_gets_room_to_start(host):
    (host / "full").touch()
    (host / "broken").write_text("pg_upgrade")
    ask(host)
    assert not (host / "new").exists()
    assert (host / "old/postmaster.pid").exists()
    assert (host / "server").exists()


def test_a_row_that_is_missing_is_seen(host):
    (host / "loses-a-row").touch()
    done = ask(host)
    assert "differs from the data in the old one" in done.stdout
    is_old(host)


@pytest.mark.parametrize("record", in_check(["none", "undo"], "none"))
def test_a_server_that_does_not_come_up_on_it_gets_the_old_one_back(host, record):
    (host / "kill-after").write_text(record)
    stub = (host / "bin/mattermost-switch").read_text()
    (host / "bin/mattermost-switch").write_text(
        stub.replace('[ ! -e "$HOST/deploy', '[ ! -e "$HOST/new/postmaster.pid" ] && [ ! -e "$HOST/deploy')
    )
    ask(host)
    is_old(host)


def fails_once_posted(host):
    """Have the server take two messages on the new cluster when it is first started there, and never be well on it again."""
    server = '[ ! -e "$HOST/deploy/postgresql/closed" ] && say up >"$HOST/server"'
    broken = (
        '[ ! -e "$HOST/new/postmaster.pid" ] || { say "posts 7 9" >"$HOST/new/rows"; touch "$HOST/posted"; exit 1; }; '
    )
    stub = host / "bin/mattermost-switch"
    assert server in stub.read_text()
    stub.write_text(stub.read_text().replace(server, broken + server))


LEFT = [[], ["serving"], ["undo"], ["lost"], ["old-back"], ["serving", "undo", "lost", "old-back"]]


@pytest.mark.parametrize("records", in_check(LEFT, []))
def test_what_was_posted_to_a_cluster_that_is_left_is_counted_and_kept(host, records):
    fails_once_posted(host)
    (host / "kill-after").write_text("".join(f"{record}\n" for record in records))
    ask(host)
    found = state_of(host)
    assert (host / "kill-after").read_text() == "", "it was not killed"
    assert (found["old"], found["new"], found["server"], found["open"]) == (True, False, "up", []), found
    report = (host / "deploy/postgresql/report").read_text()
    assert "2 messages posted after the upgrade" in report
    assert "forget 17" in report
    assert (host / "new/rows").read_text() == "posts 7 9\n"
    assert (host / "deploy/postgresql/kept").read_text().startswith("17 15 ")


@pytest.mark.exhaustive
def test_what_cannot_be_counted_is_kept(host):
    fails_once_posted(host)
    (host / "counts-nothing").touch()
    ask(host)
    assert "An unknown number of messages posted after the upgrade" in (host / "deploy/postgresql/report").read_text()
    assert (host / "new/rows").exists()
    assert (host / "deploy/postgresql/kept").read_text().startswith("17 15 ")


def test_without_a_cluster_made_ready_nothing_is_touched(host):
    (host / "deploy/postgresql/next").unlink()
    ask(host)
    found = state_of(host)
    assert (found["old"], found["server"], found["result"]) == (True, "up", "result=refused")
    assert "stop" not in (host / "calls").read_text()


def test_during_a_backup_it_is_refused(host):
    (host / "deploy/backup").mkdir()
    (host / "deploy/backup/open").touch()
    ask(host)
    assert state_of(host)["result"] == "result=refused"
    assert state_of(host)["server"] == "up"


def test_it_refuses_while_the_password_is_changed(host):
    """Which begins under the lock of the switch, and may do so just now."""
    (host / "settings/secrets/rotation").mkdir(parents=True)
    (host / "deploy/switch").mkdir()
    begins = f"echo; sleep 1; : >{host}/settings/secrets/rotation/begun"
    with subprocess.Popen(["flock", host / "deploy/switch/lock", "sh", "-c", begins], stdout=subprocess.PIPE) as change:
        change.stdout.read(1)
        ask(host)
    found = state_of(host)
    assert (found["old"], found["server"], found["result"]) == (True, "up", "result=refused")
    assert "password is being changed" in (host / "deploy/postgresql/report").read_text()
