"""What a person reads while a run goes on: claims in words, what took long for good, the rest on a terminal alone."""

import logging
import re
import time
from types import SimpleNamespace

import mattermost_progress as progress
import pytest
from mattermost_controller.hosts import minion_progress

from tests.states import load_state
from tests.unit.reporting.test_console import Stream


@pytest.fixture(params=[False, True], ids=["a log", "a terminal"])
def said(request, monkeypatch):
    """Standard error."""
    stream = Stream(request.param)
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setenv("COLUMNS", "60")
    return stream


def event(state_id, sls="mattermost.deploy.server", ms=10):
    return {"id": state_id, "sls": sls, "ms": ms}


def run():
    return progress.Run(lambda sls: sls.rpartition(".")[2])


def test_a_short_state_is_shown_on_a_terminal_alone_and_in_words(said):
    run().event("chat", event("mattermost-is-running"))
    assert said.getvalue() == ("\r\x1b[Kchat: server: Mattermost is running" if said.isatty() else "")


def test_what_takes_long_stays_with_its_seconds(said):
    run().event("chat", event("postgresql-is-installed", ms=12345))
    assert said.getvalue().endswith("chat: server: PostgreSQL is installed (12.3 s)\n")


def test_a_stage_that_took_long_says_so_when_the_next_begins(said):
    one = run()
    for number in range(4):
        one.event("chat", event(f"step-{number}", "mattermost.deploy.database", 1500))
    one.event("chat", event("unit-is-there"))
    assert "chat: database: done (6.0 s)\n" in said.getvalue()
    one.event("chat", event("site-is-served", "mattermost.deploy.nginx-ssl"))
    assert "server: done" not in said.getvalue()


def test_a_line_for_a_moment_fits_the_terminal(said):
    run().event("chat", event("word-" * 40))
    assert "\n" not in said.getvalue()
    assert len(said.getvalue().removeprefix("\r\x1b[K")) <= 59


@pytest.mark.parametrize("ms", ["never", None, [], 10])
def test_a_host_cannot_write_to_the_terminal_by_its_progress(said, ms):
    run().event("chat", event("\x1b]0;x\x07\nis-done", "a\x1b[2J", ms))
    progress.say("x\x1b[1A", "y\r\x9b2J", "\x1bc")
    assert [char for char in said.getvalue().replace("\r\x1b[K", "") if ord(char) < 32 and char != "\n"] == []
    assert "\\x1b]0;x" in said.getvalue() or not said.isatty()


@pytest.mark.parametrize("event_of_a_liar", [{}, {"id": None}, {"id": 7, "sls": 8, "ms": "x"}, {"id": "", "sls": None}])
def test_an_event_of_any_form_is_taken(said, event_of_a_liar):
    run().event("chat", event_of_a_liar)


def test_what_is_harmless_stays_as_it_is():
    text = "Zoë läuft: 12 €\n„ja“ 日本"
    assert progress.harmless(text) == text
    hidden = "\xad\u180e\u200b\u200d\u2060\u2064\ufeff\ufffb\U000e0041\U000e0001"
    assert progress.harmless(f"a{hidden}b") == f"a{hidden.encode('unicode_escape').decode()}b"
    assert progress.harmless("\x1b\x07\x85\u2028\u202e\u2066\ud800") == r"\x1b\x07\x85\u2028\u202e\u2066\ud800"


def goes_on(ms, part=""):
    return {**event("packages-are-installed", "mattermost.deploy.packages", ms), "part": part}


def test_what_goes_on_is_told_after_ten_seconds_and_each_time_it_took_twice_as_long(said):
    one = run()
    for seconds in range(10, 100, 10):
        one.event("chat", goes_on(seconds * 1000))
    lines = [line.rpartition("\r\x1b[K")[2] for line in said.getvalue().split("\n")[:-1]]
    assert lines == [f"chat: packages: Packages are installed: {seconds} s so far" for seconds in (10, 20, 40, 80)]


def test_what_goes_on_says_how_far_what_it_waits_for_is(said):
    run().event("chat", goes_on(10_000, "the archive 45 % of 93 MiB"))
    assert "so far, the archive 45 % of 93 MiB\n" in said.getvalue()


def test_the_next_state_is_told_after_ten_seconds_too(said):
    one = run()
    one.event("chat", goes_on(10_000))
    one.event("chat", goes_on(20_000))
    one.event("chat", event("packages-are-installed", "mattermost.deploy.packages", 21_000))
    one.event("chat", {**event("server-is-running", ms=10_100), "part": ""})
    assert "Server is running: 10 s so far\n" in said.getvalue()


@pytest.mark.parametrize("part", [None, [], {}, 7, "\x1b[2J" * 1000])
def test_a_part_of_any_form_is_taken(said, part):
    run().event("chat", goes_on(10_000, part))
    assert "\x1b[2J" not in said.getvalue()
    assert len(said.getvalue()) < 1000


def test_a_wait_of_the_controller_is_told_likewise(said, monkeypatch):
    monkeypatch.setattr(progress, "STEP", 0.6)
    monkeypatch.setattr(progress, "TICK", 0.1)
    with progress.waiting("archive", "copying it", "chat", lambda: progress.share(1 << 20, 4 << 20)) as say:
        time.sleep(0.9)
        say("testing it")
        time.sleep(0.9)
    before = said.getvalue()
    assert "chat: archive: copying it\n" in before
    assert re.search(r"chat: archive: copying it: \d s so far, 25 % of 4 MiB\n", before)
    assert re.search(r"chat: archive: testing it: \d s so far\n", before)
    time.sleep(0.8)
    assert said.getvalue() == before, "nothing more is said of what has ended"


def test_a_short_wait_says_nothing_more(said):
    with progress.waiting("archive"):
        pass
    assert said.getvalue() == ""
    with progress.waiting("archive", "copying it"):
        pass
    assert said.getvalue().removeprefix("\r\x1b[K") == "archive: copying it\n"


def test_a_minion_sends_what_ended_in_a_second_as_one_event(monkeypatch):
    monkeypatch.setattr(progress, "TICK", 0.1)
    sent, closed = [], []
    bus = SimpleNamespace(fire_event=lambda load, tag: sent.append((load, tag)))

    class Bus:
        def __init__(self, opts, listen):
            assert (opts, listen) == ({"id": "chat"}, False)

        def __enter__(self):
            return bus

        def __exit__(self, *_):
            closed.append(True)

    monkeypatch.setattr("salt.utils.event.MinionEvent", Bus)
    tell = load_state("mattermost_run_lock")._Events({"id": "chat"})
    lines = [progress.encode({"id": name}) for name in ("first", "second")]
    for line in lines:
        tell(line)
    for _ in range(100):
        if sent:
            break
        time.sleep(0.05)
    load = {"data": {"lines": lines}, "tag": "mattermost/progress", "events": None, "pretag": None}
    assert (sent, closed) == ([(load, "fire_master")], [True])


GOOD = progress.encode({"id": "first", "ms": 5})


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"id": "chat", "data": {"lines": [GOOD, "no event", 5, GOOD]}}, 2),
        ({"id": "another", "data": {"lines": [GOOD]}}, 0),
        ({"id": ["chat"], "data": {"lines": [GOOD]}}, 0),
        ({"id": "chat", "data": {"lines": GOOD}}, 0),
        ({"id": "chat", "data": [GOOD]}, 0),
        ({"data": {"lines": [GOOD]}}, 0),
        (None, 0),
        ("text", 0),
    ],
)
def test_of_the_bus_only_events_of_the_runs_hosts_are_shown(told, found):
    assert minion_progress.events(told, {"chat"}) == [("chat", {"id": "first", "ms": 5})] * found


def test_a_host_tells_of_a_state_that_goes_on(said, monkeypatch):
    monkeypatch.setattr(progress, "STEP", 0.3)
    monkeypatch.setattr(progress, "TICK", 0.1)
    chunks = [{"state": "pkg", "fun": "installed", "name": "x", "__id__": "packages-are-installed", "__sls__": "p"}]
    host = load_state("mattermost_run_lock")
    monkeypatch.setattr(host, "sys", SimpleNamespace(stderr=said))
    handler = host._Progress(chunks)
    record = logging.LogRecord(
        "salt.state", logging.INFO, "", 0, "Executing state %s.%s for [%s]", ("pkg", "installed", "x"), None
    )
    progress.tell_part("the archive", "45 %")
    handler.emit(record)
    time.sleep(0.8)
    handler.emit(
        logging.LogRecord("salt.state", logging.INFO, "", 0, "Completed state [%s] duration %s", ("x", 812.5), None)
    )
    progress.tell_part("the archive")
    told = [progress.decode(line) for line in said.getvalue().splitlines()]
    assert [each["id"] for each in told] == ["packages-are-installed"] * len(told)
    assert told[0]["part"] == "the archive 45 %"
    assert told[0]["ms"] >= 300
    assert told[-1] == {"id": "packages-are-installed", "sls": "p", "ms": 812.5}
    time.sleep(0.5)
    assert len(said.getvalue().splitlines()) == len(told), "nothing more is said of a state that has ended"
