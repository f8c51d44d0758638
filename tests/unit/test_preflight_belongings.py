"""What a deploy creates or changes on a host is free: absent, empty, or ours. Broken in each way, and never for a host of ours."""

import os
import pwd
import socket
import subprocess

import pytest
from mattermost_controller.hosts import probe

from tests.unit.test_preflight import DEPLOYED, findings_of, red, settings

NAMES = ("account", "directories", "unit")
OURS = {"uid": 998, "home": "/var/opt/mattermost", "shell": "/usr/sbin/nologin"}
INSTALL, STATE, SETTINGS, WORK = (
    "/opt/mattermost", "/var/opt/mattermost", "/etc/mattermost", "/var/lib/mattermost-deploy",
)  # fmt: skip
BY_US = {
    **DEPLOYED,
    "account": OURS,
    "group": True,
    "unit_user": "mattermost",
    "directories": {
        INSTALL: ["11.7.10", "current"],
        STATE: ["config", "data", "logs", "plugins", "client-plugins", "notes.txt"],
        SETTINGS: ["environment", "secrets", "switch.conf"],
        WORK: ["before.json", "bundle", "switch"],
    },
    "run_owner": "mattermost",
}
REFUSED = [
    ("account", "runs under this account", {"account": {**OURS, "home": "/var/lib/x"}, "account_units": ["/lib/systemd/system/x.service"]}),
    ("account", "This account can log in (/bin/bash)", {"account": {"uid": 1001, "home": "/home/mattermost", "shell": "/bin/bash"}}),
    ("account", "This account can log in (/bin/sh)", {"account": {**OURS, "shell": "/bin/sh"}}),
    ("account", "This account is a system account (UID 33)", {"account": {"uid": 33, "home": "/var/www", "shell": "/usr/sbin/nologin"}}),
    ("account", "has a group mattermost", {"group": True}),
    ("directories", "/opt/mattermost (mattermost:paths:install) contains files that this bundle did not create: app, bin, lib", {"directories": {INSTALL: ["app", "bin", "lib"]}}),
    ("directories", "mattermost:paths:state", {"directories": {STATE: ["data", "postgresql"]}}),
    ("directories", "mattermost:paths:settings", {"directories": {SETTINGS: ["sshd_config", "sshd_config.d"]}}),
    ("directories", "mattermost:paths:work", {"directories": {WORK: ["apt", "dpkg"]}, "files": [WORK]}),
    ("directories", "is not a directory", {"directories": {WORK: None}}),
    ("directories", "/run/mattermost (mattermost:paths:run) belongs to the account root", {"run_owner": "root"}),
    ("directories", "(mattermost:paths:state) is below /var, where alice can replace that directory", {"loose": {STATE: ["/var", "alice"]}}),
    ("directories", "(mattermost:paths:install) is below /opt, where every account can", {"loose": {INSTALL: ["/opt", "root"]}}),
    ("unit", "/etc/systemd/system/mattermost.service belongs to an installation", {"foreign": [("unit", "/etc/systemd/system/mattermost.service")]}),
    ("directories", "/var/backups/mattermost (mattermost:backup:repository) contains files that do not belong to a repository of restic", {"directories": {"/var/backups/mattermost": ["dump.sql"]}}),
    ("directories", "mattermost:backup:repository", {"directories": {"/var/backups/mattermost": None}}),
    ("unit", "/etc/nginx/conf.d/mattermost-ssl.conf belongs to", {"foreign": [("file", "/etc/nginx/conf.d/mattermost-ssl.conf")]}),
    ("unit", "mattermost-backup.timer", {"foreign": [("unit", "/etc/systemd/system/mattermost-backup.timer")]}),
]  # fmt: skip
IDS = [f"{check}-{words}" for check, words, _ in REFUSED]


def test_a_run_that_was_cut_after_its_first_note_may_begin_again():
    assert red(findings_of(facts={"directories": {WORK: ["engine"]}})) == []


@pytest.mark.parametrize(("check", "words", "facts"), REFUSED, ids=IDS)
def test_what_is_somebody_elses_is_refused_with_its_setting(check, words, facts):
    found = findings_of(facts=facts)
    assert red(found) == [check]
    assert words in found[check].sentence
    assert found[check][3], "a refusal says what to do"


@pytest.mark.parametrize(("check", "words", "facts"), REFUSED, ids=IDS)
def test_an_import_in_place_and_a_move_are_not_stopped(check, words, facts):
    assert red(findings_of(facts=facts, outside={"in_place": {"tree": INSTALL}})) == []
    found = findings_of(facts=facts, outside={"moving": True})
    assert red(found) == []
    assert found[check].level == "warning"


# two programs must not share an account, and no installation that can be adopted has these directories
NEVER_ADOPTED = (
    "runs under this account",
    "mattermost:paths:settings",
    "mattermost:paths:work",
    "contains files that do not belong to a repository of restic",
    "mattermost:backup:repository",
    "is not a directory",
    "account root",
)


@pytest.mark.parametrize(("check", "words", "facts"), REFUSED, ids=IDS)
def test_what_the_settings_take_over_is_a_note(check, words, facts):
    found = findings_of({"server": {"adopt": True}}, facts)
    assert found[check].level == ("refusal" if words.endswith(NEVER_ADOPTED) else "note")


@pytest.mark.parametrize(("owner", "command"), [("alice", "chown root '/srv/a b'"), ("root", "chmod o-w '/srv/a b'")])
def test_a_host_of_ours_below_a_directory_of_another_account_goes_on_with_a_warning(owner, command):
    found = findings_of(facts={**BY_US, "loose": {STATE: ["/srv/a b", owner]}})["directories"]
    assert found.level == "warning"
    assert found[3].endswith(f"Or run on the host: {command}")


@pytest.mark.skipif(os.geteuid() != 0, reason="directories of other accounts are made")
def test_the_look_names_who_can_replace_a_directory(tmp_path):
    for name in ("root", "theirs", "everybody", "sticky"):
        (tmp_path / name).mkdir(mode=0o755)
    os.chown(tmp_path / "theirs", 65534, 65534)
    (tmp_path / "everybody").chmod(0o777)
    (tmp_path / "sticky").chmod(0o1777)
    (tmp_path / "link").symlink_to("theirs")
    (tmp_path / "root/dangling").symlink_to("nothing")
    facts = probed(
        settings(),
        install=tmp_path / "root/deep/x",
        state=tmp_path / "link/x",
        settings=tmp_path / "everybody/a/b",
        work=tmp_path / "sticky/x",
    )
    nobody = pwd.getpwuid(65534).pw_name
    assert facts["loose"] == {
        f"{tmp_path}/link/x": [f"{tmp_path}/theirs", nobody],
        f"{tmp_path}/everybody/a/b": [f"{tmp_path}/everybody", "root"],
    }
    facts = probed(
        settings(),
        install=tmp_path / "root/dangling",
        state=tmp_path / "root/a",
        settings=tmp_path / "root/b",
        work=tmp_path / "root/c",
    )
    assert facts["directories"] == {f"{tmp_path}/root/dangling": None}


def test_all_directories_that_are_in_the_way_are_told_at_once():
    found = findings_of(facts={"directories": {STATE: ["shop"], WORK: ["apt"]}, "run_owner": "root"})["directories"]
    for name in ("state", "work", "run"):
        assert f"(mattermost:paths:{name})" in found.sentence


@pytest.mark.parametrize("pillar", [{}, {"preflight": {"ignore": ["account"]}}, {"server": {"adopt": True}}], ids=str)
def test_no_setting_lets_an_account_with_roots_number_pass(pillar):
    found = findings_of(pillar, {"account": {"uid": 0, "home": "/root", "shell": "/bin/sh"}})
    assert red(found) == ["settings"]
    assert "so it is root" in found["settings"].sentence


def test_another_refusal_can_be_ignored_by_name():
    for check, _, facts in REFUSED:
        assert red(findings_of({"preflight": {"ignore": [check]}}, facts)) == []


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"directories": {INSTALL: [], STATE: ["lost+found"], WORK: ["lost+found"]}},
        {"account": OURS, "group": True},  # of a first run that was killed, and of a removal
        {"directories": {INSTALL: ["current"], STATE: ["config", "data", "replaced-1"], SETTINGS: ["secrets"], WORK: ["downloads"]}},
        {"foreign": [("unit", "/etc/systemd/system/mattermost-push-proxy.service")]},
        {"directories": {"/var/backups/mattermost": ["config", "data", "index", "keys", "locks", "snapshots"]}},
        {**BY_US, "directories": {**BY_US["directories"], "/var/backups/mattermost": ["config", "keys", "notes.txt"]}},
        BY_US,
        {**BY_US, "account": {**OURS, "shell": "/bin/bash"}},
        {**BY_US, "files": []},
        {**BY_US, "account_units": ["/etc/systemd/system/x.service"]},
    ],
    ids=["bare", "mounts", "account", "removed", "proxy", "backups", "notes", "deployed", "shell", "no-config", "shared"],
)  # fmt: skip
def test_what_is_free_or_ours_passes(facts):
    found = findings_of(facts=facts)
    assert red(found) == []
    assert {found[name].level for name in NAMES} == {"ok"}


def test_a_deployed_host_is_told_of_a_unit_and_not_stopped():
    found = findings_of(facts={**BY_US, "foreign": [("unit", "/lib/systemd/system/mattermost.service")]})
    assert (red(found), found["unit"].level) == ([], "note")


@pytest.mark.parametrize(
    ("pillar", "facts", "check"),
    [
        ({"server": {"user": "games"}}, {"account": {"uid": 5, "home": "/usr/games", "shell": "/usr/sbin/nologin"}}, "account"),
        ({"paths": {"settings": "/etc/ssh"}}, {"directories": {**BY_US["directories"], "/etc/ssh": ["moduli"]}}, "directories"),
        ({"paths": {"run": "/run/systemd"}}, {"run_owner": "root"}, "directories"),
        ({"paths": {"run": "/run/sshd"}}, {"run_owner": "", "run_unit": "/lib/systemd/system/ssh.service"}, "directories"),
        ({"backup": {"repository": "/srv/shop"}}, {"directories": {**BY_US["directories"], "/srv/shop": ["index.php"]}}, "directories"),
    ],
    ids=["account", "directory", "run", "run of a unit", "repository"],
)  # fmt: skip
def test_a_deployed_host_takes_nothing_of_others_when_a_setting_changes(pillar, facts, check):
    assert red(findings_of(pillar, {**BY_US, **facts})) == [check]


def test_a_configuration_of_others_is_told_once():
    facts = {"files": [f"{INSTALL}/config/config.json"], "directories": {INSTALL: ["bin", "config"]}}
    assert red(findings_of(facts=facts)) == ["existing-config"]


def probed(given, **values):
    for name, value in values.items():
        given["paths"][name] = str(value)
    text = probe.script(["salt"], given)
    done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return probe.parse(done.stdout)


def test_the_look_at_a_host_brings_accounts_and_directories(tmp_path):
    for name in ("install", "work/with blank"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "work" / ".hidden").touch()
    (tmp_path / "state").touch()
    given = settings()
    given["server"]["user"] = "root"
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "config").touch()
    given["backup"]["repository"] = str(tmp_path / "backups")
    facts = probed(
        given,
        install=tmp_path / "install",
        work=tmp_path / "work",
        state=tmp_path / "state",
        settings=tmp_path / "none",
    )
    assert facts["account"]["uid"] == 0
    assert facts["group"] is True
    assert facts["directories"] == {
        str(tmp_path / "install"): [],
        str(tmp_path / "work"): [".hidden", "with blank"],
        str(tmp_path / "state"): None,
        str(tmp_path / "backups"): ["config"],
    }


def test_a_host_without_the_account_has_none():
    given = settings()
    given["server"]["user"] = "nobody-has-this-name"
    facts = probed(given)
    assert (facts["account"], facts["group"], facts["account_units"]) == (None, False, [])


def test_the_look_at_a_host_tells_our_units_from_others(tmp_path):
    for name, text in {
        "mattermost.service": "# Managed by Salt (mattermost.deploy.server).\n[Service]\nUser=chat\n",
        "mattermost-backup.timer": "# Managed by Salt (mattermost.deploy.backup).\n",
        "mattermost-switch.service": "[Service]\nUser=chat\n",
        "shop.service": "[Service]\nUser=chat\n",
        "mattermost-ssl.conf": "server {}\n",
        "mattermost-base.conf": "# Managed by Salt (mattermost.deploy.nginx-base).\n",
        "other.service": "[Service]\nUser=chatter\n",
    }.items():
        (tmp_path / name).write_text(text)
    given = settings({"server": {"user": "chat"}})
    text = probe.script(["salt"], given)
    for folder in ("/etc/systemd/system/", "/etc/nginx/conf.d/"):
        text = text.replace(folder, f"{tmp_path}/")
    facts = probe.parse(subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True).stdout)
    assert facts["unit_user"] == "chat"
    assert facts["account_units"] == [f"{tmp_path}/shop.service"]
    assert [found for found in facts["foreign"] if found[1].startswith(str(tmp_path))] == [
        ("unit", f"{tmp_path}/mattermost-switch.service"),
        ("file", f"{tmp_path}/mattermost-ssl.conf"),
    ]


SQL = {"uid": 997, "home": "/nonexistent", "shell": "/usr/sbin/nologin"}
COMING = f"{INSTALL}.coming"
# neither a setting nor an import in place takes these over: no other installation has them
NEVER_OTHERS = [
    ("account", "an account or group mattermost-sql", {"programs_account": {**SQL, "shell": "/bin/bash"}}),
    ("account", "an account or group mattermost-sql", {"programs_account": {**SQL, "home": "/srv/shop"}}),
    ("account", "an account or group mattermost-sql", {"programs_group": True}),
    ("directories", COMING, {"directories": {COMING: ["index.html"]}}),
    ("directories", COMING, {"directories": {COMING: None}}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "words", "facts"), NEVER_OTHERS)
def test_what_no_other_installation_has_is_never_taken_over(check, words, facts):
    for pillar, outside in (({}, {}), ({"server": {"adopt": True}}, {}), ({}, {"in_place": {"tree": INSTALL}})):
        found = findings_of(pillar, facts, outside)
        assert red(found) == [check]
        assert words in found[check].sentence
        assert found[check].fix
    directories = {**BY_US["directories"], **facts.get("directories", {})}
    assert red(findings_of(facts={**BY_US, **facts, "directories": directories})) == []


def test_accounts_and_places_of_ours_beside_those_of_the_settings_pass():
    for facts in (
        {"programs_account": SQL, "programs_group": True},
        {"directories": {COMING: []}},
        {"directories": {COMING: ["11.7.10", ".unpack-1"]}},
    ):
        found = findings_of(facts=facts)
        assert {found[name].level for name in NAMES} == {"ok"}


def test_the_account_of_the_programs_never_has_roots_number():
    facts = {"programs_account": {**SQL, "uid": 0}}
    assert red(findings_of(facts=facts)) == red(findings_of(facts={**BY_US, **facts})) == ["account"]


def test_an_account_of_others_that_cannot_log_in_is_refused_too():
    facts = {"account": {"uid": 1001, "home": "/srv/shop", "shell": "/usr/sbin/nologin"}}
    assert red(findings_of(facts=facts)) == ["account"]
    assert findings_of({"server": {"adopt": True}}, facts)["account"].level == "note"


def test_what_waits_for_an_account_of_that_name_is_refused_with_its_file():
    facts = {"account_files": [("mattermost", "/etc/sudoers.d/old"), ("mattermost-sql", "/etc/cron.d/old")]}
    found = findings_of(facts=facts)
    assert red(found) == ["account"]
    assert "/etc/sudoers.d/old and /etc/cron.d/old" in found["account"].sentence
    assert findings_of({"server": {"adopt": True}}, facts)["account"].level == "note"
    assert findings_of(facts={**BY_US, **facts})["account"].level == "note"


def test_all_that_is_wrong_with_accounts_is_told_at_once():
    facts = {"account": {**OURS, "shell": "/bin/sh"}, "programs_group": True, "account_files": [("mattermost", "/x")]}
    found = findings_of(facts=facts)["account"]
    for words in ("can log in (/bin/sh)", "mattermost-sql", "/x gives"):
        assert words in found.sentence
    assert "mattermost:server:user" in found.fix
    assert "remove or rename" in found.fix


def test_the_look_finds_what_waits_for_an_account(tmp_path):
    lines = {
        "sudoers": "root ALL=(ALL) ALL\n# mattermost ALL=(ALL) ALL\n",
        "sudoers.d/old": "mattermost ALL=(ALL) NOPASSWD: ALL\n",
        "sudoers.d/proxy": "mattermost-push ALL=(ALL) NOPASSWD: ALL\n",
        "sudoers.d/alias": "User_Alias A = carol : CHAT = alice, mattermost\n",
        "sudoers.d/list": "alice, mattermost-sql,bob ALL=(ALL) ALL\n",
        "sudoers.d/not": "Host_Alias H = x, mattermost\nalice ALL=(mattermost) ALL\nUser_Alias B = mattermosts\n",
        "cron.d/old": "@daily mattermost-sql /bin/true\n",
        "cron.d/other": "5 4 * * * root echo mattermost x\n",
        "crontab": "5 4 * * *  mattermost /bin/true\n",
    }
    for name, text in lines.items():
        (tmp_path / "etc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "etc" / name).write_text(text)
    (tmp_path / "cron/crontabs").mkdir(parents=True)
    (tmp_path / "cron/crontabs/mattermost").touch()
    text = (
        probe.script(["salt"], settings()).replace("/etc/", f"{tmp_path}/etc/").replace("/var/spool/", f"{tmp_path}/")
    )
    done = subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True)
    assert done.stderr == ""
    assert {(name, path.removeprefix(f"{tmp_path}/")) for name, path in probe.parse(done.stdout)["account_files"]} == {
        ("mattermost", "etc/sudoers.d/old"),
        ("mattermost", "etc/sudoers.d/alias"),
        ("mattermost-sql", "etc/sudoers.d/list"),
        ("mattermost", "etc/crontab"),
        ("mattermost", "cron/crontabs/mattermost"),
        ("mattermost-sql", "etc/cron.d/old"),
    }


def test_the_look_brings_what_is_beside_the_releases(tmp_path):
    (tmp_path / "x.coming/theirs").mkdir(parents=True)
    assert probed(settings(), install=tmp_path / "x")["directories"][f"{tmp_path}/x.coming"] == ["theirs"]


def test_a_role_of_others_is_refused_unless_it_is_adopted():
    found = findings_of(facts={"foreign_role": True})
    assert red(found) == ["existing-database"]
    assert "a role mattermost (mattermost:database:user)" in found["existing-database"].sentence
    assert findings_of({"server": {"adopt": True}}, {"foreign_role": True})["existing-database"].level == "note"
    in_place = findings_of({"server": {"adopt": True}}, {"foreign_role": True}, {"in_place": {"tree": INSTALL}})
    assert red(in_place) == ["existing-database"]
    assert red(findings_of(facts={**BY_US, "foreign_role": True})) == []


def test_an_empty_database_of_another_role_is_refused_before_any_change():
    assert red(findings_of(facts={"database": {"owner": "alice", "tables": 0}})) == ["existing-database"]
    assert red(findings_of(facts={"database": {"owner": "mattermost", "tables": 0}})) == []


@pytest.mark.parametrize(
    ("answer", "foreign"), [("150018|2|shop|f", True), ("150018|2|shop|t", False), ("150018|2||", False)]
)
def test_the_look_tells_a_role_of_others_by_its_comment(tmp_path, monkeypatch, answer, foreign):
    (tmp_path / "runuser").write_text(f"#!/bin/sh\ncase $* in *pg_authid*) echo '{answer}' ;; esac\n")
    (tmp_path / "runuser").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin")
    text = probe.script(["salt"], settings()).replace("/var/run/postgresql/", f"{tmp_path}/")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / ".s.PGSQL.5432"))
        facts = probe.parse(subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True).stdout)
    assert (facts["postgresql"][5432], facts["other_databases"][5432]) == ("15.18", 2)
    assert (facts["foreign_role"], (facts["database"] or {}).get("owner", "")) == (foreign, answer.split("|")[2])


def test_databases_of_others_in_a_postgresql_that_is_stopped_are_refused_unless_it_is_shared(tmp_path):
    place = "/var/lib/postgresql/15/main"
    for number in ("1", "5", "16384", "pgsql_tmp"):
        (tmp_path / place[1:] / "base" / number).mkdir(parents=True)
    text = probe.script(["salt"], settings()).replace("/var/lib/postgresql/", f"{tmp_path}/var/lib/postgresql/")

    def stopped():
        facts = probe.parse(subprocess.run(["/bin/sh", "-s"], input=text, capture_output=True, text=True).stdout)
        return {path.removeprefix(str(tmp_path)): count for path, count in facts["stopped_databases"].items()}

    facts = {"stopped_databases": stopped()}
    assert facts["stopped_databases"][place] == 1
    found = findings_of(facts=facts)
    assert red(found) == ["postgresql-in-use"]
    assert f"{place} has 1 database that" in found["postgresql-in-use"].sentence
    assert findings_of({"database": {"share": True}}, facts)["postgresql-in-use"].level == "note"
    assert red(findings_of(facts={**BY_US, **facts})) == []
    assert red(findings_of(facts={"stopped_databases": {place.replace("15", "13"): 1}})) == []
    (tmp_path / place[1:] / "postmaster.pid").touch()
    assert place not in stopped()
