"""Prepare `salt-run` and `salt-ssh` of this checkout: Salt loads log handlers before anything else of this tree.

Puts ``utils_dirs`` on the controller's import path (Salt itself does that for ``salt-run`` only), applies the patches of Salt
(``mattermost_controller/salt_patches.py``), and refuses what would fail later with a message that does not name the cause:
another release line of Salt, a cache that belongs to another user or is on a full disk, a mistyped
command, a pillar or roster that cannot be read.
It lies outside of ``salt/`` because Salt copies every ``_log_handlers`` that a master serves to all of its minions.
"""

from __future__ import annotations

import atexit
import logging
import os
import pwd
import re
import sys

__virtualname__ = "mattermost_checkout"

TESTED = ("3008.2", "3008.3")  # docs/salt-versions.md: what to run before one is added
LEAST = 20  # MiB; Salt keeps there what it sends to hosts
COMMANDS = ("salt-run", "salt-ssh")  # a daemon that reads the same configuration is left alone


def __virtual__():
    return __virtualname__


def setup_handlers():
    """Prepare this process; return the handler of the last words. Ends the process with one sentence when it cannot work."""
    import salt._logging
    import salt.version

    program = os.path.basename(sys.argv[0])
    if program not in COMMANDS:
        return False  # Salt's word for "no handler"
    found = salt.version.__version__
    folder = __opts__["root_dir"]
    trouble = wrong_salt(found) or wrong_owner(folder, os.geteuid()) or full_disk(folder)
    if trouble:
        print(trouble, file=sys.stderr)
        sys.exit(1)
    if found not in TESTED:
        print(untested_salt(found), file=sys.stderr)
    for folder in map(os.path.abspath, __opts__["utils_dirs"]):
        if folder not in sys.path:
            sys.path.append(folder)
    from mattermost_controller import salt_patches
    from mattermost_controller.given import command, files, interrupt

    if trouble := command.wrong(program, __opts__) or files.wrong(__opts__):
        print(trouble, file=sys.stderr)
        sys.exit(1)
    interrupt.take_over()
    salt_patches.make_job_folder(__opts__["cachedir"])
    salt_patches.fire_no_events_without_a_master(__opts__["sock_dir"])
    salt_patches.say_nothing_of_unclosed_objects()
    salt_patches.take_paths_with_blanks()
    salt_patches.speak_to_any_login_shell()
    salt_patches.lose_no_last_words()
    salt_patches.empty_no_folder_of_others()
    salt_patches.look_for_extensions_once()
    salt_patches.list_folders_once()
    salt_patches.ask_options_for_no_copy()
    for logger in ("salt.pillar", "salt.utils.templates"):
        logging.getLogger(logger).addFilter(without_values)
    if program == "salt-run":
        hold_back(salt._logging.get_console_handler())
    if program == "salt-ssh":
        salt_patches.take_only_the_checked_relenv()
        salt_patches.enter_no_folder_of_others()
        salt_patches.name_the_way_without_python()
        salt_patches.refuse_unmatched_targets()
    return LastWords()


def hold_back(console) -> None:
    """Keep failed steps off *console*, Salt's handler of standard error: they are said once, at the end. ``-l debug`` shows all."""
    if console and console.level > logging.DEBUG:
        console.addFilter(lambda record: record.name != "salt.state" or record.levelno != logging.ERROR)


def without_values(record) -> bool:
    """Keep off every log what Salt shows of a template that does not render: its text, passwords of the pillar among it."""
    failed = record.exc_info and record.exc_info[1]
    if not failed:
        return not record.getMessage().startswith("Pillar render error")
    line = getattr(failed, "line_num", None)
    name = re.match("Rendering SLS '([^']*)'", record.getMessage())
    record.msg = (
        f"The pillar file of {name[1]} cannot be rendered{f': see line {line} of that file' if line else ''}."
        if name
        else ""
    )
    record.args = record.exc_info = None
    return bool(name)


class LastWords(logging.Handler):
    """Says as the very last thing what failed, of a command that did not come to a report of ours (mattermost_report)."""

    CHANGES = "{"  # of a failed step that changed something: the step itself says why it failed
    FOLLOWER = "One or more requisite failed"
    APPENDICES = ("\nAll findings:", "\nState:")  # of preflight and status: their tables stand above

    def __init__(self):
        super().__init__(logging.ERROR)
        self.said = []

    def emit(self, record):
        """Keep the comment of a failed step; Salt's state engine logs each one as an error."""
        text = record.getMessage().strip()
        if record.name != "salt.state" or not text or text.startswith((self.FOLLOWER, self.CHANGES)):
            return
        if not self.said:
            atexit.register(self.tell)
        for appendix in self.APPENDICES:
            text = text.partition(appendix)[0]
        self.said.append(text.strip())

    def tell(self):
        """Print what was kept, after everything else."""
        from mattermost_controller.reporting import console

        if console.Last.printed:
            return
        sys.stdout.flush()
        print("\nFailed. " + "\n".join(self.said), file=sys.stderr, flush=True)


def wrong_salt(found: str) -> str:
    """Return why this tree does not run with Salt *found* and what to do, '' for any version of a tested release line."""
    tested = sorted({_line(version) for version in TESTED})
    if _line(found) in tested:
        return ""
    reason = (
        "has no salt-ssh --relenv, which hosts without a usable Python need"
        if _line(found) < tested[0]
        else "is a release line that this bundle was never tested with"
    )
    return (
        f"Salt {found} ({sys.prefix}) {reason}. This bundle needs Salt {tested[-1]} (tested: {', '.join(TESTED)}). "
        "Run `make setup` in the checkout and `. .venv/bin/activate`, then start the command again."
    )


def untested_salt(found: str) -> str:
    """Return the one line of warning for *found*, another version of a tested release line."""
    return (
        f"Warning: Salt {found} was not tested with this bundle (tested: {', '.join(TESTED)}). The command continues."
    )


def _line(version: str) -> int:
    """Return the release line of a version: 3008 of 3008.2."""
    return int(version.partition(".")[0])


def wrong_owner(folder: str, user: int) -> str:
    """Return what to do when Salt's *folder* belongs to another user than *user* (a uid), else ''."""
    try:
        owner = os.stat(folder).st_uid
    except FileNotFoundError:
        return ""
    if owner == user:
        return ""
    return (
        f"{folder} belongs to {_name(owner)}, but this command runs as {_name(user)}. Two accounts cannot share Salt's cache. "
        f"Run the command as {_name(owner)}, or remove {folder}. It contains Salt's cache, and the ssh key for hosts that have no `priv` in the roster."
    )


def full_disk(folder: str) -> str:
    """Return what to do when Salt's *folder* is on a disk that is full, else ''."""
    place = folder if os.path.isdir(folder) else os.path.dirname(os.path.abspath(folder))
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize >> 20
    if free >= LEAST and (found.f_favail or not found.f_files):
        return ""
    what = f"{free} MiB" if free < LEAST else "no room for another file"
    return (
        f"On this machine, the disk of {folder} has {what} left, and Salt needs {LEAST} MiB for its cache there. "
        "Nothing was changed. Remove files from that disk, then start the command again."
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
