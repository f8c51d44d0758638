"""Nothing of a lab is lost or left behind, and labs keep out of each other's way."""

import os
import re
import subprocess
from pathlib import Path

from tests.lab import Lab
from tests.lab.cgroup import Group, children, hierarchies
from tests.lab.shell import run

ROOT = Path(__file__).resolve().parents[2]
ARCHIVE = "mattermost-team-0.0.1-linux-amd64.tar.gz"


def remains(instance):
    """What is left of an instance on this machine: bridge, table, mounts, groups, processes."""
    found = [line for line in Path("/proc/self/mounts").read_text().splitlines() if instance.mark + "-" in line]
    found += children(instance.mark)
    found += [str(root / instance.mark) for root in hierarchies() if (root / instance.mark).exists()]
    found += [path.name for path in Path("/sys/class/net").iterdir() if instance.mark in path.name.split("-")]
    found += re.findall(rf"table inet {instance.mark}\b", run(["nft", "list", "tables"]).stdout)
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{instance.mark}-" in words or instance.gateway + " " in words:
            found.append(words)
    return found


def test_opening_again_keeps_what_runs(lab, host, directory):
    before, root = host.boot_id(), lab.acme.root.read_text()
    Lab.open(ROOT, directory)
    assert host.boot_id() == before
    assert lab.acme.root.read_text() == root


def test_opening_cleans_what_a_killed_run_left(lab, host, directory):
    half = directory / "hosts" / "half"
    half.mkdir()
    stray = Group(f"{lab.instance.mark}/stray")
    subprocess.run(stray.command(["setsid", "--fork", "sleep", "600"]), check=True)
    assert stray.pids()
    Lab.open(ROOT, directory)
    assert not half.exists()
    assert not stray.pids()
    assert host.running


def test_a_host_whose_supervisor_was_killed_is_still_found(lab):
    host = lab.host("orphan")
    for pid in host._nspawn():
        os.kill(pid, 9)
    assert host.running
    host.remove()
    assert not (lab.directory / "hosts" / "orphan").exists()


def test_a_second_lab_stands_beside_the_first(lab, host, second):
    other = Lab.open(ROOT, second)
    assert other.instance != lab.instance
    twin = other.host("one")
    assert twin.address != host.address
    assert {twin.ssh("hostname").stdout, host.ssh("hostname").stdout} == {"one\n"}
    Lab.down(ROOT, second)
    assert remains(other.instance) == []
    assert host.ssh("hostname").stdout == "one\n"


def test_down_leaves_nothing(second):
    gone = Lab.open(ROOT, second)
    gone.host("one")
    gone.snapshot(gone.host("two"), "kept")
    gone.clone("kept", "three")
    (gone.archives / ARCHIVE).touch()
    inner = Lab.open(ROOT, second / "inner")
    run(["ip", "link", "add", f"vb-{gone.instance.mark}-99", "type", "bridge"])  # a killed host's that nobody took away
    assert remains(gone.instance)  # the positive control of what follows
    assert remains(inner.instance)
    assert Lab.down(ROOT, second).instance == gone.instance
    assert remains(gone.instance) + remains(inner.instance) == []
    assert sorted(path.name for path in second.iterdir()) == ["archives", "lock"]
    assert Lab.down(ROOT, second) is None
