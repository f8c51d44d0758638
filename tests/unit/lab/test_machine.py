"""What the lab reads from the machine, and what it writes for its hosts."""

import ipaddress

import pytest

from tests.lab import acme, aptcache, aptsources, base, cgroup, packages, platforms, prepare
from tests.lab.errors import LabError
from tests.lab.lab import give_back, make_room

DEB822 = """\
Types: deb
# a comment between the fields
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: trixie

Types: deb-src
URIs: http://source.example/debian
Suites: trixie
"""
ONE_LINE = """\
# deb http://comment.example/debian bookworm main
deb [signed-by=/k.gpg arch=amd64] https://line.example/debian trixie main
deb-src http://source.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
"""


def test_both_forms_of_apt_sources_are_read():
    assert list(aptsources.entries(ONE_LINE, DEB822)) == [
        ("https://line.example/debian", "trixie"),
        ("http://mirror.example/debian/", "bookworm"),
        ("http://mirror.example/debian/", "bookworm-updates"),
        ("http://mirror.example/debian-security", "bookworm-security"),
    ]


def test_main_and_security_mirror_are_told_apart():
    assert aptsources.choose(aptsources.entries("", DEB822), {"bookworm"}) == {
        "debian": "http://mirror.example/debian",
        "debian-security": "http://mirror.example/debian-security",
    }


def test_a_machine_without_debian_sources_is_told(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://u.example/ubuntu noble main\n")
    with pytest.raises(LabError, match="No Debian mirror"):
        aptsources.mirrors({"bookworm"}, root=tmp_path)


MIRRORS = {"debian": "http://mirror.example/d"}


def test_a_package_is_kept_for_ever():
    path = "/debian/pool/main/h/hello/hello_1%2b2_amd64.deb"
    url = "http://mirror.example/d/pool/main/h/hello/hello_1%2B2_amd64.deb"
    assert aptcache.locate(path, MIRRORS) == (url, "debian/pool/main/h/hello/hello_1+2_amd64.deb", True)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/debian/dists/bookworm/InRelease", False),
        ("/debian/dists/bookworm/main/binary-amd64/Packages.xz", False),
        (f"/debian/dists/bookworm/main/binary-amd64/by-hash/SHA256/{'0' * 64}", True),
    ],
)
def test_an_index_is_asked_for_again_unless_named_by_hash(path, kept):
    assert aptcache.locate(path, MIRRORS)[2] is kept


@pytest.mark.parametrize("path", ["/", "/debian", "/ubuntu/x", "/debian/../../etc/passwd", "/debian/%2e%2e/x"])
def test_the_cache_serves_nothing_but_the_mirrors(path):
    assert aptcache.locate(path, MIRRORS) is None


def test_a_base_is_built_anew_each_week_and_after_a_change():
    keys = {
        base.key("p", {"a": 1}, "2026-01", "code"),
        base.key("p", {"a": 1}, "2026-02", "code"),
        base.key("p", {"a": 2}, "2026-01", "code"),
        base.key("p", {"a": 1}, "2026-01", "other"),
        base.key("q", {"a": 1}, "2026-01", "code"),
    }
    assert len(keys) == 5


def test_every_platform_has_a_builder():
    for name, entry in platforms.load().items():
        assert entry["builder"] in base.BUILDERS, name


def test_what_is_prepared_is_nothing_that_a_deployment_decides():
    """A check, a removal or a state would find it there already."""
    ours = {
        "curl",
        "nginx",
        "certbot",
        "restic",
        "firewalld",
        "logrotate",
        "nftables",
        "iptables",
        "locales",
        "xz-utils",
    }
    for name, entry in platforms.load().items():
        found = set(entry.get("prepared", []))
        assert {
            package for package in found if package in ours or package.startswith(("postgresql", "ssl-"))
        } == set(), name


def test_a_mistyped_platform_is_answered_with_the_nearest():
    with pytest.raises(LabError, match="Did you mean debian12"):
        platforms.get("debain12")


def test_hosts_use_the_security_suite_when_the_machine_has_it():
    assert "bookworm-security" in prepare.apt_sources("http://m", "bookworm", ["debian", "debian-security"])
    assert "bookworm-security" not in prepare.apt_sources("http://m", "bookworm", ["debian"])


def test_a_host_has_only_its_fixed_address():
    network = ipaddress.ip_network("10.203.2.0/24")
    unit = prepare.network_unit("10.203.2.11", network.prefixlen, network[1])
    assert "Address=10.203.2.11/24" in unit
    assert "Gateway=10.203.2.1" in unit
    assert "DHCP" not in unit


def test_writing_replaces_a_link_instead_of_following_it(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/file").symlink_to(outside)
    prepare.write(tmp_path / "root", "file", "theirs")
    assert outside.read_text() == "mine"


def test_hybrid_and_unified_control_groups_are_found():
    hybrid = (
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
        "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
        "cgroup /var/lib/other cgroup rw 0 0\n"
    )
    assert [str(path) for path in cgroup.hierarchies(hybrid)] == ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"]
    unified = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
    assert [str(path) for path in cgroup.hierarchies(unified)] == ["/sys/fs/cgroup"]


def test_only_missing_packages_are_named():
    assert packages.missing(lambda program, path: None if program == "pebble" else "/there") == ["pebble"]


def test_the_ca_looks_for_the_challenge_at_the_real_port():
    pebble = acme.config("10.203.2.1", "c.pem", "k.pem", 0.5)["pebble"]
    assert pebble["httpPort"] == 80
    assert pebble["certificateValidityPeriod"] == 43200


@pytest.mark.parametrize(("before", "after"), [("128", "1024"), ("8192", "8192")])
def test_room_for_hosts_is_only_ever_raised_and_given_back(tmp_path, before, after):
    limit, note = tmp_path / "max_user_instances", tmp_path / "before"
    limit.write_text(f"{before}\n")
    make_room(limit, note)
    make_room(limit, note)
    assert limit.read_text() == f"{after}\n"
    give_back(limit, note)
    give_back(limit, note)
    assert limit.read_text() == f"{before}\n"
    make_room(tmp_path / "none", note)
