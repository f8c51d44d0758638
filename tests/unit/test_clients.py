"""A client of others that cannot be had is a skip with its reason."""

import pytest

from tests.clients import installed


def test_a_machine_without_node_is_reported(tmp_path):
    with pytest.raises(installed.Missing, match="NO NODE: .*; install node 18 or newer with npm"):
        installed.program("javascript", tmp_path, which=lambda name: None)


def test_a_package_that_cannot_be_had_is_reported_and_leaves_nothing(tmp_path):
    with pytest.raises(installed.Missing, match="NO PACKAGE: javascript-.* cannot be installed: .*exit status 1"):
        installed.program("javascript", tmp_path, which=lambda name: "/bin/false")
    assert not [path for path in (tmp_path / "clients").iterdir() if path.suffix != ".new" and path.is_dir()]
