"""Going back after an upgrade to the database of then: said first, whole or not at all, and every message is still somewhere."""

import time

import pytest

from tests.scenarios.chat import Chat
from tests.scenarios.upgraded import BEFORE, SINCE, UNDO, Upgraded
from tests.scenarios.upgrading import cloned
from tests.soak import only_some

# in the order in which they are written; the unit tests kill the program at each of them as well
FORWARD = [(record, "power-cut") for record in ("begin", "stopped", "swapping", "swapped", "switched", "started")]
ONCE_SERVING = [(record, "power-cut") for record in ("serving", "healthy")]
COPY = 'pillar={"rollback": {"way": "copy"}}'
OVERWRITE = 'pillar={"rollback": {"overwrite": true, "way": "copy"}}'


@pytest.fixture(scope="module")
def deployed(lab, releases, deployed_snapshot):
    with cloned(lab, releases, deployed_snapshot, "rollback", Upgraded) as made:
        yield made


@pytest.fixture
def upgraded(deployed):
    deployed.put_back()
    return deployed


def test_the_one_command_says_what_would_be_lost_and_then_goes_back(upgraded, releases):
    for wanted, arguments, rc in (releases[0], [COPY, "test=True"], 0), (releases[1], [COPY], 1):
        upgraded.deployment.use(wanted)
        said = upgraded.deployment.orchestrate("mattermost.rollback", *arguments)
        assert said.rc == rc, said
        assert "Created since then: 5 messages, 0 users" in said.comments
        upgraded.assert_still_new()
    assert OVERWRITE.partition("=")[2] in said.comments.replace("'", "")

    run = upgraded.deployment.orchestrate("mattermost.rollback", OVERWRITE)
    assert run.rc == 0, run
    assert "the next deploy would upgrade again" in run.comments
    assert f"only in the database {upgraded.newer()}: 5 messages" in run.comments
    upgraded.assert_back()
    upgraded.deployment.wait_until_healthy()

    again = upgraded.deployment.orchestrate("mattermost.rollback")
    assert again.rc == 1, again
    assert "There is nothing to go back to" in again.comments
    upgraded.deployment.use(releases[0])
    for component in ("database", "server"):
        pinned = upgraded.deployment.apply(component)
        assert (pinned.rc, pinned.changes) == (0, {}), pinned
    upgraded.deployment.use(releases[1])
    dry = upgraded.deployment.apply("server", "test=True")
    assert "Would upgrade" in dry.states["server-runs-the-wanted-version"]["comment"]


def test_every_message_taken_is_served_or_kept_aside(upgraded):
    chat = Chat(upgraded.deployment)
    chat.token = upgraded.old_session  # logged in before the upgrade: a session since then goes with the rest
    with chat as writer:
        upgraded.until("test $(mattermost-switch back copy | sed -n s/^posts=//p) -gt 10", "ten messages more")
        done = upgraded.back()
        upgraded.deployment.wait_until_healthy()
        time.sleep(1)
    assert done.returncode == 0, done.stdout
    assert set(writer.taken) - (writer.there() | upgraded.messages(upgraded.newer())) == set()
    print(f"outage of going back: {writer.pause:.2f} s")


@pytest.mark.parametrize("fault", only_some("records", ["FAIL_START=1", "WRONG_VERSION=9.9.9"]))
def test_an_older_version_that_does_not_come_up_is_undone(upgraded, fault):
    upgraded.break_old(fault)
    try:
        done = upgraded.back()
    finally:
        upgraded.mend_old()
    assert done.returncode == 3, done.stdout
    upgraded.assert_still_new()


@pytest.mark.parametrize(
    ("record", "end"),
    only_some("records", [*FORWARD, ("swapping", "killed"), ("started", "killed")]),
)
def test_interrupted_it_stays_with_the_newer_version(upgraded, record, end):
    upgraded.pause_after(record)
    upgraded.ask_and_leave()
    upgraded.reached()
    upgraded.interrupt(end)
    look = upgraded.settled()
    upgraded.assert_still_new(look)
    assert look["report"] == "undone"


@pytest.mark.parametrize(("record", "end"), only_some("records", [*ONCE_SERVING, ("serving", "killed")]))
def test_interrupted_once_people_post_to_the_older_version_it_ends_there(upgraded, record, end):
    upgraded.pause_after(record)
    upgraded.ask_and_leave()
    upgraded.reached()
    upgraded.interrupt(end)
    assert upgraded.settled()["report"] == "done"
    upgraded.assert_back()


@pytest.mark.parametrize(("record", "end"), only_some("records", [*UNDO, ("database-back", "killed")]))
def test_an_interrupted_undo_is_ended(upgraded, record, end):
    upgraded.break_old("FAIL_START=1")
    try:
        upgraded.pause_after(record)
        upgraded.ask_and_leave()
        upgraded.reached()
        upgraded.interrupt(end)
        upgraded.assert_still_new(upgraded.settled())
    finally:
        upgraded.mend_old()


@pytest.mark.soak("records")
def test_what_is_aside_is_listed_and_forgotten_only_when_told(upgraded):
    assert upgraded.back().returncode == 0
    name = upgraded.newer()
    assert f"newer_{name.rpartition('_')[2]}: 0 days" in upgraded.run("mattermost-switch kept")
    refused = upgraded.host.ssh(f"mattermost-switch forget {name}", check=False)
    assert refused.returncode == 2
    assert "contains 5 messages that exist nowhere else" in refused.stderr
    upgraded.run(f"mattermost-switch forget {name} anyway")
    assert name not in upgraded.look()["databases"]


@pytest.mark.soak("records")
def test_an_upgrade_that_has_no_migration_needs_no_copy_and_goes_back_without_a_loss(upgraded):
    patch = upgraded.new.version.rpartition(".")[0] + ".999"
    tree = f"/opt/mattermost/{patch}"
    upgraded.run(
        f'cp -a /opt/mattermost/{upgraded.new.version} {tree}; grep -rlF \'"version": "{upgraded.new.version}"\' {tree} | '
        f'xargs sed -i \'s/"version": "{upgraded.new.version}"/"version": "{patch}"/\'; echo copy=migrations >>/etc/mattermost/switch.conf'
    )
    before = upgraded.look()["databases"]
    try:
        done = upgraded.host.ssh(f"mattermost-switch to {patch}", check=False, timeout=180)
        assert done.returncode == 0, done.stdout
        assert upgraded.look()["databases"] == before, "a copy was made although there was no migration"
        Chat(upgraded.deployment).post([9])
        said = upgraded.run("mattermost-switch back")
        assert "The database stays unchanged" in said
        assert upgraded.back().returncode == 0
    finally:
        upgraded.run(f"sed -i '$d' /etc/mattermost/switch.conf; rm -rf {tree}")
    look = upgraded.look()
    assert (look["current"], look["databases"]) == (upgraded.new.version, before)
    assert upgraded.messages() == {*BEFORE, *SINCE, 9}
