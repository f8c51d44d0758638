"""An import into the host that the source is on: what is in the way, where the source is found, what the operator is told."""

import contextlib

import mattermost_settings_core
import pytest
from mattermost_controller.importing import detect, in_place, plan

from tests.unit import test_preflight
from tests.unit.import_facts import CONFIG, by_hand
from tests.unit.test_import import DATA, GRAINS, WISH

HOST = {"addresses": ["192.0.2.7"], "current": ""}
HERE = "postgres://mmuser:x@localhost:5432/chat?sslmode=disable"


def source(name=HERE, **settings):
    return detect.detect(by_hand({**CONFIG, "SqlSettings": {"DriverName": "postgres", "DataSource": name}, **settings}))


def settings(**pillar):
    branch = {"email": "admin@example.com", "name": "chat.example.com", **pillar}
    return mattermost_settings_core.merge(DATA, branch, {}, GRAINS, "old")


def test_without_another_host_the_server_stays_where_it_is():
    assert plan.parse_request({"from": "old"})["to"] == "old"
    assert plan.parse_request({"from": "old", "to": "old"})["to"] == "old"


def test_the_usual_server_by_hand_fits():
    assert in_place.incompatibilities(source(), settings(), HOST) == []
    assert in_place.incompatibilities(source("postgres://mm:x@db.example.com/mattermost"), settings(), HOST) == []


@pytest.mark.parametrize(
    ("words", "found", "pillar"),
    [
        ("name: mattermost_new", source("postgres://mmuser:x@127.0.0.1/mattermost"), {}),
        ("user: mattermost_new", source("user=mattermost host=/run/postgresql dbname=chat"), {}),
        ("name: mattermost_new, user: mattermost_new", source("postgres://mattermost:x@localhost/mattermost"), {}),
        ("Set localhost in the source's SqlSettings.DataSource", source("postgres://mm:x@192.0.2.7/chat"), {}),
        ("mattermost:paths:state to another", source(FileSettings={"Directory": "/var/opt/mattermost/data"}), {}),
        ("mattermost:paths:settings to another", source()._replace(config_file="/etc/mattermost/config.json"), {}),
        ("Import that installation to another host", source()._replace(layout="omnibus"), {}),
    ],
)  # fmt: skip
def test_what_is_in_the_way_is_refused_with_what_to_do(words, found, pillar):
    (sentence,) = in_place.incompatibilities(found, settings(**pillar), HOST)
    assert words in sentence


def test_a_host_of_this_tree_has_nothing_to_take_over():
    (sentence,) = in_place.incompatibilities(source(), settings(), {**HOST, "current": "11.7.10"})
    assert "nothing to import" in sentence


def test_another_name_or_port_is_no_clash():
    taken = source("postgres://mattermost:x@localhost/mattermost")
    assert in_place.incompatibilities(taken, settings(database={"name": "chat", "user": "chat"}), HOST) == []
    assert in_place.incompatibilities(taken, settings(database={"port": 5433}), HOST) == []


def test_the_source_is_found_where_it_was_set_aside():
    found = source(FileSettings={"Directory": "/srv/files"})
    moved = in_place.parked(found, "/opt/mattermost")
    assert moved.plugins == "/opt/mattermost.before-import/plugins"
    assert moved.client_plugins == "/opt/mattermost.before-import/client/plugins"
    assert moved.config_file == "/opt/mattermost.before-import/config/config.json"
    assert moved.data == "/srv/files"
    assert in_place.parked(found, "/opt/matter").config_file == found.config_file


@pytest.mark.parametrize(("told", "port"), [(":8065", 8065), ("127.0.0.1:8066", 8066), ("", 8065), (":https", 443)])
def test_its_port_is_known(told, port):
    assert in_place.port(source(ServiceSettings={"ListenAddress": told})) == port


def test_what_comes_afterwards_is_told():
    said = "\n".join(in_place.next_steps(WISH, source(), settings(), ["/etc/nginx/conf.d/chat.conf"]))
    assert "Your nginx site stays unchanged (/etc/nginx/conf.d/chat.conf)" in said
    assert "links still begin with https://old.example.com (SiteURL)" in said
    assert "folder /opt/mattermost.before-import, unit mattermost.service.before-import, database chat" in said
    assert "mattermost-aside back overwrite. Only the new server has the messages" in said
    assert "listened" not in said
    other = source(ServiceSettings={"ListenAddress": ":8066", "SiteURL": "https://chat.example.com"})
    said = "\n".join(in_place.next_steps(WISH, other, settings(), []))
    assert "listened on port 8066" in said
    assert "To serve chat.example.com, run now: salt-run state.orchestrate mattermost.ssl (or .non-ssl)" in said
    assert "SiteURL" not in said


def test_the_site_of_before_stays():
    fresh = {"SqlSettings": {"DataSource": "the deploy's"}}
    found = source()
    merged = plan.merge_config(found.config, {}, settings(), fresh, in_place.site_url(found))
    assert merged["ServiceSettings"]["SiteURL"] == "https://old.example.com"


FOUND = {
    "files": ["/opt/mattermost/config/config.json"],
    "listeners": [{"address": "::", "port": 8065, "program": "mattermost", "exe": "/srv/chat/bin/mattermost"}],
    "nginx_sites": ["/etc/nginx/conf.d/chat.conf"],
    "units": {"nginx.service": {"ActiveState": "active"}},
    "postgresql": {5432: "15.8"},
    "other_databases": {5432: 1},
}
WELCOME = {"in_place": {"tree": "/srv/chat", "database_port": 5432}}


def test_a_preflight_lets_the_installation_stand_that_is_taken_over_and_no_other():
    assert test_preflight.red(test_preflight.findings_of(facts=FOUND, outside=WELCOME)) == []
    refused = ["ports", "existing-config", "nginx-in-use", "postgresql-in-use"]
    assert test_preflight.red(test_preflight.findings_of(facts=FOUND)) == refused
    others = {**FOUND, "other_databases": {5432: 2}}
    assert test_preflight.red(test_preflight.findings_of(facts=others, outside=WELCOME)) == ["postgresql-in-use"]
    stranger = [{**FOUND["listeners"][0], "exe": "/srv/chatter/bin/mattermost"}]
    assert test_preflight.red(test_preflight.findings_of(facts={**FOUND, "listeners": stranger}, outside=WELCOME)) == [
        "ports"
    ]


def test_a_database_of_before_is_never_recommended_for_adoption():
    taken = {**FOUND, "database": {"owner": "mmuser", "tables": 80}}
    found = test_preflight.findings_of(facts=taken, outside=WELCOME)
    assert test_preflight.red(found) == ["existing-database"]
    assert "adopt" not in str(found["existing-database"])
    assert "mattermost_new" in str(found["existing-database"])


@pytest.mark.parametrize(
    ("aside", "outside", "refused"),
    [
        ("open", WELCOME, True), ("open", {}, True), ("back", {}, True), ("back", WELCOME, False), ("kept", {}, False),
    ],
)  # fmt: skip
def test_no_run_takes_the_place_of_what_an_import_put_back(aside, outside, refused):
    found = test_preflight.findings_of(facts={"aside": aside}, outside=outside)
    assert (test_preflight.red(found) == ["aside"]) == refused


def test_the_admins_nginx_is_refused_until_the_site_is_ours():
    facts = {**test_preflight.DEPLOYED, "nginx_sites": FOUND["nginx_sites"], "units": FOUND["units"], "aside": "kept"}
    assert test_preflight.red(test_preflight.findings_of(facts={**facts, "site": ""})) == ["nginx-in-use"]
    assert test_preflight.red(test_preflight.findings_of({"nginx": {"share": True}}, {**facts, "site": ""})) == []
    assert test_preflight.red(test_preflight.findings_of(facts={**facts, "site": "ssl"})) == []


@pytest.mark.parametrize("told", ["²", "9" * 5000, "--5", "x", ""])
def test_a_number_that_is_none_is_left_out(told):
    """The old server's file and its unit may say anything."""
    assert in_place.port(source(ServiceSettings={"ListenAddress": f":{told}"})) == 8065
    sections = {"ServiceSettings": {"ReadTimeout": 300}}
    assert plan.with_variables(sections, {"MM_SERVICESETTINGS_READTIMEOUT": told}) == sections
    assert plan.with_variables(sections, {"MM_SERVICESETTINGS_READTIMEOUT": "-5"}) != sections


@pytest.mark.parametrize("place", ["host=localhost port={} dbname=chat user=m", "postgres://m@localhost/chat?port={}"])
@pytest.mark.parametrize("told", ["x", "²", "5432,5433", "-1"])
def test_a_database_port_that_is_none_is_refused(place, told):
    with pytest.raises(
        ValueError, match=r"The old server's DataSource names the database port .* SqlSettings:DataSource"
    ):
        source(place.format(told))


@pytest.mark.parametrize("section", ["ServiceSettings", "SqlSettings", "FileSettings", "PluginSettings"])
@pytest.mark.parametrize("told", [[1], "x", 5, True])
def test_a_section_that_is_none_has_no_settings(section, told):
    with contextlib.suppress(ValueError):
        in_place.port(source(**{section: told}))
