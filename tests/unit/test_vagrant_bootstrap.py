"""The first script on a fresh box: which commands it gives, with yum, rpm and apt replaced by recorders."""

import os
import shutil
import subprocess

import pytest

from tests import repository

SCRIPT = repository.ROOT / "tools/vagrant/bootstrap.sh"
BASE = """\
# as the box has it
[base]
name=CentOS-$releasever - Base
mirrorlist=http://mirrorlist.centos.org/?release=$releasever&repo=os
#baseurl=http://mirror.centos.org/centos/$releasever/os/$basearch/
enabled=1
gpgcheck=1

[ours]
name=A repository that answers
#mirrorlist=http://mirrorlist.centos.org/
baseurl=https://packages.example.org/
enabled=1
"""


class Box:
    """A folder that stands for ``/``, and recorders for the package programs that it has."""

    def __init__(self, folder):
        self.root, self.bin, self.calls = folder / "root", folder / "bin", folder / "calls"
        self.repositories = self.root / "etc/yum.repos.d"
        self.repositories.mkdir(parents=True)
        self.bin.mkdir()
        for tool in ("sh", "awk", "grep", "cat", "rm"):
            (self.bin / tool).symlink_to(shutil.which(tool))

    def has(self, program, answer="exit 0"):
        """Give the box a program that records its call, then does what *answer* (sh) says."""
        (self.bin / program).write_text(f'#!/bin/sh\necho "{program} $*" >> {self.calls}\n{answer}\n')
        (self.bin / program).chmod(0o755)

    def run(self):
        """Run the script and return its exit status and the calls that it made."""
        self.calls.write_text("")
        done = subprocess.run(
            ["sh", SCRIPT, self.root], env={"PATH": str(self.bin)}, capture_output=True, text=True, check=False
        )
        return done.returncode, self.calls.read_text().splitlines(), done.stderr


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path)


@pytest.fixture
def centos(box):
    (box.root / "etc/centos-release").write_text("CentOS Linux release 7.9.2009 (Core)\n")
    (box.repositories / "CentOS-Base.repo").write_text(BASE)
    box.has("yum")
    box.has("rpm", "exit 1")
    return box


def archive(box):
    return (box.repositories / "mattermost-system.repo").read_text()


def test_dead_sections_are_switched_off_and_nothing_else_changes(centos):
    assert centos.run()[0] == 0
    expected = BASE.replace("[base]\n", "[base]\nenabled=0\n", 1).replace(
        "os/$basearch/\nenabled=1\n", "os/$basearch/\n"
    )
    assert (centos.repositories / "CentOS-Base.repo").read_text() == expected


def test_the_archive_is_signed_and_asked_over_https(centos):
    centos.run()
    assert archive(centos).count("baseurl=https://vault.centos.org/7.9.2009/") == 3
    assert archive(centos).count("gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7\n") == 3


def test_only_the_archive_is_asked(centos):
    _, calls, _ = centos.run()
    asked = [call for call in calls if call.startswith("yum")]
    assert len(asked) == 2
    assert all("--disablerepo=* --enablerepo=mattermost-*" in call for call in asked)
    assert asked[-1].endswith("install tar xz ca-certificates")


def test_old_certificates_of_authorities_are_made_recent_first(centos):
    centos.has(
        "yum",
        'case "$*" in *makecache*) exit 1 ;; esac; grep -h baseurl '
        + str(centos.repositories / "m*.repo")
        + f" >> {centos.calls}",
    )
    code, calls, _ = centos.run()
    updated = next(number for number, call in enumerate(calls) if call.endswith("update ca-certificates"))
    assert code == 0
    assert calls[updated + 1].startswith("baseurl=http://vault")
    assert calls[-1].startswith("baseurl=https://vault")
    assert "https://" in archive(centos)
    assert "http://" not in archive(centos)


def test_a_second_run_changes_nothing(centos):
    centos.run()
    before = {path: path.read_text() for path in centos.repositories.iterdir()}
    centos.has("rpm", "exit 0")
    code, calls, _ = centos.run()
    assert code == 0
    assert [call for call in calls if call.startswith("yum")] == []
    assert {path: path.read_text() for path in centos.repositories.iterdir()} == before


def test_an_archive_that_does_not_answer_fails_the_provisioner_and_the_next_run_tries_again(centos):
    centos.has("yum", "exit 1")
    assert centos.run()[0] != 0
    centos.has("yum")
    code, calls, _ = centos.run()
    assert code == 0
    assert any("install tar xz ca-certificates" in call for call in calls)
    assert "http://" not in archive(centos)


def test_on_debian_only_what_is_missing_is_installed(box):
    box.has("apt-get")
    box.has("dpkg-query", 'case "$*" in *xz-utils) exit 1 ;; esac; echo installed')
    code, calls, _ = box.run()
    assert code == 0
    assert [call.split()[-1] for call in calls if call.startswith("apt-get")] == ["update", "xz-utils"]


def test_on_debian_with_everything_apt_is_not_asked(box):
    box.has("apt-get")
    box.has("dpkg-query", "echo installed")
    assert [call for call in box.run()[1] if call.startswith("apt-get")] == []


def test_another_system_is_told_what_to_do(box):
    code, _, said = box.run()
    assert code == 1
    assert "vagrant destroy" in said


def test_the_script_can_be_run():
    assert os.access(SCRIPT, os.X_OK)
