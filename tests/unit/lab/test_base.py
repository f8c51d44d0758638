"""The base of tests' hosts is made beside tests that run already."""

from types import SimpleNamespace

import pytest

from tests.lab import __main__ as commands


@pytest.mark.parametrize("worker", ["gw0", "gw4"])
def test_the_labs_of_tests_are_not_its_own(monkeypatch, tmp_path, worker):
    taken_down = []
    lab = SimpleNamespace(layers=lambda platform, as_shipped: None)
    fake = SimpleNamespace(
        open=lambda *given: lab, down=lambda root, directory=tmp_path / ".lab": taken_down.append(directory)
    )
    monkeypatch.setattr(commands, "Lab", fake)
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setattr(commands.os, "geteuid", lambda: 0)
    monkeypatch.setattr("tests.lab.claim.remembered", lambda directory: None)
    commands.base(SimpleNamespace(platform="debian12"))
    (directory,) = taken_down
    assert directory not in (tmp_path / ".lab/workers" / worker).parents
