"""Log lines as the server writes them: JSON on the console and in ``mattermost.log``."""

from __future__ import annotations

import datetime
import json
import os
import sys
from typing import Any, TextIO

from . import paths

LEVELS = {"trace": 6, "debug": 5, "info": 4, "warn": 3, "error": 2, "fatal": 1, "panic": 0}


class LevelError(ValueError):
    """A level that does not exist."""


def level_number(name: str) -> int:
    try:
        return LEVELS[name.lower()]
    except KeyError:
        raise LevelError(f"failed to initialize logging: {name.lower()} is not a standard level") from None


class Log:
    """console: the stream, or None. level, file_level: least important level that is written."""

    def __init__(self, console: TextIO | None = sys.stdout, level: str = "INFO", as_json: bool = True):
        self.console, self.level, self.as_json = console, level_number(level), as_json
        self.file: TextIO | None = None
        self.file_level, self.file_json = 0, True

    def configure(self, settings: dict[str, Any], console: TextIO) -> None:
        """Take LogSettings. Raises LevelError; a file that cannot be opened is only reported on stderr."""
        level, file_level = level_number(settings["ConsoleLevel"]), level_number(settings["FileLevel"])
        self.console = console if settings["EnableConsole"] else None
        self.level, self.as_json = level, settings["ConsoleJson"]
        self.file_level, self.file_json = file_level, settings["FileJson"]
        if settings["EnableFile"]:
            self._open(
                os.path.join(settings["FileLocation"] or paths.find_directory("logs") or "logs", "mattermost.log")
            )

    def _open(self, path: str) -> None:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            self.file = os.fdopen(handle, "a", buffering=1, encoding="utf-8")
        except OSError as error:
            print(f"can't open new logfile: open {path}: {error.strerror.lower()}", file=sys.stderr, flush=True)

    def write(self, level: str, message: str, caller: str = "app/server.go:1", **fields: Any) -> None:
        number = LEVELS[level]
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp = now.strftime("%Y-%m-%d %H:%M:%S.") + f"{now.microsecond // 1000:03d} Z"
        record = {"timestamp": stamp, "level": level, "msg": message, "caller": caller, **fields}
        if self.console is not None and number <= self.level:
            self._put(self.console, record, self.as_json)
        if self.file is not None and number <= self.file_level:
            self._put(self.file, record, self.file_json)

    @staticmethod
    def _put(stream: TextIO, record: dict, as_json: bool) -> None:
        if as_json:
            line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)
        else:
            extra = " ".join(f"{key}={json.dumps(value, default=str)}" for key, value in list(record.items())[2:])
            line = f"{record['level']:<5} [{record['timestamp']}] {extra}"
        try:
            stream.write(line + "\n")
            stream.flush()
        except OSError:
            pass  # a full disk under the log never stops the server

    def debug(self, message: str, **fields: Any) -> None:
        self.write("debug", message, **fields)

    def info(self, message: str, **fields: Any) -> None:
        self.write("info", message, **fields)

    def warn(self, message: str, **fields: Any) -> None:
        self.write("warn", message, **fields)

    def error(self, message: str, **fields: Any) -> None:
        self.write("error", message, **fields)

    def fatal(self, message: str, **fields: Any) -> None:
        self.write("fatal", message, **fields)
