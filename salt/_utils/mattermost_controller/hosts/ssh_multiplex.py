"""Salt's ssh commands through the connection that is already open: no pseudo-terminal, progress as it happens.

While the multiplexed connection is open there is no password to type, so a plain subprocess does in about 0.02 s what takes
Salt's pseudo-terminal 0.4 s. ``salt_patches.ssh_by`` has the reasons.
"""

from __future__ import annotations

import io
import subprocess
import threading

import mattermost_progress

from mattermost_controller import salt_patches
from mattermost_controller.hosts import bounded


def multiplexed(on_event=None):
    """Return a context in which Salt's ssh commands run as plain subprocesses.

    on_event: called as ``on_event(address, event)`` for each progress event that a host reports.
    """
    return salt_patches.ssh_by(lambda address, argv: stream(argv, lambda event: on_event and on_event(address, event)))


def stream(argv: list[str], on_event) -> tuple[str, str, int]:
    """Run *argv*; return standard output, standard error without the progress lines, and the exit status.

    on_event: called with each event as it arrives.
    """
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    answer = bounded.Stream(process, process.stdout)
    rest = io.StringIO()  # a list of short lines would be eight times as large as they are

    def read_errors():
        left = bounded.LIMIT
        while line := process.stderr.readline(bounded.LIMIT):
            text = bounded.text(line)
            event = mattermost_progress.decode(text)
            if event is not None:
                on_event(event)
            elif len(line) <= left:
                left -= len(line)
                rest.write(text)

    reader = threading.Thread(target=read_errors, daemon=True)
    reader.start()
    rc = process.wait()
    answer.ended()
    # the connection's background master keeps standard error open: what was said by now is all there is
    reader.join(timeout=0.2)
    if answer.is_too_long:
        rest.write(str(bounded.TooLong()))
    return bounded.text(answer.found), rest.getvalue(), rc
