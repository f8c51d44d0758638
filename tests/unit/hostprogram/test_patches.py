"""A host brings itself to the newest proved patch of its line, and to nothing else."""

import os
import platform
import tarfile

import pytest

from tests.lab import release_source
from tests.lab.release_source import Release, day
from tests.lab.signer import Signer
from tests.soak import in_check
from tests.unit.hostprogram.conftest import EACH_SHELL, SHELLS, usable
from tests.unit.hostprogram.patch_host import OLD, PATCH, Host, archive


@pytest.fixture
def host(tmp_path):
    usable(SHELLS[0])
    return Host(tmp_path, SHELLS[0])


@pytest.mark.parametrize("shell", EACH_SHELL, ids=lambda shell: shell[0])
def test_a_patch_that_appears_is_proved_unpacked_and_switched_to(tmp_path, shell):
    usable(shell)
    host = Host(tmp_path, shell)
    code, report = host.work()
    assert (code, report["result"]) == (0, "done"), report
    assert host.lines("switched") == [f"to {PATCH}"]
    assert host.current == PATCH
    assert (report["from"], report["to"]) == (OLD, PATCH)
    assert "chat was down for 2.5 s" in report["reason"]
    tree = tmp_path / "install" / PATCH
    assert {(path.stat().st_uid, oct(path.stat().st_mode & 0o7777)) for path in tree.rglob("*")} == {
        (os.getuid(), "0o755"),
        (os.getuid(), "0o644"),
    }
    assert (tree / "client-path").read_text() == "/chat\n"
    assert "config subpath --path /chat --assets-dir" in host.lines("rewrote")[0]
    assert host.lines("kept") == ["prune"]
    assert "start --no-block mattermost-patches-tell.service" in host.lines("asked")
    assert not (tmp_path / "work/patches/downloads").exists()
    assert list((tmp_path / "install").glob(".unpack-*")) == []
    assert host.work()[1]["reason"] == f"Mattermost {PATCH} is the newest patch of its line."
    assert len(host.lines("switched")) == 1


def test_an_outage_that_a_kill_made_unknown_is_not_told(host):
    stub = host.folder / "bin/mattermost-switch"
    stub.write_text(stub.read_text().replace("echo outage=250; ", ""))
    assert host.work()[1]["reason"] == f"Mattermost was upgraded from {OLD} to {PATCH}."


def test_it_is_off_by_default(host):
    host.settings["unattended"] = "none"
    for command in ("work", "now"):
        done = host.run(command)
        assert (done.returncode, "mattermost:release:unattended" in done.stderr) == (2, True)
    host.stayed()


@pytest.mark.exhaustive
def test_a_tree_of_another_edition_that_lies_there_is_not_the_patch(host):
    other = host.folder / "install" / PATCH
    (other / "bin").mkdir(parents=True)
    (other / "bin/mattermost").write_text("")
    (other / "bin/mattermost").chmod(0o755)
    (other / "client-path").write_text("/chat\n")
    (other / "ENTERPRISE-EDITION-LICENSE.txt").write_text("")
    code, report = host.work()
    assert (code, report["result"]) == (0, "done"), report
    assert host.current == PATCH
    assert not (other / "ENTERPRISE-EDITION-LICENSE.txt").exists()


OTHERS = {
    "only-another-line": [Release("11.8.0", day(-2), "Critical"), Release("12.1.0", day(-10)), Release(OLD, day(-90))],
    "only-older": [Release("12.1.0", day(-10)), Release("11.7.9", day(-1), "High")],
    "a-candidate": [
        Release(f"{PATCH}-rc1", day(-1), prerelease=True),
        Release(OLD, day(-90)),
        Release("12.1.0", day(-10)),
    ],
}


@pytest.mark.parametrize("listed", OTHERS.values(), ids=OTHERS)
def test_it_goes_nowhere_else(host, listed):
    host.lists(listed)
    assert host.work()[0] == 0
    host.stayed()


def test_a_patch_that_was_withdrawn_is_not_taken(host):
    host.lists([Release("12.1.0", day(-10)), Release(OLD, day(-90))])
    with (host.folder / "table").open("a") as table:
        table.write(f"release {PATCH} {day(-3)} High\n")
    host.work()
    host.stayed()


def test_a_patch_of_one_source_without_a_known_sum_is_not_taken(host):
    host.knows()
    for kind in ("page", "advisories"):
        (host.folder / "sources" / release_source.FILES[kind]).unlink()
    code, report = host.work()
    assert (code, report["result"]) == (0, "done")
    assert f"Fewer than two release sources list Mattermost {PATCH}" in report["reason"]
    host.stayed()


def test_sources_out_of_reach_are_never_no_newer_release(host):
    for name in release_source.FILES.values():
        (host.folder / "sources" / name).unlink()
    code, report = host.work()
    assert (code, report["result"]) == (0, "skipped"), report
    assert "No release source gave a new answer" in report["reason"]
    host.stayed()


def test_a_wrong_clock_does_nothing_and_is_told(host):
    (host.folder / "table").write_text(
        f"date {day(300)}\nline 11.7 {day(-190)} {day(170)}\nrelease {OLD} {day(-60)} Low\n"
    )
    code, report = host.work()
    assert (code, report["result"]) == (4, "failed")
    assert f"The clock of {platform.node()} says" in report["reason"]
    host.stayed()


def test_a_wrong_sum_is_not_opened(host):
    archive(host.folder / f"mattermost-{PATCH}-amd64.tar.gz", world=host.folder, mmctl="other")
    code, report = host.work()
    assert (code, report["result"]) == (4, "failed")
    assert "The archive was not opened" in report["reason"]
    assert host.lines("ran") == []
    assert not (host.folder / "work/patches/downloads").exists(), "it would take room until the next window"
    host.stayed()


def test_an_archive_that_cannot_be_fetched_is_tried_again(host):
    (host.folder / f"mattermost-{PATCH}-amd64.tar.gz").unlink()
    code, report = host.work()
    assert (code, report["result"]) == (0, "skipped")
    assert "cannot be fetched" in report["reason"]
    host.stayed()


class Vendor:
    """Keys and a signature for the patch, whose sum nobody knows."""

    def __init__(self, host):
        self.host, self.own, self.other = host, Signer(host.folder, "vendor"), Signer(host.folder, "other")
        host.knows()
        host.settings["key_fingerprint"] = self.own.fingerprint
        self.own.key(host.folder / "key")
        self.sign(self.own)

    def sign(self, signer):
        signer.sign(self.host.folder / f"mattermost-{PATCH}-amd64.tar.gz", self.host.folder / f"{PATCH}.sig")


def test_the_vendors_signature_proves_an_unknown_archive_and_no_other_does(host):
    vendor = Vendor(host)
    vendor.sign(vendor.other)
    code, report = host.work()
    assert (code, "another key signed the archive" in report["reason"]) == (4, True), report
    vendor.other.key(host.folder / "key")  # its own key beside it does not help
    code, report = host.work()
    assert (code, "not the pinned" in report["reason"]) == (4, True), report
    vendor.own.key(host.folder / "key", armour=False)
    vendor.own.sign(host.folder / "sums", host.folder / f"{PATCH}.sig")
    code, report = host.work()
    assert (code, "the signature belongs to another file" in report["reason"]) == (4, True), report
    host.stayed()
    vendor.sign(vendor.own)
    assert host.work()[0] == 0
    assert host.current == PATCH


def test_a_signature_that_is_missing_proves_nothing(host):
    Vendor(host)
    (host.folder / f"{PATCH}.sig").unlink()
    assert host.work()[1]["result"] == "skipped"
    host.stayed()


@pytest.mark.exhaustive
def test_without_gpgv_it_says_so_and_does_nothing(host):
    Vendor(host)
    host.program.write_text(host.program.read_text().replace("command -v gpgv", "command -v gpgv-that-is-missing"))
    code, report = host.work()
    assert (code, report["result"]) == (4, "failed")
    assert "cannot be checked without gpgv" in report["reason"]
    host.stayed()


def link(target):
    member = tarfile.TarInfo("mattermost/data")
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


BAD = {
    "version": ({"version": "11.7.14"}, "the server in the archive has version 11.7.14"),
    "edition": ({"enterprise": "true"}, "enterprise true"),
    "outside": ({"more": [tarfile.TarInfo("other")]}, "files that no release of Mattermost has"),
    "link": ({"more": [link("/etc")]}, "files that no release of Mattermost has"),
    "climbing": ({"more": [link("../../x")]}, "files that no release of Mattermost has"),
    "rewrite": ({"mmctl": "#!/bin/sh\necho 'Error: it is wrong' >&2\nexit 1\n"}, "Error: it is wrong"),
}


@pytest.mark.parametrize(("bad", "says"), in_check(list(BAD.values()), BAD["climbing"]), ids=BAD)
def test_an_archive_that_is_no_release_leaves_nothing(host, bad, says):
    archive(host.folder / f"mattermost-{PATCH}-amd64.tar.gz", **{"world": host.folder, **bad})
    host.knows(PATCH)
    code, report = host.work()
    assert (code, report["result"]) == (4, "failed")
    assert says in report["reason"]
    host.stayed()
