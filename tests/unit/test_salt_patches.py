"""Salt without our patches still has the trouble that each is for; one that fails here is no longer needed.

Then: with the patch the trouble is gone.
"""

import ast
import inspect
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import salt.client.mixins
import salt.client.ssh.shell
import salt.config
import salt.output
import salt.utils.event
import salt.utils.relenv
import salt.utils.vt
from mattermost_controller import salt_patches
from mattermost_controller.reporting import console

from tests import classic, repository

ANOTHERS = b"an archive that another user of this machine made"


def functions():
    found = inspect.getmembers(salt_patches, inspect.isfunction)
    return [function for name, function in found if function.__module__ == salt_patches.__name__]


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.__name__)
def test_every_patch_says_its_trouble_and_where_it_was_reported(function):
    text = inspect.getdoc(function)
    assert "Trouble: " in text
    assert "Upstream: " in text


def test_no_other_file_changes_salt():
    """Nor calls what Salt's own names mark as private."""
    found = []
    for path in repository.with_suffix(".py"):
        if path.parts[0] in ("salt", "etc") and path.name != "salt_patches.py":
            found += [f"{path}:{line}" for line in changes_of_salt(ast.parse(repository.text(path)))]
    assert found == []


def changes_of_salt(tree):
    """Yield the lines that assign to an attribute of something imported from Salt, or name a private one of ssh's shell."""
    imported = {"salt"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "salt":
            imported |= {alias.asname or alias.name for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root = node
            while isinstance(root, ast.Attribute):
                root = root.value
            is_salts = isinstance(root, ast.Name) and root.id in imported
            if (is_salts and isinstance(node.ctx, ast.Store)) or node.attr in ("_run_cmd", "_split_cmd", "_cmd_str"):
                yield node.lineno


@pytest.mark.parametrize(
    "line",
    [
        "import salt.x\nsalt.x.f = 1",
        "from salt.x import C\nC.f = 1",
        "from salt import x as y\ny.f = 1",
        "s._cmd_str()",
    ],
)
def test_a_change_of_salt_is_found(line):
    assert list(changes_of_salt(ast.parse(line)))


def salt_run(folder: Path):
    """Run Salt's own salt-run with a configuration that knows nothing of this tree."""
    (folder / "master").write_text(f"root_dir: {folder}\n")
    return repository.run(str(repository.BIN / "salt-run"), "-c", str(folder), "test.arg", "1")


@pytest.mark.exhaustive
def test_salt_alone_cannot_run_in_a_fresh_folder(tmp_path):
    assert "FileNotFoundError" in salt_run(tmp_path).stdout


def test_with_the_folder_of_jobs_it_runs(tmp_path):
    salt_patches.make_job_folder(str(tmp_path / "var/cache/salt/master"))
    done = salt_run(tmp_path)
    assert "FileNotFoundError" not in done.stdout
    assert "- 1" in done.stdout


@pytest.fixture
def event(tmp_path):
    opts = dict(salt.config.DEFAULT_MASTER_OPTS, sock_dir=str(tmp_path))
    with salt.utils.event.SaltEvent("master", str(tmp_path), opts=opts, listen=False) as event:
        yield event


def seconds(function, *arguments):
    start = time.monotonic()
    function(*arguments)
    return time.monotonic() - start


@pytest.mark.exhaustive
def test_salt_alone_waits_a_second_for_a_master_that_is_not_there(event):
    assert seconds(event.fire_event, {}, "x") > 0.9


def test_without_a_master_no_event_is_waited_for(event, tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(salt.utils.event.SaltEvent, "connect_pull", lambda *_, **__: tried.append(1))
    salt_patches.fire_no_events_without_a_master(str(tmp_path))
    assert event.fire_event({}, "x") is False
    assert tried == []
    (tmp_path / "master_event_pull.ipc").touch()
    event.connect_pull()
    assert tried == [1]


def test_salt_alone_takes_an_archive_that_any_user_could_leave_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    planted = tmp_path / "salt_ssh_test_relenv_cache/relenv/linux/x86_64/salt-relenv.tar.xz"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(ANOTHERS)
    assert Path(salt.utils.relenv.gen_relenv(str(tmp_path / "cache"), "Linux", "x86_64")).read_bytes() == ANOTHERS


def test_salt_alone_fetches_the_newest_archive_and_checks_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    class Page:
        text = "".join(f'<a href="salt-{v}-onedir-linux-x86_64.tar.xz">{v}</a>' for v in ("3008.2", "3009.0"))

        @staticmethod
        def raise_for_status():
            pass

    def query(url, streaming_callback, **_):
        streaming_callback(url.encode())
        return {"status": 200}

    monkeypatch.setattr("requests.get", lambda *_, **__: Page)
    monkeypatch.setattr("salt.utils.http.query", query)
    fetched = Path(salt.utils.relenv.gen_relenv(str(tmp_path / "cache"), "Linux", "x86_64")).read_bytes()
    assert fetched.endswith(b"salt-3009.0-onedir-linux-x86_64.tar.xz")


def test_salt_ssh_takes_no_archive_but_a_checked_one(tmp_path, monkeypatch):
    """tests/unit/test_relenv_archive.py asks the rest of the function that stands in."""
    monkeypatch.setattr(salt.utils.relenv, "gen_relenv", None)
    salt_patches.take_only_the_checked_relenv()
    with pytest.raises(SystemExit, match="the controller does not have Salt's archive"):
        salt.utils.relenv.gen_relenv(str(tmp_path), "Linux", "x86_64")


class Folder:
    """What Salt holds of a host for one command, with a shell that is this machine's."""

    id, opts = "chat", {"relenv": True}

    def __init__(self, folder):
        self.thin_dir, self.shell = str(folder), self

    def exec_cmd(self, command):
        done = subprocess.run(command, shell=True, capture_output=True, text=True)
        return done.stdout, done.stderr, done.returncode


def test_salt_alone_goes_into_whatever_folder_is_there():
    shim = salt.client.ssh.SSH_SH_SHIM_RELENV
    assert 'mkdir -p "{THIN_DIR}"' in shim
    assert "-O" not in shim
    assert "stat " not in shim


def test_a_folder_that_cannot_be_made_is_said_to_be_one(tmp_path, monkeypatch):
    monkeypatch.setattr(salt.client.ssh.Single, "run", lambda self, deploy_attempted=False: ("done", "", 0))
    salt_patches.enter_no_folder_of_others()
    out, err, rc = salt.client.ssh.Single.run(Folder(tmp_path / "none/salt"))
    assert (out, rc) == ("", 1)
    assert err.endswith("this user must be able to write in it.")


@pytest.mark.parametrize("what", ["none", "own", "link", "file", "foreign"])
def test_salt_enters_its_own_folder_only(tmp_path, monkeypatch, what):
    monkeypatch.setattr(salt.client.ssh.Single, "run", lambda self, deploy_attempted=False: ("done", "", 0))
    salt_patches.enter_no_folder_of_others()
    folder = tmp_path / "salt"
    if what in ("own", "foreign"):
        folder.mkdir()
    elif what == "link":
        folder.symlink_to(tmp_path)
    elif what == "file":
        folder.touch()
    if what == "foreign":
        if os.geteuid():
            pytest.skip("NOT ROOT: no folder can be another's")
        os.chown(folder, 12345, 12345)
    out, err, rc = salt.client.ssh.Single.run(Folder(folder))
    assert (rc == 0) == (what in ("none", "own"))
    assert "is not a folder that the login user owns" in err or out == "done"


@pytest.mark.parametrize(
    ("content", "is_free"),
    [
        (None, True),
        ([], True),
        (["running_data"], True),
        (["salt-thin.tgz"], True),
        (["notes"], False),
        ([".hidden"], False),
    ],
)
def test_a_thin_dir_with_other_files_than_salts_is_refused(tmp_path, monkeypatch, content, is_free):
    """Without the patch Salt's ``need_deployment`` removes it with all that is in it."""
    monkeypatch.setattr(salt.client.ssh.Single, "run", lambda self, deploy_attempted=False: ("done", "", 0))
    salt_patches.empty_no_folder_of_others()
    folder = tmp_path / "it's mine"
    for name in [".", *content] if content is not None else []:
        (folder / name).mkdir(parents=True, exist_ok=True)
    out, err, rc = salt.client.ssh.Single.run(Folder(folder))
    assert (rc == 0) == is_free
    assert out == "done" or "contains files that are not Salt's. In the roster, set thin_dir:" in err


@pytest.mark.parametrize(("suffix", "is_salts"), [("notes", False), ("_salt", True), ("_salt_relenv", True)])
def test_only_the_folder_that_salt_itself_chose_is_not_looked_at(monkeypatch, suffix, is_salts):
    monkeypatch.setattr(salt.client.ssh.Single, "run", lambda self, deploy_attempted=False: ("done", "", 0))
    salt_patches.empty_no_folder_of_others()
    with tempfile.TemporaryDirectory(prefix=".me_", suffix=suffix, dir="/var/tmp") as folder:
        (Path(folder) / "notes").touch()
        assert (salt.client.ssh.Single.run(Folder(folder))[2] == 0) == is_salts


def test_salt_alone_ends_a_run_in_warnings_about_itself(tmp_path):
    pytest.importorskip("salt.utils.resource_warnings", reason="SALT 3008.2 says nothing of unclosed objects.")
    salt_patches.make_job_folder(str(tmp_path / "var/cache/salt/master"))
    assert "unclosed" in salt_run(tmp_path).stderr


@pytest.mark.exhaustive
def test_a_run_with_this_trees_configuration_says_nothing_but_its_result(tmp_path):
    done = repository.run(str(repository.BIN / "salt-run"), "-c", str(classic.lay_out(tmp_path)), "test.arg", "1")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("patched", [False, True])
def test_a_host_without_python_is_told_the_way_without(monkeypatch, patched):
    single = salt.client.ssh.Single
    monkeypatch.setattr(single, "categorize_shim_errors", single.categorize_shim_errors)
    if patched:
        salt_patches.name_the_way_without_python()
    said = "ERROR: Unable to locate appropriate python command\n"
    status = salt.defaults.exitcodes.EX_THIN_PYTHON_INVALID
    plain, relenv = (SimpleNamespace(id="chat", opts={"relenv": on}) for on in (False, True))
    assert ("salt-ssh --relenv" in single.categorize_shim_errors(plain, "", said, status)) == patched
    assert "salt-ssh --relenv" not in single.categorize_shim_errors(relenv, "", said, status)
    assert single.categorize_shim_errors(plain, "", "Permission denied", 255) is None


@pytest.mark.parametrize("patched", [False, True])
def test_salt_logs_in_and_copies_from_a_folder_with_a_blank(tmp_path, monkeypatch, patched):
    shell_class = salt.client.ssh.shell.Shell
    for name in ("_key_opts", "send"):
        monkeypatch.setattr(shell_class, name, getattr(shell_class, name))
    if patched:
        salt_patches.take_paths_with_blanks()
    key, local = tmp_path / "my key", tmp_path / "a file"
    shell = shell_class(
        {"_ssh_version": (9, 2)}, host="chat", user="admin", port="2222", priv=str(key), timeout=5, keepalive=False
    )
    program, *words = salt_patches.ssh_command(shell)
    command = [program, "-G", "-F", "/dev/null", *words[:-1]]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=10).stdout
    assert (f"identityfile {key}\n" in shown) == patched
    asked = []
    monkeypatch.setattr(shell_class, "_run_cmd", lambda self, cmd: asked.append(self._split_cmd(cmd)))
    shell.send(str(local), "/var/tmp/x")
    assert (asked[0][-2:] == [str(local), "chat:/var/tmp/x"]) == patched


@pytest.mark.parametrize("patched", [False, True])
@pytest.mark.parametrize("stream", ["", " >&2"], ids=["output", "error"])
def test_what_a_command_says_while_salt_looks_is_read(tmp_path, monkeypatch, stream, patched):
    """The command ends between two questions of Salt: is there something to read, and does it still run."""
    monkeypatch.setattr(salt.utils.vt.Terminal, "_recv", salt.utils.vt.Terminal._recv)
    if patched:
        salt_patches.lose_no_last_words()
    go, select = tmp_path / "go", salt.utils.vt.select.select
    command = f"until [ -e {go} ]; do sleep 0.01; done; seq 1000{stream}"
    terminal = salt.utils.vt.Terminal(["sh", "-c", command], stream_stdout=False, stream_stderr=False)

    def ends_after_the_answer(*arguments):
        answer = select(*arguments)
        go.touch()
        os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOWAIT)
        monkeypatch.setattr(salt.utils.vt.select, "select", select)
        return answer

    monkeypatch.setattr(salt.utils.vt.select, "select", ends_after_the_answer)
    found = ""
    while terminal.has_unread_data:
        found += "".join(part or "" for part in terminal.recv())
    terminal.close()
    assert (found.split() == [str(number) for number in range(1, 1001)]) == patched


@pytest.fixture
def shell():
    opts = {"_ssh_version": (9, 2)}
    return salt.client.ssh.shell.Shell(opts, host="chat", user="admin", port="2222", ssh_options=["A=b"])


def test_salt_alone_needs_a_fifth_of_a_second_more_for_each_command(shell):
    plain = min(seconds(subprocess.run, ["true"]) for _ in range(3))
    assert min(seconds(shell._run_cmd, "true") for _ in range(3)) > plain + 0.15


def test_salt_alone_says_nothing_of_a_command_before_its_end():
    parameters = inspect.signature(salt.client.ssh.shell.Shell._run_cmd).parameters
    assert list(parameters) == ["self", "cmd", "key_accept", "passwd_retries"], "no callback: and the patch takes these"


def test_within_the_context_salts_ssh_commands_are_ours(shell):
    asked = []
    with salt_patches.ssh_by(lambda *words: asked.append(words) or ("out", "err", 3)):
        assert shell.exec_cmd("true") == ("out", "err", 3)
    ((address, (program, *words)),) = asked
    assert (address, Path(program).name, words[-1]) == ("chat", "ssh", "true")
    assert salt.client.ssh.shell.Shell._run_cmd.__module__ == "salt.client.ssh.shell"


def test_where_sudo_may_ask_for_a_password_salt_types_it(shell, monkeypatch):
    monkeypatch.setattr(salt.client.ssh.shell.Shell, "_run_cmd", lambda *_: "typed")
    shell.passwd, shell.sudo = "secret", True
    with salt_patches.ssh_by(lambda *_: pytest.fail("no password was typed")):
        assert shell.exec_cmd("true") == "typed"


def test_the_ssh_command_has_salts_options_before_its_end(shell):
    program, *words, end = salt_patches.ssh_command(shell)
    assert (os.path.basename(program), end) == ("ssh", "--")
    assert {"chat", "A=b"} <= set(words)


def result(*tags):
    part = {"result": True, "changes": {}, "comment": "", "__run_num__": 0, "__sls__": "x", "name": "x", "__id__": "x"}
    return {"data": {"x_master": {tag: part for tag in tags}}, "outputter": "highstate", "retcode": 0}


REPORT = "mattermost_report_|-report_|-report_|-shown"
STATUS = "mattermost_status_|-a_|-a_|-reported"
RUNNER = "salt_|-state.orchestrate_|-state.orchestrate_|-runner"
RESULT = {"return": result(REPORT), "success": True}


@pytest.fixture
def printed(monkeypatch, capsys):
    """A function that has ``salt-run``, with the options given, print the result of an orchestration; returns standard output."""
    monkeypatch.setattr("sys.argv", ["/venv/bin/salt-run", "state.orchestrate", "mattermost.ssl"])
    monkeypatch.setattr(salt.output, "display_output", salt.output.display_output)

    def run(tags=(REPORT,), **options):
        command = SimpleNamespace(opts={**salt.config.DEFAULT_MASTER_OPTS, "color": False, **options})
        salt.client.mixins.AsyncClientMixin.print_async_event(command, "ret", {**RESULT, "return": result(*tags)})
        return capsys.readouterr().out

    return run


class Last(console.Last):
    def __init__(self):
        self.opts = []

    def show(self, opts, results):
        self.opts.append(opts)
        if opts.get("output"):
            results()


def test_salt_alone_prints_the_states_whole_results_whatever_they_say(printed):
    assert "Summary for x_master" in printed()


def test_the_report_is_printed_in_their_place(printed):
    last = Last()
    salt_patches.print_at_the_end(last)
    assert printed() == ""
    assert len(last.opts) == 1


def test_only_the_result_of_this_run_is_replaced(printed):
    salt_patches.print_at_the_end(Last())
    printed()
    assert "Summary for x_master" in printed()


def test_a_report_alone_takes_their_place_and_only_in_its_own_orchestration(printed):
    for tag, is_replaced in ((STATUS, True), (RUNNER, False)):
        salt_patches.print_at_the_end(Last())
        assert ("Summary for x_master" in printed([tag])) != is_replaced


def test_a_report_of_an_orchestration_within_does_not_stand_for_salts_results(printed):
    within = Last()
    salt_patches.print_at_the_end(within)
    salt_patches.print_at_the_end(Last())
    assert json.loads(printed([RUNNER, REPORT], output="json")) == result(RUNNER, REPORT)
    assert within.opts == []


def test_a_wanted_format_is_whole(printed):
    salt_patches.print_at_the_end(Last())
    assert json.loads(printed(output="json")) == RESULT["return"]


def test_a_daemon_prints_what_it_did(printed, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/venv/bin/salt-master"])
    salt_patches.print_at_the_end(Last())
    assert "Summary for x_master" in printed()


@pytest.mark.parametrize("patched", [False, True])
def test_a_host_that_the_roster_does_not_have_ends_salt_ssh_with_a_status(monkeypatch, capsys, caplog, patched):
    ssh = salt.client.ssh.SSH
    monkeypatch.setattr(ssh, "handle_ssh", ssh.handle_ssh)
    if patched:
        salt_patches.refuse_unmatched_targets()
    roster = SimpleNamespace(targets=lambda *_: {"chat.example.com": {}})
    run = SimpleNamespace(roster=roster, targets={}, opts={"tgt": "caht.example.com"})
    if not patched:
        assert list(ssh.handle_ssh(run)) == []
        assert "No matching targets found in roster" in caplog.text
        return
    with pytest.raises(SystemExit, match="1"):
        ssh.handle_ssh(run)
    assert "Did you mean chat.example.com?" in capsys.readouterr().err
