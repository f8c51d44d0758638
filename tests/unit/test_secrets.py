"""The search for planted secrets finds them: a search that cannot find proves nothing."""

import base64
import json
import subprocess
import sys

import pytest

from tests import secrets


def run(program):
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("shift", range(6))
@pytest.mark.parametrize("name", secrets.PLANTED)
def test_a_secret_is_found_in_base64_wherever_it_stands(name, shift):
    data = base64.b64encode(b"x" * shift + secrets.PLANTED[name].encode() + b"yz")
    assert any(found.startswith(name) for found in secrets.found_in(data))


@pytest.mark.parametrize("name", secrets.PLANTED)
def test_a_secret_is_found_plain_and_in_json(name):
    value = secrets.PLANTED[name]
    assert secrets.found_in(value.encode()) != []
    assert secrets.found_in(json.dumps({"a": json.dumps({"b": value})}).encode()) != []


def test_nothing_is_found_where_nothing_is():
    assert secrets.found_in(b"password=" + b"A" * 500) == []


def test_the_programs_hold_no_secret_themselves():
    for program in (secrets.search_readable(), secrets.search_all(["/tmp"]), secrets.watch_arguments(1, "/stop")):
        assert secrets.found_in(program.encode()) == []


def test_a_file_that_others_read_is_found_and_a_private_one_only_when_asked(tmp_path):
    tmp_path.chmod(0o755)
    value = secrets.PLANTED["mail:password"]
    for name, mode in (("open", 0o644), ("private", 0o600)):
        (tmp_path / name).write_text(f"x {value} y")
        (tmp_path / name).chmod(mode)
    readable = run(secrets.search_readable([str(tmp_path)]).replace("journalctl", "true"))
    assert readable == {str(tmp_path / "open"): ["mail:password (plain)"]}
    assert set(run(secrets.search_all([str(tmp_path)]))) == {str(tmp_path / "open"), str(tmp_path / "private")}


def test_arguments_of_a_running_process_are_found(tmp_path):
    value = "unit-Tj8<&>\"'5c6a40f"  # not a planted one: a scenario may be watching this machine
    sleeper = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", value], stdin=subprocess.PIPE)
    try:
        found = run(secrets.watch_arguments(1, str(tmp_path / "stop"), {"given": value}))
    finally:
        sleeper.communicate()
    assert any("given (plain)" in names for names in found.values())
