"""Facts of platforms that a lab host cannot prove: words that its systemd and libraries would not know."""

import mattermost_settings_core as core
import mattermost_settings_data
import pytest

PLATFORMS = mattermost_settings_data.load(["salt"])["platforms"]
RED_HAT = sorted(name for name in PLATFORMS if name.startswith("RedHat-"))
# What systemd knows since when; "EL 8" has some of later ones by its vendor's patches.
SINCE = {
    **dict.fromkeys(("CapabilityBoundingSet", "PrivateTmp", "PrivateDevices", "ProtectHome", "ProtectSystem"), 214),
    **dict.fromkeys(("NoNewPrivileges", "RestrictAddressFamilies", "SystemCallArchitectures"), 211),
    **dict.fromkeys(("SystemCallFilter", "SystemCallErrorNumber"), 209),
    **dict.fromkeys(("MemoryDenyWriteExecute", "RestrictRealtime", "ReadWritePaths"), 231),
    **dict.fromkeys(("ProtectKernelTunables", "ProtectKernelModules", "ProtectControlGroups"), 232),
    **dict.fromkeys(("PrivateUsers", "RemoveIPC"), 232),
    **dict.fromkeys(("RestrictNamespaces",), 233),
    **dict.fromkeys(("LockPersonality",), 235),
    **dict.fromkeys(("RestrictSUIDSGID",), 239),
    **dict.fromkeys(("ProtectHostname",), 242),
    **dict.fromkeys(("ProtectKernelLogs",), 244),
    **dict.fromkeys(("ProtectClock",), 245),
    **dict.fromkeys(("ProtectProc",), 247),
}
NEEDS_NO_NEW_PRIVILEGES = {"SystemCallFilter", "SystemCallArchitectures", "RestrictAddressFamilies"}


@pytest.mark.parametrize("name", [name for name in PLATFORMS])
def test_the_units_words_are_known_to_the_platforms_systemd(name):
    facts = core.platform(PLATFORMS, name)
    words = {line.partition("=")[0]: line.partition("=")[2] for line in facts["sandbox"]}
    assert {word for word in words if SINCE[word] > facts["systemd"]} == set()
    if facts["systemd"] < 232:
        assert words["ProtectSystem"] != "strict"
        assert words.get("NoNewPrivileges") == "yes" or not NEEDS_NO_NEW_PRIVILEGES & set(words)
    assert facts["read_write_paths"] == ("ReadWritePaths" if facts["systemd"] >= 231 else "ReadWriteDirectories")


@pytest.mark.parametrize("name", [name for name in PLATFORMS])
def test_nginx_is_told_only_what_its_version_knows(name):
    nginx = core.platform(PLATFORMS, name)["nginx"]
    version = tuple(map(int, nginx["version"].split(".")))
    assert nginx["http2_directive"] is (version >= (1, 25, 1))
    assert nginx["reject_handshake"] is (version >= (1, 19, 4))
    assert nginx["upstream_timeout"] is (version >= (1, 15, 3))
    assert nginx["session_tickets"] is (version >= (1, 23, 2))


@pytest.mark.parametrize("name", RED_HAT)
def test_nginx_of_every_el_has_a_library_with_tls_1_3(name):
    """EPEL 7's is linked to openssl11-libs (1.1.1), not to the system's 1.0.2k."""
    nginx = core.platform(PLATFORMS, name)["nginx"]
    assert nginx["protocols"] == "TLSv1.2 TLSv1.3"
    assert nginx["curves"].startswith("X25519:")


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
@pytest.mark.parametrize("name", RED_HAT)
def test_every_repository_is_signed_by_a_known_key(name, arch):
    repositories = core.on_arch(core.platform(PLATFORMS, name), arch)["repositories"]
    sections = {**repositories["system"], **repositories["vendors"]}
    assert {key for section in sections.values() for key in section["keys"]} <= set(repositories["keys"])
    for section in sections.values():
        assert section["baseurl"].startswith("https://")
        assert section.get("options", {}).get("gpgcheck", 1) == 1
    for key in repositories["keys"].values():
        assert all(len(fingerprint) == 40 for fingerprint in key["fingerprints"])


@pytest.mark.parametrize("name", RED_HAT)
def test_nothing_of_debian_is_inherited(name):
    text = repr(core.platform(PLATFORMS, name))
    for word in ("/etc/postgresql", "/usr/lib/postgresql", "www-data", "sites-enabled", "xz-utils", "pg_createcluster"):
        assert word not in text


def merged(name, machine):
    data = mattermost_settings_data.load(["salt"])
    family, _, major = name.partition("-")
    grains = {
        "os": "CentOS" if family == "RedHat" else family,
        "os_family": "RedHat" if family == "RedHat" else "Debian",
        "osmajorrelease": int(major),
        "cpuarch": machine,
    }
    return core.merge(data, {"email": "admin@example.test"}, {}, grains, "chat.example.test")


@pytest.mark.parametrize("name", [name for name in PLATFORMS])
def test_on_arm64_everything_that_is_fetched_is_for_it(name):
    amd64, arm64 = merged(name, "x86_64"), merged(name, "aarch64")
    assert arm64["release"]["source"].endswith("-linux-arm64.tar.gz")
    assert arm64["release"]["sha256"] != amd64["release"]["sha256"]
    assert "by_arch" not in arm64["platform"]
    # yum itself fills in $basearch
    text = repr(arm64["platform"]["repositories"]["vendors"]) + repr(arm64["platform"]["backup"])
    assert "x86_64" not in text
    assert "amd64" not in text


@pytest.mark.parametrize("name", RED_HAT)
def test_on_arm64_postgresql_is_signed_by_another_key(name):
    amd64, arm64 = (merged(name, machine)["platform"]["repositories"] for machine in ("x86_64", "aarch64"))
    assert arm64["keys"]["pgdg"]["fingerprints"] != amd64["keys"]["pgdg"]["fingerprints"]
    assert "AARCH64" in arm64["keys"]["pgdg"]["url"]
    assert all("altarch" in section["baseurl"] for section in arm64["system"].values())


@pytest.mark.parametrize("name", [name for name in PLATFORMS])
def test_restic_comes_from_a_package_or_by_a_checksum(name):
    backup = core.platform(PLATFORMS, name)["backup"]
    assert bool(backup["packages"]) is not bool(backup["program"]["source"])
    assert len(backup["program"]["sha256"]) == (0 if backup["packages"] else 64)
