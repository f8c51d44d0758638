"""The report on this process's terminal or pipes, at its end."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys

from mattermost_controller.reporting import screen

VERBOSE = ("debug", "trace", "garbage", "all", "profile")  # log levels at which Salt's whole results are shown too

REPORTING = ("mattermost_report_|-", "mattermost_status_|-")  # how the tags of such steps begin


class Last:
    """What stays to be printed when the run is over.

    text: called with columns and whether there are colours, returns the lines for standard output and those on what failed.
    """

    printed = False  # whether any was, in this process: then nobody else has to say what failed

    def __init__(self, text):
        self._text = text

    def is_of(self, data) -> bool:
        """Return whether *data*, an orchestration's result in what Salt wraps it in, has a step of its own that tells a report."""
        while isinstance(data, dict) and not any("_|-" in key for key in data):
            data = data["data"] if "data" in data else next(iter(data.values()), None)
        return isinstance(data, dict) and any(key.startswith(REPORTING) for key in data)

    def show(self, opts: dict, results) -> None:
        """Print the report, and before or instead of it Salt's *results*, a function, as *opts* of the command ask.

        ``--out`` gives Salt's results alone on standard output; ``-l debug`` gives both, and so does ``--out-file``, which has the results.
        """
        is_data = bool(opts.get("output")) and not opts.get("output_file")
        try:
            if is_data or opts.get("output_file") or opts.get("log_level") in VERBOSE:
                results()
            if not is_data:
                self._print(self._text(*_terminal(sys.stdout, opts))[0], sys.stdout)
        finally:
            self._print(self._text(*_terminal(sys.stderr, opts))[1], sys.stderr)
            Last.printed = True

    def _print(self, lines, stream):
        encoding = stream.encoding or "utf-8"
        text = "\n".join(["", *lines]).encode(encoding, "backslashreplace").decode(encoding)
        with contextlib.suppress(BrokenPipeError):  # who reads it went away
            if lines:
                print(text, file=stream, flush=True)


def _terminal(stream, opts: dict) -> tuple[int, bool]:
    """Return how many columns *stream* has and whether it shows colours. opts: Salt's, with ``no_color`` and ``force_color``."""
    is_terminal = stream.isatty()
    width = shutil.get_terminal_size((screen.WIDTH, 24)).columns if is_terminal else screen.WIDTH
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or opts.get("no_color")
    return width, bool(opts.get("force_color") or (is_terminal and not plain))
