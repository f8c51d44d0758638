"""Where a server takes its settings from, a file or a database, and what that says about its files."""

import subprocess

import pytest
from mattermost_controller.hosts import scripts
from mattermost_controller.importing import detect
from mattermost_controller.importing import source as source_module

from tests import repository
from tests.unit.import_facts import by_hand, coded


def in_database(place="postgres://mm:a%40b@localhost:5432/chat", *lines):
    return by_hand(None, f"config_place\t{coded(place)}", *lines)


def test_settings_in_the_database_say_where_files_are_once_they_are_read():
    source = detect.detect(in_database())
    assert (source.config, source.config_file) == (None, "")
    assert (source.login.database, source.login.user, source.login.password) == ("chat", "mm", "a@b")
    settings = {"FileSettings": {"Directory": "/srv/files/"}, "PluginSettings": {"Directory": "./extra"}}
    known = source_module.with_settings(source, settings)
    assert known.config == settings
    assert (known.data, known.plugins) == ("/srv/files", "/opt/mattermost/extra")
    assert known.client_plugins == "/opt/mattermost/client/plugins"


def test_a_variable_still_wins_over_what_the_database_says():
    source = detect.detect(
        in_database("postgres://mm@h/chat", f"environment\t{coded('MM_FILESETTINGS_DIRECTORY=/ours')}")
    )
    assert source_module.with_settings(source, {"FileSettings": {"Directory": "/srv/files/"}}).data == "/ours"


def test_the_file_that_the_server_is_told_of_is_the_one_read():
    assert detect.detect(in_database("/etc/chat/config.json")).config_file == "/etc/chat/config.json"


SYSTEMCTL = """#!/bin/sh
case "$*" in
    *ActiveState*) exit 0 ;;
    *ExecStart*) echo "ExecStart={ path=/x ; argv[]=/x/bin/mattermost $words ; ignore_errors=no ; pid=0 }" ;;
    *EnvironmentFiles*) echo "EnvironmentFiles=$files (ignore_errors=no)" ;;
    *Environment*) echo "Environment=LANG=C $variables" ;;
    *MainPID*) echo MainPID=0 ;;
esac
"""


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, "{tree}/config/config.json"),
        ({"words": "--config=/etc/chat.json"}, "/etc/chat.json"),
        ({"words": "server -c other.json"}, "{tree}/other.json"),
        ({"variables": "MM_CONFIG=postgres://mm@h/chat"}, "postgres://mm@h/chat"),
        ({"words": "-c /etc/chat.json", "variables": "MM_CONFIG=/no"}, "/etc/chat.json"),
        ({"files": 'MM_CONFIG="postgres://mm@h/chat?a=1&b=2"'}, "postgres://mm@h/chat?a=1&b=2"),
    ],
)
def test_the_look_at_a_host_finds_where_a_stopped_server_takes_its_settings_from(tmp_path, given, place):
    program, tree, variables = tmp_path / "systemctl", tmp_path / "tree", tmp_path / "variables"
    program.write_text(SYSTEMCTL)
    (tree / "bin").mkdir(parents=True)
    (tree / "bin/mattermost").write_text("#!/bin/sh\n")
    for path in (program, tree / "bin/mattermost"):
        path.chmod(0o755)
    variables.write_text(given.get("files", ""))
    text = scripts.build(
        [str(repository.ROOT / "salt")], (scripts.TOOLS, "mattermost/scripts/import.sh"), {"directory": str(tree)}
    )
    environment = {"words": "", "variables": "", **given, "files": str(variables), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert source_module.file(source_module.parse_facts(done.stdout), "config_place") == place.format(tree=tree)
