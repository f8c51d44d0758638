"""What a person reads while a run goes on: claims in words, what took long for good, the rest on a terminal alone."""

from types import SimpleNamespace

import mattermost_progress as progress
import pytest

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
    assert progress.harmless("\x1b\x07\x85\u2028\u202e\u2066\ud800") == r"\x1b\x07\x85\u2028\u202e\u2066\ud800"
