"""Verify as a person: what goes wrong is said, and whatever goes wrong the bot, its channel and its team are deleted."""

import contextlib
import signal
import subprocess

import pytest
from mattermost_controller.findings import ok, refusal
from mattermost_controller.hosts import scripts
from mattermost_controller.verify import http, round_trip
from mattermost_settings_core import FORM_OVERHEAD

from tests import repository
from tests.soak import in_check
from tests.unit.fake_chat import Chat
from tests.unit.hostprogram.conftest import EACH_SHELL, usable

ROOTS = [str(repository.ROOT / "salt")]
OURS = {"name": "mattermost-verify", "email": "mattermost-verify@localhost", "roles": "system_user"}


class Here:
    """A host that is this machine: the script runs under *shell*; its lock is in *folder*."""

    def __init__(self, folder, shell=("sh",)):
        self.folder, self.shell = folder, shell

    def stream(self, script):
        return [*self.shell, "-c", f"own={self.folder}/own pause=0\n{script}"], b""


@pytest.fixture
def chat(tmp_path, request):
    made = Chat(tmp_path / "local.socket", getattr(request, "param", ""))
    yield made
    made.close()
    assert list((tmp_path / "own").glob("*/*")) == [], "a token or a password is left"


def settings(folder, timeout=5):
    return {
        "verify": {"timeout": timeout},
        "paths": {"run": str(folder)},
        "nginx": {"body_limit": 70_000 + FORM_OVERHEAD},
    }


@pytest.fixture
def round_trip_finding(chat, tmp_path):
    def act(shell=("sh",), timeout=5, so_far=()):
        site = http.Site("localhost", "127.0.0.1", False, "", timeout, http=chat.port)
        return round_trip.finding(Here(tmp_path, shell), settings(tmp_path, timeout), site, ROOTS, list(so_far))

    return act


def left(chat):
    return [*chat.users, *chat.teams, *chat.channels]


@pytest.mark.parametrize("shell", EACH_SHELL, ids=lambda shell: shell[0])
def test_a_message_and_a_file_go_and_come_back_and_nothing_is_left(chat, round_trip_finding, shell):
    usable(shell)
    found = round_trip_finding(shell)
    assert (found.level, found.sentence[:26]) == ("ok", "A test message and a file ")
    assert left(chat) == []
    assert len(chat.files["f1"]) == 70_000
    assert chat.tokens[0] not in str(found)
    assert round_trip_finding(shell).level == "ok", "a second one"


@pytest.mark.parametrize("chat", ["files are off"], indirect=True)
def test_without_attachments_a_message_alone_goes(chat, round_trip_finding):
    assert round_trip_finding().sentence.startswith(
        "A test message was posted through the site and read back, without a file"
    )
    assert left(chat) == []


WRONG = {
    "closes": "The websocket of the test bot did not stay open: the server closed the websocket.",
    "no event": "The test message was stored, but the websocket did not announce it within 1 s.",
    "no files": "The server refused the test file: status 500. The disk is full.",
    "other text": "The test message was read back with a different text or different files. A plugin that changes messages can cause this.",
    "other file": "The test file was downloaded with different content.",
    "no channels": 'No test bot could be created: The server refused to create the test channel (status 400): No \\"more\\" of them.',
    "first": "No test bot could be created: The server gave the test account the roles system_admin system_user, as it does while there is no administrator. Create one first.",
}


MAIN = ["no event", "no files", "other text"]


@pytest.mark.parametrize(
    ("chat", "sentence"),
    in_check(list(WRONG.items()), *((fault, WRONG[fault]) for fault in MAIN)),
    indirect=["chat"],
    ids=list(WRONG),
)
def test_what_goes_wrong_is_said_and_nothing_is_left(chat, round_trip_finding, sentence):
    found = round_trip_finding(timeout=1)
    assert (found.level, found.sentence) == ("refusal", sentence)
    assert found.fix
    assert left(chat) == []


@pytest.mark.parametrize("chat", ["keeps"], indirect=True)
def test_what_is_not_deleted_is_said_and_the_next_run_deletes_it(chat, round_trip_finding):
    found = round_trip_finding()
    assert found.level == "refusal"
    assert "may still be on the server: The server did not delete users/username" in found.sentence
    chat.fault = ""
    assert round_trip_finding().level == "ok"
    assert left(chat) == []


@pytest.mark.parametrize("is_bot", in_check([{"owner": "u" * 26}, {}], {}), ids=["a bot", "no bot yet"])
def test_what_an_interrupted_run_left_is_deleted_first(chat, round_trip_finding, tmp_path, is_bot):
    chat.users["u" * 26] = OURS | {"id": "u" * 26} | is_bot
    chat.teams["t" * 26] = OURS | {"id": "t" * 26}
    (tmp_path / "own/tmp.killed").mkdir(parents=True)
    (tmp_path / "own/tmp.killed/body").touch()
    assert round_trip_finding().level == "ok"
    assert left(chat) == []


@pytest.mark.parametrize("kind", ["users", "teams"])
def test_what_somebody_else_has_under_that_name_stays(chat, round_trip_finding, kind):
    getattr(chat, kind)["s" * 26] = OURS | {"id": "s" * 26, "email": "somebody@example.test"}
    found = round_trip_finding()
    assert "exists that this check did not create" in found.sentence
    assert "rename that account or team" in found.fix
    assert left(chat) == ["s" * 26]


@contextlib.contextmanager
def started(folder, patience):
    """What verify starts on the host, once its bot is made. patience: seconds."""
    values = {"socket": folder / "local.socket", "patience": patience}
    argv, _ = Here(folder).stream(scripts.build(ROOTS, round_trip.LIBRARY, values))
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"ready ")
        yield process


def test_a_controller_that_is_killed_leaves_nothing(chat, tmp_path):
    """What it started on the host sees the end of its standard input, and nobody listens any more."""
    with started(tmp_path, patience=60) as process:
        assert len(left(chat)) == 3
        process.stdout.close()
        process.stdin.close()
        assert process.wait(20) == 0
    assert left(chat) == []


def test_a_script_that_is_ended_on_the_host_deletes_before_it_ends(chat, tmp_path):
    with started(tmp_path, patience=2) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read().strip() == b"gone"
    assert left(chat) == []


@pytest.mark.exhaustive
def test_two_at_once_do_not_delete_each_others(chat, round_trip_finding, tmp_path):
    with started(tmp_path, patience=60) as process:
        assert (
            round_trip_finding().sentence
            == "No test bot could be created: Another round trip is in progress on this host. Start again when it has ended."
        )
        assert len(left(chat)) == 3
        process.stdin.close()


@pytest.mark.exhaustive
def test_it_is_not_tried_where_another_check_failed(chat, round_trip_finding):
    assert round_trip_finding(so_far=[ok("page", "Fine.")]).level == "ok"
    chat.asked.clear()
    assert round_trip_finding(so_far=[refusal("page", "Not fine.", "Mend it.")]).level == "skipped"
    assert chat.asked == []


def test_a_host_without_the_socket_says_so(tmp_path):
    site = http.Site("localhost", "127.0.0.1", False, "", 1, http=1)
    found = round_trip.finding(Here(tmp_path), settings(tmp_path), site, ROOTS, [])
    assert found.sentence == f"No test bot could be created: The server has no local socket {tmp_path}/local.socket."
    found = round_trip.finding(
        Here(tmp_path, ("sh", "-c", "echo ssh: lost >&2; exit 255", "x")), settings(tmp_path), site, ROOTS, []
    )
    assert found.sentence == "No test bot could be created: ssh: lost"
