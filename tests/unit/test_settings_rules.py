"""Settings that cannot be: no line where one is meant, numbers that no program reads, settings that do not go together."""

import datetime
import functools

import mattermost_settings_core as core
import mattermost_settings_data
import mattermost_settings_form as form
import mattermost_settings_rules as rules
import pytest
from mattermost_controller.hosts import collect

from tests.soak import in_check

DATA = mattermost_settings_data.load(["salt"])
DEBIAN = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}


def merge(pillar, options=None, host_id="chat.example.test"):
    return core.merge(DATA, {"email": "admin@example.test", **pillar}, options or {}, DEBIAN, host_id)


def refused(pillar, options=None, host_id="chat.example.test"):
    """Return the faults, and the doubts of settings without one."""
    try:
        return merge(pillar, options, host_id)["doubts"]
    except core.SettingsError as err:
        return err.faults


def nest(path, value):
    for name in reversed(path):
        value = {name: value}
    return value


def texts(schema=DATA["schema"], path=()):
    """Yield the path of every setting that is a text, a list of texts or a mapping of them."""
    for name, part in schema.get("properties", {}).items():
        if "properties" in part:
            yield from texts(part, (*path, name))
        elif part.get("type") == "string":
            yield (*path, name), "one{}two"
        elif part.get("items", {}).get("type") == "string":
            yield (*path, name), ["one{}two"]
        elif isinstance(part.get("additionalProperties"), dict) and not part.get("x-multiline"):
            yield (*path, name), {"MM_NAME" if name == "environment" else "work_mem": "one{}two"}


def filled(value, sign):
    if isinstance(value, dict):
        return {name: filled(inner, sign) for name, inner in value.items()}
    return [filled(inner, sign) for inner in value] if isinstance(value, list) else value.format(sign)


def test_there_are_texts_of_each_kind():
    assert {type(value) for _, value in texts()} == {str, list, dict}
    assert len(list(texts())) > 40


@pytest.mark.parametrize(
    ("path", "value"), list(texts()), ids=lambda part: ":".join(part) if isinstance(part, tuple) else ""
)
@pytest.mark.parametrize("sign", in_check(["\n", "\r", "\0"], "\n"), ids=["newline", "return", "nul"])
def test_no_text_has_a_line_break(path, value, sign):
    found = [text for text in refused(nest(path, filled(value, sign))) if form.key(path) in text]
    assert len(found) == 1
    assert "line break" in found[0] or "NUL" in found[0] or "required form" in found[0]
    assert "one" + sign not in found[0]
    assert len(found[0].splitlines()) == 1


@pytest.mark.parametrize("setting", ["email", "name"])
def test_a_line_break_at_the_end_counts(setting):
    assert refused({setting: "a@example.test\n" if setting == "email" else "chat.example.test\n"}) == [
        f"mattermost:{setting} contains a line break. Write the value as one line, without `|` or `>`."
    ]


def test_a_line_break_in_a_name_below_a_setting_counts():
    (fault,) = refused({"server": {"environment": {"MM_A\nMM_B": "x"}}})
    assert fault.startswith("A key below mattermost:server:environment contains a line break")


def test_a_text_of_config_json_may_have_lines():
    merge({"server": {"config": {"AnnouncementSettings": {"BannerText": "one\ntwo"}}}})


def test_a_tab_is_a_doubt_only():
    assert "control character" in "".join(merge({"mail": {"from_name": "a\tb"}})["doubts"])


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**20])
def test_a_number_that_no_program_reads_is_refused(value):
    (fault,) = refused({"server": {"config": {"TeamSettings": {"MaxUsersPerTeam": value}}}})
    assert fault.startswith(
        (
            "mattermost:server:config:TeamSettings:MaxUsersPerTeam is ",
            "mattermost:server:config:TeamSettings:MaxUsersPerTeam has too many digits.",
        )
    )


def numbers(schema=DATA["schema"], path=()):
    for name, part in schema.get("properties", {}).items():
        yield from numbers(part, (*path, name))
        if part.get("type") == "integer":
            yield ":".join((*path, name)), part


def test_each_number_has_both_bounds():
    assert [name for name, part in numbers() if not {"minimum", "maximum"} <= set(part)] == []


@pytest.mark.parametrize("setting", ["server:environment", "backup:environment", "database:settings", "server:config:TeamSettings", "server:config:A:b"])  # fmt: skip
@pytest.mark.parametrize("name", [1, True, None, 1.5, datetime.date(2024, 1, 1)], ids=str)
def test_a_name_that_yaml_does_not_read_as_text_is_refused(setting, name):
    (fault,) = refused(nest(setting.split(":"), {name: "x"}))
    assert (
        fault
        == f"A key below mattermost:{setting} is {name!r}, which is of type {type(name).__name__}. Write the key in quotes, '...'."
    )


@pytest.mark.parametrize("value", [datetime.date(2024, 1, 1), b"s3kr3t", {"s3kr3t"}], ids=lambda value: type(value).__name__)  # fmt: skip
def test_a_value_that_config_json_cannot_hold_is_refused(value):
    (fault,) = refused({"server": {"config": {"TeamSettings": {"SiteName": value}}}})
    assert fault.startswith("mattermost:server:config:TeamSettings:SiteName must not be of type ")
    assert "s3kr3t" not in fault


@pytest.mark.parametrize(("path", "part"), list(numbers()), ids=lambda part: part if isinstance(part, str) else "")
def test_a_number_with_a_decimal_point_is_no_whole_one(path, part):
    (fault,) = refused(nest(path.split(":"), float(part["default"])))
    assert fault.startswith(f"mattermost:{path} must be of type integer, not float ")


@pytest.mark.parametrize("path", ["mail:password", "server:license", "mail:from_name", "server:environment:MM_A"])
def test_a_line_that_is_too_long_for_a_variable_is_refused_without_being_shown(path):
    (fault,) = [text for text in refused(nest(path.split(":"), "s3kr3t" * 20000)) if "too long" in text]
    assert fault == f"mattermost:{path} is too long. Write at most 100000 bytes."


@pytest.mark.parametrize("path", ["name", "hosts", "server:port", "certificate:source", "server:user", "push:url"])
def test_a_long_value_is_cut_in_the_sentence(path):
    assert all(len(fault) < 600 for fault in refused(nest(path.split(":"), "x." * 20000 + "/")))


@pytest.mark.parametrize(
    ("pillar", "hint"),
    [
        ({"backup": {"schedule": 195}}, "Write the value in quotes, '...'."),
        ({"name": True}, "Write the value in quotes, '...'."),
        ({"name": datetime.date(2024, 1, 1)}, "Write the value in quotes, '...'."),
        ({"email": None}, "Write a value, or remove the line."),
        ({"server": {"port": "8065"}}, "Write the value without quotes."),
        ({"hosts": "chat"}, "Write the value as a list, [...]."),
        ({"database": {"settings": {"work_mem": [1]}}}, "must be of type string, number, boolean, not list [1]."),
    ],
)
def test_a_value_of_a_wrong_type_says_how_to_write_it(pillar, hint):
    (fault,) = refused(pillar)
    assert fault.endswith(hint)


@pytest.mark.parametrize("name", ["postgresql", "repositories", "nginx", "certbot", "packages"])
@pytest.mark.parametrize("value", [None, "x", 1])
def test_a_fact_of_the_platform_keeps_its_type(name, value):
    (fault,) = refused({"platform": {name: value}})
    assert fault.startswith(f"mattermost:platform:{name} must be of type ")


@pytest.mark.parametrize("host_id", ["a b", "$(id)", "../x", "x;touch y", "*", "&x", "a: b", "{{ x }}", "[a"])
def test_a_rosters_id_with_signs_is_no_public_name(host_id):
    found = refused({}, host_id=host_id)
    assert found
    assert all("Set mattermost:name" in text or "Set another name" in text for text in found)
    assert refused({"name": "chat.example.test"}, host_id=host_id) == []


@pytest.mark.parametrize("host_id", ["chat_1", "é.example", "chat.example.com."])
def test_a_rosters_id_that_no_dns_has_is_a_doubt(host_id):
    assert len(merge({}, host_id=host_id)["doubts"]) == 1


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029", "\x7f", "\x1b"], ids=ascii)
def test_a_sign_that_a_program_may_take_for_a_new_line_is_a_doubt(sign):
    assert "control character" in "".join(merge({"mail": {"from_name": f"a{sign}b"}})["doubts"])


def test_a_secret_of_a_mapping_never_stands_in_a_fault():
    (fault,) = refused({"server": {"environment": {"MM_A": 6021023}}})
    assert (
        fault
        == "mattermost:server:environment:MM_A must be of type string, not int (hidden). Write the value in quotes, '...'."
    )


HARMFUL = [
    ("release:window:begins", {"release": {"window": {"begins": "every night"}}}),
    ("release:window:begins", {"release": {"window": {"begins": "3"}}}),
    ("backup:schedule", {"backup": {"schedule": "0"}}),
    ("release:unattended", {"release": {"unattended": "patches", "source": "/srv/{version}.tar.gz"}}),
    ("release:unattended", {"release": {"unattended": "patches", "source": "https://mirror.example.test/one.tar.gz"}}),
    ("server:user", {"server": {"user": "root"}}),
    ("server:user", {"server": {"user": "postgres"}}),
    ("paths:settings", {"paths": {"settings": "/etc"}}),
    ("paths:work", {"paths": {"work": "/var/lib"}}),
    ("paths:work", {"paths": {"work": "/var/lib/x/.."}}),
    ("paths:install", {"paths": {"install": "/usr"}}),
    ("paths:state", {"paths": {"state": "/opt"}}),
    ("paths:state", {"paths": {"state": "/tmp/chat"}}),
    ("paths:work", {"paths": {"work": "/run/chat"}}),
    ("paths:state", {"paths": {"state": "/var/lib/postgresql"}}),
    ("paths:state", {"paths": {"state": "/var/lib/postgresql/15/main/chat"}}),
    ("paths:settings", {"paths": {"settings": "/etc/nginx"}}),
    ("server:port", {"server": {"port": 5432}}),
    ("database:port", {"database": {"port": 443}}),
    ("MetricsSettings:ListenAddress", {"server": {"config": {"MetricsSettings": {"Enable": True, "ListenAddress": "127.0.0.1:8065"}}}}),
    ("to everybody", {"server": {"config": {"MetricsSettings": {"Enable": True}}}}),
    ("to everybody", {"server": {"config": {"MetricsSettings": {"Enable": True, "ListenAddress": "0.0.0.0:8067"}}}}),
    ("to everybody", {"server": {"config": {"MetricsSettings": {"Enable": True, "ListenAddress": "[::]:8067"}}}}),
    ("to everybody", {"server": {"environment": {"MM_METRICSSETTINGS_ENABLE": "true"}}}),
    ("on 192.0.2.7", {"firewall": {"manage": False}, "server": {"config": {"MetricsSettings": {"Enable": True, "ListenAddress": "192.0.2.7:8067"}}}}),
    ("limits:exempt contains 10.0.0.1/8", {"nginx": {"limits": {"exempt": ["10.0.0.1/8"]}}}),
    ("limits:exempt contains 300.0.0.1", {"nginx": {"limits": {"exempt": ["300.0.0.1"]}}}),
    ("mattermost:server:port", {"server": {"config": {"ServiceSettings": {"ListenAddress": ":8065"}}}}),
    ("mattermost:server:port", {"server": {"config": {"servicesettings": {"listenaddress": ":8065"}}}}),
    ("mattermost:paths:state", {"server": {"config": {"FileSettings": {"Directory": "/srv/files"}}}}),
    ("only PostgreSQL", {"server": {"config": {"SqlSettings": {"DriverName": "mysql"}}}}),
    ("FileSettings:MaxFileSize", {"server": {"config": {"FileSettings": {"MaxFileSize": 10**20}}}}),
    ("FileSettings:MaxFileSize", {"server": {"config": {"FileSettings": {"MaxFileSize": 2**63 - 1}}}}),
    ("MM_FILESETTINGS_MAXFILESIZE", {"server": {"environment": {"MM_FILESETTINGS_MAXFILESIZE": "9" * 30}}}),
    ("database:name", {"database": {"name": "template1"}}),
    ("database:user", {"database": {"user": "pg_chat"}}),
    ("mail:username", {"mail": {"username": "me", "password": "x"}}),
    ("firewall:ports", {"firewall": {"ports": ["70000/tcp"]}}),
    ("kept:days", {"kept": {"days": 2**31}}),
    ("database:max_connections", {"database": {"max_connections": 300000}}),
    ("paths:run", {"paths": {"run": "/run/postgresql"}}),
    ("backup:repository is /etc", {"backup": {"repository": "/etc"}}),
    ("backup:repository is /home/../etc", {"backup": {"repository": "/home/../etc"}}),
    ("backup:repository", {"backup": {"repository": "/tmp/backups"}}),
    ("backup:repository", {"backup": {"repository": "/var/lib/postgresql/15/main/x"}}),
    ("mattermost:name", {"name": "0x10"}),
    ("mattermost:name", {"name": "2024-01-01"}),
    ("additional_names:0", {"additional_names": ["null"]}),
    ("server:user", {"server": {"user": "true"}}),
    ("database:name", {"database": {"name": "on"}}),
    ("database:user", {"database": {"user": "no"}}),
    ("backup:schedule", {"backup": {"schedule": "every night"}}),
    ("backup:schedule", {"backup": {"schedule": "0 3 * * * root"}}),
    ("backup:schedule", {"backup": {"schedule": "3am"}}),
    ("backup:schedule", {"backup": {"schedule": "Monday, Tuesday 3:00"}}),
    ("settings:shared_buffers", {"database": {"settings": {"shared_buffers": "lots"}}}),
    ("settings:work_mem", {"database": {"settings": {"work_mem": "32 MiB"}}}),
    ("settings:work_mem", {"database": {"settings": {"work_mem": True}}}),
    ("use mattermost:database:port", {"database": {"settings": {"port": 5433}}}),
    ("settings:listen_addresses", {"database": {"settings": {"listen_addresses": "*"}}}),
    ("environment:RESTIC_PASSWORD_COMMAND", {"backup": {"environment": {"RESTIC_PASSWORD_COMMAND": "cat /x"}}}),
    ("server:local_mode", {"server": {"local_mode": False}, "verify": {"round_trip": True}}),
    *((f"database:{key}", {"database": {key: word}}) for key in ("name", "user") for word in ("all", "replication", "sameuser")),
    ("database:user", {"database": {"user": "public"}}),
    ("database:user", {"database": {"user": "none"}}),
    ("settings:include_dir", {"database": {"settings": {"include_dir": "/srv/x"}}}),
    ("paths:run is too long", {"paths": {"run": "/run/" + "x" * 90}}),
    ("paths:run is /run/mattermost-switch", {"paths": {"run": "/run/mattermost-switch"}}),
    ("paths:state is too long", {"paths": {"state": "/srv/" + "x" * 256}}),
    ("paths:work is too long", {"paths": {"work": "/srv" + "/x" * 500}}),
    ("backup:repository is //etc", {"backup": {"repository": "//etc"}}),
    ("server:user is mattermost-sql", {"server": {"user": "mattermost-sql"}}),
    ("ConnectionSecurity must not be set: nginx does the site's TLS", {"server": {"config": {"ServiceSettings": {"ConnectionSecurity": "TLS"}}}}),
    ("UseLetsEncrypt must not be set", {"server": {"config": {"ServiceSettings": {"UseLetsEncrypt": True}}}}),
    ("Forward80To443 must not be set", {"server": {"config": {"ServiceSettings": {"Forward80To443": True}}}}),
    ("MM_SQLSETTINGS_DATASOURCE must not be set", {"server": {"environment": {"MM_SQLSETTINGS_DATASOURCE": "x"}}}),
    ("use mattermost:server:port", {"server": {"environment": {"MM_SERVICESETTINGS_LISTENADDRESS": ":80"}}}),
    ("nginx does the site's TLS", {"server": {"environment": {"MM_SERVICESETTINGS_CONNECTIONSECURITY": "TLS"}}}),
    *(
        ("MM_FILESETTINGS_MAXFILESIZE must be a whole number", {"server": {"environment": {"MM_FILESETTINGS_MAXFILESIZE": size}}})
        for size in ("1e400", "-1", "", " 1")
    ),
    *(
        ("FileSettings:MaxFileSize must be a whole number", {"server": {"config": {"FileSettings": {"MaxFileSize": size}}}})
        for size in ("100", 1.5, True, [1])
    ),
    *(
        (f"backup:environment:{name} must not be set, because that variable decides", {"backup": {"environment": {name: "/x"}}})
        for name in ("PATH", "LD_PRELOAD", "BASH_ENV", "IFS")
    ),
]  # fmt: skip
DOUBTFUL = [
    ("server:user", {"server": {"user": "www-data"}}),
    ("paths:state", {"paths": {"state": "/home/chat"}}),
    ("paths:webroot", {"paths": {"webroot": "/tmp/webroot"}}),
    ("paths:state", {"paths": {"state": "/usr/lib/chat"}}),
    ("paths:state", {"paths": {"state": "/srv/chat/../x"}}),
    ("paths:install and mattermost:paths:state are the same", {"paths": {"state": "/opt/mattermost"}}),
    (
        "paths:state (/opt/mattermost/state) is inside mattermost:paths:install (/opt/mattermost)",
        {"paths": {"state": "/opt/mattermost/state"}},
    ),
    (
        "paths:install (/srv/chat/bin) is inside mattermost:paths:state (/srv/chat)",
        {"paths": {"install": "/srv/chat/bin", "state": "/srv/chat"}},
    ),
    (
        "backup:repository (/var/opt/mattermost/backup) is inside mattermost:paths:state (/var/opt/mattermost)",
        {"backup": {"repository": "/var/opt/mattermost/backup"}},
    ),
    ("SqlSettings:DataSource", {"server": {"config": {"SqlSettings": {"DataSource": "postgres://x"}}}}),
    ("FileSettings:MaxFileSize", {"server": {"config": {"FileSettings": {"MaxFileSize": 10**15}}}}),
    ("database:user", {"database": {"user": "postgres"}}),
    ("mail:password", {"mail": {"server": "smtp.example.test", "username": "me"}}),
    ("mail:username", {"mail": {"server": "smtp.example.test", "password": "x"}}),
    ("mail:server", {"mail": {"server": "smtp://smtp.example.test"}}),
    *(
        ("mail:server", {"mail": {"server": name}})
        for name in ("smtp.example.test:587", "$(id)", "smtp..example.test", "é", "-x", "a b")
    ),
    ("server:admin:username", {"server": {"admin": {"username": "system"}}}),
    *(
        ("mattermost:name", {"name": name})
        for name in ("a..b", "a-.example.test", "x" * 64 + ".test", ".".join(["x" * 60] * 5))
    ),
    *(("which other programs use too", {"paths": {"state": path}}) for path in ("/srv", "/mnt", "/media")),
    *(
        ("backup:password begins or ends with a blank", {"backup": {"password": word}})
        for word in (" ", "x ", "\u00a0x")
    ),
    ("backup:repository is /mnt", {"backup": {"repository": "/mnt"}}),
    ("backup:repository is //srv/x. Write that path without", {"backup": {"repository": "//srv/x"}}),
    *(
        ("backup:repository begins with", {"backup": {"repository": f"{kind}:x"}})
        for kind in ("local", "ftp", "https", "xyz")
    ),
    *(
        ("notify:webhook is not an address", {"notify": {"webhook": text}})
        for text in ("x", "file:///etc/shadow", "http://", "-K/x")
    ),
    ("backup:notify:webhook is not an address", {"backup": {"notify": {"webhook": "https://:1"}}}),
    ("push:url", {"push": {"service": "own", "url": "https://x y"}}),
    ("letsencrypt:directory_url", {"letsencrypt": {"directory_url": "https://"}}),
    ("release:source begins with ftp://", {"release": {"source": "ftp://x/{version}"}}),
    ("relenv:source begins with file://", {"relenv": {"source": "file://x/y"}}),
    ("additional_names", {"additional_names": ["192.0.2.7"]}),
    ("1.2.3", {"name": "1.2.3"}),
    ("kept:days", {"kept": {"days": 2**31 - 1}}),
    ("release:keep", {"release": {"keep": 5000}}),
    ("verify:timeout", {"verify": {"timeout": 100000}}),
    (
        "Set AWS_SECRET_ACCESS_KEY in mattermost:backup:environment.",
        {"backup": {"repository": "s3:s3.example.test/x", "environment": {"AWS_ACCESS_KEY_ID": "x"}}},
    ),
    ("mattermost:email", {"email": "ädmin@example.test"}),
    *(
        ("mattermost:email", {"email": text})
        for text in ("mailto:a@example.test", ".a@example.test", "a..b@example.test", "a,b@example.test")
    ),
    ("whose domain has no dot", {"email": "admin@localhost"}),
    ("notify:webhook is not an address", {"notify": {"webhook": "https://x.example:99999/"}}),
    (
        "contains '{vresion}', which is not a known placeholder",
        {"release": {"source": "https://x.example/{vresion}.tgz", "signature": "https://x/y"}},
    ),
    ("contains '{version', which", {"release": {"source": "https://x.example/{version", "signature": "https://x/y"}}),
    ("release:signature contains '{version!r}'", {"release": {"signature": "https://x.example/{version!r}"}}),
    ("server:admin:email", {"server": {"admin": {"email": "admin"}}}),
    ("mail:from_address", {"mail": {"server": "smtp.example.test", "from_address": "a@b@example.test"}}),
]


@pytest.mark.parametrize(("key", "pillar"), HARMFUL, ids=str)
def test_settings_that_would_harm_are_refused(key, pillar):
    with pytest.raises(core.SettingsError) as caught:
        merge(pillar)
    assert key in caught.value.faults[0]
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(("key", "pillar"), DOUBTFUL, ids=str)
def test_settings_that_may_stay_where_they_are_begin_nowhere(key, pillar):
    settings = merge(pillar)
    assert len(settings["doubts"]) == 1
    assert key in settings["doubts"][0]
    assert [one.level for one in collect.settings_findings(settings, is_new=True)] == ["refusal"]
    assert [one.level for one in collect.settings_findings(settings, is_new=False)] == ["warning"]


@functools.cache
def unruly():
    """Return the settings of each of these pillars, as the rules get them."""
    plain = core.deep_merge(core.defaults(DATA["schema"]), {"platform": merge({})["platform"]})
    made = []
    for _, pillar in (*HARMFUL, *DOUBTFUL):
        settings = core.deep_merge(plain, {"email": "admin@example.test", **pillar})
        settings["names"] = [settings["name"] or "chat.example.test", *settings["additional_names"]]
        made.append(settings)
    return made


@pytest.mark.parametrize("rule", [*rules.HARMFUL, *rules.DOUBTFUL], ids=lambda rule: rule.__name__)
def test_each_rule_is_broken_by_one_of_these(rule):
    assert any(list(rule(settings)) for settings in unruly())


@pytest.mark.parametrize(
    "pillar",
    [
        *(
            {"mail": {"server": name}}
            for name in ("mail", "smtp.example.test.", "192.0.2.1", "2001:db8::1", "[2001:db8::1]")
        ),
        *({"notify": {"webhook": f"https://{host}/x"}} for host in ("h", "u:p@h.test:8443", "[::1]", "é.test")),
        {"name": "A-1.example.test"},
        {"name": "x" * 63 + ".test"},
        {"backup": {"repository": "/srv/a:b"}},
        {"mail": {"from_name": "👩‍💻 é"}},
        {"release": {"source": "file:///srv/{version}.tar.gz"}},
        {"paths": {"install": "/srv/mattermost", "state": "/srv/mattermost-state"}},
        {"paths": {"state": "/mnt/disk", "install": "/usr/local/mattermost"}},
        {"backup": {"repository": "sftp:backup@example.test:/var/opt/mattermost"}},
        {"server": {"config": {"ServiceSettings": {"ListenAddress": "127.0.0.1:8065"}}}},
        {"server": {"config": {"TeamSettings": {"EnableUserCreation": True}, "SqlSettings": {"MaxOpenConns": 50}}}},
        {"server": {"config": {"FileSettings": {"MaxFileSize": 2**30}}}},
        {"mail": {"server": "smtp.example.test", "username": "me", "password": "x"}},
        {"database": {"port": 5433}, "server": {"port": 9000}},
        {
            "database": {
                "settings": {
                    "work_mem": "32MB",
                    "shared_buffers": "1.5 GB",
                    "temp_buffers": 8192,
                    "autovacuum_work_mem": -1,
                }
            }
        },
        {"backup": {"repository": "s3:s3.example.test/x", "environment": {"AWS_PROFILE": "chat"}}},
        {"backup": {"repository": "rclone:far:x", "environment": {"HOME": "/srv/rclone"}}},
        {"database": {"user": "on_call", "name": "null_1"}, "server": {"user": "yes-man"}},
        *(
            {"backup": {"schedule": text}}
            for text in (
                "daily",
                "Mon",
                "Mon..Fri",
                "Sat,Sun",
                "03:00 CET",
                "02:00 utc",
                "Mon..Fri 04:00",
                "*-*-* 03:15:00",
                "Sat,Sun *-*-1..7 18:00:30",
                "03:15 Europe/Berlin",
                "*:0/15",
                "*-*~1 05:00 UTC",
                "WEEKLY",
                "monday 04:00",
            )
        ),
    ],
    ids=str,
)
def test_what_goes_together_is_not_refused(pillar):
    assert merge(pillar)["doubts"] == []


def test_faults_of_form_and_of_rules_are_told_at_once_and_none_of_what_stands_in():
    found = refused(
        {"server": {"port": "x", "user": "root"}, "mail": {"server": ["x"], "username": "me"}, "kept": {"days": 0}}
    )
    assert sorted(text.split()[0] for text in found) == [
        "mattermost:kept:days", "mattermost:mail:server", "mattermost:server:port", "mattermost:server:user",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"version": "11.7"}, "Did you mean mattermost:release:version or mattermost:database:version?"),
        ({"server": {"repository": "/x"}}, "Did you mean mattermost:backup:repository?"),
        ({"database": {"schedule": "daily"}}, "Did you mean mattermost:backup:schedule?"),
        ({"relase": {}}, "Did you mean release?"),
    ],
)
def test_a_key_on_the_wrong_level_names_the_right_one(given, meant):
    (fault,) = refused(given)
    assert fault.endswith(meant)


def test_an_option_that_is_almost_one_of_the_talks_is_a_doubt():
    settings = merge({}, {"postgres.prot": 5433, "postgres.timeout": 5, "user": "x"})
    assert settings["doubts"] == [
        "Roster option postgres.prot is not known, and nothing reads it. Did you mean postgres.port?"
    ]


@pytest.mark.parametrize(
    ("option", "value"), [("postgres.port", 70000), ("postgres.mm_database_pass", "a\nb"), ("postgres.port", 443)]
)
def test_a_fault_of_the_roster_names_its_option(option, value):
    (fault,) = refused({}, {option: value})
    assert fault.endswith(f" This value comes from {option} in the roster.")
    assert "a\nb" not in fault


@pytest.mark.parametrize("address", ["127.0.0.1:8067", "localhost:8067", "[::1]:8067", "192.0.2.7:8067"])
def test_metrics_may_be_on_where_they_are_not_for_all(address):
    metrics = {"Enable": True, "ListenAddress": address}
    assert (
        refused(
            {"server": {"config": {"MetricsSettings": metrics}}, "nginx": {"limits": {"exempt": ["2001:db8::/32"]}}}
        )
        == []
    )


def test_aliases_that_make_a_short_file_endless_are_refused_at_once():
    value = ["x"] * 9
    for _ in range(30):
        value = [value] * 9
    assert "because YAML aliases (*name) are nested" in " ".join(refused({"server": {"insist": value}}))


def test_a_version_has_no_zeros_before_its_numbers():
    assert "does not have the required form" in refused({"release": {"version": "11.7.010"}})[0]
