"""Settings as hypothesis makes them up, from schema.yaml: each key may be there, each value is one that its form lets pass."""

from __future__ import annotations

import re

import yaml
from hypothesis import strategies as st

from tests.render import compiler

SCHEMA = yaml.safe_load((compiler.TREE / "schema.yaml").read_text())
# what YAML, Jinja, sh, systemd, nginx and SQL each read as more than text
HOSTILE = (
    "{{ x }}", "{% if %}", "{# c #}", "a'b", 'a"b', "a\\b", "$(id)", "`id`", "${HOME}", "%h %n", "a;b", "a # b", "#b", " b ", "a: b",
    "- a", "!a", "&a", "*a", "@a", "on", "null", "0x10", "1e3", "12:30", "2024-01-01", "~", "=", "a=b", "é ü 日本 😀", "|", ">", "[a", "{a", "\\n", "%%",
)  # fmt: skip
LINE = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Cs")), max_size=20),
)
LABEL = st.from_regex(re.compile("[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?"), fullmatch=True)
NAME = st.one_of(
    st.sampled_from(["on", "null", "chat.example.com", "A.example.com", "2024-01-01", "0x10"]),
    st.builds(".".join, st.lists(LABEL, min_size=2, max_size=3).map(lambda labels: [*labels, "example"])),
)
FOLDER = st.sampled_from(["/srv/a", "/srv/b", "/srv/c", "/srv/d.e", "/srv/f@g", "/data/h+i", "/data/null", "/opt/j_k"])
WORD = st.one_of(st.sampled_from(["on", "null", "true", "no", "y", "_", "mattermost"]), st.from_regex(r"[a-z_][a-z0-9_]{0,9}", fullmatch=True))  # fmt: skip
JSON = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), LINE, st.lists(LINE, max_size=2), st.just("two\nlines")
)
POSTGRESQL = st.one_of(
    st.sampled_from([("work_mem", "32MB"), ("log_line_prefix", "%m [%p] 'x' \\ "), ("cluster_name", "a'b"), ("work_mem", 4096),
                     ("enable_seqscan", False), ("random_page_cost", 1.1), ("application_name", "{{ x }}")]),
)  # fmt: skip
CALENDAR = st.sampled_from(["daily", "*-*-* 03:15:00", "Mon..Fri 04:00"])
# where the form alone says too little, or what it allows is another's to judge (a file that has to be there, a version to fetch)
OWN = {
    "hosts": st.lists(NAME, max_size=2),
    "name": NAME,
    "additional_names": st.lists(NAME, max_size=2),
    "acknowledged": st.just([]),
    "release:version": st.sampled_from(["11.7.10", "11.7", "10.11.4"]),
    "release:sha256": st.just("0" * 64),
    "server:user": WORD,
    "server:insist": st.just(["TeamSettings.SiteName"]),
    "server:config": st.dictionaries(
        st.sampled_from(["TeamSettings", "EmailSettings", "Own"]), st.dictionaries(WORD, JSON, max_size=2), max_size=2
    ),
    "server:environment": st.dictionaries(
        st.sampled_from(["MM_LICENSE", "MM_LOGSETTINGS_FILELEVEL", "MM_A"]), LINE, max_size=2
    ),
    "database:version": st.sampled_from([0, 15, 16]),
    "database:name": WORD,
    "database:user": WORD,
    "database:settings": st.lists(POSTGRESQL, max_size=2).map(dict),
    "mail:server": st.sampled_from(["", "smtp.example.com", "192.0.2.1"]),
    "letsencrypt:ca_file": st.just(""),
    "backup:schedule": CALENDAR,
    "release:window:begins": CALENDAR,
    "backup:repository": st.sampled_from(["/srv/backups", "s3:https://s3.example.com/a%20b'c", "sftp:a@b.example:/x", "rest:https://u:p@h/"]),
    "notify:webhook": st.sampled_from(["", "https://h.example/hooks/a?b=c&d='e'", "https://h.example/$(id)`x`%n\\"]),
    "server:path": st.sampled_from(["", "/chat", "/a/b.c"]),
    "platform": st.just({}),
    **{f"paths:{name}": FOLDER for name in ("install", "state", "settings", "work", "webroot")},
    "paths:run": st.sampled_from(["/run/mattermost", "/run/null", "/run/a.b"]),
}  # fmt: skip


def values(part: dict, key: str = ""):
    """Return what a setting may be. part: its schema. key: without ``mattermost:``."""
    if key in OWN:
        return OWN[key]
    if "properties" in part:
        inner = {name: values(each, f"{key}:{name}".lstrip(":")) for name, each in part["properties"].items()}
        return st.fixed_dictionaries({}, optional=inner)
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if part["type"] == "boolean":
        return st.booleans()
    if part["type"] == "integer":
        bounds = part["minimum"], part["maximum"]
        return st.one_of(st.sampled_from([*bounds, part["default"]]), st.integers(*bounds))
    if part["type"] == "array":
        return st.lists(values(part["items"]), max_size=2)
    if part["type"] == "object":
        names = st.from_regex(re.compile(part["propertyNames"]["pattern"], re.ASCII), fullmatch=True)
        return st.dictionaries(names, values(part["additionalProperties"]), max_size=2)
    if "pattern" not in part:
        return LINE
    return st.from_regex(re.compile(part["pattern"], re.ASCII), fullmatch=True).filter(str.isprintable)


SETTINGS = values(SCHEMA)
