"""Row 3: where the configuration and the server's own files come from."""

import re

import pytest

from tests.conformance import unprivileged
from tests.conformance.site import Running, Site


@pytest.fixture
def tree(release, cluster):
    """Make an installation whose tree lacks some directories."""
    made = []

    def without(*names):
        root = release.copy_without(*names)
        made.append((Site(release, cluster, root), root))
        return made[-1][0]

    yield without
    for site, root in made:
        site.remove()
        unprivileged.remove(root.parent)


def test_server_is_the_default_command(site):
    site.start(words=()).wait_ready()


def test_the_environment_names_the_file(site):
    words = [site.root / "bin/mattermost", "server"]
    site.started.append(Running(site, words, site.environment | {"MM_CONFIG": str(site.config_file)}))
    site.started[-1].wait_ready()


def test_without_a_name_the_file_is_looked_for_from_the_working_directory(site):
    site.root = site.home
    words = [site.release.root / "bin/mattermost", "server"]
    site.started.append(Running(site, words, site.environment))
    site.started[-1].wait_ready()


def test_the_environment_overrides_and_is_not_written(site):
    server = site.up(
        MM_TEAMSETTINGS_SITENAME="From outside",
        MM_TEAMSETTINGS_MAXUSERSPERTEAM="77",
        MM_TEAMSETTINGS_ENABLEOPENSERVER="1",
        MM_SERVICESETTINGS_TRUSTEDPROXYIPHEADER="X-Real-IP X-Forwarded-For",
    )
    effective = server.local.get("config").json
    assert effective["TeamSettings"]["SiteName"] == "From outside"
    assert effective["TeamSettings"]["MaxUsersPerTeam"] == 77
    assert effective["TeamSettings"]["EnableOpenServer"] is True
    assert effective["ServiceSettings"]["TrustedProxyIPHeader"] == ["X-Real-IP", "X-Forwarded-For"]
    written = site.config()
    assert written["TeamSettings"]["SiteName"] == "Mattermost"
    assert written["TeamSettings"]["MaxUsersPerTeam"] == 50


def test_a_later_save_does_not_write_it_either(site):
    site.set(TeamSettings__SiteName="In the file")
    server = site.up(MM_TEAMSETTINGS_SITENAME="From outside")
    assert server.local.put("config/patch", {"TeamSettings": {"MaxUsersPerTeam": 60}}).status == 200
    assert (
        site.config()["TeamSettings"] | {"SiteName": "In the file", "MaxUsersPerTeam": 60}
        == site.config()["TeamSettings"]
    )


def test_unknown_names_and_unreadable_values_are_ignored_silently(site):
    server = site.up(
        MM_TEAMSETTINGS_ENABLEOPENSERVER="perhaps",
        MM_TEAMSETTINGS_MAXUSERSPERTEAM="many",
        MM_TEAMSETTINGS_NOSUCHKEY="1",
    )
    team = server.local.get("config").json["TeamSettings"]
    assert (team["EnableOpenServer"], team["MaxUsersPerTeam"]) == (False, 50)
    assert not any("NOSUCHKEY" in line or "perhaps" in line for line in server.log_text().splitlines())


def test_without_translations_it_does_not_start(tree):
    server = tree("i18n").start()
    assert server.wait_end() == 1
    assert "unable to load Mattermost translation files: unable to find i18n directory" in server.error_text()


def test_without_mail_templates_it_does_not_start(tree):
    server = tree("templates").start()
    assert server.wait_end() == 1
    assert "Failed find server templates" in server.error_text() + server.log_text()


def test_without_the_web_client_it_starts_and_has_no_page(tree, rules):
    server = tree("client").up()
    assert server.http.get("system/ping").status == 200
    page = server.http.call("GET", "/")
    assert page.status == (500 if rules.at_least(11, 0) else 404)
    assert re.search("open .*root.html: no such file or directory", page.text)


def test_fonts_and_prepackaged_plugins_may_be_missing(tree):
    tree("fonts", "prepackaged_plugins").up()


def test_the_file_may_be_absent(site):
    """It is made, with the defaults for an update."""
    site.config_file.unlink()
    unprivileged.own(site.config_file.parent)
    environment = {
        "MM_" + name.upper().replace(".", "_"): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in site.settings().items()
    }
    site.up(**environment)
    assert site.config_file.stat().st_mode & 0o777 == 0o644
    written = site.config()
    assert written["ServiceSettings"]["SessionLengthWebInHours"] == 4320
    assert written["EmailSettings"]["SendPushNotifications"] is False


def up_from_database(site):
    """Start the server with its configuration in the database, and what only the file said in the environment."""
    environment = {
        "MM_" + name.upper().replace(".", "_"): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in site.settings().items()
        if name != "SqlSettings.DataSource"
    }
    words = [site.root / "bin/mattermost", "server"]
    place = {"MM_CONFIG": site.cluster.dsn(site.database)}
    site.started.append(Running(site, words, site.environment | environment | place))
    return site.started[-1].wait_ready()


def kept(site, query):
    return site.sql(f"SELECT {query} FROM configurations").strip()


def test_the_environment_names_a_database(site):
    """The first start makes the table and its active row; the file is nothing to it."""
    file = site.config_file.read_bytes()
    up_from_database(site).stop()
    assert kept(site, "count(*) FILTER (WHERE active)") == "1"
    assert kept(site, "max(value::json->'SqlSettings'->>'DataSource')") == site.cluster.dsn(site.database)
    assert site.config_file.read_bytes() == file
    up_from_database(site)
    assert kept(site, "count(*)") == "1"


def test_a_save_makes_a_new_active_row_and_keeps_the_old_one(site):
    server = up_from_database(site)
    assert server.local.put("config/patch", {"TeamSettings": {"SiteName": "In the database"}}).status == 200
    assert kept(site, "count(*)") == "2"
    names = "string_agg(value::json->'TeamSettings'->>'SiteName', ',') FILTER (WHERE active)"
    assert kept(site, names) == "In the database"
    server.stop()
    assert up_from_database(site).local.get("config").json["TeamSettings"]["SiteName"] == "In the database"


def test_a_configuration_in_a_database_that_refuses_ends_the_start(site):
    environment = {"MM_CONFIG": site.cluster.dsn("nowhere")}
    site.started.append(Running(site, [site.root / "bin/mattermost", "server"], site.environment | environment))
    assert site.started[-1].wait_end() == 1
    assert "failed to load configuration" in site.started[-1].error_text()
