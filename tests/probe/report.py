"""What the probe saw."""

from __future__ import annotations

import collections
import dataclasses


@dataclasses.dataclass(frozen=True)
class Loss:
    """One lost request. at: seconds since the probe began. source: new, kept, websocket or upload. kind, detail: why."""

    at: float
    source: str
    kind: str
    detail: str


@dataclasses.dataclass
class Report:
    """Counts of one run of the probe.

    seconds: how long it ran. scheduled: requests whose time had come. answered: good answers by source.
    lost: every loss in order. slowest: the longest good answer, in seconds.
    lag: how late the latest request was started, in seconds; large means that the probe itself was starved.
    """

    seconds: float = 0.0
    scheduled: int = 0
    answered: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    lost: list[Loss] = dataclasses.field(default_factory=list)
    slowest: float = 0.0
    lag: float = 0.0

    def as_dict(self) -> dict:
        """Return plain data for JSON; at most fifty losses are listed, all are counted."""
        kinds = collections.Counter(f"{loss.source} {loss.kind}" for loss in self.lost)
        return {
            "seconds": round(self.seconds, 2),
            "scheduled": self.scheduled,
            "answered": dict(self.answered),
            "lost": len(self.lost),
            "lost_by_kind": dict(kinds),
            "lost_from": round(self.lost[0].at, 2) if self.lost else None,
            "lost_until": round(self.lost[-1].at, 2) if self.lost else None,
            "slowest": round(self.slowest, 3),
            "lag": round(self.lag, 3),
            "losses": [dataclasses.asdict(loss) for loss in self.lost[:50]],
        }

    def __str__(self):
        good = ", ".join(f"{count} {source}" for source, count in sorted(self.answered.items()))
        text = f"{len(self.lost)} lost in {self.seconds:.1f} s ({self.scheduled} requests scheduled; good: {good or 'none'})"
        return "\n".join(
            [text, *(f"  {loss.at:7.2f} s {loss.source}: {loss.kind}: {loss.detail}" for loss in self.lost[:20])]
        )
