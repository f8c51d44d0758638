"""The hosts of a run, from the roster, and plain ssh to them: for what must be known or done without Salt on the host.

With ``mattermost:engine: minion`` they are minions of this master instead (`minion`), which do the same by jobs.

Uses Salt's own shell for the login, so that keys, passwords and options work as in ``salt-ssh``; every
further command goes through that one multiplexed connection, its script on standard input, never in an argument.
"""

from __future__ import annotations

import copy
import functools
import os
import shlex
import subprocess
from concurrent import futures
from typing import NamedTuple

import mattermost_progress

from mattermost_controller import salt_patches
from mattermost_controller.given import files
from mattermost_controller.hosts import bounded, login_shell

CONTROL_SECONDS = 60
LOGIN_SECONDS = 180  # until then a login has ended; ssh itself ends only one that finds nobody
TIMEOUT_RC = 124
UNREACHED = 255  # ssh's exit status where it did not come to the host; a minion's text is then ours, with what to do on a line of its own
_DATA = "mattermost-data-begins"
# sudo may or may not ask for the password: whatever stands before the mark is no data, and never a command
_SKIP = f'while IFS= read -r line; do [ "$line" != {_DATA} ] || break; done\n'
# where our programs are; sudo's secure_path on EL has neither of the first two
PATH = "PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin; export PATH\n"
_override: dict = {}  # hosts and settings that the run itself named, see `override_hosts`


class TargetError(ValueError):
    """The hosts of this run cannot be told; the text is one sentence that says what to do."""


class Result(NamedTuple):
    """What a command on a host returned: exit status (``UNREACHED`` = ssh itself failed, ``TIMEOUT_RC`` = time-out) and both streams."""

    rc: int
    out: str
    err: str


@functools.cache
def _ssh_version():
    import salt.client.ssh

    return salt.client.ssh.ssh_version()


class Host:
    """One roster entry.

    id: roster ID. entry: the roster's dict. address: name or address to connect to. user, port: of the login. options: its
    ``minion_opts``. greeting: what is told of a login that worked.
    """

    def __init__(self, host_id: str, entry: dict, opts: dict):
        self.id = host_id
        self.entry = entry
        self.address = entry.get("host", host_id)
        self.options = entry.get("minion_opts") or {}
        self.user = entry.get("user") or opts.get("ssh_user") or "root"
        self.port = str(entry.get("port") or opts.get("ssh_port") or 22)
        self.greeting = f"{self.address} accepts the login of {self.user}."
        self._opts = opts
        self._settings: dict[tuple, dict] = {}
        self._pillars: dict[str, dict] = {}

    def __repr__(self):
        return f"Host({self.id})"

    def _shell(self):
        import salt.client.ssh.shell

        opts = {"_ssh_version": _ssh_version(), **self._opts}
        entry = self.entry
        priv = entry.get("priv") or opts.get("ssh_priv") or os.path.join(opts["pki_dir"], "ssh", "salt-ssh.rsa")
        if not os.path.isfile(priv) and priv != "agent-forwarding" and not entry.get("priv"):
            salt.client.ssh.shell.gen_key(priv)
        options = list(entry.get("ssh_options") or opts.get("ssh_options") or [])
        if not any(option.startswith("ControlPath") for option in options):
            path = os.path.join(opts["root_dir"], "cm-%C")
            options += ["ControlMaster=auto", f"ControlPath={path}", f"ControlPersist={CONTROL_SECONDS}"]
        return salt.client.ssh.shell.Shell(
            opts,
            host=self.address,
            user=self.user,
            port=self.port,
            passwd=entry.get("passwd", opts.get("ssh_passwd")),
            priv=priv,
            priv_passwd=entry.get("priv_passwd", opts.get("ssh_priv_passwd")),
            timeout=entry.get("timeout", 20),
            identities_only=entry.get("identities_only", False),
            ssh_options=options,
            keepalive=True,
            keepalive_interval=15,
            keepalive_count_max=4,
        )

    def connect(self) -> Result:
        """Log in as ``salt-ssh`` would unless a connection is open; it stays for the commands that follow.

        Asked before each of them: it ends after an idle minute, and nothing but Salt's login types a password.
        """
        if self._has_connection():
            return Result(0, "", "")
        try:
            out, err, rc = bounded.within(LOGIN_SECONDS, lambda: self._shell().exec_cmd("true"))
        except futures.TimeoutError:  # the same as TimeoutError since Python 3.11
            return Result(UNREACHED, "", f"The login timed out after {LOGIN_SECONDS} s.")
        return Result(rc, out or "", err or "")

    def _has_connection(self) -> bool:
        """Say whether a connection from before is still open: asking takes 3 ms, Salt's login a quarter of a second."""
        program, *rest = self.command("true")
        try:
            return subprocess.run([program, "-O", "check", *rest], capture_output=True, timeout=5).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def command(self, remote: str) -> list[str]:
        """Return the ssh command, as an argument list, that runs *remote* through this host's connection."""
        program, *rest = salt_patches.ssh_command(self._shell())
        return [program, "-o", "BatchMode=yes", *rest, remote]  # an error where ssh would ask at the terminal

    def run(self, script: str, timeout: float = 60, root: bool = True, is_private: bool = False) -> Result:
        """Run a POSIX sh *script* on the host, as root unless told otherwise (by sudo where the roster says so).

        timeout: seconds. is_private: whether it holds a secret, or prints one: over ssh nobody keeps either.
        The script travels on standard input. Returns what it printed; never raises for a failure.
        """
        login = self.connect()
        if login.rc != 0:
            return Result(UNREACHED, login.out, login.err)
        remote, feed = "/bin/sh -s", PATH + script
        if root and self.entry.get("sudo"):
            remote, preface = self._sudo("exec /bin/sh -s")
            feed = preface + feed
        try:
            done = bounded.run(self.command(remote), feed.encode(), timeout)
        except subprocess.TimeoutExpired as late:
            return Result(TIMEOUT_RC, bounded.text(late.stdout), f"The host gave no answer within {timeout:g} s.")
        except bounded.TooLong as err:
            return Result(TIMEOUT_RC, "", str(err))
        return Result(done.returncode, bounded.text(done.stdout), bounded.text(done.stderr))

    def send(self, local: str, remote: str, stage: str, timeout: float = 1800) -> Result:
        """Copy the file *local* to the path *remote* on the host, as root, mode 0600.

        stage: whose progress it is. timeout: seconds.
        """
        login = self.connect()
        if login.rc != 0:
            return Result(UNREACHED, login.out, login.err)
        target, size = shlex.quote(remote), os.path.getsize(local)
        # to cat an end that came too early is an end
        argv, preface = self.stream(
            f'umask 077; cat >{target}.part || exit 1; [ "$(wc -c <{target}.part)" -eq {size} ] || '
            f"{{ echo 'the transfer was incomplete' >&2; exit 1; }}; mv {target}.part {target}"
        )
        first, writing = os.pipe()
        os.write(writing, preface)
        os.close(writing)
        feeding = ["cat", f"/dev/fd/{first}", "-"]
        try:
            with (
                open(local, "rb") as file,
                mattermost_progress.waiting(
                    stage, f"copying {os.path.basename(local)}", self.id, lambda: mattermost_progress.sent(file, size)
                ),
                subprocess.Popen(feeding, stdin=file, stdout=subprocess.PIPE, pass_fds=[first]) as feed,
            ):
                done = bounded.run(argv, feed.stdout, timeout)
        except bounded.TooLong as err:
            return Result(TIMEOUT_RC, "", str(err))
        except subprocess.TimeoutExpired:
            return Result(
                TIMEOUT_RC, "", f"the copy of {local} did not end within {timeout:g} s. Start the same command again"
            )
        finally:
            os.close(first)
        return Result(done.returncode, bounded.text(done.stdout), bounded.text(done.stderr))

    def glance(self, command: str) -> str:
        """Return the first line that *command* prints on the host, "" where it says nothing at once. For who waits and tells how far that is."""
        done = self.run(command, timeout=10)
        return done.out.partition("\n")[0] if done.rc == 0 else ""

    def stream(self, script: str) -> tuple[list[str], bytes]:
        """Return the command (argument list) that runs a POSIX sh *script* as root, and the bytes to write to it first.

        For what Host.run is not for: data of any length on standard input and output. The script is an argument there,
        so it holds no secrets. Logs in again where that is needed; when that fails, so will the command.
        """
        self.connect()
        script = PATH + script
        if not self.entry.get("sudo"):
            return self.command(login_shell.in_sh(script)), b""
        remote, preface = self._sudo(script)
        return self.command(remote), preface.encode()

    def exchange(self, script: str, data: bytes, timeout: float, limit: int):
        """Run a POSIX sh *script* as root, which holds no secrets, with *data* on its standard input; return what `bounded.run` does."""
        argv, preface = self.stream(script)
        return bounded.run(argv, preface + data, timeout, limit)

    def _sudo(self, script: str) -> tuple[str, str]:
        """Return the words that run *script* by sudo, and what its standard input has to begin with: the password travels there."""
        password = self.entry.get("passwd")
        if not password:
            return f"sudo -n {login_shell.in_sh(script)}", ""
        return f"sudo -S -p '' {login_shell.in_sh(_SKIP + script)}", f"{password}\n{_DATA}\n"

    def settings(self, grains: dict) -> dict:
        """Return the host's merged settings: its pillar compiled here, the roster's options on top.

        grains: os, os_family, osmajorrelease, cpuarch of the host. Raises SettingsError with every fault.
        Merged once for the same grains.
        """
        import mattermost_settings_core as core
        import mattermost_settings_data

        key = (*sorted(grains.items()), repr(run_settings()), repr(listed()))
        if key not in self._settings:
            self._settings[key] = self._merged(core, mattermost_settings_data, grains)
        return copy.deepcopy(self._settings[key])

    def _merged(self, core, data, grains: dict) -> dict:
        merged = core.merge(
            data.with_listed(data.load(self._opts["file_roots"]["base"]), listed()),
            _over(self.pillar(grains).get("mattermost") or {}),
            self.options,
            grains,
            self.id,
        )
        merged["doubts"] += files.doubts(self.entry)
        return merged

    def pillar(self, grains: dict) -> dict:
        """Return the host's pillar, compiled on the controller. Raises TargetError when it does not render.

        Once for the same grains: each time costs a tenth of a second.
        """
        import salt.pillar

        if (key := repr(sorted(grains.items()))) not in self._pillars:
            if wrong := self._wrong_files():
                raise TargetError(wrong)
            compiled = salt.pillar.Pillar(dict(self._opts), {"id": self.id, **grains}, self.id, "base").compile_pillar()
            if compiled.get("_errors"):
                raise TargetError("The pillar cannot be rendered: " + " ".join(map(str, compiled["_errors"])))
            self._pillars[key] = compiled
        return copy.deepcopy(self._pillars[key])

    def _wrong_files(self) -> str:
        return files.wrong(self._opts, self.id)


def roster(opts: dict) -> dict:
    """Return the roster's entries by ID. Raises TargetError when there is none or it is not readable."""
    import salt.roster

    path = opts.get("roster_file") or "roster"
    if not os.path.isfile(path):
        raise TargetError(
            f"The roster {path} does not exist. Copy roster.example to roster and write your host into it."
        )
    try:
        entries = salt.roster.Roster(dict(opts), opts.get("roster", "flat")).targets("*", "glob")
    except Exception as err:  # the roster is a template: whatever its renderer raises is the user's error
        raise TargetError(f"The roster {path} cannot be rendered: {str(err).rstrip('.')}.") from err
    if not entries:
        raise TargetError(f"The roster {path} has no entry. Write your host into it, as in roster.example.")
    return entries


def override_hosts(host_ids: list, settings: dict | None = None) -> None:
    """Make *host_ids* the hosts of what follows in this process, whatever mattermost:hosts says.

    settings: laid over the pillar's ``mattermost`` branch of each. For an orchestration whose command names its hosts.
    """
    _override.update(hosts=list(host_ids), settings=settings or {})


def take_listed(listed: dict) -> None:
    """Make what the release sources list, the newest patch by line, known to the settings of all hosts in this process."""
    _override.update(listed=dict(listed))


def listed() -> dict:
    """Return what `take_listed` took."""
    return _override.get("listed", {})


def run_settings() -> dict:
    """Return the settings that the run laid over the pillar, {} for none."""
    return _override.get("settings", {})


def _over(branch: dict) -> dict:
    import mattermost_settings_core as core

    return core.deep_merge(branch, run_settings()) if isinstance(branch, dict) else branch


def choose(entries: dict, wanted: list, by_command: bool = False) -> list[str]:
    """Return the roster IDs of this run.

    wanted: ``mattermost:hosts``; may be empty while the roster has one entry. Raises TargetError otherwise.
    by_command: whether it is what the command itself names instead.
    """
    if wanted:
        missing = [name for name in wanted if name not in entries]
        if missing:
            known = f" The roster contains: {', '.join(entries)}." if entries else ""
            where = "The command" if by_command else "mattermost:hosts"
            place = "the command" if by_command else "mattermost:hosts in pillar/mattermost.sls"
            raise TargetError(
                f"{where} names {', '.join(missing)}, but the roster has no such entry.{known} Correct {place}, or the roster."
            )
        return list(wanted)
    if len(entries) > 1:
        raise TargetError(
            f"The roster has {len(entries)} entries ({', '.join(entries)}). mattermost:hosts does not say which of them are meant. "
            "List the hosts of this deployment in mattermost:hosts (pillar/mattermost.sls)."
        )
    return list(entries)


def targets(opts: dict, pillar: dict, orchestration: str = "") -> list[Host]:
    """Return the hosts of this run. pillar: the orchestration's. orchestration: its name. Raises TargetError with one sentence."""
    if opts.get("__role") == "minion":
        raise TargetError(
            f"{orchestration or 'This orchestration'} was applied to a host. Run it on the controller instead: "
            f"salt-run state.orchestrate {orchestration or 'NAME'}."
        )
    settings = pillar.get("mattermost") or {}
    wanted = _override.get("hosts") or (settings.get("hosts") if isinstance(settings, dict) else None)
    by_minion = is_by_minion(pillar)
    entries = {} if by_minion else roster(opts)
    if not isinstance(wanted or [], list):
        raise TargetError(
            "mattermost:hosts is not a list. Below that key, write each roster ID on a line of its own that begins with a dash."
        )
    wanted = list(dict.fromkeys(map(_text, wanted or [])))
    if by_minion:
        from mattermost_controller.hosts import beyond

        return beyond.targets(opts, wanted, orchestration)
    return [Host(name, entries[name], opts) for name in choose(entries, wanted)]


def _text(name) -> str:
    if not isinstance(name, str) or not name:
        raise TargetError(
            f"mattermost:hosts contains {name!r}, which is not text. Write each roster ID on a line of its own, in quotes, '...'."
        )
    return name


def is_by_minion(pillar: dict) -> bool:
    """Say whether ``mattermost:engine`` is ``minion``. pillar: the orchestration's. Raises TargetError for what it cannot be."""
    settings = pillar.get("mattermost") or {}
    engine = settings.get("engine", "ssh") if isinstance(settings, dict) else "ssh"
    if engine not in ("ssh", "minion"):
        raise TargetError(f"mattermost:engine is {engine!r}, but must be ssh or minion.")
    return engine == "minion"


def named(opts: dict, pillar: dict, host_ids: list, orchestration: str, by_ssh: bool = False) -> list[Host]:
    """Return the hosts that the command of *orchestration* names itself. pillar: the orchestration's. Raises TargetError.

    by_ssh: the first is no minion, and the last logs in to it.
    """
    if is_by_minion(pillar):
        from mattermost_controller.hosts import beyond

        if by_ssh:
            beyond.reach(host_ids[0], host_ids[-1])
        return beyond.targets(opts, host_ids, orchestration)
    if by_ssh:
        raise TargetError(
            "`ssh` in the pillar of this command is only for mattermost:engine: minion. A checkout reaches every host by ssh. Leave `ssh` out."
        )
    entries = roster(opts)
    return [Host(name, entries[name], opts) for name in choose(entries, host_ids, by_command=True)]
