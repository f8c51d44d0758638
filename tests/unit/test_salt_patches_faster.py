"""What Salt does more often than once in a run; with the patch it is done once, and comes to the same."""

import itertools
import json
import os
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import salt.client.ssh
import salt.client.ssh.state
import salt.config
import salt.fileclient
import yaml
from mattermost_controller import salt_patches
from salt.client.ssh.wrapper import FunctionWrapper
from salt.loader.lazy import LazyLoader
from salt.utils import entrypoints
from salt.utils.optsdict import OptsDict

from tests import repository
from tests.soak import in_check


@pytest.fixture
def extensions(monkeypatch):
    """How often the installed packages were looked at by two loaders that are made a second apart."""
    looked, clock = [], itertools.count(time.monotonic() + 1)
    monkeypatch.setattr(entrypoints.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(entrypoints.importlib_metadata, "entry_points", lambda: looked.append(1) or {})
    monkeypatch.setattr(entrypoints, "iter_entry_points", entrypoints.iter_entry_points)
    entrypoints.iter_entry_points.__wrapped__.cache_clear()

    def look():
        for _ in range(2):
            entrypoints.iter_entry_points("salt.loader")
        return len(looked)

    return look


def test_salt_alone_looks_for_extensions_again_and_again(extensions):
    assert extensions() == 2


def test_extensions_are_looked_for_once(extensions):
    salt_patches.look_for_extensions_once()
    assert extensions() == 1


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """A function that makes two loaders of a folder and returns how often it was listed, and their modules."""
    monkeypatch.setattr(LazyLoader, "_refresh_file_mapping", LazyLoader._refresh_file_mapping)
    (tmp_path / "a.py").write_text("def f(): return 1\n")
    original, found = os.listdir, []
    monkeypatch.setattr(os, "listdir", lambda path: found.append(path) or original(path))

    def load():
        found.clear()
        loaders = [LazyLoader([str(tmp_path)], {}, tag="x") for _ in range(2)]
        return found.count(str(tmp_path)), [sorted(loader.file_mapping) for loader in loaders]

    return load


def test_salt_alone_lists_a_folder_twice_for_each_loader(listed):
    assert listed() == (4, [["a"], ["a"]])


def test_a_folder_is_listed_again_only_if_it_changed(listed, tmp_path):
    salt_patches.list_folders_once()
    assert listed() == (1, [["a"], ["a"]])
    assert listed() == (0, [["a"], ["a"]])
    (tmp_path / "b.py").write_text("def f(): return 2\n")
    assert listed() == (1, [["a", "b"], ["a", "b"]])
    assert LazyLoader([str(tmp_path)], {"disable_xs": ["a"]}, tag="x").file_mapping.keys() == {"b"}
    loader = LazyLoader([str(tmp_path)], {}, tag="x")
    assert (loader["a.f"](), loader["b.f"]()) == (1, 2)
    assert "c.f" not in loader
    (tmp_path / "c.py").write_text("def f(): return 3\n")
    assert loader["c.f"]() == 3


@pytest.fixture
def options():
    """Salt's options, and a list that gets each key whose value was looked at."""
    looked = []

    class Options(OptsDict):
        def __getitem__(self, key):
            looked.append(key)
            return super().__getitem__(key)

    yield Options.from_dict({"a": 1, "b": 2}), looked
    if "__bool__" in vars(OptsDict):
        del OptsDict.__bool__


def test_salt_alone_looks_at_each_option_for_each_loader(options):
    found, looked = options
    OptsDict.from_parent(found)
    assert sorted(looked) == ["a", "b"]


def test_whether_there_are_options_is_known_without_a_look(options):
    found, looked = options
    salt_patches.ask_options_for_no_copy()
    child = OptsDict.from_parent(found)
    assert looked == []
    assert (bool(found), bool(child), bool(OptsDict.from_dict({}))) == (True, True, False)
    del child["a"], child["b"]
    assert bool(child) is False


def asking(monkeypatch, host):
    """Return what *host* answers to the question for its options, "asked" if it has to be."""
    single = SimpleNamespace(cmd_block=lambda: (json.dumps({"local": {"return": "asked"}}), "", 0))
    monkeypatch.setattr(salt.client.ssh, "Single", lambda *_, **__: single)
    return FunctionWrapper({}, host, "10.0.0.1", minion_opts=sent("/tmp/x"))["test.opts_pkg"]()


def sent(folder):
    """What salt-ssh sends to a host."""
    return {"failhard": True, "grains_cache": True, "id": "chat", "root_dir": f"{folder}/running_data", "sock_dir": "/"}


def test_salt_alone_asks_each_host_for_its_options(monkeypatch):
    assert asking(monkeypatch, "chat") == "asked"


def test_a_host_that_is_known_is_not_asked_for_its_options(monkeypatch):
    with salt_patches.options_known({"chat": {"os": "Debian"}}.get):
        assert asking(monkeypatch, "chat")["grains"] == {"id": "chat", "os": "Debian"}
        assert asking(monkeypatch, "other") == "asked"
    assert asking(monkeypatch, "chat") == "asked"


OF_THE_COMMAND = """__cli arg args_stdin caller doc force_color fun grains grains_run hard_crash log_datefmt_console no_color no_parse
no_return_event output output_file_append print_metadata profiling_enabled profiling_path refresh_grains_cache resources
resources_dispatch resources_tgt resources_tgt_type retcode_passthrough return saltfile selected_output_option skip_grains"""


@pytest.mark.exhaustive
def test_the_options_are_those_that_a_host_would_tell(tmp_path):
    (tmp_path / "minion").write_text(json.dumps(sent(tmp_path)))
    command = ["salt-call", "-c", str(tmp_path), "--local", "-l", "quiet", "--out=json", "--retcode-passthrough"]
    done = repository.run(str(repository.BIN / command[0]), *command[1:], "--metadata", "--", "test.opts_pkg")
    told = json.loads(done.stdout)["local"]["return"]
    known = json.loads(json.dumps(salt_patches.minion_options(sent(str(tmp_path)), {})))
    assert {key for key in told if told[key] != known.get(key, "none")} - set(OF_THE_COMMAND.split()) == set()
    assert set(known) <= set(told)


@pytest.mark.parametrize("known", [{}, {"chat": {"os": "Debian"}}], ids=["salt-alone", "known"])
def test_a_host_that_is_known_keeps_its_own_grains(monkeypatch, known):
    with salt_patches.options_known(known.get):
        asking(monkeypatch, "chat")
        client = SimpleNamespace(cache_file=lambda *_, **__: "", cache_dir=lambda *_, **__: [])
        made = salt.client.ssh.state.prep_trans_tar(client, [], {"base": []}, {}, "chat", {"os": "Debian"})
    with tarfile.open(made) as tar:
        assert tar.getnames() == ["lowstate.json", *([] if known else ["roster_grains.json"])]


@pytest.mark.parametrize("ours", in_check([False, True], True), ids=["salt-alone", "ours"])
def test_a_state_run_takes_our_code_to_a_host_once(tmp_path, ours):
    """salt-ssh has brought it already (``mod_data``): what comes with the states is what they name."""
    options = yaml.safe_load(repository.text(Path("etc/salt/master")))
    opts = salt.config.apply_master_config(
        {"file_roots": {"base": [str(repository.ROOT / "salt")]}, "root_dir": str(tmp_path)}
    )
    opts |= {"file_client": "local", "file_ignore_regex": options["file_ignore_regex"] if ours else []}
    client = salt.fileclient.FSClient(opts)
    made = salt.client.ssh.state.prep_trans_tar(client, [], {"base": [["salt://mattermost/schema.yaml"]]}, id_="chat")
    with tarfile.open(made) as tar:
        packed = {Path(name).parts[1] for name in tar.getnames() if name.startswith("base/")}
    assert (packed == {"mattermost"}) == ours
    assert ("_utils" in packed) != ours
