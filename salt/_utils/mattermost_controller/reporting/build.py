"""What a run came to, gathered from what its steps returned. Pure.

A step of an orchestration may return a ``report`` beside Salt's four keys, by host ID: ``said`` (sentences on what changed),
``warnings`` (sentences), ``failed`` (dicts of ``what``, ``fix``, ``cut``), ``seconds``. ``findings`` are a preflight's or a verification's, by host;
``sites`` of the latter are what a person wants to know of a site that serves; ``not_begun`` are the hosts that the run left as they are; ``text`` is printed
as it is. What has none of these is told by its comment.
"""

from __future__ import annotations

from typing import NamedTuple

from mattermost_lines import lines_of

from mattermost_controller.findings import NOTE, REFUSAL, WARNING
from mattermost_controller.reporting import words

SILENT = ("mattermost_stage", "mattermost_archive")  # steps that are no news unless they change something
LINES = 6  # of a comment by which a step of an orchestration failed: often a fault in each


class Row(NamedTuple):
    """What one step did on one host ('' for none), in sentences. seconds: None when it is not known. is_change: or what it would change."""

    host: str
    step: str
    said: list
    seconds: float | None
    is_change: bool = False


class Failure(NamedTuple):
    """Why a step failed on a host ('' for none), and what to do. cut: there is more to read."""

    host: str
    step: str
    what: str
    fix: str = ""
    cut: bool = False


class Report(NamedTuple):
    """A run, for `screen`.

    refusals: findings of a preflight or a verification that failed, each with its host; refused: of the same, the ``total`` of
    checks and whether it came ``before`` any change. unchanged: names of stages by host, whose order is that of hosts. changed: hosts. findings: by host, where they
    are listed one by one. unreached: names of steps. not_begun: hosts.
    """

    hosts: list
    rows: list
    failures: list
    refused: dict
    refusals: list
    warnings: list
    unchanged: dict
    changed: list
    sites: dict
    findings: dict
    text: str
    seconds: float
    is_test: bool
    unreached: list
    not_begun: list


def from_steps(steps: list[dict], test: bool, only: bool = False) -> Report:
    """Return the report of a run.

    steps: what the orchestration's steps returned, in running order, each with ``function`` (``stages.stage.state_results``).
    only: whether the orchestration is one step, which is then told in full.
    """
    parts = ("findings", "status", "report")
    hosts = list(dict.fromkeys(host for step in steps for part in parts for host in step.get(part) or {}))
    report = Report(hosts, [], [], {}, [], [], {}, [], {}, {}, "", 0.0, test, [], [])
    seconds = 0.0
    for step in steps:
        seconds += float(step.get("duration") or 0) / 1000
        if step["result"] is False and step.get("__state_ran__") is False:
            report.unreached.append(step["__id__"])
        elif step.get("findings") or step.get("status"):
            _from_findings(report, step, only)
        elif isinstance(step.get("report"), dict):
            _from_stage(report, step)
        else:
            _from_comment(report, step, hosts)
        report.sites.update(step.get("sites") or {})
        report.not_begun.extend(step.get("not_begun") or [])
        report = report._replace(text=report.text + str(step.get("text") or ""))
    if report.unreached and not (
        report.failures or report.refusals
    ):  # nothing failed before: then why they were not reached
        for step in steps:
            if step["__id__"] in report.unreached:
                _from_comment(report, step, hosts)
    return report._replace(seconds=round(seconds, 1))


def _from_stage(report: Report, step: dict) -> None:
    for host, part in step["report"].items():
        failed = [_failure(host, step["__id__"], one) for one in part.get("failed") or []]
        report.failures.extend(failed)
        report.warnings.extend((host, {"sentence": text, "todo": ""}) for text in part.get("warnings") or [])
        if part.get("said"):
            is_change = host in step["changes"]
            report.rows.append(Row(host, step["__id__"], list(part["said"]), part.get("seconds"), is_change))
            if is_change:
                _note_change(report, host)
        elif not failed:
            report.unchanged.setdefault(host, []).append(step["__id__"])


def _failure(host: str, step: str, one: dict) -> Failure:
    return Failure(host, step, one["what"], one.get("fix", ""), bool(one.get("cut")))


def _note_change(report: Report, host: str) -> None:
    if host not in report.changed:
        report.changed.append(host)


def _from_findings(report: Report, step: dict, only: bool) -> None:
    """Take the findings of a preflight or a verification."""
    by_host = step.get("findings") or {host: one["findings"] for host, one in step["status"].items()}
    total = sum(map(len, by_host.values()))
    for host, found in by_host.items():
        refused = [one for one in found if one["level"] == REFUSAL]
        if not step.get("text"):
            report.warnings.extend((host, one) for one in found if one["level"] == WARNING)
        if step["result"] is False:
            report.refusals.extend((host, one) for one in refused)
        elif refused:  # of a dry run: what the changes would mend
            sentence = f"would run {len(found)} checks at the end of the run; checked now, before any change, {len(refused)} fail"
            report.rows.append(Row(host, step["__id__"], [sentence], _seconds(step)))
        elif not only and not step.get("text"):
            report.rows.append(
                Row(host, step["__id__"], [f"{len(found)} checks passed", *_news(found)], _seconds(step))
            )
        if only and not step.get("text"):
            report.findings[host] = [one for one in found if one not in refused or step["result"] is None]
    if step["result"] is False:
        report.refused.update(total=total, before="preflight" in step["function"] and not report.changed)


def _news(found: list[dict]) -> list[str]:
    """Return what an upgrade changes, of a preflight's findings."""
    return [
        one["sentence"] for one in found if one["level"] == NOTE and one["check"] in ("downgrade", "upgrade-changes")
    ]


def _from_comment(report: Report, step: dict, hosts: list) -> None:
    """Take a step that has nothing but its comment: ``HOST: sentence`` for each host, or sentences for all."""
    lines = [line for line in lines_of(str(step.get("comment") or "")) if line.strip()]
    if step["result"] is False:
        for host, text in _by_host(lines, {*hosts, *step["changes"]}).items():
            report.failures.append(_failure(host, step["__id__"], words.explained(text, LINES)))
        return
    module = step["function"].partition(".")[0]
    changes, would = step["changes"], step["result"] is None
    for host, text in _by_host(lines, {*hosts, *changes}).items():
        is_news = would or (bool(changes) and (not host or host in changes))
        if not is_news and module in SILENT:
            report.unchanged.setdefault(host, []).append(step["__id__"])
            continue
        is_change = is_news and (bool(changes) or module != "mattermost_verify")  # which only looks
        if is_change and (changes or host):
            _note_change(report, host)
        report.rows.append(Row(host, step["__id__"], lines_of(text), _seconds(step), is_change))


def _by_host(lines: list[str], hosts: set) -> dict[str, str]:
    """Return the lines of a comment by the host that each begins with; of no host where the first begins with none: a host may have said the rest."""
    found, host = {}, ""
    for number, line in enumerate(lines):
        start, _, rest = line.partition(": ")
        if start in hosts and rest and (host or not number):
            host, line = start, rest
        found[host] = f"{found[host]}\n{line}" if host in found else line
    return found


def _seconds(step: dict) -> float:
    return round(float(step.get("duration") or 0) / 1000, 1)
