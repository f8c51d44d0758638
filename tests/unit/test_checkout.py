"""The checkout as a controller: what it refuses before Salt does anything."""

import importlib.util
import logging
import os
import re
import sys
import types
from pathlib import Path

import pytest
import salt.client.ssh  # noqa: F401  with it comes all that the handler changes
from mattermost_controller.given import interrupt

SOURCE = Path("etc/salt/log_handlers/mattermost_checkout.py")


@pytest.fixture
def checkout():
    spec = importlib.util.spec_from_file_location("mattermost_checkout", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_version_that_setup_installs_is_a_tested_one(checkout):
    assert re.search(r"^salt==(\S+)", Path("requirements.txt").read_text(), re.MULTILINE)[1] in checkout.TESTED


def test_the_page_names_the_tested_versions(checkout):
    page = Path("docs/salt-versions.md").read_text()
    assert f"| {', '.join(checkout.TESTED)} | tested |" in page
    assert [version for version in checkout.TESTED if f"\n| {version} |" not in page] == []


@pytest.mark.parametrize("version", ["3008.2", "3008.3", "3008.9", "3008.2+393.g4ae4bf944f"])
def test_every_salt_of_the_tested_line_is_accepted(checkout, version):
    assert checkout.wrong_salt(version) == ""


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("3006.24", "no salt-ssh --relenv"),
        ("3007.1", "no salt-ssh --relenv"),
        ("3009.0", "never tested"),
        ("3010.0rc1", "never tested"),
    ],
)
def test_another_line_of_salt_is_refused_with_the_reason_and_what_to_do(checkout, version, reason):
    said = checkout.wrong_salt(version)
    assert said.startswith(f"Salt {version} ({sys.prefix}) ")
    assert reason in said
    assert "This bundle needs Salt 3008" in said
    assert "make setup" in said


@pytest.fixture
def started(checkout, tmp_path, monkeypatch, capfd):
    """A function that loads the handler as a program of another Salt does; returns what it said and its handler.

    What the handler changes in Salt is Salt's own again afterwards: other tests show Salt without it.
    """
    before = [(owner, dict(vars(owner))) for owner in of_salt()]
    monkeypatch.setattr(interrupt, "take_over", lambda: None)
    for name in ("salt.pillar", "salt.utils.templates"):
        monkeypatch.setattr(logging.getLogger(name), "filters", [])

    def start(program, version):
        monkeypatch.setattr("sys.argv", [f"/venv/bin/{program}", "x"])
        monkeypatch.setattr("salt.version.__version__", version)
        monkeypatch.setattr("salt.utils.event.SaltEvent", type("SaltEvent", (), {"connect_pull": None}))
        places = {"root_dir": str(tmp_path), "cachedir": str(tmp_path / "cache"), "sock_dir": str(tmp_path)}
        checkout.__opts__ = {"utils_dirs": ["salt/_utils"], **places}
        handler = checkout.setup_handlers()
        return capfd.readouterr().err, handler

    yield start
    for owner, own in before:
        for name, value in [*vars(owner).items()]:
            if name not in own and isinstance(owner, type):
                delattr(owner, name)
            elif name in own and value is not own[name]:
                setattr(owner, name, own[name])


def of_salt():
    """Yield the modules of Salt and their classes."""
    for module in [module for name, module in sys.modules.items() if name.startswith("salt.")]:
        yield module
        yield from (
            each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__
        )


@pytest.mark.parametrize(("version", "lines"), [("3008.2", 0), ("3008.3", 0), ("3008.9", 1)])
def test_an_untested_salt_of_the_line_is_named_in_one_line_and_the_run_goes_on(started, version, lines):
    said, handler = started("salt-run", version)
    assert said.count("\n") == lines
    assert not lines or "Salt 3008.9 was not tested" in said
    assert handler


def test_a_refused_salt_ends_the_command(started, capfd):
    with pytest.raises(SystemExit) as ended:
        started("salt-run", "3009.0")
    assert ended.value.code == 1
    assert capfd.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("program", ["salt-master", "salt-minion", "salt-api", "salt", "salt-key"])
def test_a_daemon_and_its_clients_are_left_alone_whatever_their_salt(started, program):
    import salt.utils.event

    assert started(program, "3006.24") == ("", False)
    assert salt.utils.event.SaltEvent.connect_pull is None, "patched"


def test_a_cache_of_another_user_is_refused(checkout, tmp_path):
    assert "belongs to" in checkout.wrong_owner(str(tmp_path), os.geteuid() + 1)


def test_a_cache_of_ones_own_or_none_is_fine(checkout, tmp_path):
    assert checkout.wrong_owner(str(tmp_path), os.geteuid()) == ""
    assert checkout.wrong_owner(str(tmp_path / "none"), 7) == ""


@pytest.mark.parametrize(
    ("blocks", "files", "said"), [(0, 5, "has 0 MiB left"), (19 << 8, 5, "has 19 MiB left"), (99 << 8, 0, "has no room for another file left")]
)  # fmt: skip
def test_a_cache_on_a_full_disk_is_refused(checkout, tmp_path, monkeypatch, blocks, files, said):
    full = types.SimpleNamespace(f_bavail=blocks, f_frsize=4096, f_favail=files, f_files=9)
    monkeypatch.setattr(checkout.os, "statvfs", lambda place: full)
    for folder in (tmp_path, tmp_path / "none"):
        assert said in checkout.full_disk(str(folder))


def test_a_cache_on_a_disk_with_room_is_fine(checkout, tmp_path):
    assert checkout.full_disk(str(tmp_path)) == ""
    assert checkout.full_disk(".salt-that-is-not-there") == ""


@pytest.fixture
def elsewhere(monkeypatch):
    spec = importlib.util.spec_from_file_location("started_elsewhere", "etc/venv/started_elsewhere.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.elsewhere


@pytest.mark.parametrize("command", ["salt-run", "/x/.venv/bin/salt-ssh"])
def test_from_another_folder_it_says_where_to_start(elsewhere, tmp_path, command):
    assert elsewhere([command, "x"], {}, str(tmp_path), "/checkout").endswith("run: cd /checkout")


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["salt-run", "-c", "/etc/salt", "x"], {}),
        (["salt-run", "--config-dir=/etc/salt", "x"], {}),
        (["salt-run", "x"], {"SALT_SALTFILE": "/x"}),
        (["pytest"], {}),
        ([], {}),
    ],
)
def test_it_keeps_quiet_where_it_is_not_asked(elsewhere, tmp_path, argv, environ):
    assert elsewhere(argv, environ, str(tmp_path), "/checkout") == ""


def test_it_keeps_quiet_in_the_checkout(elsewhere):
    assert elsewhere(["salt-run", "x"], {}, os.getcwd(), "/checkout") == ""


def record(text, name="salt.state"):
    return logging.LogRecord(name, logging.ERROR, "x", 1, "%s", (text,), None)


def test_the_reason_of_a_failure_is_said_last_and_alone(checkout, capsys, monkeypatch):
    kept = []
    monkeypatch.setattr(checkout.atexit, "register", kept.append)
    words = checkout.LastWords()
    words.emit(record("Stage server failed on chat at it-answers: 503.\nAll findings:\nok  chat  page"))
    words.emit(record("One or more requisite failed: mattermost.ssl.server"))
    words.emit(record("Unable to connect pusher", "salt.utils.event"))
    assert len(kept) == 1
    kept[0]()
    assert capsys.readouterr().err == "\nFailed. Stage server failed on chat at it-answers: 503.\n"


def test_a_run_that_went_well_has_no_last_words(checkout, monkeypatch):
    monkeypatch.setattr(checkout.atexit, "register", lambda function: pytest.fail("registered"))
    checkout.LastWords().emit(record("One or more requisite failed: x"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "Rendering SLS 'mattermost' failed, render error:\ns3kr3t",
            "The pillar file of mattermost cannot be rendered: see line 4 of that file.",
        ),
        ("Rendering exception occurred", None),
    ],
)
def test_a_pillar_that_does_not_render_shows_none_of_its_text(checkout, text, kept):
    error = type("SaltRenderError", (Exception,), {"line_num": 4})("s3kr3t")
    failed = logging.LogRecord("salt.pillar", logging.CRITICAL, "x", 1, text, (), (type(error), error, None))
    assert checkout.without_values(failed) == bool(kept)
    assert logging.Formatter("%(message)s").format(failed) == (kept or "")
    assert not checkout.without_values(record("Pillar render error: Rendering SLS", "salt.pillar"))
    assert checkout.without_values(record("Specified SLS 'x' is not available", "salt.pillar"))
