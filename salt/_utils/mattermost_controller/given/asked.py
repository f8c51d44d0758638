"""What a command may ask of an orchestration in its pillar, below the orchestration's own name."""

from __future__ import annotations

KEYS = {
    "import": ("from", "to", "stop", "directory", "overwrite", "accept", "ssh"),
    "move": ("from", "to", "overwrite", "ssh"),
    "preflight": ("site",),
    "remove": ("purge",),
    "restore": ("snapshot", "overwrite"),
    "rollback": ("overwrite", "way"),
    "status": ("drift",),
}


def fault(name: str, given) -> str:
    """Return why *given* is nothing that the orchestration *name* can be asked, "" for a mapping of its keys. No value is repeated."""
    allowed = [f"{name}:{key}" for key in KEYS[name]]
    known = f"The allowed keys are: {', '.join(allowed)}." if len(allowed) > 1 else f"Only {allowed[0]} is allowed."
    if not isinstance(given, dict):
        return f"{name} in the command's pillar= must be a mapping of keys. {known}"
    unknown = sorted(map(str, set(given) - set(KEYS[name])))
    return f"{name}:{unknown[0]} is not a known key. {known}" if unknown else ""


def check(name: str, given) -> None:
    """Raise ValueError with the `fault` of what *name* is asked."""
    if sentence := fault(name, given):
        raise ValueError(sentence)
