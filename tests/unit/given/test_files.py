"""Faults of the pillar and the roster are named by file and line before Salt renders them, and no value is shown."""

import os

import pytest
from mattermost_controller.given import files, text

SECRET = "s3kr3t"
BEFORE = "mattermost:\n  email: a@example.com\n"


@pytest.fixture
def given(tmp_path):
    """A function that writes the pillar and the roster and returns what is wrong with them, paths made short."""
    (tmp_path / "top.sls").write_text("base:\n  '*':\n    - ignore_missing: True\n    - mattermost\n")

    def judge(pillar=None, roster=None, host="*", **others):
        for name, value in {"mattermost.sls": pillar, "roster": roster, **others}.items():
            if value is not None:
                (tmp_path / name).write_bytes(value if isinstance(value, bytes) else value.encode())
        opts = {"pillar_roots": {"base": [str(tmp_path)]}, "roster_file": str(tmp_path / "roster")}
        opts["file_roots"] = {"base": ["salt"]}
        return files.wrong(opts, host).replace(f"{tmp_path}/", "")

    judge.path = tmp_path
    return judge


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("\tname: s3kr3t", "a tab: indent with spaces"),
        ("  mail: {password: @s3kr3t}", "begins with @, `, % or a tab: write it in quotes"),
        ("  mail: {password: %s3kr3t}", "begins with @, `, % or a tab: write it in quotes"),
        ("  mail: {password: *s3kr3t}", "begins with *: write it in quotes"),
        ("  mail: {password: !s3kr3t x}", "begins with !: write it in quotes"),
        ('  mail: {password: "s3kr3t\\y"}', "a backslash between double quotes: use single quotes"),
        ("  mail: {password: 's3kr3t}", "a quote that is not closed"),
        ("  name: s3kr3t: x", "contains ': ' in quotes"),
        ("  email: s3kr3t", "'email' is set twice in one section"),
        ("  hosts: [s3kr3t", "in brackets is not closed"),
        (" name: s3kr3t", "indentation"),
        ("  mail: {password: 's3kr3t{{x'}", "or begin the file with the line #!yaml"),
        ("  mail: {password: '{{s3kr3t'}", "or begin the file with the line #!yaml"),
        ("    password: 's3kr3t{#x#}'", "begin the file with the line #!yaml"),
        ("    password: s3kr3t{{x}}", "begin the file with the line #!yaml"),
        ("  - password: s3kr3t{# x", "begin the file with the line #!yaml"),
        ("  {% if x", "or begin the file with the line #!yaml"),
        (b"  name: s3kr3t \xe9\n", "a character in this line is not UTF-8"),
        (b"  name: s3kr3t \x07\n", "a control character"),
    ],
)  # fmt: skip
def test_a_fault_names_file_line_and_what_to_write(given, line, said):
    line = line if isinstance(line, bytes) else line.encode()
    for begin in (b"\n", b"\r\n"):
        sentence = given(BEFORE.encode().replace(b"\n", begin) + line + begin)
        assert sentence.startswith(("mattermost.sls:3: ", "mattermost.sls:4: "))
        assert said in sentence
        assert SECRET not in sentence
        assert len(sentence.splitlines()) == 1


@pytest.mark.parametrize(
    "pillar",
    [
        "",
        BEFORE,
        BEFORE.replace("\n", "\r\n"),
        "\ufeff" + BEFORE,
        "#!yaml\n" + BEFORE + "  mail: {password: '{{ {# {%'}\n",
        "#!yaml\r\n" + BEFORE + "  mail: {password: 'x{{'}\r\n",
        BEFORE + "{# a comment #}\n  name: {{ grains.id }}   # {# and one #}\n",
        BEFORE + "  name: '{{ grains.id }}'\n  {% if x %}hosts: []{% endif %}\n",
        "#!jinja|yaml\n" + BEFORE + "  url: https://{{ x }}/y\n",
        "#!py\ndef run():\n    return {'a': '{{'}\n",
        "#!yaml|gpg\n" + BEFORE,
        "x: &common {email: a@example.com, name: x}\nmattermost:\n  <<: *common\n  name: y\n",
        "mattermost:\n  email:\ta@example.com\t# aligned\n",
        "mattermost:\n  email: 2024-13-45\n",
        BEFORE + "  hosts: [{{ a }}, {{ b }}]\n  mail: {server: {{ x }}}\n",
        BEFORE + "  name: chat.example.com # not {{ this }}\n  path: /x {# nor this #}\n",
        BEFORE + "  {% if x: %}{{ y }}{% endif %}\n",
    ],
)
def test_what_salt_reads_as_it_was_meant_is_not_refused(given, pillar):
    assert given(pillar) == ""


def test_a_byte_order_mark_that_hides_the_first_line_is_refused(given):
    assert given("\ufeff#!yaml\n" + BEFORE).startswith("mattermost.sls:1: a byte order mark")


def test_a_pillar_that_is_no_mapping_says_how_it_begins(given):
    assert (
        given("s3kr3t\n")
        == "mattermost.sls:1: this file contains no mapping of settings. Begin it with the line `mattermost:`."
    )


def test_a_link_is_followed_and_one_to_nothing_is_named(given):
    (given.path / "mattermost.sls").symlink_to("elsewhere")
    assert given().startswith("mattermost.sls cannot be read: ")
    (given.path / "elsewhere").write_text("x: 1\nx: 2")
    assert given().startswith("mattermost.sls:2: ")


@pytest.mark.parametrize(
    ("pillar", "said"),
    [
        ("mattermost: &m\n  platform: *m\n", "mattermost.sls: a value contains itself"),
        (BEFORE + "  hosts: &h [*h]\n", "mattermost.sls: a value contains itself"),
        ("a: &a [x, x, x, x]\n" + "".join(f"{c}: &{c} [*{b}, *{b}, *{b}, *{b}]\n" for b, c in zip("abcdefghijk", "bcdefghijkl")), "mattermost.sls: the aliases (*name) in this file stand for more than 100000 values"),
        (BEFORE + "  x: " + "[" * 3000, "mattermost.sls: this file has too many levels of brackets or indentation."),
        (BEFORE + "---\n" + BEFORE, "mattermost.sls:3: a second line `---`"),
        (BEFORE + "...\nx: 1\n", "mattermost.sls:4: a line `...`"),
        (BEFORE + "  x: =\n", "mattermost.sls:3: a value that is only ="),
        ("matermost:\n  email: a@example.com\n", "mattermost.sls: the key 'matermost' is never read. Write `mattermost:` instead."),
        ("Mattermost:\n  email: a@example.com\n", "mattermost.sls: the key 'Mattermost' is never read."),
        ("email: a@example.com\n", "mattermost.sls: the key 'email' is not below `mattermost:`."),
        ("mattermst:\nemail: s3kr3t\n", "mattermost.sls: the key 'mattermst' is never read."),
        ("include: mattermost\n", "mattermost.sls: include is not a list."),
        ("include: 5\n" + BEFORE, "mattermost.sls: include is not a list."),
        (BEFORE + "# " + "x" * 2**22, "mattermost.sls is larger than 4 MiB."),
    ],
    ids=range(14),
)  # fmt: skip
def test_what_salt_would_take_for_something_else_is_refused(given, pillar, said):
    sentence = given(pillar)
    assert sentence.startswith(said)
    assert SECRET not in sentence
    assert len(sentence.splitlines()) == 1


@pytest.mark.parametrize(
    "pillar",
    [
        "mattermost.hook: https://x\nmattermost.username: x\n",
        "users: {}\n",
        "x: &x {a: 1}\nmattermost:\n  server: *x\n  mail: *x\n",
        "mattermost:\n  email: a@example.com\nemail: of another formula\n",
        "include: [sites.b]\n",
    ],
)
def test_keys_that_another_reads_may_be_there(given, pillar):
    assert given(pillar) == ""


@pytest.mark.parametrize(
    ("top", "said"),
    [
        ("base:\n  '*': mattermost\n", "top.sls: '*' has no list below it."),
        ("base:\n  '*':\n", "top.sls: '*' has no list below it."),
        ("mattermost: []\n", "top.sls:1: this file has no mapping `base:`."),
        ("base:\n  - mattermost\n", "top.sls:1: this file has no mapping `base:`."),
    ],
)
def test_a_top_file_that_names_nothing_is_refused(given, top, said):
    sentence = given(BEFORE, **{"top.sls": top})
    assert sentence.startswith(said.partition(":1")[0])
    assert said.rpartition(": ")[2].rstrip(".") in sentence


def test_a_pipe_is_not_waited_for(given):
    os.mkfifo(given.path / "mattermost.sls")
    assert given() == "mattermost.sls is a device, a pipe or a socket. Put a text file there."


def test_a_folder_in_place_of_a_file_is_named(given):
    (given.path / "mattermost.sls").mkdir()
    assert given() == "mattermost.sls cannot be read: Is a directory. Put a text file there."


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_named(given):
    (given.path / "mattermost.sls").touch(mode=0)
    assert "Permission denied" in given()


def test_what_to_do_about_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(text.TextError, match="Run the command as the owner of that file"):
        text.read(str(tmp_path / "x"))


def test_files_of_other_hosts_and_included_ones(given):
    top = "base:\n  '*':\n    - mattermost\n  'b*':\n    - sites.b\n"
    (given.path / "sites").mkdir()
    (given.path / "sites/b.sls").write_text("include: [more]\n")
    (given.path / "more.sls").write_text("x: 1\nx: 2\n")
    assert given(BEFORE, **{"top.sls": top}) == "", "a fault of one host stops no other"
    assert given(host="a.example.com") == ""
    assert given(host="b.example.com").startswith("more.sls:2: 'x' is set twice")


ENTRY = "chat.example.com:\n  host: 192.0.2.10\n"


@pytest.mark.parametrize(
    ("roster", "said"),
    [
        (ENTRY + "\tpasswd: s3kr3t\n", "roster:3: a tab: indent with spaces."),
        (ENTRY + "  passwd: s3kr3t{{x\n", "roster:3: this value contains {{ or {#"),
        (ENTRY + ENTRY, "roster:3: 'chat.example.com' is set twice in one section: remove one of the two."),
        (
            ENTRY + "  port: s3kr3t\n",
            "roster: in the entry 'chat.example.com', the value of port must be a number from 1 to 65535.",
        ),
        (
            ENTRY + "  port: 70000\n",
            "roster: in the entry 'chat.example.com', the value of port must be a number from 1 to 65535.",
        ),
        (
            ENTRY + "  minion_opts: s3kr3t\n",
            "roster: in the entry 'chat.example.com', the value of minion_opts must be a mapping.",
        ),
        ("- chat.example.com\n", "roster:1: this file contains no mapping of hosts."),
        ("chat.example.com:\n", "roster: the entry 'chat.example.com' has no mapping below its name."),
        (
            ENTRY + "  passwd: on\n",
            "roster: in the entry 'chat.example.com', the value of passwd is not text. Write it in quotes",
        ),
        (ENTRY + "  user: [s3kr3t]\n", "roster: in the entry 'chat.example.com', the value of user is not text."),
        (ENTRY + "  priv: {s3kr3t: x}\n", "roster: in the entry 'chat.example.com', the value of priv is not text."),
        ("chat: {host: [s3kr3t]}\n", "roster: in the entry 'chat', the value of host is not text."),
        ("chat: {host: }\n", "roster: the entry 'chat' has no address."),
        ("on: {host: x}\n", "roster: the entry True has a name that YAML does not read as text."),
        ("1.10: {host: x}\n", "roster: the entry 1.1 has a name that YAML does not read as text."),
        ("chat: &c {host: x, mine: *c}\n", "roster: a value contains itself"),
        (
            "chat: {host: -oProxyCommand=id}\n",
            "roster: in the entry 'chat', the value of host must be a host name or an address alone",
        ),
        ("chat: {host: 'a b'}\n", "roster: in the entry 'chat', the value of host must be"),
        ("chat: {host: 'ssh://x'}\n", "roster: in the entry 'chat', the value of host must be"),
        ("chat: {host: 'x:22'}\n", "roster: in the entry 'chat', the value of host must be"),
        ("chat: {host: 192.0.2.7/24}\n", "roster: in the entry 'chat', the value of host must be"),
        (
            ENTRY + "  user: -oProxyCommand=id\n",
            "roster: in the entry 'chat.example.com', the value of user must be the name of an account.",
        ),
        (ENTRY + "  user: 'a b'\n", "roster: in the entry 'chat.example.com', the value of user must be"),
        (
            ENTRY + "  user: 1000\n",
            "roster: in the entry 'chat.example.com', the value of user is not text. Write it in quotes",
        ),
        (
            ENTRY + "  sudo: 'no'\n",
            "roster: in the entry 'chat.example.com', the value of sudo must be True or False, without quotes.",
        ),
        (ENTRY + "  tty: maybe\n", "roster: in the entry 'chat.example.com', the value of tty must be True or False"),
        (
            ENTRY + "  timeout: abc\n",
            "roster: in the entry 'chat.example.com', the value of timeout must be a whole number of 1 or more.",
        ),
        (ENTRY + "  timeout: 0\n", "roster: in the entry 'chat.example.com', the value of timeout must be"),
        (
            ENTRY + "  port: \uff12\uff12\n",
            "roster: in the entry 'chat.example.com', the value of port must be a number",
        ),
        (
            ENTRY + "  ssh_options: x=y\n",
            "roster: in the entry 'chat.example.com', the value of ssh_options must be a list.",
        ),
        (
            ENTRY + "  ssh_options: [1]\n",
            "roster: in the entry 'chat.example.com', the value of ssh_options must be a list.",
        ),
        (
            ENTRY + "  thin_dir: salt\n",
            "roster: in the entry 'chat.example.com', the value of thin_dir must be an absolute path of two names or more",
        ),
        (ENTRY + "  thin_dir: /etc\n", "roster: in the entry 'chat.example.com', the value of thin_dir must be"),
        (
            ENTRY + "  thin_dir: '/srv/$(id)'\n",
            "roster: in the entry 'chat.example.com', the value of thin_dir must be",
        ),
        (b"chat: {passwd: \xff s3kr3t}\n", "roster:1: a character in this line is not UTF-8."),
    ],
)
def test_a_fault_of_the_roster_is_named(given, roster, said):
    sentence = given(BEFORE, roster)
    assert sentence.startswith(said)
    assert SECRET not in sentence


@pytest.mark.parametrize(
    "roster",
    [
        ENTRY,
        ENTRY + "  port: '2222'\n",
        ENTRY + "  port:\n",
        ENTRY + "  port: sdb://x/y\n",
        "10: {host: 192.0.2.10}\n",
        "chat: 192.0.2.10\n",
        "chat.example.com: {user: root, passwd: 12345}\n",
        "a: &a {host: x}\nb: *a\n",
        "#!yaml\n" + ENTRY,
        None,
    ],
)
def test_a_roster_that_salt_reads_is_not_refused(given, roster):
    assert given(BEFORE, roster) == ""


def test_a_misspelt_key_of_an_entry_is_named_with_the_nearest():
    said = files.doubts({"host": "x", "sduo": True, "passwd": SECRET, "minion_opts": {}})
    assert said == ["The roster entry has the key sduo, which nothing reads. Did you mean sudo?"]
