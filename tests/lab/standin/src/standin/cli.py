"""``mattermost``: read the command line, hand over. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import os
import signal
import sys

from . import build_file, faults, usage
from .versions import Build


class UsageError(Exception):
    """A command line that cannot be understood: message, then the usage."""

    def __init__(self, message: str, text: str = usage.ROOT):
        super().__init__(message)
        self.message, self.text = message, text


def split(arguments: list[str]) -> tuple[list[str], dict[str, str], str]:
    """Return words, flags (``--name=value`` as a pair, bare ones as ``true``) and the value of ``--config``."""
    words, flags, config = [], {}, ""
    rest = list(arguments)
    while rest:
        item = rest.pop(0)
        name, equals, value = item.partition("=")
        if name in ("-c", "--config"):
            if not equals and not rest:
                raise UsageError(f"flag needs an argument: {item}")
            config = value if equals else rest.pop(0)
        elif item.startswith("-") and item != "-":
            flags[name.lstrip("-")] = value if equals else "true"
        else:
            words.append(item)
    return words, flags, config


def fail(message: str, text: str) -> int:
    print("\n".join(part for part in (f"Error: {message}", text) if part), file=sys.stderr)
    return 1


def _config(build: Build, path: str, write: bool):
    """Load the configuration. Raises UsageError in the real server's words."""
    from .config_backing import IN_DATABASE, ConfigError, StoreError
    from .config_store import ConfigStore
    from .paths import find

    place = path or os.environ.get("MM_CONFIG", "") or "config/config.json"
    if not place.startswith(IN_DATABASE):
        place = find(place) or os.path.abspath(place)
    try:
        store = ConfigStore(build, place, os.environ)
        store.load(write)
    except StoreError as error:
        raise UsageError(f"failed to load configuration: {error}") from None
    except ConfigError as error:
        raise UsageError(
            f"failed to load configuration: failed to create store: unable to load on store creation: {error}"
        ) from None
    return store


def serve(build: Build, words: list[str], config_path: str) -> int:
    """words: none where the server is only the default; then the usage follows a refused configuration."""
    from .log import LevelError
    from .paths import find_directory

    switches = faults.read()
    if switches.fail_start:
        raise UsageError("the fault switch STANDIN_FAULT_FAIL_START is set")
    if find_directory("i18n") is None:
        raise UsageError("unable to load Mattermost translation files: unable to find i18n directory")
    try:
        config = _config(build, config_path, write=True)
    except UsageError as error:
        if build.at_least(11, 0) and words:
            raise UsageError(error.message, "") from None
        raise
    from . import server

    try:
        return server.run(build, config, switches)
    except LevelError as error:
        raise UsageError(str(error)) from None


def main(arguments: list[str], build: Build) -> int:
    words, flags, config = split(arguments)
    command = words[0] if words else "server"
    if command == "help" or "help" in flags or "h" in flags:
        print(usage.ROOT, end="")
        return 0
    if command == "db":
        from . import cli_db

        return cli_db.run(build, words[1:], flags, lambda: _config(build, config, write=False))
    unknown = sorted(set(flags) - {"disableconfigwatch"})
    if unknown:
        raise UsageError(f"unknown flag: --{unknown[0]}")
    if command == "version":
        print("\n".join(build.version_lines()))
        return 0
    if command == "server":
        return serve(build, words, config)
    raise UsageError(f'unknown command "{command}" for "mattermost"', "Run 'mattermost --help' for usage.")


def entry() -> None:
    """The program's start: a signal before READY kills at once, as no handler is set yet."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        code = main(sys.argv[1:], build_file.load())
    except UsageError as error:
        code = fail(error.message, error.text)
    sys.stdout.flush()
    raise SystemExit(code)
