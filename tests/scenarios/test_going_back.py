"""Going back after an upgrade without losing a message: the newer version takes its migrations back, or nothing has happened."""

import re

import pytest

from tests.scenarios.chat import Chat
from tests.scenarios.small_disk import CLUSTER, POSTGRESQL, empty, fill, small_disk
from tests.scenarios.upgraded import BEFORE, SINCE, UNDO, Upgraded
from tests.scenarios.upgrading import cloned
from tests.soak import only_some

FORWARD = ("begin", "stopped", "copying", "copied", "downgrading", "downgraded", "switched", "started")
OVERWRITE = 'pillar={"rollback": {"overwrite": true}}'


class Returning(Upgraded):
    """The same host; it goes back by the down migrations."""

    words = "go"

    def assert_back(self, messages=(*BEFORE, *SINCE)):
        super().assert_back(messages)

    def assert_undone(self, look=None):
        """Assert that the new version serves again, and nothing but a copy of its database may be more than there was."""
        self.assert_still_new((look or self.look()) | {"databases": self.new_look["databases"]})

    def as_role(self, statements):
        """Run statements as the server's role, in its database."""
        return self.run(f"cd /; runuser -u postgres -- psql -XAtq -d mattermost -c 'SET ROLE mattermost; {statements}'")


@pytest.fixture(scope="module")
def deployed(lab, releases, deployed_snapshot):
    with cloned(lab, releases, deployed_snapshot, "goback", Returning) as made:
        yield made


@pytest.fixture
def upgraded(deployed):
    deployed.put_back()
    return deployed


def test_the_one_command_goes_back_with_every_message_and_asks_nothing(upgraded, releases):
    upgraded.deployment.use(releases[1])
    said = upgraded.deployment.orchestrate("mattermost.rollback", "test=True")
    assert (said.rc, "keeps the messages" in said.comments) == (0, True), said
    upgraded.assert_still_new()
    run = upgraded.deployment.orchestrate("mattermost.rollback")
    assert run.rc == 0, run
    assert "What was written since the upgrade stays" in run.comments
    upgraded.assert_back()
    upgraded.deployment.wait_until_healthy()
    Chat(upgraded.deployment).post([9])
    assert upgraded.messages() == {*BEFORE, *SINCE, 9}
    upgraded.run(f"mattermost-switch to {upgraded.new.version}")
    assert upgraded.messages() == {*BEFORE, *SINCE, 9}
    assert upgraded.back().returncode == 0
    assert upgraded.messages() == {*BEFORE, *SINCE, 9}


def test_no_message_of_a_user_who_writes_on_is_lost(upgraded):
    with upgraded.writer() as writer:
        assert upgraded.back().returncode == 0
        upgraded.deployment.wait_until_healthy()
    assert writer.lost() == set(), upgraded.trouble()
    print(f"outage of going back: {writer.pause:.2f} s")


def test_rows_that_it_would_drop_are_said_and_need_a_word(upgraded, releases):
    upgraded.as_role("INSERT INTO recaps VALUES (1, 2, 3), (2, 2, 3); UPDATE channels SET autotranslation = true")
    upgraded.deployment.use(releases[1])
    said = upgraded.deployment.orchestrate("mattermost.rollback")
    assert said.rc == 1, said
    assert "2 rows of recaps" in said.comments
    assert "values of channels.autotranslation" in said.comments
    upgraded.assert_still_new()
    run = upgraded.deployment.orchestrate("mattermost.rollback", OVERWRITE)
    assert run.rc == 0, run
    upgraded.assert_back()


@pytest.mark.soak("records")
def test_a_table_that_a_plugin_made_since_stays(upgraded):
    upgraded.as_role("CREATE TABLE plugin_of_mine (n int, mood text); INSERT INTO plugin_of_mine VALUES (1), (2)")
    assert upgraded.back().returncode == 0
    upgraded.assert_back()
    assert upgraded.as_role("SELECT count(*) FROM plugin_of_mine").strip() == "2"


@pytest.mark.soak("records")
def test_the_lock_of_a_migration_that_died_is_no_obstacle(upgraded):
    upgraded.as_role("INSERT INTO db_lock SELECT $$mm-lock-key$$, extract(epoch FROM now()) + 86400")
    assert upgraded.back().returncode == 0
    upgraded.assert_back()


NOT_TAKEN_BACK = [("MISSING_DOWN=1", "could not find down script"), ("FAIL_DOWN=1", "failed to execute migration")]


@pytest.mark.parametrize(
    ("fault", "says"),
    only_some("records", NOT_TAKEN_BACK),
)
def test_migrations_that_are_not_taken_back_leave_the_newer_version_with_everything(upgraded, fault, says):
    upgraded.break_new(fault)
    try:
        done = upgraded.back()
    finally:
        upgraded.mend_new()
    assert done.returncode == 3, done.stdout
    assert says in done.stdout
    assert '"way": "copy"' in done.stdout
    upgraded.assert_undone()


@pytest.mark.parametrize("fault", ["FAIL_START=1"])
def test_an_older_version_that_does_not_come_up_is_undone(upgraded, fault):
    upgraded.break_old(fault)
    try:
        done = upgraded.back()
    finally:
        upgraded.mend_old()
    assert done.returncode == 3, done.stdout
    upgraded.assert_undone()


@pytest.mark.parametrize("end", only_some("records", ["power-cut", "killed"], "power-cut"))
def test_ended_while_migrations_are_taken_back_it_stays_with_the_newer_version(upgraded, end):
    upgraded.break_new("SLOW_DOWN_SECONDS=3")
    upgraded.pause_after("nowhere")
    try:
        upgraded.ask_and_leave()
        upgraded.until(
            "runuser -u postgres -- psql -XAtq -d mattermost -c 'SELECT 1 FROM db_lock' 2>/dev/null | grep -q 1",
            "a migration at work",
        )
        upgraded.interrupt(end)
        look = upgraded.settled()
    finally:
        upgraded.mend_new()
    upgraded.assert_undone(look)
    assert look["report"] == "undone"


@pytest.mark.parametrize("record", only_some("records", FORWARD))
def test_interrupted_it_stays_with_the_newer_version(upgraded, record):
    upgraded.pause_after(record)
    upgraded.ask_and_leave()
    upgraded.reached()
    upgraded.interrupt("power-cut")
    look = upgraded.settled()
    upgraded.assert_undone(look)
    assert look["report"] == "undone"


@pytest.mark.parametrize("record", only_some("records", ["serving", "healthy"]))
def test_interrupted_once_people_post_to_the_older_version_it_ends_there(upgraded, record):
    upgraded.pause_after(record)
    upgraded.ask_and_leave()
    upgraded.reached()
    upgraded.interrupt("power-cut")
    assert upgraded.settled()["report"] == "done"
    upgraded.assert_back()


@pytest.mark.parametrize(("record", "end"), only_some("records", UNDO))
def test_an_interrupted_undo_is_ended(upgraded, record, end):
    upgraded.break_old("FAIL_START=1")
    try:
        upgraded.pause_after(record)
        upgraded.ask_and_leave()
        upgraded.reached()
        upgraded.interrupt(end)
        upgraded.assert_undone(upgraded.settled())
    finally:
        upgraded.mend_old()


@pytest.fixture
def small(upgraded):
    """The same host, with PostgreSQL on a disk that has 110 MiB free: enough for one copy of its database."""
    with small_disk(upgraded, CLUSTER, 110, f"mattermost {POSTGRESQL}"):
        yield upgraded


@pytest.mark.soak("records")
def test_without_room_for_a_copy_it_says_so_and_the_way_that_needs_none_works(small, releases):
    fill(small, CLUSTER, left=40)
    small.deployment.use(releases[1])
    said = small.deployment.orchestrate("mattermost.rollback")
    assert said.rc == 1, said
    needed, free = re.search(
        r"needs (\d+) MiB on PostgreSQL's disk, and only (\d+) MiB are free\.", said.comments
    ).groups()
    assert int(free) <= 40 < int(needed)
    assert "overwrite" in said.comments
    small.assert_still_new()
    run = small.deployment.orchestrate("mattermost.rollback", OVERWRITE)
    assert run.rc == 0, run
    small.assert_back(BEFORE)


@pytest.mark.soak("records")
def test_on_a_disk_that_fills_up_meanwhile_it_ends_at_either_version_with_everything(small):
    small.pause_after("copied")
    small.ask_and_leave()
    small.reached()
    fill(small, CLUSTER)
    small.go_on()
    report = "/var/lib/mattermost-deploy/switch/report"
    # what PostgreSQL has set aside for its log may be enough; else it ends, and the undo waits for it
    small.until(f"grep -Eq '^result=(done|undone|waiting)' {report}", "an end", 180)
    empty(small, CLUSTER)
    look = small.settled()
    if look["report"] == "done":
        small.assert_back()
    else:
        small.assert_undone(look)
