"""How one configuration key is described."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

_SAME = object()


@dataclass(frozen=True)
class Key:
    """One key of config.json.

    fresh: its value in an archive's config.json. The JSON type is the type of this value.
    update: its value when the key is missing in a file that is loaded.
    since, until: first version that has it, first version that no longer has it.
    """

    fresh: Any
    update: Any = _SAME
    since: tuple | None = None
    until: tuple | None = None

    def exists_in(self, numbers: tuple) -> bool:
        return (self.since is None or numbers >= self.since) and (self.until is None or numbers < self.until)

    def when_missing(self) -> Any:
        return copy.deepcopy(self.fresh if self.update is _SAME else self.update)


def section(**keys: Any) -> dict:
    """Build a section: a bare value is a key whose fresh and update defaults are the same."""
    return {name: value if isinstance(value, Key) else Key(value) for name, value in keys.items()}
