"""A source of releases for tests: the four files that the vendor and endoflife.date offer, in their structure and with made-up entries.

Structure: a page with a table of lines, a list of releases as GitHub's API has it, a feed of security updates, support dates.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass

from tests.lab import archives

FILES = {
    "page": "releases.mdx",
    "list": "releases.json",
    "advisories": "security_updates.json",
    "support": "support.json",
}


@dataclass(frozen=True)
class Release:
    """severity: of its security fixes in the vendor's words, "" for none."""

    version: str
    date: str
    severity: str = ""
    prerelease: bool = False

    @property
    def line(self):
        return self.version.rpartition(".")[0]


def day(offset: int) -> str:
    """The date *offset* days from today."""
    return (datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=offset)).isoformat()


def newest(releases):
    """The newest release of each line, newest line first."""
    found = {}
    released = [one for one in releases if not one.prerelease]
    for one in sorted(released, key=lambda one: tuple(map(int, one.version.split(".")))):
        found[one.line] = one
    return dict(reversed(found.items()))


def page(releases, ends):
    """The table of lines. ends: last day of support by line; a line without one is not in it."""
    rows = [
        f"| v{line} [Download](https://releases.example.test/{one.version}/mattermost-{one.version}-linux-amd64.tar.gz) \\| "
        f'[Changelog](./changelog) \\| <details><summary>SBOM</summary><a href="https://example.test/v{one.version}/sbom-mattermost-v{one.version}.json">Team</a></details> | {one.date} | {ends[line]} [EXTENDED](./release-policy#release-types) |'
        for line, one in newest(releases).items()
        if line in ends
    ]
    head = [
        "---",
        "title: Releases",
        "---",
        "",
        "| **Release** | **Released on** | **Support ends** |",
        "|:---|:---|:---|",
    ]
    return "\n".join([*head, *rows, "|  |  |  |", ""])


def listed(releases):
    """The list of releases, newest first, with what else GitHub puts into an entry."""
    made = []
    for one in releases:
        what = f"{one.severity} severity level security fixes" if one.severity else "various bug fixes"
        made.append(
            {
                "url": "https://api.example.test/releases/1",
                "tag_name": f"v{one.version}",
                "draft": False,
                "prerelease": one.prerelease,
                "published_at": f"{one.date}T08:00:00Z",
                "author": {"login": "somebody", "tag_name": "v99.0.0"},
                "assets": [{"name": "sbom.json", "uploader": {"tag_name": "v98.0.0"}}],
                "body": f'Mattermost Platform Release {one.version} contains {what}. "Quoted" \\ and {{braces}}, [lists].',
            }
        )
    return json.dumps(made)


def advisory(number, severity, fixed_in, date, platform="Mattermost Server"):
    """One entry of the feed. fixed_in: in any of the shapes that the feed has."""
    return {
        "issue_id": f"MMSA-2026-{number:05}",
        "cve_id": None,
        "severity": severity,
        "affected_versions": "",
        "fix_release_date": date,
        "fix_versions": fixed_in,
        "details": 'words with "quotes" and 11.7.999',
        "platform": platform,
    }


def support(releases, ends):
    """The support dates, as the API before version 1 has them."""
    return json.dumps(
        [
            {"cycle": line, "releaseDate": one.date, "eol": ends.get(line, False), "latest": one.version, "latestReleaseDate": one.date, "lts": False}
            for line, one in newest(releases).items()
        ]
    )  # fmt: skip


def serve(lab, releases=(), ends=None, advisories=()):
    """Have the lab's mirror serve a source, and return the settings that name it.

    Without *releases* it lists the lab's archives, the newest of each line as all that there is.
    """
    if not releases:
        found = [archives.version_of(path.name) for path in archives.available(lab.archives)]
        releases = [Release(version, day(-3 * age)) for age, version in enumerate(reversed(found), 1)]
        ends = {one.line: day(200) for one in releases}
        advisories = [advisory(1, "Low", "10.0.1", day(-40))]
    write(lab.directory / "sites" / lab.instance.gateway, releases, ends, advisories)
    return {kind: f"https://{lab.instance.gateway}/{name}" for kind, name in FILES.items()}


def write(folder, releases, ends, advisories=()):
    """Write the four files into *folder*; returns the settings that name them there."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "page": page(releases, ends),
        "list": listed(releases),
        "advisories": json.dumps(
            [{"issue_id": "Issue ID", "severity": "Severity", "platform": "Platform"}, *advisories]
        ),
        "support": support(releases, ends),
    }
    for kind, text in texts.items():
        (folder / FILES[kind]).write_text(text)
    return {kind: f"file://{folder / name}" for kind, name in FILES.items()}
