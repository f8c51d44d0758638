"""Where the report is printed, and what is printed beside it when the command asks for more."""

import io
import logging
import sys

import pytest
from mattermost_controller.reporting import console

from tests.unit.test_checkout import checkout  # noqa: F401

FILE = {"output": "json", "output_file": "/tmp/x"}


class Stream(io.StringIO):
    def __init__(self, is_terminal):
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self):
        return self._is_terminal


@pytest.fixture
def shown(monkeypatch):
    """A function that prints a report with a failure; returns standard output and error."""
    monkeypatch.setattr(console.Last, "printed", False)

    def show(opts, terminal=False):
        streams = Stream(terminal), Stream(terminal)
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        last = console.Last(lambda width, colour: ([f"told, {width}, {colour}"], ["Failed: x"]))
        last.show(opts, lambda: print("RESULTS"))
        return [stream.getvalue() for stream in streams]

    return show


def test_the_report_takes_the_place_of_salts_results_and_the_failure_is_on_standard_error(shown):
    assert shown({"log_level": "warning"}) == ["\ntold, 80, False\n", "\nFailed: x\n"]


@pytest.mark.parametrize("name", ["json", "highstate", "yaml", "quiet"])
def test_a_named_format_is_alone_on_standard_output(shown, name):
    assert shown({"output": name}) == ["RESULTS\n", "\nFailed: x\n"]


@pytest.mark.parametrize("opts", [{"log_level": "debug"}, {"log_level": "trace"}, {"output_file": "/tmp/x"}, FILE])
def test_with_debug_or_into_a_file_salts_results_come_before_the_report(shown, opts):
    assert shown(opts)[0] == "RESULTS\n\ntold, 80, False\n"


@pytest.mark.parametrize(
    ("terminal", "environment", "opts", "colour"),
    [
        (True, {}, {}, True),
        (False, {}, {}, False),
        (True, {"NO_COLOR": "1"}, {}, False),
        (True, {"NO_COLOR": ""}, {}, True),
        (True, {"TERM": "dumb"}, {}, False),
        (True, {}, {"no_color": True}, False),
        (False, {}, {"force_color": True}, True),
    ],
)
def test_colours_are_for_a_terminal_that_nobody_told_otherwise(shown, monkeypatch, terminal, environment, opts, colour):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "61")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert shown(opts, terminal)[0] == f"\ntold, {61 if terminal else 80}, {colour}\n"


def record(text, level=logging.ERROR, name="salt.state"):
    return logging.LogRecord(name, level, "x", 1, "%s", (text,), None)


def test_what_a_report_told_is_not_said_again_at_the_end(checkout, shown, monkeypatch):  # noqa: F811
    monkeypatch.setattr(checkout.atexit, "register", lambda _: None)
    words = checkout.LastWords()
    words.emit(record("Stage server failed"))
    shown({})
    words.tell()
    assert sys.stderr.getvalue() == "\nFailed: x\n"


@pytest.mark.parametrize(("level", "kept"), [(logging.WARNING, False), (logging.DEBUG, True)])
def test_a_failed_step_is_not_said_in_between_either_but_with_debug(checkout, level, kept):  # noqa: F811
    handler = logging.StreamHandler()
    handler.setLevel(level)
    checkout.hold_back(handler)
    assert bool(handler.filter(record("Stage server failed"))) == kept
    assert handler.filter(record("Rendering SLS failed", logging.CRITICAL))
    assert handler.filter(record("No matching targets", name="salt.client.ssh"))


class Closed(Stream):
    def write(self, text):
        raise BrokenPipeError


@pytest.mark.parametrize("fault", ["closed", "latin"])
def test_a_stream_that_takes_nothing_of_it_keeps_no_failure_back(monkeypatch, fault):
    monkeypatch.setattr(console.Last, "printed", False)
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Closed(False) if fault == "closed" else io.TextIOWrapper(raw, "latin-1"))
    monkeypatch.setattr(sys, "stderr", Stream(False))
    console.Last(lambda width, colour: (["M\u00fcller \u2026"], ["Failed: x"])).show({}, pytest.fail)
    assert sys.stderr.getvalue() == "\nFailed: x\n"
    assert raw.getvalue() == (b"" if fault == "closed" else b"\nM\xfcller \\u2026\n")


def test_a_failure_is_told_although_salts_results_cannot_be_printed(monkeypatch, capsys):
    monkeypatch.setattr(console.Last, "printed", False)

    def full():
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        console.Last(lambda width, colour: ([], ["Failed: x"])).show({"output": "json"}, full)
    assert (capsys.readouterr().err, console.Last.printed) == ("\nFailed: x\n", True)
