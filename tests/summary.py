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
    """What the tests took, in seconds of the workers and of the processors; nothing for a short run."""
    if sum(report.duration for report in reports) < 60:
        return
    for title, name, most in (
        ("the costliest tests", _test, 15),
        ("the costliest files", _file, 15),
        ("tiers", _tier, None),
    ):
        reporter.section(f"seconds of the workers, of the processors: {title}", "-")
        for what, took, cpu in spent_by(reports, name)[:most]:
            reporter.write_line(f"{took:7.0f} {cpu:7.0f} {what}")


def spent_by(reports, name) -> list:
    """(name, seconds of the workers, seconds of the processors) of all *reports* together that *name* gives one name, costliest first."""
    sums = defaultdict(lambda: [0.0, 0.0])
    for report in reports:
        found = sums[name(report)]
        found[0] += report.duration
        found[1] += getattr(report, "cpu", 0.0)
    return sorted(((what, *found) for what, found in sums.items()), key=lambda row: row[2], reverse=True)


def _test(report):
    return report.nodeid


def _file(report):
    return report.nodeid.split("::")[0]


def _tier(report):
    parts = report.nodeid.split("/")
    return parts[1] if len(parts) > 2 else parts[0]
