"""What the repository may hold: nothing of the machine it was written on, nothing large."""

import re
import shutil
from pathlib import Path

import pytest

from tests import repository

# Folders under which any machine keeps things; a checkout directly below one says nothing about the machine.
COMMON = {"/", "/root", "/home", "/opt", "/srv", "/tmp", "/mnt", "/usr/src", "/var"}  # noqa: S108


def lines_with(word):
    return [
        f"{path}:{number}: {line.strip()}"
        for path in repository.tracked()
        for number, line in enumerate(repository.text(path).splitlines(), 1)
        if word in line
    ]


def registry_hosts():
    """Return the hosts from which this machine installs packages, read from its own settings."""
    apt = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    found = [path.read_text() for path in apt if path.is_file()]
    found = [line for text in found for line in text.splitlines() if re.match(r"(URIs:|deb)\b", line)]
    found.append(repository.run(str(repository.BIN / "pip"), "config", "list").stdout)
    if shutil.which("npm"):
        found.append(repository.run("npm", "config", "get", "registry").stdout)
    # A vendor's repository that the bundle itself sets up on hosts is product data, not this machine's.
    ours = hosts_of(repository.text(Path("salt/mattermost/platforms.yaml")))
    return sorted(hosts_of("\n".join(found)) - ours)


def hosts_of(text):
    return set(re.findall(r"https?://(?:[^/@\s]*@)?([^/:\s'\"]+)", text))


def test_no_path_of_this_machine():
    git = Path(repository.run("git", "rev-parse", "--path-format=absolute", "--git-common-dir").stdout.strip())
    folders = {str(repository.ROOT.parent), str(git.parent.parent)} - COMMON
    if not folders:
        pytest.skip("This checkout is in a folder that says nothing about its machine.")
    assert [line for folder in folders for line in lines_with(f"{folder}/")] == []


def test_no_host_of_a_package_registry():
    hosts = registry_hosts()
    if not hosts:
        pytest.skip("This machine names no source of packages.")
    assert [line for host in hosts for line in lines_with(host)] == []


def test_a_word_that_is_in_the_repository_is_found():
    (line,) = lines_with("def test_a_word_that_is_in_the_repository" + "_is_found")
    assert line.startswith("tests/unit/test_repository.py:")


@pytest.mark.parametrize(
    "line",
    [
        "deb [arch=amd64] http://me:secret@mirror.example.net:8080/debian bookworm main",
        "URIs: https://mirror.example.net/debian",
        "global.index-url='https://mirror.example.net/simple'",
    ],
)
def test_the_host_of_a_registry_is_read_from_a_machines_settings(line):
    assert hosts_of(line) == {"mirror.example.net"}


def test_no_archive_and_nothing_large():
    large = [str(path) for path in repository.tracked() if (repository.ROOT / path).stat().st_size > 512 * 1024]
    archives = [str(path) for path in repository.with_suffix(".gz", ".xz", ".zip", ".tar", ".deb", ".rpm", ".whl")]
    assert large + archives == []


def test_scripts_can_be_run_and_only_scripts():
    """What a state installs has its mode from the state. A line that names a renderer of Salt (`#!yaml`) makes no script."""
    wrong = []
    for path in (path for path in repository.tracked() if "files" not in path.parts):
        shebang = repository.text(path).startswith("#!/")
        if shebang != bool((repository.ROOT / path).stat().st_mode & 0o111):
            wrong.append(str(path))
    assert wrong == []


def test_requirements_are_pinned_each_with_its_reason():
    lines = [
        line for line in repository.text(Path("requirements.txt")).splitlines() if line and not line.startswith("#")
    ]
    assert [line for line in lines if not re.fullmatch(r"[\w.\[\]-]+==[\w.]+( ;.*)?\s+# \S.*", line)] == []


def locked(name) -> dict:
    """Return each pin of a lock file -> its hashes."""
    entries = re.split(r"\n(?=\S)", repository.text(Path("etc/venv") / name).rstrip("\n"))
    return {entry.splitlines()[0].rstrip(" \\"): re.findall(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries}


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_each_package_is_pinned_with_its_hashes(name):
    found = locked(name)
    assert [
        pin for pin, hashes in found.items() if not re.fullmatch(r"[\w.-]+==[\w.]+( ; .*)?", pin) or not hashes
    ] == []


def test_the_lock_is_of_the_requirements():
    wanted = re.findall(r"(?m)^([\w.-]+==[\w.]+)", repository.text(Path("requirements.txt")))
    pins = {pin.partition(" ")[0].lower() for pin in locked("requirements.lock")}
    assert {pin.lower() for pin in wanted} - pins == set(), "run: make lock"


def test_what_is_built_with_is_what_is_installed():
    """Else the second half of the installation would take back the first."""
    both = [{pin.partition(" ")[0] for pin in locked(name)} for name in ("requirements.lock", "build.lock")]
    names = {pin.partition("==")[0] for pin in both[0]}
    assert {pin for pin in both[1] - both[0] if pin.partition("==")[0] in names} == set()


def test_what_a_user_writes_is_ignored():
    """So that an update of the checkout never conflicts with a user's settings."""
    names = ["roster", "known_hosts", "pillar/mattermost.sls", "salt/mattermost/local/key.pem", ".lab/x", ".salt/x"]
    assert repository.run("git", "check-ignore", *names).stdout.split() == names
