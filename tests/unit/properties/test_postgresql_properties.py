"""PostgreSQL itself reads each setting as it was given, whatever is in it."""

import subprocess
from pathlib import Path

import mattermost_database_files as files
import pytest
from hypothesis import example, given

from tests.unit.properties.strategy import LINE
from tests.unit.properties.test_settings_properties import CHECK

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if not PROGRAMS:
        pytest.skip("NO POSTGRESQL HERE")
    return tmp_path_factory.mktemp("postgresql")


@CHECK
@example(value="a'b")
@example(value="%m [%p] 'x' \\ ")
@example(value="\\t")
@given(value=LINE)
def test_a_setting_is_read_as_it_was_given(value, folder):
    places = {"data_directory": str(folder), "hba_file": "/dev/null", "ident_file": "/dev/null"}
    (folder / "settings.conf").write_text(files.drop_in({**places, "own.value": value}))
    command = [PROGRAMS[-1], "-C", "own.value", "-c", f"config_file={folder}/settings.conf"]
    done = subprocess.run(command, capture_output=True, timeout=20)
    assert done.stdout.decode() == f"{value}\n", done.stderr
