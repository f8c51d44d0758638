"""Salt's ssh commands through the connection that is already open: no pseudo-terminal, progress as it happens.

Salt's ``Shell._run_cmd`` starts each ssh and scp under a pseudo-terminal to type passwords, and closing that takes about
0.4 s; a state run makes six such calls (Salt 3008.2). Once the multiplexed connection stands there is nothing to type,
so a plain subprocess does the same in about 0.02 s. Falls back to Salt's way where a password may be asked for (sudo).
"""

from __future__ import annotations

import contextlib
import subprocess
import threading

import mattermost_progress


@contextlib.contextmanager
def multiplexed(on_event=None):
    """Within this context Salt's ssh commands run as plain subprocesses.

    on_event: called as ``on_event(address, event)`` for each progress event that a host reports.
    """
    from salt.client.ssh.shell import Shell

    original = Shell._run_cmd

    def run(self, cmd, key_accept=False, passwd_retries=3):
        if self.passwd and self.sudo:
            return original(self, cmd, key_accept, passwd_retries)
        return stream(self._split_cmd(cmd), lambda event: on_event and on_event(self.host, event))

    Shell._run_cmd = run
    try:
        yield
    finally:
        Shell._run_cmd = original


def stream(argv: list[str], on_event) -> tuple[str, str, int]:
    """Run *argv*; return standard output, standard error without the progress lines, and the exit status.

    on_event: called with each event as it arrives.
    """
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    rest = []

    def read_errors():
        for line in process.stderr:
            event = mattermost_progress.decode(line)
            if event is None:
                rest.append(line)
            else:
                on_event(event)

    reader = threading.Thread(target=read_errors, daemon=True)
    reader.start()
    out = process.stdout.read()
    rc = process.wait()
    # the connection's background master keeps standard error open: what was said by now is all there is
    reader.join(timeout=0.2)
    return out, "".join(rest), rc
