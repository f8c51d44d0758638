"""A report on the screen, in lines of at most 80 columns. Pure."""

from __future__ import annotations

import re
import textwrap

from mattermost_lines import lines_of
from mattermost_progress import harmless

from mattermost_controller.reporting.build import Report
from mattermost_controller.reporting.words import CUT, cut

WIDTH, NARROWEST = 80, 40
TIME = 8  # columns at the end of a row, for its seconds
LONGEST = 2000  # characters of one sentence, or of a line of a step's own text: a host or a site may say what it likes
MANY = 3  # hosts that are shown one by one; more are a table
COLOURS = {"bold": "1", "green": "32", "yellow": "33", "red": "31", "dim": "2"}


class Style:
    """How a report is written. width: columns. colour: whether the terminal shows colours. masked: texts that are secret."""

    def __init__(self, width: int = WIDTH, colour: bool = False, masked=()):
        self.width = max(NARROWEST, min(width, WIDTH))
        self.colour = colour
        # as they are, and as `harmless` writes them: a state's comment comes in that form
        forms = {form for text in masked for form in (str(text), harmless(text)) if len(str(text)) >= 4}
        self._masked = sorted(forms, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return *text* without secrets and without what a terminal would obey."""
        for secret in self._masked:
            text = text.replace(secret, "***")
            for size in range(len(secret) - 1, 3, -1) if CUT in text else ():  # of one that was cut in two
                text = text.replace(secret[:size] + CUT, "***" + CUT)
        return harmless(text)

    def paint(self, text: str, colour: str) -> str:
        """Return *text* in a colour of `COLOURS`, on a terminal that shows them."""
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self.colour and text else text

    def wrap(self, text: str, first: str = "", rest: str | None = None, width: int = 0) -> list[str]:
        """Return *text* in lines that begin with *first* and *rest*; words that are too long (a URL) stay whole."""
        rest = " " * len(first) if rest is None else rest
        options = {"break_long_words": False, "break_on_hyphens": False}
        found = textwrap.wrap(
            cut(" ".join(self.clean(text).split()), LONGEST),
            width or self.width,
            initial_indent=first,
            subsequent_indent=rest,
            **options,
        )
        return found or [first.rstrip()]

    def row(self, name: str, said: list[str], column: int, seconds: float | None = None) -> list[str]:
        """Return a row of a table: a name in a *column*, sentences, and the seconds at the end of the first line."""
        room = self.width - (TIME if seconds is not None else 0)
        lines, first = [], f"  {self.clean(name):<{column}}  "
        for sentence in said:
            lines += self.wrap(sentence, first, width=room)
            first = " " * (column + 4)
        if seconds is not None and lines and len(lines[0]) <= room:
            took = f"{seconds:.1f} s"
            lines[0] = f"{lines[0]:<{room}}{self.paint(f'{took:>{TIME}}', 'dim')}"
        return lines

    def text(self, text: str) -> list[str]:
        """Return *text* line by line, each wrapped below the last of its columns."""
        lines = []
        for line in lines_of(self.clean(text)):
            columns = re.match(r"\s*(\S+( \S+)* {2,})?", line)[0]
            lines += (
                self.wrap(line[len(columns) :], columns, " " * min(len(columns), self.width // 2)) if line else [""]
            )
        return lines


def summary(report: Report, style: Style, addresses: dict | None = None, log: str = "") -> tuple[list[str], list[str]]:
    """Return the lines for standard output, and those on what failed.

    addresses: by host ID. log: the file that has the details.
    """
    lines = [*style.text(report.text), ""] if report.text else []
    hosts = _hosts(report)
    if len(hosts) > MANY:
        lines += _table(report, style, hosts)
    else:
        for host in hosts:
            lines += _host(report, style, host, (addresses or {}).get(host, ""))
    for site in report.sites.values():
        lines += _site(style, site)
    lines += _warnings(report, style)
    failures = _failures(report, style, hosts, log)
    if not failures:
        colour = "bold" if report.is_test else "green"
        lines += [style.paint(line, colour) for line in style.wrap(_ending(report, hosts))]
    return lines, failures


def _hosts(report: Report) -> list[str]:
    """Return the hosts that have something to tell, in order; '' comes last."""
    with_news = {
        *report.findings,
        *report.unchanged,
        *report.not_begun,
        *_failed(report),
        *(row.host for row in report.rows),
    }
    hosts = [host for host in dict.fromkeys([*report.hosts, *sorted(with_news)]) if host and host in with_news]
    return hosts + [""] * ("" in with_news)


def _host(report: Report, style: Style, host: str, address: str) -> list[str]:
    rows = [row for row in report.rows if row.host == host]
    still = report.unchanged.get(host, [])
    wide = min(24, max((len(row.step) for row in rows), default=9))
    lines = []
    for row in rows:
        lines += style.row(row.step, row.said, wide, row.seconds)
    if still:
        what = f"{len(still)} stages" if len(still) > 1 else still[0]
        lines += style.wrap(f"{what}: nothing to change", "  ")
    if report.findings.get(host):
        lines += _findings(style, report.findings[host])
    if host in report.not_begun:
        lines.append("  not begun")
    if not lines:
        return []
    head = style.clean(f"{host} ({address})" if address else host)
    return ([style.paint(head, "bold")] if head else []) + lines + [""]


def _findings(style: Style, found: list[dict]) -> list[str]:
    wide = max(len(one["check"]) for one in found)
    lines = []
    for one in found:
        level = {"ok": "", "refusal": "FAILED: "}.get(one["level"], f"{one['level']}: ")
        lines += style.wrap(f"{level}{one['sentence']}", f"  {one['check']:<{wide}}  ")
    return lines


def _table(report: Report, style: Style, hosts: list[str]) -> list[str]:
    wide = min(36, max(map(len, hosts)))
    lines = []
    for host in filter(None, hosts):
        steps = [row.step for row in report.rows if row.host == host and row.is_change]
        failed = next((failure.step for failure in report.failures if failure.host == host), "")
        failed = failed or next((one["check"] for where, one in report.refusals if where == host), "")
        word = "would change" if report.is_test else "changed"
        said = f"failed at {failed}" if failed else f"{word}: {', '.join(steps)}" if steps else "nothing to change"
        said = "not begun" if host in report.not_begun else said
        lines += style.row(host, [said], wide)
    return [*lines, ""]


def _site(style: Style, site: dict) -> list[str]:
    """Return where the site is, and how long what it lives on lasts."""
    certificate = f"certificate until {site['certificate']}" if site.get("certificate") else ""
    version = f"Mattermost {site['version']}" if site.get("version") else ""
    parts = [site["url"], version, certificate, f"last backup {site['backup']}" if site.get("backup") else ""]
    lines, line = [], ""
    for part in filter(None, (cut(style.clean(part), LONGEST) for part in parts)):
        if line and len(line) + 3 + len(part) > style.width:
            lines.append(line)
            line = "  " + part
        else:
            line = f"{line}   {part}" if line else part
    return [*lines, line]


def _warnings(report: Report, style: Style) -> list[str]:
    lines = []
    warnings = dict.fromkeys((host, one["sentence"], one["todo"]) for host, one in report.warnings)
    for host, sentence, todo in warnings:
        text = f"{host}: {sentence}" + (f" Fix: {todo}" if todo else "")
        wrapped = style.wrap(text, "Warning: ")
        lines += [style.paint("Warning:", "yellow") + wrapped[0][len("Warning:") :], *wrapped[1:]]
    return lines


def _ending(report: Report, hosts: list[str]) -> str:
    """Return the sentence that says how the run ended, without the reasons of what failed."""
    minutes, seconds = divmod(round(report.seconds), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{report.seconds:.1f} s"
    hosts, failed = [host for host in hosts if host], _failed(report)
    start = f"Failed after {took}" if failed else f"Dry run, {took}" if report.is_test else f"Done in {took}"
    if len(hosts) > 1:
        still = len({*hosts} - {*report.changed, *failed, *report.not_begun})
        changed = len([host for host in report.changed if host not in failed])
        named = f" ({', '.join(filter(None, failed))})" if any(failed) else ""
        word = "would change" if report.is_test else "changed"
        left = f", {len(report.not_begun)} not begun" if report.not_begun else ""
        return f"{start}: {changed} {word}, {still} unchanged, {len(failed)} failed{named}{left}."
    if failed:
        return f"{start}.{_not_reached(report.unreached)}"
    if report.is_test:
        would = any(row.is_change for row in report.rows)
        return f"{start}: nothing was changed{'' if would else ', and a real run would change nothing'}."
    return f"{start}{'' if report.changed else ': nothing changed'}."


def _not_reached(steps: list[str]) -> str:
    if not steps:
        return ""
    shown = steps if len(steps) <= MANY else [*steps[: MANY - 1], f"{len(steps) - MANY + 1} more"]
    return f" Not reached: {', '.join(shown)}."


def _failed(report: Report) -> list[str]:
    """Return the hosts that failed, in order; '' for what is of no host."""
    return list(dict.fromkeys([one.host for one in report.failures] + [host for host, _ in report.refusals]))


def _failures(report: Report, style: Style, hosts: list[str], log: str) -> list[str]:
    """Return what failed, and what to do."""
    if not _failed(report):
        return []
    count = f"{len(report.refusals)} of {report.refused.get('total')} checks"
    if not report.refused:
        head = _ending(report, hosts)
    elif report.refused["before"]:
        head = f"Refused before anything was changed: {count}."
    else:
        head = f"Failed: {count}."
    lines = [style.paint(line, "red") for line in style.wrap(head)]
    for host in dict.fromkeys(host for host, _ in report.refusals):
        found = [one for where, one in report.refusals if where == host]
        column = max(len(one["check"]) for one in found)
        lines += ["", style.paint(style.clean(host), "bold")]
        for one in found:
            lines += style.row(
                one["check"], [one["sentence"], *([f"Fix: {one['todo']}"] if one["todo"] else [])], column
            )
    for host, step, what, fix, _ in report.failures:
        wrapped = style.wrap(": ".join(filter(None, [host, step, what])), "Failed: ")
        lines += [style.paint("Failed:", "red") + wrapped[0][len("Failed:") :], *wrapped[1:]]
        if fix:
            lines += style.wrap(fix[:1].lower() + fix[1:] if fix[1:2].islower() else fix, "Fix:    ")
    if report.not_begun:
        lines += style.wrap(
            f"{', '.join(report.not_begun)}. Repair the failed hosts, then run the same command again.",
            "Not begun: ",
            "           ",
        )
    if log and any(failure.cut for failure in report.failures):
        lines += style.wrap(
            f"{log}. To see every step, run the same command again with -l debug.", "Details: ", "         "
        )
    return lines
