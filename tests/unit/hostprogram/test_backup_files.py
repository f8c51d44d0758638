"""The stored files of a server that goes on serving: listed, and compared when the backup is restored."""

import os
import subprocess
import time

import pytest

from tests import programs

MANY = 9000  # more than pipes hold


def script(name, lines, **variables):
    """Return the shell text that has the functions of the program *name* and does *lines*."""
    functions = programs.joined(name).partition("# ---- the command")[0]
    return "\n".join([functions, *(f"{key}='{value}'" for key, value in variables.items()), lines])


def folders(tmp_path):
    for name in ("state/data", "staging", "scratch", "own"):
        (tmp_path / name).mkdir(parents=True)
    return {name: tmp_path / name for name in ("state", "staging", "scratch", "own")} | {"report": tmp_path / "report"}


@pytest.mark.exhaustive
def test_files_and_folders_that_go_away_while_they_are_listed_are_no_failure(tmp_path):
    variables = folders(tmp_path)
    data, names = tmp_path / "state/data", [f"a-name-long-enough-to-fill-a-pipe-{number}" for number in range(MANY)]
    for name in names:
        (data / name).touch()
    (data / "folder").mkdir()
    os.mkfifo(tmp_path / "staging/files")  # full, it holds find up in the middle
    listing = subprocess.Popen(["dash", "-c", script("mattermost-backup", "list_files", **variables)])
    with (tmp_path / "staging/files").open() as listed:
        time.sleep(0.3)
        for name in names:
            (data / name).unlink()
        (data / "folder").rmdir()
        found = listed.read().splitlines()
    assert listing.wait() == 0
    assert 0 < len(found) < MANY, "find was not held up: nothing went away while it listed"


def test_files_that_cannot_be_listed_are_a_refusal(tmp_path):
    variables = folders(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/find").write_text(
        "#!/bin/sh\necho \"find: 'a': No such file or directory\" >&2\necho \"find: 'b': Input/output error\" >&2\nexit 1\n"
    )
    (tmp_path / "bin/find").chmod(0o755)
    text = script("mattermost-backup", f"PATH={tmp_path}/bin:$PATH; list_files", **variables)
    assert subprocess.run(["dash", "-c", text]).returncode == 2
    assert "Input/output error" in (tmp_path / "report").read_text()


def test_what_the_server_makes_to_see_whether_it_can_is_not_listed(tmp_path):
    variables = folders(tmp_path)
    (tmp_path / "state/data/testfile").touch()
    (tmp_path / "state/data/users").mkdir()
    (tmp_path / "state/data/users/testfile").write_text("x")
    subprocess.run(["dash", "-c", script("mattermost-backup", "list_files", **variables)], check=True)
    assert (tmp_path / "staging/files").read_text() == "1 users/testfile\n"


def test_folders_that_are_very_deep_fill_no_list(tmp_path):
    variables, here = folders(tmp_path), os.open(".", os.O_RDONLY)
    os.chdir(tmp_path / "state/data")
    try:
        for _ in range(2000):
            os.mkdir("d" * 100)
            os.chdir("d" * 100)
            with open("file", "w"):
                pass
    finally:
        os.fchdir(here)
        os.close(here)
    (tmp_path / "state/data/file").touch()
    subprocess.run(["dash", "-c", script("mattermost-backup", "list_files", **variables)], check=True)
    subprocess.run(["rm", "-rf", tmp_path / "state"], check=True)  # pytest's own way is Python's
    listed = (tmp_path / "staging/files").read_text()
    assert "0 file\n" in listed
    assert len(listed) < 1_000_000, "200 MB without a bound"


def test_a_name_with_a_line_break_adds_nothing_to_what_is_counted(tmp_path):
    """The manifest's sums come from the list; a number of 24 digits there would make every backup one that cannot be restored."""
    variables = folders(tmp_path)
    name = "x\n999999999999999999999999 y"
    (tmp_path / "state/data" / name).write_text("12345")
    subprocess.run(["dash", "-c", script("mattermost-backup", "list_files", **variables)], check=True)
    assert (tmp_path / "staging/files").read_text() == "5 x\x01999999999999999999999999 y\n"
    text = script("mattermost-restore", "fetched=\nnames() { :; }\ncompare_files restored", **variables)
    done = subprocess.run(["dash", "-c", text], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


LISTED = {"20260101/a/picture.bin": 5, "20260101/a/picture_thumb.jpg": 3, "users/u/profile.png": 4, "export/1.zip": 9}
NAMED = ("20260101/a/picture.bin", "20260101/a/picture_thumb.jpg")


def compared(tmp_path, change=lambda data: None):
    """Compare what is restored, after *change* of it, as a restore does."""
    variables = folders(tmp_path)
    for name, size in LISTED.items():
        path = tmp_path / "state/data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * size)
    (tmp_path / "staging/files").write_text("".join(f"{size} {name}\n" for name, size in LISTED.items()))
    (tmp_path / "named").write_text("".join(f"{name}\n" for name in NAMED))
    change(tmp_path / "state/data")
    text = script(
        "mattermost-restore", f"fetched=\nnames() {{ cat {tmp_path}/named; }}\ncompare_files restored", **variables
    )
    return subprocess.run(["dash", "-c", text], capture_output=True, text=True)


def test_a_backup_with_all_that_was_stored_passes_without_a_word(tmp_path):
    done = compared(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_no_message_names_may_change_and_go_away_while_it_is_read(tmp_path):
    def served(data):
        (data / "users/u/profile.png").write_text("longer than it was")
        (data / "export/1.zip").unlink()
        (data / "export/2.zip").touch()

    done = compared(tmp_path, served)
    assert done.returncode == 0, done.stderr
    assert ": 2. That is normal: no message needs them. The first is export/1.zip." in done.stdout


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("size", [None, 0, 2, 6])
def test_what_a_message_names_is_there_in_its_length_or_the_backup_is_refused(tmp_path, name, size):
    def damaged(data):
        (data / name).unlink() if size is None else (data / name).write_text("x" * size)
        (data / "export/1.zip").unlink()

    done = compared(tmp_path, damaged)
    assert done.returncode == 4
    assert f"The first is {name}." in (tmp_path / "report").read_text()


def test_how_far_a_backup_is_can_be_asked(tmp_path):
    """What restic 0.14 says of a backup; a file's name cannot say another share."""
    variables = folders(tmp_path)
    status = '{"message_type":"status","seconds_elapsed":2,"percent_done":0.4505,"total_files":1,"total_bytes":1572864000,"bytes_done":70869547'
    stored = [
        '{"message_type":"status","percent_done":0,"total_files":1,"total_bytes":1572864000}',
        status + r',"current_files":["/a\",\"percent_done\":0.9,\"total_bytes\":9"]}',
        '{"message_type":"status","secon',  # while it is written
    ]

    def asked():
        text = script("mattermost-backup", "progress", **variables)
        return subprocess.run(["dash", "-c", text], capture_output=True, text=True, check=True).stdout

    assert asked() == ""
    (tmp_path / "staging/database.dump").write_bytes(bytes(3 << 20))
    assert asked() == "the dump of the database has 3 MiB\n"
    (tmp_path / "own/stored").write_text("\n".join(stored))
    assert asked() == "45 % of 1500 MiB stored\n"
    (tmp_path / "own/stored").write_text('\n{"message_type":"summary","snapshot_id":"1"}\n')
    assert asked() == "all files are stored, and the repository is being checked\n"
