"""What a move decides: whether two hosts fit, what has to be copied, and whether what arrived is what was sent."""

from types import SimpleNamespace

import mattermost_settings_core as core
import pytest
from mattermost_controller.moving import copying, plan, transfer
from mattermost_controller.preflight import release as preflight

from tests import repository
from tests.unit.test_preflight import settings as probed

WISH = {"from": "old", "to": "new", "overwrite": False}
SOURCE = {
    "version": "11.7.10",
    "active": "active",
    "postgresql": "150020",
    "posts": "500",
    "newest": "2000",
    "stored": "1000",
    "database_bytes": "10000000",
}
BARE = {"free": "9000000", "database_free": "9000000", "same_disk": "yes"}
SETTINGS = {
    "paths": {"work": "/var/lib/deploy", "state": "/srv/chat"},
    "platform": {"postgresql": {"version": 15}},
    "release": {"edition": "team"},
    "server": {"license": "", "environment": {}},
}
ENTERPRISE = {"release": {"edition": "enterprise"}}


def faults(source=None, target=None, wish=None, same=False, settings=None):
    pair = (SETTINGS, {**SETTINGS, **(settings or {})})
    return plan.incompatibilities(
        {**WISH, **(wish or {})}, {**SOURCE, **(source or {})}, {**BARE, **(target or {})}, pair, same
    )


def test_a_deployed_host_and_a_bare_one_fit():
    assert faults() == []


@pytest.mark.parametrize(
    ("words", "case"),
    [
        ("the same machine", {"same": True}),
        ("no server of this bundle", {"source": {"version": ""}}),
        ("already moved to third", {"source": {"moved": "third"}}),
        ("does not run (state: failed)", {"source": {"active": "failed"}}),
        ("An upgrade or rollback is running on old", {"source": {"busy": "An upgrade or rollback"}}),
        ("A backup, drill or restore is running on new", {"target": {"busy": "A backup, drill or restore"}}),
        (
            "new and old have different mattermost:paths",
            {"settings": {"paths": {"work": "/elsewhere", "state": "/srv/chat"}}},
        ),
        ("old has PostgreSQL 16 and new has PostgreSQL 15", {"source": {"postgresql": "160004"}}),
        ("old has PostgreSQL 15 and new has PostgreSQL 14", {"target": {"postgresql": "140001"}}),
        ("PostgreSQL on old does not answer", {"source": {"postgresql": ""}}),
        (
            "log in to the database on old, because an older version of this bundle",
            {"source": {"closed_to": "mattermost-sql"}},
        ),
        (
            "log in to the database on new, because an older version of this bundle",
            {"target": {"closed_to": "mattermost-sql"}},
        ),
        ("Set mattermost:release:edition: enterprise for new", {"source": {"edition": "enterprise"}}),
        ("old has the Team Edition, and the settings of new set the Enterprise", {"settings": ENTERPRISE}),
        ("Set mattermost:release:edition: team for new", {"settings": ENTERPRISE}),
        ("new has 3 messages, some newer than the newest on old.", {"target": {"posts": "3", "newest": "2001"}}),
        ("new has 3 messages of another server", {"target": {"posts": "3", "newest": "1"}}),
        (
            "new has 3 messages, some newer than the newest on old.",
            {"target": {"posts": "3", "newest": "2001", "target_of": "chat"}},
        ),
        ("is a mount point on new, so", {"target": {"mounted": "/srv/chat/data "}}),
        ("Mount that disk at /srv/chat instead", {"target": {"mounted": "/srv/chat/data "}}),
        ("new: /srv/chat/data cannot be renamed", {"target": {"fixed": "/srv/chat/data cannot be renamed (x)."}}),
        ("Free some space on that disk", {"target": {"free": "300000", "database_free": "300000"}}),
        ("The files need ", {"target": {"free": "200000", "same_disk": ""}}),
        ("The database needs", {"target": {"database_free": "200000", "same_disk": ""}}),
    ],
)
def test_a_misfit_is_refused_with_what_to_do(words, case):
    (sentence,) = faults(**case)
    assert words in sentence


@pytest.mark.parametrize("server", [{"license": "text"}, {"environment": {"MM_LICENSE": "text"}}])
def test_a_license_that_the_target_would_not_get_is_refused(server):
    has, lacks = ({**SETTINGS, **ENTERPRISE, "server": {**SETTINGS["server"], **each}} for each in (server, {}))
    source = {**SOURCE, "edition": "enterprise"}
    (sentence,) = plan.incompatibilities(WISH, source, BARE, (has, lacks), False)
    assert "Set mattermost:server:license for new" in sentence
    assert plan.incompatibilities(WISH, source, BARE, (has, has), False) == []
    assert plan.incompatibilities(WISH, source, BARE, (lacks, lacks), False) == []


@pytest.mark.parametrize("mark", [{"target_of": "chat"}, {"moved": "old"}])
def test_what_an_earlier_move_left_may_be_replaced(mark):
    assert faults(target={"posts": "3", "newest": "2000", **mark}) == []


def test_told_to_overwrite_a_server_of_its_own_is_replaced():
    assert faults(target={"posts": "3", "newest": "9000"}, wish={"overwrite": True}) == []


def test_a_run_cut_short_after_the_source_was_left_goes_on():
    assert faults(source={"moved": "new"}, target={"placed": "20260101000000"}) == []
    assert plan.resumes(WISH, {"moved": "new"}, {"placed": "1"})
    assert not plan.resumes(WISH, {"moved": "third"}, {"placed": "1"})
    assert not plan.resumes(WISH, {"moved": "new"}, {"placed": ""})


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "needs two"),
        ({"from": "old"}, "move:to is missing"),
        ({"from": "old", "to": "two words"}, "move:to is 'two words', which is not the roster ID"),
        ({"from": "old", "to": "old"}, "needs two different hosts"),
        ({"from": "old", "to": "new", "too": 1}, "move:too is not a known key"),
        ({"from": "old", "to": "new", "overwrite": "yes"}, "must be true or false"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused(told, words):
    with pytest.raises(ValueError, match=words):
        plan.parse_request(told)


def files(**named):
    lines = [f"{size} {changed} {name}".encode() for name, (size, changed) in named.items()]
    return plan.parse_listing(b"\0".join([*lines, b""]))


def test_only_what_differs_is_sent_and_what_is_gone_is_discarded():
    source = files(same=(5, "100.123"), longer=(9, "100.0"), later=(5, "101.5"), new=(7, "100.0"))
    target = files(same=(5, "100.000"), longer=(8, "100.0"), later=(5, "100.0"), gone=(1, "1.0"))
    step = plan.difference(source, target)
    assert step == plan.Difference([b"later", b"longer", b"new"], [b"gone"], 21)


ODD_LISTINGS = [b"x", b"1 2", b"x 1 name", b"-1 1 name", b"9" * 400 + b" 1 name", b"1 \xff name", "٣ 1 name".encode()]


@pytest.mark.parametrize("listed", ODD_LISTINGS, ids=lambda listed: ascii(listed)[:16])
def test_a_host_that_lists_no_files_is_told(listed):
    end = SimpleNamespace(host=SimpleNamespace(id="old"), run_with_input=lambda command: listed)
    with pytest.raises(transfer.TransferError, match="^old listed its files in a way that this bundle does not"):
        copying._listing(end, "in_source")


@pytest.mark.parametrize("value", ["²", "9" * 5000, "-1", "x", ""])
def test_a_number_that_is_none_counts_as_nothing(value):
    assert plan.number({"posts": value}, "posts") == 0
    assert plan.row_count(f"posts {value} 0", "posts") == 0


def test_names_may_hold_anything():
    assert plan.parse_listing(b"3 1.5 data/a b\nc\xff\0") == {b"data/a b\nc\xff": plan.File(3, "1.5")}


def test_batches_hold_every_name_once():
    sizes = files(a=(600, "1"), b=(600, "1"), c=(600, "1"))
    assert list(plan.batches([b"a", b"b", b"c"], sizes, 1500)) == [[b"a", b"b"], [b"c"]]


def test_a_census_that_differs_is_told_by_table():
    census = "posts 10 99\nusers 2 -5\n"
    assert plan.differences(census, census) == ""
    assert "The first is posts (rows and checksum): 10 99 on the source, 9 99 on the target" in plan.differences(
        census, "posts 9 99\nusers 2 -5\n"
    )
    assert "users (rows and checksum): 2 -5 on the source, missing on the target" in plan.differences(
        census, "posts 10 99\n"
    )
    assert plan.row_count(census, "posts") == 10
    assert plan.row_count(census, "bots") == 0


def test_the_target_gets_name_version_and_its_own_address():
    settings = {"name": "chat.example.com", "release": {"version": "11.7.10"}}
    assert plan.target_settings(settings, "11.7.10", "192.0.2.9") == {
        "name": "chat.example.com",
        "release": {"version": "11.7.10"},
        "verify": {"address": "192.0.2.9"},
    }
    assert plan.target_settings(settings, "11.7.9", "192.0.2.9")["release"] == {"version": "11.7.9", "sha256": ""}


def test_the_operator_is_told_what_to_change():
    said = " ".join(plan.next_steps(WISH, {**SETTINGS, "name": "chat.example.com"}, "192.0.2.9", "non-ssl"))
    for words in (
        "Now change the DNS record of chat.example.com to new (192.0.2.9)",
        "mattermost:hosts: [new]",
        "mattermost.non-ssl",
        "/var/lib/deploy/take-back",
    ):
        assert words in said


def test_values_are_quoted_before_the_library():
    text = transfer.library([str(repository.ROOT / "salt")], {"name": "a b; rm -rf /"})
    assert text.startswith("name='a b; rm -rf /'\n")
    assert "open_site()" in text


@pytest.mark.parametrize("off", [{"backup": {"enabled": False}}, {"platform": {"backup": {"by_clock": False}}}])
def test_no_backups_are_begun_where_none_are_wanted(off):
    given = probed()
    assert transfer.script_values(given)["units"] == "mattermost-backup.timer"
    for section, values in off.items():
        given[section] = core.deep_merge(given[section], values)
    assert transfer.script_values(given)["units"] == ""


def test_a_server_that_was_moved_away_may_be_moved_back():
    facts = {"moved": "new.example.com"}
    assert preflight.moved(SETTINGS, facts, {}).level == "refusal"
    assert preflight.moved(SETTINGS, facts, {"moving": True}).level == "ok"
