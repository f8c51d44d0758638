"""A host's state results in a person's words. Pure."""

from __future__ import annotations

import re

from mattermost_progress import claim

MOST = 2  # sentences of our own states a stage shows; the rest is counted
SHORT = 160  # characters of one of them
LONGEST = 600  # characters of a sentence, and of why something failed
# What a person deployed for, in this order; other states of ours come after.
LOUD = (
    "mattermost_service.running",
    "mattermost_release.unpacked",
    "mattermost_letsencrypt.issued",
    "mattermost_database_major.upgraded",
    "mattermost_database.present",
    "mattermost_database.cluster_runs",
    "mattermost_firewall.opened",
    "mattermost_uninstall.packages_as_before",
    "mattermost_config.merged",
)
KINDS = {  # Salt's own states, counted by what they make
    "pkg": ("package", "installed", "install"),
    "file": ("file", "written", "write"),
    "user": ("account", "made", "make"),
}
_FIX = re.compile(
    r"(?<=[.!?)'\"]) (?=(?:To do|Fix|Run|See|Look at|Set|Give|Make|Name|Start|Stop|Read|Wait|Remove|Leave|Deploy|Restore|Check|Apply"
    r"|Free|Deactivate|Acknowledge|Install|Compare|Choose|Write|Enter)\b)"
)


def is_change(part: dict) -> bool:
    """Return whether a state changed something, or would. part: of ``stages.stage.state_results``."""
    return bool(part["changes"]) or part["result"] is None


def comment_of(part: dict) -> str:
    """Return a state's comment as text."""
    comment = part.get("comment") or ""
    return "\n".join(map(str, comment)) if isinstance(comment, list) else str(comment).strip()


def changes(parts: list[dict], test: bool) -> list[str]:
    """Return what changed, or would under *test*, in at most ``MOST`` sentences and one that counts the rest."""
    own, counted, claims = [], {}, []
    for part in filter(is_change, parts):
        state = part["function"].partition(".")[0]
        if state.startswith("mattermost_"):
            own.append(part)
        elif state in KINDS:
            counted.setdefault(state, []).extend(_names(state, part))
        else:
            claims.append(claim(part["__id__"]))
    own.sort(key=lambda part: LOUD.index(part["function"]) if part["function"] in LOUD else len(LOUD))
    said = [_shortened(comment_of(part) or claim(part["__id__"])) for part in own[:MOST]]
    rest = [_count(state, names, test) for state, names in counted.items()]
    others = len(own[MOST:]) + len(claims)
    if len(claims) == others == 1:
        rest.append(f"{claims[0]}{' (would)' if test else ''}")
    elif others:
        rest.append(f"{others} {'more ' if said or rest else ''}change{'s' * (others > 1)}")
    return said + (["; ".join(rest)] if rest else [])


def _names(state: str, part: dict) -> list[str]:
    """Return what one of Salt's states changed: packages by name, else the one thing that the state is about."""
    if state == "pkg" and part["changes"]:
        return list(part["changes"].get("installed", part["changes"]))
    return [str(part.get("name") or part["__id__"])]


def _count(state: str, names: list[str], test: bool) -> str:
    noun, done, todo = KINDS[state]
    if len(names) == 1:
        return f"would {todo} {names[0]}" if test else f"{names[0]} {done}"
    return f"would {todo} {len(names)} {noun}s" if test else f"{len(names)} {noun}s {done}"


def _shortened(text: str) -> str:
    """Return the first line of *text*, and of that no more sentences than fit in ``SHORT`` characters."""
    said = ""
    for sentence in re.split(r"(?<=[.!?]) ", text.strip().partition("\n")[0]):
        if said and len(said) + len(sentence) > SHORT:
            break
        said = f"{said} {sentence}".strip()
    return _cut(said)


def _cut(text: str) -> str:
    """Return *text*, or the start of one that no screen has room for: a host may say what it likes."""
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def failure(part: dict) -> dict:
    """Return ``what`` happened, what to do (``fix``) and whether something was left out (``cut``), of a state that failed."""
    text = comment_of(part)
    changed = part.get("changes") or {}
    if str(part.get("function", "")).startswith("cmd.") and changed.get("stderr"):
        text = f"{text}\n{changed['stderr']}"
    found = explained(text)
    if not str(part.get("function", "")).startswith("mattermost_"):  # ours say it in a sentence
        found.update(what=f'"{claim(part["__id__"])}" failed: {found["what"]}', cut=True)
    return found


def explained(text: str) -> dict:
    """Return ``what``, ``fix`` and ``cut`` of the text by which something failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["It printed nothing."]
    if "Traceback (most recent call last)" in text:
        return {"what": _cut(f"The program broke off: {lines[-1]}"), "fix": "", "cut": True}
    shown = lines[-2:] if lines[0].startswith("Command ") else lines[:2]
    what, *fix = _FIX.split(_cut(" ".join(shown)), maxsplit=1)
    return {
        "what": what,
        "fix": re.sub(r"^(To do|Fix): ", "", "".join(fix)),
        "cut": len(lines) > len(shown) or len(text) > LONGEST,
    }
