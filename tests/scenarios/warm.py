"""Salt's commands from a process that has imported Salt already: each one is a fork of it, a second of processor time cheaper.

What a user types is what runs, from the parsing of the command line on. Tests that look at processes by name start the
programs themselves.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

# what the commands import one by one as they go
IMPORTED = """
salt.cli.call salt.cli.run salt.cli.salt salt.cli.ssh salt.client.ssh salt.client.ssh.state salt.client.ssh.wrapper salt.client.mixins salt.fileserver
salt.loader salt.minion salt.output salt.pillar salt.roster salt.runner salt.scripts salt.state salt.utils.event
salt.utils.jinja salt.utils.templates salt.utils.thin salt.wheel salt.transport.tcp salt.utils.reactor jinja2 jsonschema
cryptography.x509 requests http.server
""".split()
COMMANDS = {"salt": "salt_main", "salt-call": "salt_call", "salt-run": "salt_run", "salt-ssh": "salt_ssh"}


class Warm:
    """The process, started by the first command. Ends with its parent."""

    def __init__(self):
        self._door = None

    def run(self, argv, *, cwd, env, timeout) -> subprocess.CompletedProcess:
        """`subprocess.run` of a command of `COMMANDS`, its output captured as text."""
        if self._door is None:
            self._door, inside = socket.socketpair()
            command = [sys.executable, "-m", "tests.scenarios.warm", str(inside.fileno())]
            subprocess.Popen(command, cwd=Path(__file__).parents[2], pass_fds=[inside.fileno()])
            inside.close()
        with contextlib.ExitStack() as stack:
            out, err = (stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(2))
            ours, theirs = map(stack.enter_context, socket.socketpair())
            request = stack.enter_context(tempfile.TemporaryFile("w+"))
            json.dump({"argv": list(map(str, argv)), "cwd": str(cwd), "env": dict(env)}, request)
            request.flush()
            socket.send_fds(self._door, [b"."], [request.fileno(), out.fileno(), err.fileno(), theirs.fileno()])
            theirs.close()
            ours.settimeout(60)
            pid = int(ours.recv(20))
            ours.settimeout(timeout)
            try:
                status = int(ours.recv(20) or -signal.SIGKILL)
            except TimeoutError:
                os.killpg(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(argv, timeout) from None
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(argv, status, out.read(), err.read())


def serve(door) -> None:
    for name in IMPORTED:
        __import__(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while True:
        word, fds, *_ = socket.recv_fds(door, 1, 4)
        if not word:
            return
        if os.fork() == 0:
            door.close()
            _wait_for(*fds)
        for fd in fds:
            os.close(fd)


def _wait_for(request, out, err, answer) -> None:
    """Fork the command, tell its process ID and, when it ended, its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(answer)
        _become(request, out, err)
    os.close(out)
    os.close(err)
    os.write(answer, b"%-20d" % pid)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        os.write(answer, b"%-20d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(request, out, err) -> None:
    os.setsid()
    with os.fdopen(request) as file:
        file.seek(0)
        asked = json.load(file)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, fd in enumerate((nothing, out, err)):
        os.dup2(fd, number)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    program = asked["argv"][0]
    sys.argv = [str(Path(sys.executable).parent / program), *asked["argv"][1:]]
    import salt.scripts

    status = 0
    try:
        getattr(salt.scripts, COMMANDS[program])()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    import atexit

    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
