"""A host's state results in a person's words. Pure."""

from __future__ import annotations

import re

from mattermost_lines import lines_of
from mattermost_plural import plural
from mattermost_progress import claim

MOST = 2  # sentences of our own states a stage shows; the rest is counted
SHORT = 160  # characters of one of them
LONGEST = 600  # characters of a sentence, and of why something failed
CUT = " …"  # at the end of a longer one
WARNINGS = 20  # of a stage on one host; the rest is counted
# What a person deployed for, in this order; other states of ours come after.
LOUD = (
    "mattermost_service.running",
    "mattermost_account.first_admin",
    "mattermost_release.unpacked",
    "mattermost_letsencrypt.issued",
    "mattermost_database_major.upgraded",
    "mattermost_database.present",
    "mattermost_database.cluster_runs",
    "mattermost_firewall.opened",
    "mattermost_uninstall.packages_as_before",
    "mattermost_config.merged",
)
QUIET = ("mattermost_baseline.recorded", "mattermost_bundle.recorded")  # only counted
KINDS = {  # Salt's own states, counted by what they make
    "pkg": ("package", "installed", "install"),
    "file": ("file", "written", "write"),
    "user": ("account", "made", "make"),
}
VERBS = (
    "To|Fix|Run|See|Look at|Set|Give|Make|Name|Start|Stop|Read|Wait|Remove|Leave|Deploy|Restore|Check|Apply|Free|Correct|Use|Try|Copy|Move|Add"
    "|Change|Allow|Look|Keep|Log|Deactivate|Acknowledge|Install|Compare|Choose|Write|Enter|Create|Begin|Import|Let|Take|Upgrade|Unmask|Disable|Rename|Point|List|Mount|Put|Save"
)
_FIX = re.compile(rf"(?<=[.!?)'\"]) (?=(?:{VERBS})\b)")
# The same after a colon, of a sentence of several words; what a command writes ("tar: write error") is none.
_FIX_AFTER_COLON = re.compile(rf"((?:\S+ ){{4,}}\S+): (?=(?:{VERBS.lower()}) [a-z`'])")


def is_change(part: dict) -> bool:
    """Return whether a state changed something, or would. part: of ``stages.stage.state_results``."""
    return bool(part["changes"]) or part["result"] is None


def comment_of(part: dict) -> str:
    """Return a state's comment as text."""
    comment = part.get("comment") or ""
    return "\n".join(map(str, comment)) if isinstance(comment, list) else str(comment).strip()


def changes(parts: list[dict], test: bool) -> list[str]:
    """Return what changed, or would under *test*, in at most ``MOST`` sentences and one that counts the rest."""
    own, counted, others = [], {}, 0
    for part in filter(is_change, parts):
        state = part["function"].partition(".")[0]
        if state.startswith("mattermost_") and part["function"] not in QUIET:
            own.append(part)
        elif state in KINDS:
            counted.setdefault(state, []).extend(_names(state, part))
        else:
            others += 1
    own.sort(key=lambda part: LOUD.index(part["function"]) if part["function"] in LOUD else len(LOUD))
    said = [_sentence(part, test) for part in own[:MOST]]
    rest = [_count(state, names, test) for state, names in counted.items()]
    others += len(own[MOST:])
    if others:
        rest.append(plural(others, f"{'more ' if said or rest else ''}change"))
    return said + (["; ".join(rest)] if rest else [])


def warnings(parts: list[dict]) -> list[str]:
    """Return what states warn of, at most ``WARNINGS`` of it and how much more there is."""
    found = [cut(str(text)) for part in parts for text in part.get("warnings") or []]
    more = len(found) - WARNINGS
    return found if more <= 0 else [*found[:WARNINGS], f"{plural(more, 'more warning')}."]


def _sentence(part: dict, test: bool) -> str:
    """Return what a state of ours did, as it says it; of the first account, what a person needs next."""
    account = part["changes"].get("account") if part["function"] == "mattermost_account.first_admin" else None
    if account and not test:
        return cut(f"Log in as {str(account).partition(' ')[0]}; the password is on the host in {part.get('name')}.")
    return _shortened(comment_of(part) or claim(part["__id__"]))


def _names(state: str, part: dict) -> list[str]:
    """Return what one of Salt's states changed: packages by name, else the one thing that the state is about."""
    if state == "pkg" and part["changes"]:
        installed = part["changes"].get("installed")
        return [str(name) for name in (installed if isinstance(installed, (dict, list)) else part["changes"])]
    return [str(part.get("name") or part["__id__"])]


def _count(state: str, names: list[str], test: bool) -> str:
    noun, done, todo = KINDS[state]
    if len(names) == 1:
        return f"would {todo} {cut(names[0])}" if test else f"{cut(names[0])} {done}"
    return f"would {todo} {len(names)} {noun}s" if test else f"{len(names)} {noun}s {done}"


def _shortened(text: str) -> str:
    """Return the first line of *text*, and of that no more sentences than fit in ``SHORT`` characters."""
    said = ""
    for sentence in re.split(r"(?<=[.!?]) ", text.strip().partition("\n")[0]):
        if said and len(said) + len(sentence) > SHORT:
            break
        said = f"{said} {sentence}".strip()
    return cut(said)


def cut(text: str, most: int = LONGEST) -> str:
    """Return *text*, or the start of one that no screen has room for: a host may say what it likes."""
    return text if len(text) <= most else text[:most] + CUT


def failure(part: dict) -> dict:
    """Return ``what`` happened, what to do (``fix``) and whether something was left out (``cut``), of a state that failed."""
    text = comment_of(part)
    changed = part.get("changes") or {}
    if str(part.get("function", "")).startswith("cmd.") and changed.get("stderr"):
        text = f"{text}\n{changed['stderr']}"
    found = explained(text)
    if not str(part.get("function", "")).startswith("mattermost_"):  # ours say it in a sentence
        found.update(what=f'"{cut(claim(part["__id__"]))}" failed: {found["what"]}', cut=True)
    return found


def by_host(said: dict[str, str], failed: dict[str, str]) -> dict:
    """Return the ``report`` (`build`) of a step from what it did and why it failed, in words by host ID."""
    report = {host: {"said": lines_of(text)} for host, text in said.items()}
    return report | {host: {"failed": [explained(text)]} for host, text in failed.items()}


def broken_off(text: str) -> dict:
    """Return the same as `explained` of why a host gave no results: the last lines of what it wrote there count."""
    lines = lines_of(text)
    found = explained(text if "Traceback (" in text else "\n".join(line.strip() for line in lines[-2:]))
    return {**found, "cut": found["cut"] or len(lines) > 2}


def explained(text: str, most: int = 2) -> dict:
    """Return ``what``, ``fix`` and ``cut`` of the text by which something failed: *most* lines of it, and the first one that it quotes.

    Of what a command wrote the last lines count, of a sentence of ours the first ones; what it quotes (a log) is indented.
    """
    lines = [line.rstrip() for line in lines_of(text) if line.strip()] or ["The command printed nothing."]
    quoted = [line.strip() for line in lines if line.startswith(" ")]
    said = [line for line in lines if not line.startswith(" ")]
    if "Traceback (most recent call last)" in text:
        return {"what": cut(f"The program crashed: {lines[-1].strip()}"), "fix": "", "cut": True}
    if lines[0].startswith("Command "):
        return {"what": cut(" ".join(line.strip() for line in lines[-2:])), "fix": "", "cut": len(lines) > 2}
    heading = said.pop() if quoted and len(said) > 1 and said[-1].endswith(":") else ""
    what, fix = what_and_fix(cut(" ".join(said[:most])))
    return {
        "what": " ".join(filter(None, [what, heading, *map(cut, quoted[:1])])),
        "fix": fix,
        "cut": len(said) > most or len(quoted) > 1 or len(text) > LONGEST,
    }


def what_and_fix(text: str) -> tuple[str, str]:
    """Return what happened and what to do ("" when it says nothing of that), of a message in one line."""
    what, *fix = _FIX.split(text, maxsplit=1)
    if not fix and (found := _FIX_AFTER_COLON.match(what)):
        what, fix = f"{found[1]}.", [what[found.end() :]]
    return what, re.sub(r"^(To do|Fix): ", "", "".join(fix))
