"""Which change of release is refused, and which archives may be unpacked."""

import tarfile

import mattermost_release_core as core
import pytest
from mattermost_release_facts import EMPTY_SHA256

WHOLE = {
    "mattermost/bin/mattermost",
    "mattermost/bin/mmctl",
    "mattermost/config/config.json",
    "mattermost/client/root.html",
    "mattermost/i18n/en.json",
    "mattermost/templates/invite_body.html",
    "mattermost/MIT-COMPILED-LICENSE.md",
}


@pytest.mark.parametrize(
    ("installed", "version", "says"),
    [
        ("11.8.0", "11.7.10", "older than the installed 11.8.0"),
        ("10.11.17", "11.7.2", "Set mattermost:release:version to 11.7.3 or newer"),
        ("9.5.3", "11.7.10", "Upgrade to the newest 9.11 first"),
        ("10.12.0", "11.8.0", "Upgrade to the newest 11.7 first"),
    ],
)
def test_fatal_hops_are_refused(installed, version, says):
    with pytest.raises(core.ReleaseError, match=says):
        core.check_hop(installed, version)


@pytest.mark.parametrize(
    ("installed", "version"),
    [(None, "11.7.0"), ("10.11.16", "11.7.2"), ("10.11.17", "11.7.3"), ("11.7.1", "11.10.1"), ("11.8.0", "12.0.0")],
)
def test_other_hops_are_not(installed, version):
    core.check_hop(installed, version)


@pytest.mark.parametrize(
    ("version", "glibc"), [("12.0.0", "2.28"), ("12.1.3", "2.17"), ("10.11.0", "2.31"), ("9.2.0", "2.17")]
)
def test_a_too_old_c_library_is_named(version, glibc):
    with pytest.raises(core.ReleaseError, match=f"needs glibc 2.34, and this host has {glibc}"):
        core.check_glibc(version, glibc)


@pytest.mark.parametrize(("version", "glibc"), [("11.11.0", "2.17"), ("12.0.0", "2.34"), ("10.11.1", "2.17")])
def test_a_fitting_c_library_is_taken(version, glibc):
    core.check_glibc(version, glibc)


def test_the_checksum_of_nothing_is_never_taken():
    with pytest.raises(core.ReleaseError, match="empty file"):
        core.check_sha256("11.7.10", EMPTY_SHA256)


def test_a_version_without_a_checksum_says_which_setting_is_missing():
    with pytest.raises(core.ReleaseError, match="mattermost:release:sha256"):
        core.check_sha256("11.7.99", "")


def test_a_whole_team_archive_passes():
    core.check_members(WHOLE, "11.7.10")


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_each_missing_member_is_named(missing):
    name = missing if not missing.startswith("mattermost/templates/") else "mattermost/templates/"
    with pytest.raises(core.ReleaseError, match=f"does not contain .*{name}"):
        core.check_members(WHOLE - {missing}, "11.7.10")


def test_the_enterprise_edition_is_refused_with_the_reason():
    names = WHOLE - {"mattermost/MIT-COMPILED-LICENSE.md"} | {"mattermost/ENTERPRISE-EDITION-LICENSE.txt"}
    with pytest.raises(core.ReleaseError, match=r"Enterprise Edition.*mattermost-team-11.7.10"):
        core.check_members(names, "11.7.10")


def member(name, kind=tarfile.REGTYPE, link=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


@pytest.mark.parametrize(
    "bad",
    [
        member("/etc/passwd"),
        member("mattermost/../../etc/passwd"),
        member("other/file"),
        member("mattermost/dev", tarfile.CHRTYPE),
        member("mattermost/fifo", tarfile.FIFOTYPE),
        member("mattermost/hard", tarfile.LNKTYPE, "mattermost/bin/mattermost"),
        member("mattermost/link", tarfile.SYMTYPE, "/etc/passwd"),
        member("mattermost/link", tarfile.SYMTYPE, "../../etc/passwd"),
    ],
    ids=lambda m: f"{m.name}-{m.type.decode()}",
)
def test_dangerous_members_are_refused(bad):
    with pytest.raises(core.ReleaseError, match="The archive"):
        core.check_member(bad)


def test_a_link_inside_the_tree_is_taken():
    core.check_member(member("mattermost/client/link", tarfile.SYMTYPE, "root.html"))


OUTPUT = "Version: 11.7.10\nBuild Number: 11.7.10\nBuild Date: x\nBuild Hash: y\nBuild Enterprise Ready: false\n"


def test_the_servers_own_word_is_compared():
    core.check_version_output(OUTPUT, "11.7.10")
    with pytest.raises(core.ReleaseError, match=r"has version 11\.7\.10, not 11\.8\.0"):
        core.check_version_output(OUTPUT, "11.8.0")
    with pytest.raises(core.ReleaseError, match="not the Team Edition"):
        core.check_version_output(OUTPUT.replace("Ready: false", "Ready: true"), "11.7.10")
