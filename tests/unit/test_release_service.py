"""What has to be done to the service, and how the host program's report reads in Salt."""

import mattermost_service_core as core
import pytest


@pytest.mark.parametrize(
    ("installed", "active", "reasons", "wanted"),
    [
        (None, False, [], ("to", "start Mattermost 11.8.0 for the first time")),
        ("11.7.9", True, [], ("to", "upgrade Mattermost 11.7.9 to 11.8.0")),
        ("11.7.9", True, ["/etc/x changed"], ("to", "upgrade Mattermost 11.7.9 to 11.8.0")),
        ("11.8.0", False, [], ("restart", "start Mattermost 11.8.0")),
        ("11.8.0", True, ["/etc/x changed"], ("restart", "restart Mattermost 11.8.0: /etc/x changed")),
        ("11.8.0", True, [], None),
    ],
)
def test_one_step_at_most_is_due(installed, active, reasons, wanted):
    assert core.step("11.8.0", installed, active, reasons) == wanted


def test_files_younger_than_the_server_are_a_reason():
    assert core.due({"/unit": 99.0, "/environment": 101.0}, started=100.0) == ["/environment changed"]


def test_states_before_announce_a_restart():
    running = {
        "a": {"name": "/config.json", "changes": {"ServiceSettings.SiteURL": {}, "restart": True}},
        "b": {"name": "/unit", "changes": {"diff": "x"}},
        "c": {"name": "/other", "changes": {"diff": "x"}},
        "d": {"name": "/quiet", "changes": {}},
    }
    assert core.announced(running, ["/unit"]) == ["/config.json changed", "/unit changed"]


REPORT = 'id=1\nresult=undone\nreason=It died.\nadvice=Mend it = now.\nlog={"a":1}\nlog=Error: x=y\n'


def test_a_report_is_told_in_sentences_with_the_first_errors():
    report = core.report(REPORT)
    assert report["result"] == "undone"
    assert core.comment(report, "nothing") == (
        'It died. Mend it = now.\nThe first errors in the server\'s log:\n  {"a":1}\n  Error: x=y'
    )


def test_without_a_report_the_programs_own_words_are_told():
    assert core.comment(core.report(""), "it did not start") == "it did not start"


def test_the_user_limit_of_the_team_edition_is_a_reason_to_stop():
    assert "251 are active" in core.too_many_users("10.11.18", "11.7.10", 251)
    assert core.too_many_users("10.11.18", "11.7.10", 250) == ""
    assert core.too_many_users("11.7.0", "11.8.0", 300) == ""
    assert core.too_many_users("10.5.0", "10.11.18", 300) == ""
    assert "300 are active" in core.too_many_users("11.7.0", "11.8.0", 300, "team", "enterprise")
    assert core.too_many_users("11.7.0", "11.8.0", 300, "enterprise", "enterprise") == ""
