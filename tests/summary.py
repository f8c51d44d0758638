"""What a run says at its end: hosts that died, tests that needed another try, what was skipped and why, where the time went."""

from __future__ import annotations

from collections import Counter, defaultdict

from tests.lab.again import PROPERTY


def write(reporter):
    """reporter: pytest's terminal reporter."""
    reports = [report for found in reporter.stats.values() for report in found if hasattr(report, "user_properties")]
    _made_again(reporter, reports)
    _second_tries(reporter, reporter.stats.get("rerun", []))
    _skipped(reporter, reporter.stats.get("skipped", []))
    _time(reporter, [report for report in reports if hasattr(report, "duration")])


def _made_again(reporter, reports):
    told = dict.fromkeys(text for report in reports for name, text in report.user_properties if name == PROPERTY)
    if told:
        reporter.section(f"{len(told)} times a host was made again, before the test named first", "-")
    for text in told:
        reporter.write_line(text)


def _second_tries(reporter, reruns):
    """Each try that failed says why, so that a race is found and mended."""
    tests = dict.fromkeys(report.nodeid for report in reruns)
    if tests:
        reporter.section(f"{len(tests)} test{'s' * (len(tests) > 1)} needed another try", "-")
    for report in reruns:
        reporter.write_line(f"{report.nodeid} ({report.when}):")
        reporter.write_line(report.longreprtext[-3000:])


def _skipped(reporter, reports):
    reasons = Counter(_reason(report) for report in reports)
    if reasons:
        reporter.section(f"{sum(reasons.values())} tests were skipped", "-")
    for reason, count in reasons.most_common():
        reporter.write_line(f"{count:5} {reason}")


def _reason(report):
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _time(reporter, reports):
    """The sum of each tier's tests in seconds of the workers; nothing for a short run."""
    tiers = defaultdict(float)
    for report in reports:
        parts = report.nodeid.split("/")
        tiers[parts[1] if len(parts) > 2 else parts[0]] += report.duration
    if sum(tiers.values()) < 60:
        return
    reporter.section("seconds of all workers together, by tier", "-")
    for tier, seconds in sorted(tiers.items(), key=lambda item: -item[1]):
        reporter.write_line(f"{seconds:7.0f} {tier}")
