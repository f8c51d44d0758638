"""Going back to the version before the last upgrade: what was told, and the host program's report in words. Pure."""

from __future__ import annotations

import json

from mattermost_lines import lines_of
from mattermost_release_facts import effective

from mattermost_controller.given import asked


def parse_request(pillar: dict) -> tuple[bool, str]:
    """Return whether the pillar's ``rollback`` agrees to a loss, and the way that it names. Raises ValueError for what it cannot mean.

    pillar: ``overwrite`` (default False), ``way`` (``copy``: the database from before the upgrade; ``down``: the migrations taken back;
    default "": the host's choice).
    """
    asked.check("rollback", pillar)
    overwrite, way = pillar.get("overwrite", False), pillar.get("way", "")
    if overwrite not in (True, False):
        raise ValueError(f"rollback:overwrite is {overwrite!r}. It must be true or false.")
    if way not in ("", "down", "copy"):
        raise ValueError(f"rollback:way is {way!r}. It must be down or copy, or be left out.")
    return overwrite, way


def confirmation(way: str) -> str:
    """Return what to add to the command to go back although something is lost."""
    return f"pillar='{json.dumps({'rollback': {'overwrite': True, **({'way': way} if way else {})}})}'"


def loses(found: dict) -> bool:
    """Return whether going back needs the owner's word. found: as for `preview`; a program that does not say so knows only the copy."""
    return found.get("asks") != "no"


def command(overwrite: bool, way: str, found: dict) -> str:
    """Return the words that have the host go back. found: as for `preview`; an older program does not say how to agree to one way only."""
    if not overwrite:
        return "mattermost-switch back go"
    return "mattermost-switch back " + (found.get("agree") or ("overwrite copy" if way == "copy" else "overwrite"))


def preview(found: dict) -> str:
    """Return what going back would mean. found: the fields of ``mattermost-switch back``."""
    return " ".join(part for part in (found.get("reason"), found.get("config")) if part)


def failure(found: dict, words: str) -> str:
    """Return why it did not go back and what to do. found: the program's report. words: what it said without one."""
    if "There is no command back" in words:
        return "An older version of this bundle deployed this host and kept no version to go back to. Run salt-run state.orchestrate mattermost.ssl (or .non-ssl). After the next upgrade you can go back."
    if "result" not in found:
        lines = [line for line in lines_of(words.strip()) if line.strip()]
        return (
            lines[-1]
            if lines
            else "The program ended without a message. See on the host: journalctl -u mattermost-switch"
        )
    sentences = [" ".join(part for part in (found.get("reason"), found.get("advice")) if part)]
    if found.get("log"):
        sentences += ["The server's first errors:", *(f"  {line}" for line in found["log"])]
    return "\n".join(sentences)


def done(found: dict, release: dict) -> str:
    """Return the sentences on a host that went back. release: the settings' branch (``version``, ``pinned``)."""
    outage = f" Chat was down for {int(found['outage']) / 100:.1f} s." if found.get("outage") else ""
    kept = f" The configuration of {found.get('from')} is kept on the host. To see where, run on the host: mattermost-switch status"
    if release["pinned"] and effective(release, found.get("to")) != found.get("to"):
        later = (
            f" mattermost:release:version is {release.get('line') or release['version']}, so the next deploy would upgrade again. To stay "
            f"with {found.get('to')}, set that version to {found.get('to')}. If your settings have sha256 or source, set those of {found.get('to')}, too."
        )
    else:
        later = f" The settings name no newer version, so the next run stays with {found.get('to')}."
    return f"{found.get('reason')}{outage}{kept}{later}"
