"""The Saltfile and the master's configuration as people leave them: a sentence with the file and what to write, before Salt starts."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path("etc/venv/checkout_configuration.py").absolute()
MASTER = Path("etc/salt/master").read_text()
GOOD = Path("Saltfile").read_text()


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """A function that asks about a checkout with a Saltfile and a master's configuration, as text, bytes or what makes them."""
    spec = importlib.util.spec_from_file_location("checkout_configuration", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.copytree("etc/salt", tmp_path / "etc/salt")
    monkeypatch.chdir(tmp_path)

    def ask(saltfile=GOOD, master=MASTER, program="salt-run"):
        for path, content in ((Path("Saltfile"), saltfile), (Path("etc/salt/master"), master)):
            path.unlink(missing_ok=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return module.fault(program, "Saltfile")

    return ask


def dangling(path):
    path.symlink_to("/nowhere")


SALTFILES = {
    "empty": ("", "no section `salt-run:`"),
    "a comment": ("# salt-run:\n", "config_dir: etc/salt"),
    "a list": ("- salt-run\n", "Saltfile:1: this file contains no mapping"),
    "a text": ("etc/salt\n", "Saltfile:1: this file contains no mapping"),
    "another program's": ("salt-call:\n  config_dir: etc/salt\n", "no section `salt-run:`"),
    "a text for the section": ("salt-run: etc/salt\n", "no section `salt-run:`"),
    "a list for the folder": ("salt-run:\n  config_dir: [etc/salt]\n", "config_dir: etc/salt"),
    "a tab": ("salt-run:\n\tconfig_dir: etc/salt\n", "Saltfile:2: a tab: indent with spaces"),
    "latin-1": (b"# f\xfcr uns\n" + GOOD.encode(), "Saltfile:1: this line has a character that is not UTF-8"),
    "a bracket": ("salt-run: {config_dir: etc/salt\n", "not valid YAML"),
    "a directory": (Path.mkdir, "Saltfile cannot be read: Is a directory"),
    "a link to nothing": (dangling, "Saltfile cannot be read"),
    "another folder": ("salt-run:\n  config_dir: etc/slat\n", "etc/slat/master cannot be read: No such file"),
}
MASTERS = {
    "empty": ("", "etc/salt/master does not set root_dir, file_roots"),
    "a list": ("- root_dir\n", "etc/salt/master:1: this file contains no mapping"),
    "a tab": (MASTER + "x:\n\ty: 1\n", "a tab: indent with spaces"),
    "latin-1": (MASTER.encode() + b"# \xe4\n", "is not UTF-8"),
    "a directory": (Path.mkdir, "Is a directory"),
    "no code": (MASTER.replace("utils_dirs", "util_dirs"), "does not set utils_dirs"),
    "a text for a list": (MASTER.replace("[salt/_utils]", "salt/_utils"), "utils_dirs must be a list. Write `utils_dirs: [FOLDER]`"),
    "a list for a text": (MASTER.replace(": .salt\n", ": [.salt]\n"), "root_dir must be text"),
    "a mapping for a text": (MASTER.replace(": roster\n", ": {a: b}\n"), "roster_file must be text"),
    "roots without base": (MASTER.replace("{base: [salt]}", "[salt]"), "file_roots must be a mapping of lists"),
    "a text for roots": (MASTER.replace("{base: [pillar]}", "{base: pillar}"), "pillar_roots must be a mapping of lists"),
}  # fmt: skip


@pytest.mark.parametrize("saltfile", SALTFILES)
def test_a_saltfile_that_salt_stumbles_over_is_named(ask, saltfile):
    content, words = SALTFILES[saltfile]
    said = ask(saltfile=content)
    assert words in said
    assert said.startswith("salt-run: ")
    assert "\n" not in said


@pytest.mark.parametrize("master", MASTERS)
def test_a_configuration_that_salt_stumbles_over_is_named(ask, master):
    content, words = MASTERS[master]
    said = ask(master=content)
    assert words in said
    assert "\n" not in said


def test_a_further_file_of_the_configuration_is_read_too(ask):
    Path("etc/salt/master.d").mkdir()
    Path("etc/salt/master.d/mine.conf").write_text("ssh_options: no\n")
    assert "etc/salt/master.d/mine.conf: ssh_options must be a list" in ask()


@pytest.mark.parametrize("program", ["salt-run", "salt-ssh"])
def test_those_of_this_bundle_are_right_with_any_line_ends(ask, program):
    for saltfile, master in ((GOOD, MASTER), (GOOD.replace("\n", "\r\n"), "\ufeff" + MASTER)):
        assert ask(saltfile, master, program) == ""


def test_another_bundles_configuration_need_not_be_like_ours(ask):
    shutil.rmtree("etc/salt/log_handlers")
    assert ask(master="file_roots: {base: [/srv/salt]}\n") == ""
    assert ask("salt-call:\n  config_dir: etc/salt\n") == ""


def test_the_commands_say_it_and_end(tmp_path):
    (tmp_path / "Saltfile").touch()
    shutil.copytree("etc/salt", tmp_path / "etc/salt")
    done = subprocess.run(
        [Path(sys.executable).with_name("salt-run"), "state.orchestrate", "mattermost.ssl"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("salt-run: Saltfile has no section `salt-run:`")
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
