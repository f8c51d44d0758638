"""Each fact is written in one file: a copy of it elsewhere, in whatever language, is found."""

import re
from pathlib import Path
from typing import NamedTuple

import mattermost_run_lock_core
import pytest
import yaml

from tests import repository

WHERE = ("salt/", "etc/", "tools/", "pillar/", "Makefile", "roster.example", "Vagrantfile", "Saltfile")


class Fact(NamedTuple):
    """owner: the file that says it, or one for each language; others read it there. shape: what any copy of it looks like. copies: such copies."""

    what: str
    owner: str | tuple[str, ...]
    shape: str
    copies: tuple[str, ...]


def both(one, other):
    """Return the shape of two texts within a hundred characters of each other, in any order."""
    return rf"(?:{one})[\s\S]{{0,100}}?(?:{other})|(?:{other})[\s\S]{{0,100}}?(?:{one})"


MINOR = r"(?:[.,]\s?0)?"
FACTS = [
    Fact(
        "oldest PostgreSQL of a release",
        "salt/_utils/mattermost_release_facts.py",
        both(rf"\b12{MINOR}\D{{1,24}}15\b", rf"\b11{MINOR}\D{{1,24}}14\b"),
        (
            "case $major in\n12) oldest=15 ;;\n11) oldest=14 ;;\nesac\n",
            "{% set oldest = 15 if major >= 12 else 14 if major >= 11 else 13 %}{# 12: 15, 11: 14 #}\n",
            "postgresql:\n  '11': 14\n  '12': 15\n",
            "FLOORS = (((12, 0), 15), ((11, 0), 14), ((10, 6), 13))\n",
        ),
    ),
    Fact(
        "oldest glibc of a release",
        "salt/_utils/mattermost_release_facts.py",
        r"\b12\b" + MINOR * 2 + r"\D{1,20}2[.,]\s?34\b",
        (
            "case $version in 12.*) glibc=2.34 ;; esac\n",
            "{% if version >= 12 %}2.34{% endif %}\n",
            "glibc: {12: '2.34'}\n",
            "GLIBC_FLOORS = (((12, 0, 0), (2, 34)),)\n",
        ),
    ),
    Fact(
        "releases built for a newer glibc by mistake",
        "salt/_utils/mattermost_release_facts.py",
        r"\b10[.,]\s?10[.,]\s?0\b\D{1,20}\b10[.,]\s?10[.,]\s?1\b",
        (
            "case $version in 9.2.0 | 10.10.0 | 10.10.1) false ;; esac\n",
            "{% if version in ('10.10.0', '10.10.1') %}\n",
            "misbuilt:\n  - 10.10.0\n  - 10.10.1\n",
            "MISBUILT = {(9, 2, 0), (10, 10, 0), (10, 10, 1)}\n",
        ),
    ),
    Fact(
        "SHA-256 of an empty file",
        "salt/_utils/mattermost_release_facts.py",
        "(?i)e3b0c44298fc1c14",
        (
            "empty=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
            "{% if sha256 == 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' %}\n",
            "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
            'EMPTY = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"\n',
        ),
    ),
    Fact(
        "user limit of Team Edition",
        "salt/_utils/mattermost_release_facts.py",
        r"(?i)users?\w*\W.{0,30}\b250\b|user_?limit.{0,30}\b250\b|\b250\b.{0,20}users?\b",
        ("[ \"$users\" -le 250 ]\n", "{{ users }} of {{ 250 }}, {% if users > 250 %}\n", "user_limit: 250\n", "USER_LIMIT = 250\n"),
    ),
    Fact(
        "room for the form around an upload",
        "salt/_utils/mattermost_settings_core.py",
        r"(?i)(?:form|body|overhead|upload).{0,60}(?:\b1048576\b|(?<!\* )\b1024 ?\* ?1024\b(?! ?\*))",
        (
            "body=$((limit + 1048576))\n",
            "# The server's limit ({{ body_limit - 1048576 }} bytes)\n",
            "body_overhead: 1048576\n",
            "FORM = 1024 * 1024\n",
        ),
    ),
    Fact(
        "the server's own limit of a file",
        "salt/_utils/mattermost_settings_core.py",
        r"\b104857600\b|(?i:file_?size|upload|body).{0,60}\b100 ?\* ?1024 ?\* ?1024\b",
        (
            "limit=104857600\n",
            "client_max_body_size {{ 100 * 1024 * 1024 }};\n",
            "max_file_size: 104857600\n",
            "MAX_FILE_SIZE = 100 * 1024 * 1024\n",
        ),
    ),
    Fact(
        "where the vendor's archives are",
        "salt/mattermost/schema.yaml",
        r"releases\.mattermost\.com/[{$%]",
        (
            "curl https://releases.mattermost.com/$version/a.tar.gz\n",
            "https://releases.mattermost.com/{{ version }}/a.tar.gz\n",
            "source: https://releases.mattermost.com/{version}/a.tar.gz\n",
            'SOURCE = "https://releases.mattermost.com/{version}/a.tar.gz"\n',
        ),
    ),
    Fact(
        "our folder of work on a host",
        "salt/mattermost/schema.yaml",
        "/var/lib/mattermost-deploy",
        (
            ': "${WORK:=/var/lib/mattermost-deploy}"\n',
            "{% set work = '/var/lib/mattermost-deploy' %}\n",
            "work: /var/lib/mattermost-deploy\n",
            'def retired(name, work="/var/lib/mattermost-deploy"): ...\n',
        ),
    ),
    Fact(
        "where the lock of a run is on a host",
        ("salt/_utils/mattermost_run_lock_core.py", "salt/mattermost/deploy/common/tools.sh"),
        "/run/(lock/)?mattermost-deploy",
        (
            ': "${LOCK:=/run/mattermost-deploy/lock}"\n',
            "lock={{ lock | default('/run/mattermost-deploy/lock') }}\n",
            "lock: /run/mattermost-deploy/lock\n",
            'CLEAN = "rm -rf /run/mattermost-deploy /run/lock/mattermost-deploy.lock"\n',
        ),
    ),
    Fact(
        "port of the server",
        "salt/mattermost/schema.yaml",
        r"(?i)\bport\b.{0,12}\b8065\b|default: 8065",
        (': "${PORT:=8065}"\n', "{{ port | default(8065) }}\n", "port: 8065\n", "def ask(port=8065): ...\n"),
    ),
    Fact(
        "which backups stay",
        "salt/mattermost/schema.yaml",
        r"daily\W[\s\S]{0,220}?\b7\b",
        (
            'restic forget --keep-daily "${keep_daily:-7}"\n',
            "keep_daily={{ keep.daily | default(7) }}\n",
            "keep:\n  daily: 7\n",
            'KEEP = {"daily": 7, "weekly": 4}\n',
        ),
    ),
    Fact(
        "compression of a dump",
        "salt/mattermost/platforms.yaml",
        r"compression\W.{0,12}\b\d\b",
        (
            'pg_dump -Z "${compression:-0}"\n',
            "compression={{ compression | default(0) }}\n",
            "compression: 6\n",
            "def dump(compression=0): ...\n",
        ),
    ),
    Fact(
        "release of restic where no package has it",
        "salt/mattermost/platforms.yaml",
        r"restic[_/]v?\d+\.\d+\.\d+|\brestic\b.{0,40}/v\d+\.\d+\.\d+",
        (
            "url=https://github.com/restic/restic/releases/download/v0.17.3/restic_0.17.3_linux_amd64.bz2\n",
            "restic_0.17.3_linux_{{ arch }}.bz2\n",
            "source: https://example.com/restic_0.17.3_linux_amd64.bz2\n",
            'RESTIC = "restic_0.17.3_linux_amd64.bz2"\n',
        ),
    ),
    Fact(
        "Salt for hosts without Python",
        "salt/mattermost/schema.yaml",
        r"salt-3\d{3}\.\d+",
        (
            "archive=salt-3008.2-onedir-linux-x86_64.tar.xz\n",
            "salt-3008.2-onedir-linux-{{ arch }}.tar.xz\n",
            "source: https://example.com/salt-3008.2-onedir-linux-x86_64.tar.xz\n",
            'ARCHIVE = "salt-3008.2-onedir-linux-x86_64.tar.xz"\n',
        ),
    ),
]  # fmt: skip
SUFFIXES = (".sh", ".jinja", ".yaml", ".py")


def places(fact, root, paths):
    """Return the files below *root*, of *paths*, that say the fact."""
    return [
        path for path in paths if re.search(fact.shape, (root / path).read_text(encoding="utf-8", errors="replace"))
    ]


def product():
    return [str(path) for path in repository.tracked() if str(path).startswith(WHERE)]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.what)
def test_a_fact_is_in_its_file_and_in_no_other(fact):
    owners = [fact.owner] if isinstance(fact.owner, str) else list(fact.owner)
    assert places(fact, repository.ROOT, product()) == owners


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.what)
def test_a_copy_that_is_planted_is_found(fact, suffix, tmp_path):
    """Each language says the fact its own way; without the copy nothing is found."""
    innocent = "# Debian 12, PostgreSQL 15, port 5432, 1048576 inodes, 250 ms\n"
    (tmp_path / "innocent.sh").write_text(innocent)
    planted = f"salt{suffix}"
    (tmp_path / planted).write_text(fact.copies[SUFFIXES.index(suffix)])
    assert places(fact, tmp_path, ["innocent.sh", planted]) == [planted]


def test_hosts_without_python_get_the_salt_of_the_controller():
    pinned = re.search(r"(?m)^salt==(\S+)", repository.text(Path("requirements.txt")))[1]
    source = yaml.safe_load(repository.text(Path("salt/mattermost/schema.yaml")))
    text = yaml.safe_dump(source)
    assert set(re.findall(FACTS[-1].shape, text)) == {f"salt-{pinned}"}


def test_the_programs_on_a_host_and_salt_take_the_same_lock():
    line = f"run_lock=${{MATTERMOST_RUN_LOCK:-{mattermost_run_lock_core.LOCK}}} "
    assert line in repository.text(Path("salt/mattermost/deploy/common/tools.sh"))
