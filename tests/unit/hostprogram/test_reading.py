"""A switch proves that people can read: the newest message of the database is what the server shows, and no text of it goes anywhere."""

import pytest

from tests.soak import in_check
from tests.unit.hostprogram.host import NEW, OLD


@pytest.fixture
def chatting(host):
    host.deployed().set(**{"rows/mattermost": "m1\nm2"})
    return host


def test_each_shell_reads_the_newest_message(host_of_each_shell):
    host = host_of_each_shell
    host.deployed().set(**{"rows/mattermost": "m1\nm2"})
    done = host.run("to", NEW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "message" not in host.report()["reason"]
    host.fault(NEW, "reads-another")
    assert host.run("check").returncode == 4


@pytest.mark.parametrize(
    "fault", in_check(["cannot-read", "reads-nothing", "reads-another", "no-socket"], "reads-another")
)
def test_a_server_that_is_healthy_but_shows_no_message_is_rolled_back(chatting, fault):
    chatting.fault(NEW, fault)
    done = chatting.run("to", NEW)
    assert done.returncode == 3, done.stdout + done.stderr
    chatting.assert_old()
    assert "message" in chatting.report()["reason"] or "socket" in chatting.report()["reason"]
    assert '\\"id' not in done.stdout + done.stderr, "the message's text is printed"


def test_a_server_without_a_message_passes_and_says_so(host):
    assert host.deployed().run("to", NEW).returncode == 0
    assert "no message yet that could be checked" in host.report()["reason"]


@pytest.mark.exhaustive
def test_what_the_old_server_could_not_show_is_not_asked_of_the_new_one(chatting):
    chatting.fault(OLD, "cannot-read")
    chatting.fault(NEW, "cannot-read")
    assert chatting.run("to", NEW).returncode == 0
    assert "Even before it was stopped, the server did not return this message" in chatting.report()["reason"]


@pytest.mark.parametrize("local_mode", in_check(["yes", "no"], "yes"))
def test_the_socket_is_on_while_a_server_is_watched_and_later_by_the_setting_only(chatting, local_mode):
    """A restore puts back a config.json that may have it off, or elsewhere, although the setting has it on."""
    chatting.setting("local_mode", local_mode)
    socket = chatting.folder / "run/local.socket"
    socket.touch()
    chatting.fault(NEW, "reads-another")
    assert chatting.run("to", NEW).returncode == 3
    on = ["MM_SERVICESETTINGS_ENABLELOCALMODE=true", f"MM_SERVICESETTINGS_LOCALMODESOCKETLOCATION={socket}"]
    assert chatting.get("opened").splitlines() == on * 2, "it was not switched on"
    assert not (chatting.folder / "run/environment").exists()
    assert socket.exists() == (local_mode == "yes")


def test_plugins_that_are_gone_are_named_and_no_reason_to_roll_back(chatting):
    chatting.fault(NEW, "loses-plugins")
    assert chatting.run("to", NEW).returncode == 0
    assert (
        "These plugins were active before the server was stopped, and are not active now: two."
        in chatting.report()["reason"]
    )


@pytest.mark.parametrize("killed", in_check(["serving", "healthy"], "healthy"))
def test_killed_once_people_are_in_it_still_says_what_it_saw_before(chatting, killed):
    chatting.fault(OLD, "cannot-read")
    chatting.fault(NEW, "loses-plugins")
    chatting.set(kill_after=killed)
    assert chatting.run("to", NEW).returncode == 0
    assert not (chatting.folder / "kill_after").exists(), "it was not killed"
    reason = chatting.report()["reason"]
    assert "did not return this message" in reason
    assert "not active now: two." in reason


@pytest.mark.parametrize("killed", in_check(["begin", "switched", "version-back"], "switched"))
def test_a_rollback_after_a_kill_names_the_plugins_that_are_gone(chatting, killed):
    chatting.fault(NEW, "wrong-version")
    chatting.set(kill_after=killed, loses_plugins="")
    assert chatting.run("to", NEW).returncode == 3
    assert not (chatting.folder / "kill_after").exists(), "it was not killed"
    assert "not active now: two." in chatting.report()["reason"]


@pytest.mark.exhaustive
def test_a_message_that_changes_after_the_proof_is_no_reason_to_roll_back(chatting):
    """People are let in, and edit it, while the server is still watched."""
    chatting.setting("settle", "2")
    chatting.fault(NEW, "reads-once")
    assert chatting.run("to", NEW).returncode == 0
    chatting.assert_new()


@pytest.mark.exhaustive
def test_a_switch_without_the_settings_of_this_bundle_goes_on_as_before(chatting):
    chatting.setting("socket", "")
    chatting.fault(NEW, "cannot-read")
    assert chatting.run("to", NEW).returncode == 0


@pytest.mark.exhaustive
def test_a_table_that_somebody_locked_does_not_keep_the_site_closed(chatting):
    chatting.set(posts_are_locked="")
    assert chatting.run("to", NEW).returncode == 0
    assert "because PostgreSQL did not say which message is the newest" in chatting.report()["reason"]


def test_a_message_that_a_plugin_rewrites_as_it_is_read_fails_no_check(chatting):
    chatting.fault(OLD, "rewrites")
    done = chatting.run("check")
    assert done.returncode == 0, done.stderr
    assert "does not return the newest message" in done.stdout
    assert "is healthy" in done.stdout


@pytest.mark.exhaustive
@pytest.mark.parametrize("killed", in_check(["begin", "stopped", ""], "begin"))
def test_a_server_that_showed_no_message_before_need_not_after_its_rollback(chatting, killed):
    chatting.fault(OLD, "cannot-read")
    chatting.fault(NEW, "wrong-version")
    chatting.set(**({"kill_after": killed} if killed else {}))
    assert chatting.run("to", NEW).returncode == 3
    chatting.assert_old()


@pytest.mark.exhaustive
def test_going_back_asks_the_newer_server_for_no_more_than_it_showed_before(host):
    host.upgraded().fault(NEW, "cannot-read")
    host.fault(OLD, "wrong-version")
    assert host.run("back", "go").returncode == 3
    host.assert_new()


@pytest.mark.exhaustive
def test_going_back_under_a_plugin_that_rewrites_messages_succeeds(host):
    host.upgraded().fault(NEW, "rewrites")
    host.fault(OLD, "rewrites")
    assert host.run("back", "go").returncode == 0
    assert host.current == OLD
