"""Hosts that a Salt master reaches by their minions: what ``roster.Host`` does over ssh, by jobs that end.

A master keeps the arguments and the answer of a job for a day: neither may hold a secret.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import ipaddress
import json
import os
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

import mattermost_json
import mattermost_progress
import mattermost_settings_core
from mattermost_lines import lines_of

from mattermost_controller.hosts import bounded, roster, seal

# orchestrations that a scenario runs by a minion; every other one refuses before anything is changed
_NAMES = "preflight ssl non-ssl verify status backup drill restore rollback rotate renew remove postgresql move import"
ORCHESTRATIONS = tuple(f"mattermost.{name}" for name in _NAMES.split())
# until a minion that lost its connection has heard its master again: it asks after five minutes by itself
HEARD_SECONDS = 360
AGAIN_SECONDS = 5  # between two questions, which may end at once
ATTEMPTS = 3  # on a busy machine a minion may be silent for longer than one takes
RESTART_ATTEMPTS = 4  # a minion that is restarted ends within 90 seconds, and starts if its job has ended by then
ANSWER_SECONDS = 15  # after which a minion that has not returned is asked whether its job is still running
BUSY_SECONDS = 20  # that it may take to say so
SLACK = 120  # seconds of a job beside what it runs
PAUSE = 0.05
TRIMMED = "VALUE_TRIMMED"  # in an event that was too long for the master's bus
CODE = """cd {folder}/utils && echo "code $(find . -path './mattermost_*' -name '*.py' -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c 1-64)"
echo "uid $(id -u)"
"""
_publishing = threading.Lock()
_ready: dict[str, dict] = {}  # the grains of the minions that have this code, by ID, in this process
_interrupted = threading.Event()
MOST_GRAINS = 1 << 20  # characters


class NoAnswer(RuntimeError):
    """A job did not come to an answer; the text is a sentence, and on a line of its own what to do."""


class NoMaster(NoAnswer):
    """The master took no job, or did not say whether it did."""


class Minion(roster.Host):
    """One minion of the master that this process runs on. host_id: the minion's ID, and the host's. opts: the master's."""

    def __init__(self, host_id: str, opts: dict):
        super().__init__(host_id, {}, {**opts, "pillar": {}})  # Salt would lay the orchestration's own over the host's
        self.address = "minion"
        self.greeting = "The minion answers and has the code of this bundle."
        self._patience = RESTART_ATTEMPTS
        self._taking, self._login = threading.Lock(), roster.Result(roster.UNREACHED, "", "")

    def job(self, function, arguments=(), named: dict | None = None, seconds: float | None = None, attempts=ATTEMPTS):
        """Return what *function* of Salt returns there. Raises NoAnswer.

        function: or a list of them, with a list of arguments for each. named: arguments by name. seconds: after which it is given up;
        without, it may take as long as the minion says that it is running. attempts: how often a silent one is asked whether it is; once if
        it did not answer the last time either.
        """
        import salt.client
        from salt.exceptions import SaltException

        until = time.monotonic() + seconds if seconds else None
        looks = patience = min(attempts, self._patience)  # another thread may lose its own meanwhile
        is_running = None
        try:
            with salt.client.get_local_client(mopts=dict(self._opts)) as client:
                with _publishing, contextlib.redirect_stdout(sys.stderr):  # Salt prints there that no minion is meant
                    job = client.run_job(
                        [self.id], function, arguments, "list", timeout=ANSWER_SECONDS, kwarg=named, listen=True
                    )
                while looks and job and job["minions"]:
                    if answer := self._answer(client, job["jid"], until):
                        self._patience = RESTART_ATTEMPTS
                        return answer[0]
                    looks -= 1
                    if looks == 0 and patience > 1 and is_running is not False:
                        is_running = self._is_running(job["jid"])
                        # one that has ended may still be sending its result, for half a minute
                        looks = {True: patience, False: 1, None: 0}[is_running]
        except NoAnswer:
            raise
        except (SaltException, OSError) as err:
            if "timed out" in str(err):
                raise NoMaster(
                    f"The Salt master did not answer in time. The job of this run may still be running on {self.id}.\n{self._look()}"
                ) from err
            raise NoMaster(
                f"The Salt master does not answer: {str(err).rstrip('.')}.\nStart salt-master on this machine, and run this command as the user that salt-master runs as."
            ) from err
        except (*bounded.ODD, RuntimeError) as err:
            raise self._odd(f": {type(err).__name__}: {_one_line(err)}.") from err
        if is_running is False:
            raise NoAnswer(
                f"The minion {self.id} answers, but the result of this job is lost, because the minion was restarted, the job was killed, or the master was too busy.\n"
                "Start this command again. If an upgrade is still running on the host, the new run first waits until that upgrade has ended."
            )
        self._patience = 1
        raise NoAnswer(
            f"The minion {self.id} does not answer.\nSee whether the minion's key is accepted (here: `salt-key -L`), and whether salt-minion runs on the host."
        )

    def _is_running(self, jid: str) -> bool | None:
        """Say whether the minion is running a job; None: it does not say."""
        try:
            found = self.job("saltutil.find_job", [jid], attempts=1)
        except NoAnswer:
            return None
        return bool(found) if isinstance(found, dict) else None

    def wait_until_heard(self) -> None:
        """Return when the minion hears its master, after states that may have cut their connection. Raises NoAnswer."""
        deadline = time.monotonic() + HEARD_SECONDS
        while True:
            try:
                self.job("test.ping", attempts=1)
                return
            except NoAnswer as err:
                if _interrupted.is_set():
                    raise
                if time.monotonic() > deadline:
                    if isinstance(err, NoMaster):
                        raise
                    raise NoAnswer(
                        f"The minion {self.id} applied its states, but has not received anything from its master for {HEARD_SECONDS // 60} minutes.\n"
                        f"Run on the host: systemctl restart salt-minion. Check that the host's firewall lets salt-minion reach the master. Then start this command again."
                    ) from err
            mattermost_progress.say(
                "salt", "the minion applied its states, but does not answer yet; asking again", self.id
            )
            _interrupted.wait(AGAIN_SECONDS)

    def _look(self) -> str:
        return f"See which jobs run on {self.id}: run `salt {self.id} saltutil.running` on the Salt master. When that job has ended, start the interrupted command again."

    def _odd(self, what: str = ".") -> NoAnswer:
        return NoAnswer(
            f"The minion {self.id} sent an answer that Salt never sends{what}\nCheck first whether somebody else controls that host. Then run: `salt {self.id} test.ping`."
        )

    def _answer(self, client, jid: str, until: float | None) -> list:
        """Wait for the answer of a job while its minion says that it is running; return it in a list, which is empty without one."""
        for told in client.get_iter_returns(
            jid, {self.id}, ANSWER_SECONDS, [self.id], "list", block=False, gather_job_timeout=BUSY_SECONDS
        ):
            if _interrupted.is_set():
                raise NoAnswer(f"The run was interrupted. Its job on {self.id} may still be running.\n{self._look()}")
            found = (told or {}).get(self.id) or {}
            if "ret" in found and found.get("out") != "no_return" and TRIMMED not in repr(found["ret"]):
                return [found["ret"]]
            if until and time.monotonic() > until:
                raise NoAnswer(f"The minion {self.id} did not finish its job in time.\n{self._look()}")
            if told is None:
                time.sleep(PAUSE)
        # an event that was missed, or too long for the bus: the master has it
        return [kept["ret"] for key, kept in (client.get_cache_returns(jid) or {}).items() if key == self.id]

    def connect(self) -> roster.Result:
        """Have the minion take over this bundle's code, once in a run, and compare it with the code here."""
        is_asked = self._taking.locked()  # by another thread, whose answer counts for this one
        with self._taking:
            if not is_asked:
                self._login = self._log_in()
            return self._login

    def _log_in(self) -> roster.Result:
        try:
            if self.id not in _ready:
                _ready[self.id] = self._take_code()
        except NoAnswer as err:
            return roster.Result(roster.UNREACHED, "", str(err))
        return roster.Result(0, "", "")

    def addresses(self) -> list[str]:
        """Return the addresses of the host, as its grains have them, once it is connected; IPv4 first."""
        grains, found = _ready.get(self.id, {}), []
        for name in ("ipv4", "ipv6"):
            given = grains.get(name)
            for each in given if isinstance(given, list) else []:
                with contextlib.suppress(ValueError):
                    known = ipaddress.ip_address(each)
                    # behind a % an IPv6 address takes any text
                    if not (known.is_loopback or known.is_link_local or "%" in str(known)):
                        found.append(str(known))
        return found

    def pillar(self, grains: dict) -> dict:
        """Return the host's pillar, compiled with the minion's own grains, as the master compiles it for the stages."""
        with interruptible():
            self.connect()
        found = super().pillar({**grains, **_ready.get(self.id, {}), "id": self.id})
        if self.id in _ready and "mattermost" not in found:  # defaults alone would undo what a deployed host has
            raise roster.TargetError(
                f"The master's pillar has no branch mattermost for {self.id}. In the pillar's top.sls, assign the host's settings to {self.id}."
            )
        return found

    def _wrong_files(self) -> str:
        return ""  # of a master's pillar the renderer is the judge: most of its files are of others

    def _take_code(self) -> dict:
        import salt.version

        asked = ["test.version", "config.get", "grains.items", "saltutil.sync_all"]
        told = self.job(asked, [[], ["extension_modules"], [], []], seconds=10 * SLACK)
        told = told if isinstance(told, dict) else {"test.version": told}
        here, there = salt.version.__version__, _one_line(told.get("test.version"))
        if there.partition(".")[0] != here.partition(".")[0]:
            raise NoAnswer(
                f"The minion {self.id} has Salt {there}, and the master has {here}.\nInstall the same major version of Salt on the minion and on the master."
            )
        if there != here:
            self.greeting = (
                f"The minion answers and has the code of this bundle. It runs Salt {there}, and the master runs {here}."
            )
        folder, grains = told.get("config.get"), told.get("grains.items")
        if not isinstance(folder, str) or not isinstance(grains, dict) or len(repr(grains)) > MOST_GRAINS:
            raise self._odd()
        if not all(isinstance(name, str) for name in grains):
            raise self._odd()
        held = self._run(CODE.format(folder=shlex.quote(folder)), SLACK)
        if held.rc:
            raise NoAnswer(held.err if held.rc == roster.UNREACHED else _one_line(held.err or held.out))
        facts = dict(line.split(" ", 1) for line in lines_of(held.out) if " " in line)
        if facts.get("uid") != "0":
            raise NoAnswer(
                f"The minion {self.id} does not run as root.\nSet `user: root` in the configuration of that salt-minion, and restart salt-minion."
            )
        if facts.get("code") != code_here():
            raise NoAnswer(
                f"The minion {self.id} and the master have different versions of this bundle's code.\nRun on the master `salt-run fileserver.update` and "
                "`salt-run saltutil.sync_all`, then start again."
            )
        return grains

    def run(self, script: str, timeout: float = 60, root: bool = True, is_private: bool = False) -> roster.Result:
        """Run a POSIX sh *script* on the host. Unless *is_private*, it and what it prints are kept in the master's job cache.

        timeout: seconds. Returns what it printed; never raises for a failure.
        """
        login = self.connect()
        if login.rc or not is_private:
            return login if login.rc else self._run(roster.PATH + script, timeout)
        return self.run_there(["/bin/sh", "-s"], (roster.PATH + script).encode(), timeout)

    def run_there(self, argv: list[str], data: bytes, timeout: float) -> roster.Result:
        """Run *argv* on the host, which holds no secrets, with *data* on its standard input. Never raises for a failure."""
        try:
            done = self.sealed(argv, data, timeout, bounded.LIMIT)
        except NoAnswer as err:
            return roster.Result(roster.UNREACHED, "", str(err))
        except bounded.TooLong as err:
            return roster.Result(roster.TIMEOUT_RC, "", str(err))
        return roster.Result(_status(done.returncode), bounded.text(done.stdout), bounded.text(done.stderr))

    def glance(self, command: str) -> str:
        """Each look would be one more job in the master's cache."""
        return ""

    def exchange(self, script: str, data: bytes, timeout: float, limit: int) -> subprocess.CompletedProcess:
        """Run a POSIX sh *script* with *data* on its standard input; neither that nor its output is kept in a form that others can read."""
        if (login := self.connect()).rc:
            raise NoAnswer(login.err)
        return self.sealed(["/bin/sh", "-c", roster.PATH + script], data, timeout, limit)

    def letter(self, data: bytes) -> tuple[str, bytes]:
        """Return *data* as an argument of a job that only this minion can read, and the key that opens its reply. Raises NoAnswer."""
        try:
            return seal.letter((Path(self._opts["pki_dir"]) / "minions" / self.id).read_bytes(), data)
        except (OSError, ValueError) as err:
            raise NoAnswer(
                f"The master's copy of the public key of {self.id} cannot be read: {str(err).rstrip('.')}.\nSee on the master: `salt-key -p {self.id}`"
            ) from err

    def sealed(self, argv: list[str], data: bytes, timeout: float, limit: int) -> subprocess.CompletedProcess:
        """Run *argv* on the host with *data* on its standard input; only this process and the minion can read either, and the answer.

        limit: bytes of each stream. Raises NoAnswer, and bounded.TooLong.
        """
        asked = {"argv": argv, "input": base64.b64encode(data).decode(), "timeout": timeout}
        letter, key = self.letter(json.dumps(asked).encode())
        answer = self.job("mattermost_moving.run", [letter], seconds=timeout + SLACK)
        try:
            code, *streams = mattermost_json.parse(seal.read(key, answer))
            out, err = (base64.b64decode(each) for each in streams)
            if type(code) is not int:
                raise TypeError
        except bounded.ODD:
            raise self._odd(f": {_one_line(str(answer)[-200:])}.") from None
        if max(len(out), len(err)) > limit:
            raise bounded.TooLong(limit)
        return subprocess.CompletedProcess(argv, code, out, err)

    def _run(self, script: str, timeout: float) -> roster.Result:
        # Salt makes line breaks of what a script writes as \n, so it travels encoded
        options = {
            "stdin": base64.b64encode(script.encode()).decode(),
            "timeout": timeout,
            "rstrip": False,
            "python_shell": True,
            "ignore_retcode": True,
            "output_loglevel": "quiet",
        }
        try:
            done = self.job("cmd.run_all", ["base64 -d | /bin/sh -s"], options, timeout + SLACK)
            if isinstance(done, str):
                return roster.Result(roster.UNREACHED, "", _one_line(done, 1000))
            if not isinstance(done, dict):
                raise self._odd()
            code, out, err = done.get("retcode"), done.get("stdout", ""), done.get("stderr", "")
            if code is None:
                return roster.Result(roster.TIMEOUT_RC, "", f"The host gave no answer within {timeout:g} s.")
            if type(code) is not int or not isinstance(out, str) or not isinstance(err, str):
                raise self._odd()
        except NoAnswer as err:
            return roster.Result(roster.UNREACHED, "", str(err))
        if len(out) + len(err) > bounded.LIMIT:
            return roster.Result(roster.TIMEOUT_RC, "", str(bounded.TooLong()))
        return roster.Result(_status(code), out, err)

    def send(self, local: str, remote: str, stage: str, timeout: float = 1800) -> roster.Result:
        """Refuse: no file of the controller reaches a minion."""
        return roster.Result(
            1,
            "",
            "with mattermost:engine: minion, no file can be copied to a host. Set mattermost:release:source to an https:// address",
        )

    def stream(self, script: str):
        """Refuse: a job takes no stream."""
        raise NoAnswer(
            "With mattermost:engine: minion, no data can be streamed to a host. Run this command from a checkout that reaches the host by ssh."
        )


def _one_line(text, most: int = 200) -> str:
    """Return what a minion says without line ends: what to do is a line of ours."""
    return " ".join(str(text)[:most].split())


def _status(code: int) -> int:
    """Return the exit status of a command that ran there."""
    return 254 if code == roster.UNREACHED else code


@contextlib.contextmanager
def interruptible():
    """Have the jobs that other threads wait for given up when this one is interrupted: the process waits for each thread."""
    try:
        yield
    except Exception:
        raise
    except BaseException:
        _interrupted.set()
        raise


def code_here() -> str:
    """Return the SHA-256 that CODE gives where the same files are."""
    folder = Path(mattermost_settings_core.__file__).parent
    found = {f"./{path.relative_to(folder)}": path for path in folder.rglob("mattermost_*/**/*.py")}
    found |= {f"./{path.name}": path for path in folder.glob("mattermost_*.py")}
    lines = [f"{hashlib.sha256(found[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(found)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def targets(opts: dict, wanted: list, orchestration: str) -> list[Minion]:
    """Return the minions of this run. wanted: ``mattermost:hosts``. orchestration: which one asks. Raises TargetError."""
    if orchestration not in ORCHESTRATIONS:
        raise roster.TargetError(
            f"{orchestration or 'This orchestration'} works only over ssh, but mattermost:engine is set to minion. Run it "
            "from a checkout that reaches the host by ssh, where mattermost:engine is ssh (docs/salt-master.md)."
        )
    if not wanted:
        raise roster.TargetError(
            "mattermost:engine is set to minion, but mattermost:hosts is empty. List the IDs of the minions of this deployment in mattermost:hosts."
        )
    for option in ("saltenv", "pillarenv"):
        if opts.get(option) not in (None, "base"):
            raise roster.TargetError(
                f"{option} is {opts[option]}, but orchestrations by minions work only in the environment base. Leave {option} out."
            )
    _take_tree(opts)
    return [Minion(str(name), opts) for name in wanted]


def _take_tree(opts: dict) -> None:
    """Have the tree below one of ``file_roots``, for this process: what serves it may keep it elsewhere, as gitfs does."""
    import salt.fileclient

    roots = list((opts.get("file_roots") or {}).get("base") or [])
    if _has_tree(roots):
        return
    with salt.fileclient.get_file_client(dict(opts)) as client:
        client.cache_dir("salt://mattermost", "base")
    roots.append(os.path.join(opts["cachedir"], "files/base"))
    if not _has_tree(roots):
        raise roster.TargetError(
            "The master serves no mattermost/schema.yaml in the environment base. Add the folder salt/ of this bundle "
            "to file_roots, or its repository to gitfs_remotes (docs/salt-master.md)."
        )
    opts["file_roots"] = {**(opts.get("file_roots") or {}), "base": roots}


def _has_tree(roots: list) -> bool:
    return any(os.path.isfile(os.path.join(root, "mattermost/schema.yaml")) for root in roots)
