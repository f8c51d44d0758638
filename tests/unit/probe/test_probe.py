"""The probe sees each kind of loss, and none where there is none."""

import threading

import pytest

from tests.probe import Probe, Target
from tests.probe.__main__ import main

PAUSE = threading.Event()


def wait_for(condition):
    """Wait until *condition* holds, ten seconds at most; the assertions then say what was missing."""
    for _ in range(1000):
        if condition():
            return
        PAUSE.wait(0.01)


def all_four(report):
    return set(report.answered) == {"new", "kept", "websocket", "upload"} and report.scheduled > 15


def watch(site, first=all_four, between=lambda: None, then=lambda report: True, **options):
    """Run the probe until *first* holds, do *between*, go on until *then* holds; return the report."""
    target = Target("localhost", address="127.0.0.1", port=site.port, tls=False)
    quick = {"rate": 100, "timeout": 2, "upload_seconds": 0.2, "websocket_seconds": 0.2, "ping_seconds": 0.05}
    with Probe(target, **quick | options) as probe:
        wait_for(lambda: first(probe.report))
        between()
        wait_for(lambda: then(probe.report))
    return probe.report


def kinds(report, source=None):
    return {loss.kind for loss in report.lost if source in (None, loss.source)}


def test_a_healthy_site_loses_nothing(site):
    report = watch(site)
    assert report.lost == []
    assert set(report.answered) == {"new", "kept", "websocket", "upload"}
    assert report.answered["new"] + report.answered["kept"] == report.scheduled


def test_a_site_that_was_never_there_is_all_loss(site):
    site.stop()
    report = watch(site, first=lambda report: len(report.lost) > 5)
    assert kinds(report) == {"refused"}
    assert not report.answered


@pytest.mark.parametrize(
    ("fault", "source", "kind"),
    [
        ("503", "new", "status"),
        ("503", "kept", "status"),
        ("reset", "new", "reset"),
        ("reset", "kept", "reset"),
        ("drop-idle", "kept", "reconnect"),
        ("drop-asked", "kept", "reconnect"),
        ("close-websocket", "websocket", "closed"),
        ("end-websocket", "websocket", "closed"),
        ("redirect-websocket", "websocket", "status"),
        ("drop-upgrade", "websocket", "reset"),
        ("wrong-proof", "websocket", "status"),
        ("cut-upload", "upload", "reset"),
    ],
)
def test_each_fault_is_a_loss_of_its_kind(site, fault, source, kind):
    def misbehave():
        site.misbehaves = fault

    report = watch(site, between=misbehave, then=lambda report: kind in kinds(report, source))
    assert kind in kinds(report, source)
    assert report.answered[source] > 0, "the first half was healthy"


def test_a_kept_connection_that_drops_the_request_is_asked_again_on_another(site):
    site.misbehaves = "drop-asked"
    report = watch(site, first=lambda report: "reconnect" in kinds(report, "kept"))
    assert kinds(report) == {"reconnect"}
    assert {loss.source for loss in report.lost} == {"kept"}


def test_a_stalled_site_does_not_slow_the_probe_down(site):
    """Open loop: requests are sent at their times although none is answered."""
    site.misbehaves = "stall"
    report = watch(site, first=lambda report: report.lost, timeout=0.5, websocket_path=None, upload_path=None)
    assert kinds(report) == {"timeout"}
    assert len(report.lost) == report.scheduled > 10


def test_a_close_that_was_announced_is_no_loss(site):
    site.misbehaves = "announce"
    report = watch(site)
    assert report.lost == []
    assert report.answered["kept"] > 0


def test_an_early_refusal_of_the_upload_is_an_answer(site):
    site.misbehaves = "early-401"
    report = watch(site, upload_seconds=2)
    assert report.lost == []
    assert report.answered["upload"] > 0


def test_with_a_token_the_websocket_is_never_renewed(site):
    before = site.seen
    report = watch(site, first=lambda report: report.answered["websocket"] > 10, token="t", upload_path=None, rate=1)
    assert report.lost == []
    assert site.seen - before == report.scheduled + 1


def test_the_probe_ends_by_itself_at_its_limit(site):
    target = Target("localhost", address="127.0.0.1", port=site.port, tls=False)
    with Probe(target, limit=0.3, upload_seconds=0.2) as probe:
        probe._thread.join(20)
        assert not probe._thread.is_alive()
    assert probe.report.scheduled > 0


def test_a_report_says_when_and_what(site):
    site.stop()
    report = watch(site, first=lambda report: len(report.lost) > 5)
    plain = report.as_dict()
    assert plain["lost"] == sum(plain["lost_by_kind"].values()) > 0
    assert plain["lost_from"] <= plain["lost_until"] <= plain["seconds"] + 1
    assert "refused" in str(report)


@pytest.mark.parametrize(("command", "status"), [(["true"], 0), (["false"], 1)])
def test_the_command_line_hands_on_the_commands_status(site, capfd, command, status):
    arguments = ["localhost", "--address", "127.0.0.1", "--port", str(site.port), "--plain", "--", *command]
    assert main(arguments) == status
    assert '"lost": 0' in capfd.readouterr().out
