"""Code of the controller stays on the controller: Salt ships none of it, and nothing that runs on a host imports it."""

import ast
import importlib.util
import os
import tarfile

import pytest
import salt.client.ssh
import salt.config
import salt.fileclient

from tests import repository

SALT = repository.ROOT / "salt"
ON_HOSTS = sorted([*SALT.glob("_utils/*.py"), *SALT.glob("_states/*.py"), *SALT.glob("_modules/*.py")])
STATES = sorted([*SALT.glob("_states/*.py"), *SALT.glob("_states/*/__init__.py")])
CONTROLLER = sorted([*SALT.glob("_states/*/*.py"), *(SALT / "_utils" / "mattermost_controller").rglob("*.py")])


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", ON_HOSTS, ids=lambda path: path.stem)
def test_code_for_hosts_does_not_import_the_controllers(path):
    assert [name for name in imports(path) if name.split(".")[0] == "mattermost_controller"] == []


@pytest.mark.parametrize("path", ON_HOSTS, ids=lambda path: path.stem)
def test_code_for_hosts_loads_as_salt_loads_it(path):
    """Its loader runs a module before Python knows it by name: a dataclass with annotations in text needs that name."""
    spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


@pytest.mark.parametrize("path", STATES, ids=lambda path: str(path.relative_to(SALT)))
def test_a_state_answers_by_the_one_function_and_is_called_like_its_file(path):
    text = path.read_text(encoding="utf-8")
    assert '"result":' not in text, "mattermost_answer.answer makes the dictionary"
    assert "__virtual" not in text


def test_what_salt_ships_to_a_host_has_the_flat_modules_and_none_of_the_controllers(tmp_path):
    opts = salt.config.master_config(None)
    opts.update(file_roots={"base": [str(SALT)]}, extension_modules=str(tmp_path), cachedir=str(tmp_path))
    shipped = salt.client.ssh.mod_data(salt.fileclient.FSClient(opts))
    with tarfile.open(shipped["file"]) as archive:
        paths = archive.getnames()
    names = {os.path.basename(path) for path in paths}
    assert {path.name for path in ON_HOSTS} <= names
    assert [path for path in paths if "mattermost_controller" in path or path.count("/") > 1] == []
    assert {path.name for path in CONTROLLER} & names == set()
