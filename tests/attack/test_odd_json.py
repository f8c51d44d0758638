"""JSON that the server's account, the role or a host writes: nested without end, of any size, with what is no text. Each ends in a sentence."""

import json
import subprocess

import mattermost_api_core as api
import mattermost_config_file as config
import mattermost_database_cluster as database
import mattermost_progress as progress
import pytest
from mattermost_controller.importing import parse, plan
from mattermost_controller.status import facts as status

from tests import programs
from tests.soak import in_check

DEEP = '{"a":' * 200_000


class Answer:
    status, headers, length = 200, {}, None  # noqa: RUF012

    def read(self, most):
        return DEEP.encode()


def over_the_socket(tmp_path, monkeypatch):
    class Connection:
        sock = None

        def __init__(self, *arguments, **options):
            pass

        request = close = connect = lambda *arguments, **options: None

        def getresponse(self):
            return Answer()

    monkeypatch.setattr(api, "_OverSocket", Connection)
    return api.Api("/run/x").request("GET", "/x")[0]


def from_the_role(tmp_path, monkeypatch):
    monkeypatch.setattr(database.Cluster, "running", lambda self: ("/run", 5432))
    monkeypatch.setattr(database.Cluster, "_run", lambda self, *arguments: DEEP)
    cluster = database.Cluster.__new__(database.Cluster)
    with pytest.raises(database.DatabaseError, match="cannot be checked"):
        cluster.as_role("SELECT 1", "mm", "mm")


def settings_on_a_host(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text(DEEP)
    with pytest.raises(config.FileError, match="is not valid JSON"):
        config.read_json(str(tmp_path / "config.json"))


def settings_of_a_source(tmp_path, monkeypatch):
    with pytest.raises(parse.ImportFault, match="is not valid JSON"):
        parse.sections(DEEP, "/x/config.json")


def settings_of_a_moved_server(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="is not valid JSON"):
        plan.parse_config(DEEP.encode())


ASKED = {
    "server": over_the_socket,
    "role": from_the_role,
    "config": settings_on_a_host,
    "import": settings_of_a_source,
    "move": settings_of_a_moved_server,
    "progress": lambda *_: progress.decode(progress.MARK + DEEP),
    "status": lambda *_: status.parse(f"client\t{DEEP}\nping\t{DEEP}\nend\tok\n"),
}


@pytest.mark.parametrize("what", ASKED)
def test_json_that_is_nested_without_end(tmp_path, monkeypatch, what):
    ASKED[what](tmp_path, monkeypatch)


def test_settings_of_any_size_are_not_read(tmp_path):
    with (tmp_path / "config.json").open("w") as file:
        file.truncate(1 << 40)
    with pytest.raises(config.FileError, match=r"has 1099511627776 bytes"):
        config.read_json(str(tmp_path / "config.json"))


READERS = ['config_value "$1" SqlSettings DriverName', 'keys_fingerprint "$1"', "config=$1; environment=/x; site_path"]


@pytest.mark.parametrize(
    "function",
    in_check(READERS, READERS[-1]),
)
def test_a_program_reads_a_part_of_them_alone(tmp_path, function):
    """sed and awk hold a line whole: one of 1 TiB would end in the kernel's choice of what to kill."""
    with (tmp_path / "config.json").open("w") as file:
        file.truncate(1 << 40)
    name = "mattermost-switch" if "site_path" in function else "mattermost-backup"
    library = programs.joined(name).partition("# ---- the command")[0].partition('\n[ "$#" -gt 0 ]')[0]
    limits = "ulimit -v 2000000; "
    done = subprocess.run(
        ["sh", "-c", f"{limits}{library}\n{function}", "sh", tmp_path / "config.json"], capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_half_a_character_reaches_the_file_as_the_server_reads_it(tmp_path):
    path = str(tmp_path / "config.json")
    config.write_json(path, json.loads('{"TeamSettings": {"SiteName": "a\\ud800"}}'))
    assert config.read_json(path) == {"TeamSettings": {"SiteName": "a\ufffd"}}
