"""Every place where this tree changes Salt, or calls what Salt does not document.

Each has its trouble and where it was reported upstream. ``tests/unit/test_salt_patches*.py`` run Salt without it and show
the trouble: a test there that fails after an update of Salt means that the patch can go. docs/salt-versions.md has the steps.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
import shlex
import sys
import termios

from mattermost_controller.given import command


def make_job_folder(cachedir: str) -> None:
    """Make the folder in which ``salt-run`` notes its job.

    Trouble: only a master or ``salt-ssh`` makes it; the first ``salt-run`` of a fresh clone ends in FileNotFoundError.
    Upstream: not reported for salt-run; https://github.com/saltstack/salt/issues/8013 is the same on a minion.
    """
    os.makedirs(os.path.join(cachedir, "proc"), mode=0o700, exist_ok=True)


def fire_no_events_without_a_master(sock_dir: str) -> None:
    """Skip the delivery of events while no master listens in *sock_dir*; where one does, nothing changes.

    Trouble: each event is tried for one second, at full load, and a ``salt-run`` fires two.
    Upstream: not reported; https://github.com/saltstack/salt/issues/64274 shows the failed connection in a log.
    """
    from salt.utils.event import SaltEvent

    connect = SaltEvent.connect_pull

    def connect_pull(self, timeout=1):
        if not os.path.exists(os.path.join(sock_dir, "master_event_pull.ipc")):
            return False
        return connect(self, timeout)

    SaltEvent.connect_pull = connect_pull


def take_only_the_checked_relenv() -> None:
    """Have ``salt-ssh --relenv`` use the archive that a run checked.

    Trouble: Salt takes whatever lies in a folder of the temporary directory that every local user can make, else fetches the
    newest release there is; it checks neither.
    Upstream: came with https://github.com/saltstack/salt/pull/66878; not reported.
    """
    import salt.utils.relenv

    from mattermost_controller.hosts.relenv_archive import only_pinned

    salt.utils.relenv.gen_relenv = only_pinned


def enter_no_folder_of_others() -> None:
    """Have ``salt-ssh --relenv`` refuse a folder on the host that somebody else made under the name of Salt's.

    Trouble: it lies in /var/tmp, and Salt writes its settings into what is there and runs its ``salt-call`` as root.
    Upstream: came with https://github.com/saltstack/salt/pull/66878; not reported.
    """
    from salt.client.ssh import Single

    from mattermost_controller.hosts.relenv_install import OWN

    original = Single.run

    def run(self, deploy_attempted=False):
        if self.opts.get("relenv"):
            script = OWN.format(tree=shlex.quote(self.thin_dir))
            found = self.shell.exec_cmd(f"/bin/sh -c {shlex.quote(script)}")[0].strip()
            if found == "absent":
                return (
                    "",
                    f"The login user of {self.id} cannot create {self.thin_dir}. On that host, {os.path.dirname(self.thin_dir)} must exist, and this user must be able to write in it.",
                    1,
                )
            if found == "foreign":
                return (
                    "",
                    f"{self.thin_dir} on {self.id} is not a folder that the login user owns. Remove {self.thin_dir} on that host.",
                    1,
                )
        return original(self, deploy_attempted)

    Single.run = run


def empty_no_folder_of_others() -> None:
    """Have ``salt-ssh`` refuse a ``thin_dir`` of the roster that has other files than Salt's.

    Trouble: Salt removes all that is in it, as root, whenever it brings another version of itself.
    Upstream: not reported.
    """
    from salt.client.ssh import Single

    from mattermost_controller.hosts.relenv_install import FREE

    original = Single.run

    def run(self, deploy_attempted=False):
        if not re.fullmatch(r"/var/tmp/\.[^/]+_salt(_relenv)?", self.thin_dir):  # noqa: S108 (Salt's own choice)
            script = f"{FREE.format(tree=shlex.quote(self.thin_dir))} || echo others"
            if self.shell.exec_cmd(f"/bin/sh -c {shlex.quote(script)}")[0].strip() == "others":
                sentence = f"{self.thin_dir} on {self.id} contains files that are not Salt's. In the roster, set thin_dir: to a new folder."
                return "", sentence, 1
        return original(self, deploy_attempted)

    Single.run = run


def name_the_way_without_python() -> None:
    """Have ``salt-ssh`` say ``--relenv`` where a host has no Python that Salt can use.

    Trouble: Salt advises to install Python 3, which on CentOS 7 is too old for it.
    Upstream: not reported.
    """
    from salt.client.ssh import Single

    original = Single.categorize_shim_errors

    def categorize_shim_errors(self, stdout, stderr, retcode):
        error = original(self, stdout, stderr, retcode)
        if not (error or "").startswith("Python version error") or self.opts.get("relenv"):
            return error
        return f"{self.id} has no Python that Salt can use. Run the command again as: salt-ssh --relenv … (docs/platforms.md, Hosts without a usable Python)."

    Single.categorize_shim_errors = categorize_shim_errors


def refuse_unmatched_targets() -> None:
    """End ``salt-ssh`` with exit status 1 where the roster has no entry for a host that the command names.

    Trouble: Salt logs that nothing matches, without the names that would, and ends with exit status 0. Of a list it leaves out what is missing.
    Upstream: not reported.
    """
    from salt.client.ssh import SSH

    original = SSH.handle_ssh

    def handle_ssh(self, *arguments, **options):
        if command.missing(self.opts["tgt"], self.targets):
            names = sorted(self.roster.targets("*", "glob"))
            print(command.unmatched(self.opts["tgt"], self.targets, names), file=sys.stderr)
            sys.exit(1)
        return original(self, *arguments, **options)

    SSH.handle_ssh = handle_ssh


def take_paths_with_blanks() -> None:
    """Have ``salt-ssh`` log in with a key, and copy files, below a folder with a blank in its name.

    Trouble: Salt puts both paths into a line that it takes apart at blanks: ssh gets half of the key's path, and the rest as the command.
    Upstream: not reported.
    """
    from salt.client.ssh.shell import Shell

    key_opts, send = Shell._key_opts, Shell.send

    def quoted_key_opts(self):
        options, option = key_opts(self), f"IdentityFile={self.priv}"
        if " " not in option:
            return options
        # quoted twice: for Salt's taking apart, and for ssh, which reads it as a line of its configuration
        return options.replace(f"{option} ", shlex.quote(f'IdentityFile="{self.priv}"') + " ")

    def send_quoted(self, local, remote, makedirs=False):
        return send(self, shlex.quote(local), remote, makedirs)

    Shell._key_opts, Shell.send = quoted_key_opts, send_quoted


def speak_to_any_login_shell() -> None:
    """Have ``salt-ssh`` run its script on a host whatever the login shell of the account is.

    Trouble: Salt hands it to the login shell as a here-document, which fish does not know: nothing runs, and the exit status is 0.
    Upstream: not reported.
    """
    from salt.client.ssh.shell import SSH_PATH, Shell

    from mattermost_controller.hosts.login_shell import in_sh

    original = Shell._cmd_str

    def cmd_str(self, cmd, ssh=SSH_PATH):
        if ssh == SSH_PATH and "\n" in cmd:
            cmd = in_sh(cmd + "\n", "base64.b64decode(")  # by which Salt tells what it must not log
        return original(self, cmd, ssh)

    Shell._cmd_str = cmd_str


def lose_no_last_words() -> None:
    """Have ``salt-ssh`` read to the end what a command said that ended while Salt looked at it.

    Trouble: Salt asks first whether there is something to read and then whether the command still runs. What came in between is lost: on a
    busy controller the reason why ssh failed. Upstream: not reported.
    """
    from salt.utils.vt import Terminal

    original = Terminal._recv

    def holds_words(descriptor):
        return descriptor is not None and any(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))

    def recv(self, maxsize):
        words = original(self, maxsize)
        if not self.closed:
            self.flag_eof_stdout = self.flag_eof_stdout and not holds_words(self.child_fd)
            self.flag_eof_stderr = self.flag_eof_stderr and not holds_words(self.child_fde)
        return words

    Terminal._recv = recv


def say_nothing_of_unclosed_objects() -> None:
    """Drop the warnings about objects of Salt that Salt itself did not close.

    Trouble: from 3008.3 on every ``salt-run`` ends in lines like "unclosed Runner <…>", behind the result that counts.
    Upstream: https://github.com/saltstack/salt/issues/70174, since https://github.com/saltstack/salt/pull/70100.
    """
    with contextlib.suppress(ImportError):  # Salt 3008.2 has no such module
        import salt.utils.resource_warnings

        salt.utils.resource_warnings.warn_until_close = lambda *_, **__: None


def look_for_extensions_once() -> None:
    """Have a process look only once for installed packages that extend Salt.

    Trouble: each of some 50 loaders in a run looks again, half a second after the last time: together a tenth of the run's own work.
    Upstream: not reported.
    """
    import salt.utils.entrypoints

    salt.utils.entrypoints.iter_entry_points = functools.cache(salt.utils.entrypoints.iter_entry_points)


def list_folders_once() -> None:
    """Have Salt's loaders list a folder of modules again only if it changed.

    Trouble: each of some 100 loaders in a run lists its folders twice, and takes the hundreds of names in them apart: a third of the
    run's own work. Upstream: not reported.
    """
    from salt.loader.lazy import LazyLoader

    original, found = LazyLoader._refresh_file_mapping, {}

    def stamp(folder):
        with contextlib.suppress(OSError):
            now = os.stat(folder)
            return folder, now.st_ino, now.st_mtime_ns
        return folder, None, None

    def refresh(self):
        folders = [os.path.join(folder, part) for folder in self.module_dirs for part in ("", "__pycache__")]
        key = repr([*map(stamp, folders), sorted(self.disabled), self.static_modules])
        if key not in found:
            original(self)
            found[key] = dict(self.file_mapping), dict(self.suffix_map), list(self.suffix_order)
        mapping, suffixes, order = found[key]
        self.file_mapping, self.suffix_map, self.suffix_order = dict(mapping), dict(suffixes), list(order)

    LazyLoader._refresh_file_mapping = refresh


def ask_options_for_no_copy() -> None:
    """Have an ``OptsDict`` say whether it holds anything without a look at each of its values.

    Trouble: Salt asks for each loader that it makes, and then copies all options into the parent's own dictionary to count them.
    Upstream: not reported.
    """
    from salt.utils.optsdict import OptsDict

    OptsDict.__bool__ = lambda self: any(key in self for key in self._get_all_keys())


def print_at_the_end(last) -> None:
    """Have *last* shown when ``salt-run`` prints the result of this run; what is printed later in the process is Salt's own again.

    last: has ``is_of(data)``, whether it is the report of that result, and ``show(opts, results)``; *results* prints what Salt would.
    Trouble: ``state.orchestrate`` names the outputter ``highstate`` whatever the states say, and no option reaches one orchestration
    alone: ``output`` in a master's configuration, or an outputter of ours called highstate, would change what every other one prints.
    Upstream: not reported.
    """
    import salt.output

    original = getattr(salt.output.display_output, "original", salt.output.display_output)

    def display_output(data, out=None, opts=None, **kwargs):
        salt.output.display_output = original
        if last.is_of(data):
            last.show(opts or {}, lambda: original(data, out, opts, **kwargs))
        else:  # the report is of an orchestration that this one started: its own steps count too
            original(data, out, opts, **kwargs)

    display_output.original = original
    if os.path.basename(sys.argv[0]) == "salt-run":  # in a daemon (a reactor, an API) nobody reads it
        salt.output.display_output = display_output


@contextlib.contextmanager
def ssh_by(run):
    """Within this context *run* starts Salt's ssh and scp, but for hosts where sudo may ask for a password.

    run: called as ``run(address, argv)``; returns standard output, standard error and the exit status.
    Trouble: Salt runs each under a pseudo-terminal to type passwords. To close that takes 0.2 s and more, six times in a
    state run, and nothing of what a host says arrives before the end.
    Upstream: not reported; https://github.com/saltstack/salt/pull/22565 shortened another wait there.
    """
    from salt.client.ssh.shell import Shell

    original = Shell._run_cmd

    def run_cmd(self, cmd, key_accept=False, passwd_retries=3):
        if self.passwd and self.sudo:
            return original(self, cmd, key_accept, passwd_retries)
        return run(self.host, self._split_cmd(cmd))

    Shell._run_cmd = run_cmd
    try:
        yield
    finally:
        Shell._run_cmd = original


@contextlib.contextmanager
def options_known(grains_of):
    """Within this context ``salt-ssh`` does not ask a host for its options and grains, but takes what is known.

    grains_of: called with a host's ID, in the process of that host and after Salt has packed itself; returns its grains, or None if it is to be
    asked. Salt's folder must be on a host that is not.
    Trouble: before each state run Salt starts on the host alone to ask for both (``test.opts_pkg``): a fifth of a run that changes nothing.
    The options are what the controller sends, laid over Salt's defaults. The grains are sent back to the host, to take the place of
    its own, which are more: here they are not.
    Upstream: https://github.com/saltstack/salt/pull/66016 keeps what a host answered; open.
    """
    import salt.client.ssh.state
    from salt.client.ssh.wrapper import FunctionWrapper

    getitem, prepare, known = FunctionWrapper.__getitem__, salt.client.ssh.state.prep_trans_tar, {}

    def answered(self, command):
        host_id = self.kwargs["id_"]
        if command == "test.opts_pkg" and (grains := grains_of(host_id)) is not None:
            known[host_id] = grains
            return lambda: minion_options(self.minion_opts, grains)
        return getitem(self, command)

    def without_grains(client, chunks, files, pillar=None, id_=None, grains=None):
        return prepare(client, chunks, files, pillar, id_, None if id_ in known else grains)

    FunctionWrapper.__getitem__, salt.client.ssh.state.prep_trans_tar = answered, without_grains
    try:
        yield
    finally:
        FunctionWrapper.__getitem__, salt.client.ssh.state.prep_trans_tar = getitem, prepare


def minion_options(sent: dict, grains: dict) -> dict:
    """Return what ``test.opts_pkg`` answers on a host. sent: the minion options that ``salt-ssh`` sends there.

    Trouble: of `options_known`. Upstream: as there.
    """
    import salt.config

    folder = os.path.dirname(sent["root_dir"])
    on_host = {"config_dir": folder, "conf_file": os.path.join(folder, "minion"), "file_client": "local", "local": True}
    run = {"log_level": "quiet", "log_level_logfile": "warning", "pillar": {}, "grains": {"id": sent["id"], **grains}}
    return {**salt.config.apply_minion_config(dict(sent)), **on_host, **run}


def ssh_command(shell) -> list[str]:
    """Return the ssh command of a ``salt.client.ssh.shell.Shell``, with all of its options, up to and with ``--``.

    Trouble: no documented function says how Salt logs in to a host. Upstream: not reported.
    """
    return shlex.split(shell._cmd_str("--"))
