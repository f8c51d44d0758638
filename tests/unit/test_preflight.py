"""Preflight's judgement: for each check, breaking exactly that thing turns exactly that check red."""

import copy

import mattermost_release_facts as versions
import mattermost_settings_core as core
import mattermost_settings_data
import pytest
from mattermost_controller import findings
from mattermost_controller.hosts import runtime
from mattermost_controller.preflight import checks, machine

DATA = mattermost_settings_data.load(["salt"])
GRAINS = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
PATHS = ("/opt/mattermost", "/var/opt/mattermost", "/var/lib/mattermost-deploy", "/var/lib", "/var/tmp")
GOOD = {
    "grains": GRAINS,
    "platform": "Debian GNU/Linux 12 (bookworm)",
    "uid": 0,
    "glibc": "2.36",
    "init": "systemd",
    "systemd": 252,
    "selinux": "disabled",
    "pythons": {"python3": "3.11.2"},
    "programs": ["tar", "xz"],
    "memory_kb": {"MemTotal": 2000000},
    "disks": [{"path": path, "mount": "/", "free_mb": 20000} for path in PATHS],
    "mounts": {"/": "rw,relatime"},
    "listeners": [{"address": "0.0.0.0", "port": 22, "program": "sshd", "exe": "/usr/sbin/sshd"}],
    "addresses": ["192.0.2.7"],
    "current": "",
    "files": [],
    "bundle": None,
    "lock": "",
    "units": {},
    "postgresql": {},
    "database": None,
    "other_databases": {},
    "nginx_sites": [],
}
OTHERS = {
    "nginx_sites": ["/etc/nginx/conf.d/shop.conf"],
    "units": {"nginx.service": {"ActiveState": "active"}},
    "postgresql": {5432: "15.20"},
    "other_databases": {5432: 2},
}
DEPLOYED = {
    "current": "11.7.10",
    "config": {},
    "files": ["/etc/mattermost/environment", "/var/lib/mattermost-deploy", "/var/opt/mattermost/config/config.json"],
    "postgresql": {5432: "15.20"},
    "database": {"owner": "mattermost", "tables": 84},
    "listeners": [
        {"address": "0.0.0.0", "port": 80, "program": "nginx", "exe": "/usr/sbin/nginx"},
        {"address": "0.0.0.0", "port": 443, "program": "nginx", "exe": "/usr/sbin/nginx"},
        {
            "address": "127.0.0.1",
            "port": 8065,
            "program": "mattermost",
            "exe": "/opt/mattermost/11.7.10/bin/mattermost",
        },
        {"address": "127.0.0.1", "port": 5432, "program": "postgres", "exe": "/usr/lib/postgresql/15/bin/postgres"},
    ],
}
REACHED = {"skew": 0.0, "resolved": ["192.0.2.7"], "reached": ["192.0.2.7"], "source_there": True}
OUTSIDE = {**REACHED, "bundle": DATA["bundle"], "acknowledged": [], "dry_run": False}


def settings(pillar=None, **more):
    own = {"email": "admin@example.test", "letsencrypt": {"directory_url": "https://acme.example.test/dir"}}
    return core.merge(DATA, core.deep_merge(own, pillar or {}), {}, GRAINS, "chat.example.test")


PUBLIC = "https://acme-v02.api.letsencrypt.org/directory"


def findings_of(pillar=None, facts=None, outside=None, site="ssl"):
    """Return the findings by check name."""
    found = checks.run(settings(pillar), copy.deepcopy(GOOD) | (facts or {}), OUTSIDE | (outside or {}), site)
    return {one.check: one for one in found}


def red(found):
    return [name for name, one in found.items() if one.level == "refusal"]


def listener(port, program, exe):
    return {"listeners": [{"address": "0.0.0.0", "port": port, "program": program, "exe": exe}]}


def disk(mount="/", free_mb=20000):
    return {"disks": [{"path": path, "mount": mount, "free_mb": free_mb} for path in PATHS]}


@pytest.mark.parametrize("facts", [{}, DEPLOYED], ids=["bare", "deployed"])
def test_a_good_host_passes(facts):
    assert {one.level for one in findings_of(facts=facts).values()} == {"ok"}


@pytest.mark.parametrize(
    ("check", "words", "case"),
    [
        ("glibc", "needs glibc 2.34 or newer; the host has 2.28", {"pillar": {"release": {"version": "12.0.2", "sha256": "1" * 64}, "platform": {"postgresql": {"version": 15}}}, "facts": {"glibc": "2.28"}}),
        ("systemd", "Process 1 is bash", {"facts": {"init": "bash"}}),
        ("systemd", "systemd 215 is too old", {"facts": {"systemd": 215}}),
        ("transport", "Python 3.9 or newer on the host; found: 3.6.8", {"facts": {"pythons": {"python3": "3.6.8"}}}),
        ("transport", "found: none", {"facts": {"pythons": {}}}),
        ("transport", "has no xz", {"pillar": {"platform": {"transport": "relenv"}}, "facts": {"programs": ["tar"]}}),
        ("transport", "relenv:sha256 is not set", {"pillar": {"platform": {"transport": "relenv"}}, "facts": {"programs": ["tar", "xz"]}}),
        ("disk", "/srv (for /opt/mattermost) has 512 MiB free, but 3072 MiB are required", {"facts": disk("/srv", 512)}),
        ("mounts", "mounted noexec", {"facts": {"mounts": {"/": "rw,noexec"}}}),
        ("mounts", "read-only", {"facts": {"mounts": {"/": "ro"}}}),
        ("memory", "488 MiB of memory, but 900 MiB are required", {"facts": {"memory_kb": {"MemTotal": 500000}}}),
        ("ports", "Port 80 is in use by another program: /usr/sbin/apache2", {"facts": listener(80, "apache2", "/usr/sbin/apache2")}),
        ("ports", "Port 443 is in use by another program: /usr/local/sbin/nginx", {"facts": listener(443, "nginx", "/usr/local/sbin/nginx")}),
        ("ports", "Port 8065 is in use by another program: /srv/mm/bin/mattermost", {"facts": listener(8065, "mattermost", "/srv/mm/bin/mattermost")}),
        ("ports", "Port 5432 is in use by another program: /usr/bin/docker-proxy", {"facts": listener(5432, "docker-proxy", "/usr/bin/docker-proxy")}),
        ("postgresql", "needs PostgreSQL 14 or newer, but 13.9 runs", {"facts": {"postgresql": {5432: "13.9"}}}),
        ("postgresql", "PostgreSQL 13 would be installed", {"pillar": {"platform": {"postgresql": {"version": 13}}}}),
        ("postgresql", "the deploy would manage PostgreSQL 15", {"facts": {"postgresql": {5432: "17.2"}}}),
        ("postgresql", "To upgrade its data, run:", {"facts": DEPLOYED | {"postgresql": {5432: "14.9"}}}),
        ("existing-config", "/opt/mattermost/config/config.json belongs", {"facts": {"files": ["/opt/mattermost/config/config.json"]}}),
        ("existing-config", "/var/opt/mattermost/config/config.json", {"facts": {"files": ["/var/opt/mattermost/config/config.json"]}}),
        ("moved", "moved from this host to new.example.com", {"facts": {**DEPLOYED, "moved": "new.example.com"}}),
        ("existing-database", "84 tables", {"facts": {"database": {"owner": "mmuser", "tables": 84}}}),
        ("nginx-in-use", "other sites (/etc/nginx/conf.d/shop.conf)", {"pillar": {"database": {"share": True}}, "facts": OTHERS}),
        ("postgresql-in-use", "port 5432 has 2 other databases", {"pillar": {"nginx": {"share": True}}, "facts": OTHERS}),
        ("firewall", "firewalld is masked", {"facts": {"units": {"firewalld.service": {"LoadState": "masked"}}}}),
        ("firewall", "The rules of ufw filter packets", {"facts": {"ufw": True}}),
        ("downgrade", "11.8.0 is installed, and 11.7.10 is older", {"pillar": {"release": {"version": "11.7.10"}}, "facts": DEPLOYED | {"current": "11.8.0"}}),
        ("checksum", "No SHA-256 is known for Mattermost 11.7.99", {"pillar": {"release": {"version": "11.7.99", "source": "/a/mm.tar.gz"}}}),
        ("checksum", "No release of the line 42.1 is known", {"pillar": {"release": {"version": "42.1"}}}),
        ("checksum", "the checksum of an empty file", {"pillar": {"release": {"sha256": versions.EMPTY_SHA256}}}),
        ("archive-source", "The file pillar/files/mm.tar.gz does not exist", {"pillar": {"release": {"source": "pillar/files/mm.tar.gz"}}, "outside": {"source_there": False}}),
        ("named-files", "no /ca.pem (mattermost:verify:ca_file)", {"outside": {"missing": [("verify:ca_file", "/ca.pem")]}}),
        ("own-certificate", "The certificate has expired.", {"outside": {"certificate_fault": "The certificate has expired."}}),
        ("other-run", "process 7 since", {"facts": {"lock": "process 7 since 10:00"}}),
        ("clock", "4000 s behind", {"outside": {"skew": -4000.0}}),
        ("email", "mattermost:email is not set", {"pillar": {"email": ""}}),
        ("public-name", "cannot resolve the DNS name chat.example.test", {"outside": {"resolved": []}}),
        ("public-name", "a certificate needs a DNS name", {"pillar": {"name": "192.0.2.7"}}),
        *(
            ("public-name", f"{name} is a name that only your own network knows", {"pillar": {"name": name, "letsencrypt": {"directory_url": PUBLIC}}})
            for name in ("chat", "localhost", "chat.lan", "chat.Example.TEST", "chat.internal")
        ),
        ("public-name", "The host has 101 names", {"pillar": {"name": "chat.example.com", "additional_names": [f"n{n}.example.com" for n in range(100)], "letsencrypt": {"directory_url": PUBLIC}}}),
    ],
)  # fmt: skip
def test_each_check_refuses_what_it_is_there_for(check, words, case):
    found = findings_of(**case)
    assert red(found) == [check]
    assert words in found[check].sentence
    assert found[check].fix


BY_MINION = {"by_minion": True}


@pytest.mark.parametrize(
    ("check", "pillar", "words"),
    [
        ("archive-source", {"release": {"source": "pillar/files/mm.tar.gz"}}, "not copied to a minion"),
        ("named-files", {"letsencrypt": {"ca_file": "/root/ca.pem"}}, "A minion cannot read it"),
    ],
)  # fmt: skip
def test_a_path_on_the_controller_is_refused_for_a_minion(check, pillar, words):
    assert red(findings_of(pillar)) == []
    found = findings_of(pillar, outside=BY_MINION)
    assert red(found) == [check]
    assert words in found[check].sentence


def test_what_a_minion_can_read_is_no_fault():
    pillar = {"release": {"source": "file:///srv/mm.tar.gz"}, "letsencrypt": {"ca_file": "salt://mattermost/local/ca"}}
    assert red(findings_of(pillar, outside=BY_MINION)) == []


def test_a_machine_that_no_test_deployed_to_is_said_to_be_not_proved_until_it_has_a_server():
    untried = {"platform": {"tried": False}}
    assert "No test of this bundle has deployed to" in findings_of(untried)["platform"].sentence
    assert findings_of(untried, DEPLOYED)["platform"].level == "ok"
    on_arm64 = settings()
    on_arm64["release"]["arch"] = "arm64"
    assert machine.platform(on_arm64, GOOD, OUTSIDE).level == "warning"


def test_a_postgresql_past_its_end_is_said_with_its_day_and_one_that_is_not_is_no_news():
    found = findings_of(facts=DEPLOYED, outside={"postgresql_ends": {"15": "2020-01-01"}})["postgresql"]
    assert "The support of PostgreSQL 15 ended on 2020-01-01" in found.sentence
    for ends in ({"15": "2999-01-01"}, {"14": "2020-01-01"}, {}):
        assert findings_of(facts=DEPLOYED, outside={"postgresql_ends": ends})["postgresql"].level == "ok"


def test_a_noexec_var_tmp_is_refused_where_salt_brings_its_own_python_and_has_no_other_place():
    there = {"path": "/var/tmp", "mount": "/var/tmp", "free_mb": 20000}
    facts = {"disks": [*GOOD["disks"][:-1], there], "mounts": {"/": "rw", "/var/tmp": "rw,noexec"}}
    assert red(findings_of(facts=facts)) == []
    old = facts | {"pythons": {"python3": "3.6.8"}}
    pillar = {"platform": {"transport": "relenv"}, "relenv": {"sha256": "1" * 64}}
    found = findings_of(pillar, facts=old)
    assert "mounts" in red(found)
    assert "Salt's own Python" in found["mounts"].sentence
    assert "thin_dir:" in found["mounts"].fix
    assert "mounts" not in red(findings_of(pillar, facts=old, outside={"thin_dir": "/home/ops/salt"}))


def test_a_platform_without_support_is_refused():
    assert red(findings_of({"platform": {"supported": False}})) == ["platform"]


@pytest.mark.parametrize(
    ("check", "case"),
    [
        ("clock", {"outside": {"skew": 90.0}}),
        ("platform", {"pillar": {"platform": {"tried": False}}}),
        ("postgresql", {"outside": {"postgresql_ends": {"15": "2020-01-01"}}}),
        ("firewall", {"facts": {"ufw": True, "units": {"firewalld.service": {"ActiveState": "active"}}}}),
        ("public-name", {"outside": {"resolved": ["203.0.113.9"]}}),
        ("public-name", {"outside": {"resolved": ["192.0.2.7", "2001:db8::9"]}}),
        ("public-name", {"outside": {"resolved": []}, "site": "non-ssl"}),
        ("glibc", {"facts": {"glibc": ""}}),
    ],
)
def test_what_may_go_wrong_is_a_warning(check, case):
    found = findings_of(**case)
    assert [name for name, one in found.items() if one.level != "ok"] == [check]
    assert found[check].level == "warning"


def test_a_name_that_points_elsewhere_says_both_addresses():
    sentence = findings_of(outside={"resolved": ["203.0.113.9"]})["public-name"].sentence
    assert "203.0.113.9, but this host has only 192.0.2.7" in sentence


@pytest.mark.parametrize(
    ("pillar", "site"),
    [
        ({"name": "chat.lan", "letsencrypt": {"directory_url": PUBLIC}}, "non-ssl"),
        ({"name": "chat.lan"}, "ssl"),  # by an authority of the user's own
        ({"name": "chat.example.com", "letsencrypt": {"directory_url": PUBLIC}}, "ssl"),
    ],
)
def test_a_name_that_its_authority_may_certify_is_no_fault(pillar, site):
    assert findings_of(pillar, site=site)["public-name"].level == "ok"


def test_a_host_behind_nat_is_no_fault():
    found = findings_of(facts={"addresses": ["10.0.0.5"]}, outside={"resolved": ["8.8.8.8"], "reached": ["10.0.0.5"]})
    assert found["public-name"].level == "note"
    dual = {"addresses": ["10.0.0.5", "2001:db8::5"]}
    assert findings_of(facts=dual, outside={"resolved": ["2001:db8::5", "8.8.8.8"]})["public-name"].level == "ok"


def test_a_verify_address_takes_the_names_place():
    assert findings_of({"verify": {"address": "10.0.0.5"}}, outside={"resolved": []})["public-name"].level == "ok"


def test_a_refusal_can_be_turned_into_a_warning_by_name():
    found = findings_of({"preflight": {"ignore": ["memory"]}}, {"memory_kb": {"MemTotal": 500000}})
    assert red(found) == []
    assert found["memory"].level == "warning"
    assert "mattermost:preflight:ignore" in found["memory"].sentence


def test_a_mistyped_check_to_ignore_is_refused_with_the_nearest():
    found = findings_of({"preflight": {"ignore": ["memroy"]}})
    assert red(found) == ["settings"]
    assert found["settings"].fix == "Did you mean memory?"


def test_the_user_limit_that_the_host_asks_for_can_be_ignored_and_no_way_to_the_host_can():
    assert red(findings_of({"preflight": {"ignore": ["user-limit"]}})) == []
    assert red(findings_of({"preflight": {"ignore": ["host-key"]}})) == ["settings"]


@pytest.mark.parametrize("name", ["existing-config", "existing-database"])
def test_adopting_takes_over_what_is_there(name):
    facts = {"files": ["/opt/mattermost/config/config.json"], "database": {"owner": "mmuser", "tables": 84}}
    found = findings_of({"server": {"adopt": True}}, facts)
    assert red(found) == []
    assert found[name].level == "note"


def test_nginx_and_postgresql_of_others_are_shared_by_setting():
    found = findings_of({"nginx": {"share": True}, "database": {"share": True}}, OTHERS)
    assert red(found) == []
    assert {found[name].level for name in ("nginx-in-use", "postgresql-in-use")} == {"note"}


@pytest.mark.parametrize("mark", ["/etc/tmpfiles.d/mattermost-salt.conf", "/etc/mattermost/secrets"])
def test_what_others_add_to_a_host_of_ours_is_no_fault(mark):
    assert red(findings_of(facts=OTHERS | {"files": [mark]})) == []


def test_an_nginx_that_does_not_run_is_in_nobodys_use():
    found = findings_of(facts=OTHERS | {"units": {}, "other_databases": {}})
    assert red(found) == []


def test_a_masked_firewall_is_no_fault_where_it_is_left_alone():
    facts = {"units": {"firewalld.service": {"LoadState": "masked"}}}
    assert red(findings_of({"firewall": {"manage": False}}, facts)) == []


def test_a_first_run_that_was_killed_is_not_a_foreign_installation():
    facts = {"files": ["/etc/mattermost/secrets"], "database": {"owner": "mattermost", "tables": 84}}
    assert red(findings_of(facts=facts)) == []


def test_an_empty_database_is_nobodys():
    assert red(findings_of(facts={"database": {"owner": "mattermost", "tables": 0}})) == []


def test_a_newer_default_never_upgrades():
    found = findings_of(facts=DEPLOYED | {"current": "11.7.2"})
    assert found["newer-default"].level == "note"
    assert "the host keeps 11.7.2" in found["newer-default"].sentence
    assert found["downgrade"].sentence == "Mattermost 11.7.2 is installed."
    assert found["checksum"].level == "ok"


def test_a_pinned_version_says_that_it_upgrades():
    found = findings_of({"release": {"version": "11.7.10"}}, DEPLOYED | {"current": "11.7.2"})
    assert found["downgrade"].sentence == "Mattermost 11.7.2 will be upgraded to 11.7.10."


@pytest.mark.parametrize("wanted", ["11.7.9", "11.8.0"])
def test_a_removed_server_comes_back_in_the_version_that_its_data_belong_to(wanted):
    program = "/opt/mattermost/current/bin/mattermost"
    facts, pillar = DEPLOYED | {"modes": {}}, {"release": {"version": wanted, "sha256": "0" * 64}}
    found = findings_of(pillar, facts)
    assert red(found) == ["downgrade"]
    assert "still has the data of Mattermost 11.7.10, but the server was removed" in found["downgrade"].sentence
    assert "mattermost:release:version to 11.7.10" in found["downgrade"].fix
    assert findings_of({"release": {"version": "11.7.10"}}, facts)["downgrade"].level == "ok"
    older = facts | {
        "current": "11.6.0"
    }  # no setting and a line keep it on a host where it runs; only its archive is not known
    for pillar in ({}, {"release": {"version": "11.6"}}):
        found = findings_of(pillar, older)
        assert "mattermost:release:version to 11.6.0" in found["downgrade"].fix, pillar
    lost = {"release": {"version": "11.7.10", "source": "pillar/files/mm.tar.gz"}}
    assert findings_of(lost, facts, {"source_there": False})["archive-source"].level == "refusal"
    there = facts | {"modes": {program: {"mode": 0o755, "user": "root"}}}
    assert findings_of({"release": {"version": "11.8.0", "sha256": "0" * 64}}, there)["downgrade"].level == "note"


@pytest.mark.parametrize(("wanted", "level"), [("11.7.9", "refusal"), ("11.7.10", "note"), ("11.8.0", "note")])
@pytest.mark.parametrize("switching", [["11.7.10", "11.8.0"], ["11.8.0", "11.7.10"]])
@pytest.mark.parametrize("current", ["11.7.10", "11.8.0"])
def test_an_interrupted_change_of_versions_may_end_at_either(wanted, level, switching, current):
    found = findings_of({"release": {"version": wanted}}, DEPLOYED | {"current": current, "switching": switching})
    assert found["downgrade"].level == level


def test_a_deployed_host_needs_less_room():
    assert red(findings_of(facts=DEPLOYED | disk(free_mb=1024))) == []
    assert red(findings_of({"release": {"version": "11.8.0"}}, DEPLOYED | disk(free_mb=1024))) == ["disk"]


def test_own_certificate_files_need_no_email():
    assert red(findings_of({"email": "", "certificate": {"source": "files"}})) == []
    assert red(findings_of({"email": ""}, site="non-ssl")) == []


@pytest.mark.parametrize(
    ("pythons", "programs", "expected"),
    [
        ({"python3": "3.11.2"}, [], "thin"),
        ({"python3": "3.6.8", "/usr/libexec/platform-python": "3.9.16"}, [], "thin"),
        ({"python3": "3.6.8"}, ["tar", "xz"], "relenv"),
        ({}, ["tar"], ""),
    ],
)
def test_how_salt_can_run_there(pythons, programs, expected):
    assert runtime.choose({"pythons": pythons, "programs": programs}) == expected


def test_a_refusal_names_host_check_reason_and_way_out():
    found = {"chat": [findings.ok("disk", "Fine."), findings.refusal("memory", "Too little.", "buy some.")]}
    said = checks.report(found, ["chat (192.0.2.7)"])
    assert said["result"] is False
    first, reason, *_ = said["comment"].splitlines()
    assert (
        first
        == "The preflight refused this run, because 1 of 2 checks failed. Nothing was changed. Hosts of this run: chat (192.0.2.7)."
    )
    assert reason == "chat: memory: Too little. To do: buy some."


def test_a_pass_has_one_line_for_each_finding():
    said = checks.report(
        {"chat": [findings.ok("disk", "Fine."), findings.note("clock", "Well.")]}, ["chat (192.0.2.7)"]
    )
    assert "result" not in said
    assert said["comment"].splitlines() == [
        "Preflight passed: 2 checks on chat (192.0.2.7).",
        "ok    chat  disk   Fine.",
        "note  chat  clock  Well.",
    ]


def test_two_hosts_of_one_name_are_refused():
    found = {"a": [findings.ok("disk", "Fine.")], "b": [findings.ok("disk", "Fine.")]}
    judged = checks.unique_names(found, {"a": ["chat.example.test"], "b": ["b.example.test", "chat.example.test"]})
    assert findings.refused(judged)[0][0] == "b"
    assert findings.refused(checks.unique_names(found, {"a": ["one.example.test"], "b": ["two.example.test"]})) == []
