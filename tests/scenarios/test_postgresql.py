"""PostgreSQL's next major: what was posted is there, what fails is undone, the old cluster is kept until told."""

import pytest

from tests.scenarios.chat import Chat
from tests.scenarios.deployment import Deployment
from tests.scenarios.majors import GO_BACK, NEW, OLD, STATE, Major, at_work, clusters, whole, with_old_postgresql
from tests.soak import only_some

FILE = bytes(range(256)) * 3000
# in the order in which they are written; the unit tests kill the program at each of them as well
FORWARD = ["stopped", "old-stopped", "copied", "switched"]
ONCE_SERVING = ["serving", "healthy"]
UNDO = ["undo", "lost", "old-back"]


@pytest.fixture(scope="module")
def host(lab, releases):
    """A host with PostgreSQL 15, deployed, with messages 1 to 5, a file and settings of an administrator's own."""
    with lab.passing("postgresql") as name:
        deployment = Deployment(lab, lab.host(name, platform="debian13"), releases[0])
        with_old_postgresql(deployment)
        run = deployment.orchestrate()
        assert run.rc == 0, run
        chat = Chat(deployment)
        deployment.file = chat.upload("picture.bin", FILE)
        chat.post(range(1, 6), file_ids=[deployment.file])
        deployment.ssh(
            f"echo \"log_min_duration_statement = '7s'\" >/etc/postgresql/{OLD}/main/conf.d/admin.conf; "
            "cd /; runuser -u postgres -- psql -qc \"ALTER SYSTEM SET deadlock_timeout = '2s'\" -c 'SELECT pg_reload_conf()'"
        )
        yield deployment


@pytest.fixture
def to_new(host):
    host.set(database={"version": NEW})


@pytest.fixture(scope="module")
def prepared(host):
    """The same host, with all that an upgrade needs made ready once; the run that did so was killed with its controller."""
    host.set(database={"version": NEW})
    return Major(host)


@pytest.fixture
def major(prepared):
    """The old major at work, the new one made ready."""
    prepared.ready()
    yield prepared
    prepared.mend_server()


def test_an_upgrade_never_happens_by_itself(host, to_new):
    run = host.orchestrate()
    assert run.rc != 0
    assert f"data is in PostgreSQL {OLD}" in run.comments
    assert "mattermost.postgresql" in run.comments
    assert clusters(host) == {OLD: (5432, "online")}
    alone = host.apply("packages")
    assert alone.rc != 0, "the new major would be installed"
    assert clusters(host) == {OLD: (5432, "online")}


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(host, to_new):
    run = host.orchestrate("mattermost.postgresql", "test=True")
    assert run.rc == 0, run
    whole(host, OLD)
    assert clusters(host) == {OLD: (5432, "online")}


@pytest.mark.soak("records")
def test_a_new_cluster_that_does_not_start_is_undone(host, to_new):
    folder = f"/etc/systemd/system/postgresql@{NEW}-main.service.d"
    host.ssh(
        f"mkdir -p {folder}; printf '[Service]\\nExecStartPre=/bin/false\\n' >{folder}/broken.conf; systemctl daemon-reload"
    )
    try:
        run = host.orchestrate("mattermost.postgresql")
    finally:
        host.ssh(f"rm -r {folder}; systemctl daemon-reload")
    assert run.rc != 0
    assert f"PostgreSQL {NEW} does not start" in run.comments
    assert f"PostgreSQL {OLD} serves again" in run.comments
    whole(host, OLD)
    assert clusters(host) == {OLD: (5432, "online")}


def test_a_controller_that_dies_is_not_missed(prepared):
    assert "after its step 'begin'" in prepared.run("mattermost-postgresql status")
    whole(prepared.deployment, OLD)
    assert clusters(prepared.deployment) == {OLD: (5432, "online")}


def power_cut(major, record):
    """Power the host off when the journal has *record*, while somebody posts before and after. Returns the writer."""
    major.pause_after(record)
    with major.writer() as writer:
        writer.posted()
        major.ask_and_leave()
        major.reached()
        major.interrupt("power-cut")
        major.settled()
        writer.posted()
    return writer


@pytest.mark.parametrize("record", only_some("records", FORWARD, "copied"))
def test_interrupted_before_anyone_can_post_it_is_undone(major, record):
    writer = power_cut(major, record)
    assert f"after its step '{record}'" in major.report()["reason"]
    whole(major.deployment, OLD)
    assert clusters(major.deployment) == {OLD: (5432, "online")}
    assert writer.lost() == set()


@pytest.mark.parametrize("record", only_some("records", ONCE_SERVING))
def test_interrupted_once_people_may_post_it_is_brought_to_its_end(major, record):
    writer = power_cut(major, record)
    try:
        assert major.report()["result"] == "done"
        whole(major.deployment, NEW)
        assert writer.lost() == set()
    finally:
        major.run(GO_BACK, timeout=120)


def interrupted_by_hand(major, record, *commands):
    """Have the shell *commands* run when the journal has *record*; then the upgrade goes on to its end."""
    major.pause_after(record)
    major.ask_and_leave()
    major.reached()
    for command in commands:
        major.run(command, check=False)
    major.go_on()


def server_fails(major):
    major.break_server()
    major.ask_and_leave()


def server_is_never_healthy(major):
    major.run("echo unhealthy_timeout=3 >>/etc/mattermost/switch.conf")
    major.break_server("export STANDIN_FAULT_UNHEALTHY=1")
    major.ask_and_leave()


def disk_is_full_while_the_data_is_copied(major):
    place = f"/var/lib/postgresql/{NEW}"
    major.run(
        f"mount -t tmpfs -o size=$(du -sm /root/ready/data | cut -f1)m full {place}; cp -a /root/ready/data/. {place}/; chown postgres:postgres {place}"
    )
    major.ask_and_leave()


def journal_cannot_be_written(major):
    """Its disk is full once the server is stopped, and stays so."""
    major.run(f"cp -a {STATE} /root/state; mount -t tmpfs -o size=64k full {STATE}; cp -a /root/state/. {STATE}/")
    interrupted_by_hand(major, "stopped", f"head -c 1M /dev/zero >{STATE}/filler")


FAULTS = {  # what its report says, and what puts the host right again
    server_fails: ("ended", "true"),
    server_is_never_healthy: ("is not healthy", "sed -i '$d' /etc/mattermost/switch.conf"),
    disk_is_full_while_the_data_is_copied: ("pg_upgrade failed: ", f"umount /var/lib/postgresql/{NEW}"),
    journal_cannot_be_written: (None, f"rm -r /root/state; umount {STATE} && rm {STATE}/next"),
}


@pytest.mark.parametrize(
    "fault",
    only_some("records", FAULTS),
    ids=lambda fault: fault.__name__,
)
def test_a_fault_gives_the_old_cluster_back_with_every_message(major, fault):
    says, mended = FAULTS[fault]
    try:
        with major.writer() as writer:
            writer.posted()
            major.run(f"rm -f {STATE}/report")
            fault(major)
            ended = f"test ! -e {STATE}/journal && ! systemctl is-active -q mattermost-postgresql"
            major.until(ended + (f" && test -e {STATE}/report" if says else ""), "the end of the upgrade", 180)
            major.deployment.wait_until_healthy()
            writer.posted()
        if says:
            assert major.report()["result"] == "undone"
            assert says in major.report()["reason"]
        assert at_work(major.deployment) == OLD
        assert writer.lost() == set()
    finally:
        major.run(mended)
        major.mend_server()
    whole(major.deployment, OLD)
    assert clusters(major.deployment) == {OLD: (5432, "online")}


@pytest.mark.soak("records")
def test_the_new_postgresql_killed_as_the_server_starts_is_started_with_it(major):
    with major.writer() as writer:
        writer.posted()
        major.run(f"rm -f {STATE}/report")
        interrupted_by_hand(major, "serving", f"systemctl kill -s KILL postgresql@{NEW}-main")
        major.settled()
        writer.posted()
    try:
        assert major.report()["result"] == "done"
        whole(major.deployment, NEW)
        assert writer.lost() == set()
    finally:
        major.run(GO_BACK, timeout=120)


@pytest.mark.parametrize("record", only_some("records", UNDO))
def test_an_interrupted_undo_is_ended(major, record):
    major.break_server()
    writer = power_cut(major, record)
    whole(major.deployment, OLD)
    assert clusters(major.deployment) == {OLD: (5432, "online")}
    assert writer.lost() == set()


def test_every_message_is_there_afterwards(host, to_new, record_property):
    with Chat(host) as chat:
        chat.posted()
        run = host.orchestrate("mattermost.postgresql")
        assert run.rc == 0, run
        chat.posted(1)
    record_property("pause of the upgrade, seconds", round(chat.pause, 2))
    print(f"pause of the upgrade: {chat.pause:.2f} s; {run.stages['postgresql']['comment']}")
    whole(host, NEW)
    assert f"mattermost-postgresql forget {OLD}" in str(run.changes), "where the old one is kept"
    assert len(chat.taken) > 5
    assert set(chat.taken) - Chat(host).there() == set()
    assert Chat(host).download(host.file) == FILE
    assert clusters(host) == {OLD: (5432, "down"), NEW: (5432, "online")}
    shown = host.ssh(
        "cd /; runuser -u postgres -- psql -XAtc 'SHOW deadlock_timeout' -c 'SHOW log_min_duration_statement'"
    )
    assert shown.split() == ["2s", "7s"], "the administrator's own settings"


def test_a_run_afterwards_changes_nothing_and_never_goes_back(host, to_new):
    run = host.orchestrate()
    assert (run.rc, run.changes) == (0, {}), run
    again = host.orchestrate("mattermost.postgresql")
    assert (again.rc, again.changes) == (0, {}), again
    host.set(database={"version": OLD})
    back = host.apply("database")
    assert back.rc != 0
    assert f"was upgraded from PostgreSQL {OLD} to {NEW}" in back.out
    host.host.reboot()
    whole(host, NEW)
    assert clusters(host) == {OLD: (5432, "down"), NEW: (5432, "online")}


def test_the_old_cluster_goes_only_when_told(host, to_new):
    assert f"{OLD}, replaced by {NEW} on " in host.ssh("mattermost-postgresql status")
    assert host.host.ssh(f"mattermost-postgresql forget {NEW}", check=False).returncode == 2
    host.ssh(f"mattermost-postgresql forget {OLD}")
    assert clusters(host) == {NEW: (5432, "online")}
    whole(host, NEW)


def test_a_value_of_the_users_own_is_taken_up_once(host, to_new):
    host.set(database={"version": NEW, "settings": {"work_mem": "24576kB", "max_locks_per_transaction": 128}})
    run = host.apply("database")
    assert run.rc == 0, run
    changes = run.changes["postgresql-accepts-local-connections-only"]
    assert changes["state"] == "restarted", "one of them is taken up at a start only"
    shown = host.ssh("cd /; runuser -u postgres -- psql -XAtc 'SHOW work_mem' -c 'SHOW max_locks_per_transaction'")
    assert shown.split() == ["24MB", "128"]
    again = host.apply("database")
    assert (again.rc, again.changes) == (0, {}), again
    host.set(database={"settings": {"work_mem": "1kB"}})  # which only PostgreSQL itself refuses
    refused = host.apply("database")
    assert refused.rc != 0
    assert "work_mem" in refused.out
    assert "were restored" in refused.out
    host.settings["mattermost"]["database"].pop("settings")
    host.write()
    back = host.apply("database")
    assert back.rc == 0, back
    assert back.changes["postgresql-accepts-local-connections-only"]["state"] == "restarted"
    whole(host, NEW)
