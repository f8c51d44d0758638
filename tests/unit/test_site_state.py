"""A run by a top file leaves a host alone for which an upgrade, a move or a breaking change is due."""

import pytest

from tests import states

CHANGES = [{"number": 1, "id": "names-redirect"}, {"number": 2, "id": "new-port"}]
RELEASE = {"version": "11.7.4", "line": "", "pinned": True}


@pytest.fixture
def host(tmp_path):
    """A host that runs 11.7.4 and has passed both changes."""
    paths = {"install": str(tmp_path / "opt"), "work": str(tmp_path / "work")}
    for path in paths.values():
        (tmp_path / path).mkdir()
    (tmp_path / "opt/current").symlink_to("11.7.4")
    (tmp_path / "work/bundle").write_text("version=1.0.0\nbreaking_changes=2\n")
    return paths


def judged(paths, site="ssl", acknowledged=(), **release):
    state = states.load_state("mattermost_site")
    answer = state.needs_no_orchestration(site, RELEASE | release, paths, CHANGES, acknowledged)
    assert answer["changes"] == {}
    return answer["result"], answer["comment"]


def test_a_host_that_is_as_the_settings_say_passes(host):
    assert judged(host)[0] is True


def test_a_bare_host_passes(tmp_path):
    assert judged({"install": str(tmp_path / "opt"), "work": str(tmp_path / "work")})[0] is True


def test_a_host_keeps_its_version_while_the_settings_name_none(host):
    assert judged(host, version="11.9.0", pinned=False)[0] is True


@pytest.mark.parametrize("version", ["11.8.0", "11.7.3"])
def test_another_version_is_refused(host, version):
    result, comment = judged(host, "non-ssl", version=version)
    assert result is False
    assert f"Mattermost 11.7.4 is deployed on this host, and the settings name {version}" in comment
    assert "run salt chat.example.com state.apply mattermost.deploy.server." in comment
    assert comment.startswith("Nothing was changed. ")


def test_another_version_is_the_orchestrations_where_they_reach_the_host(host, tmp_path):
    (tmp_path / "work/engine").write_text("master chat.example.com\n")
    assert "run salt-run state.orchestrate mattermost.non-ssl." in judged(host, "non-ssl", version="11.8.0")[1]


def test_a_server_that_was_moved_away_is_not_started_again(host, tmp_path):
    (tmp_path / "work/moved").write_text("to=new.example.test\n")
    result, comment = judged(host)
    assert result is False
    assert "moved away" in comment


@pytest.mark.parametrize("noted", ["version=1.0.0\nbreaking_changes=1\n", "version=1.0.0\n", "breaking_changes=x\n"])
def test_a_breaking_change_stops_until_it_is_acknowledged(host, tmp_path, noted):
    (tmp_path / "work/bundle").write_text(noted)
    result, comment = judged(host, acknowledged=["names-redirect"])
    assert result is False
    assert "set mattermost:acknowledged: [new-port]" in comment
    assert judged(host, acknowledged=["names-redirect", "new-port"])[0] is True
