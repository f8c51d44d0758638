"""Rate limiting by a token bucket per caller, and finding out who the caller is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence


def client_address(peer: str, headers: Mapping[str, str], trusted: Sequence[str]) -> str:
    """Return the caller's address: the first of the *trusted* headers that is set, else *peer*."""
    for name in trusted:
        value = headers.get(name, "").split(",")[0].strip()
        if value:
            return value
    return peer


class Limiter:
    """settings: RateLimitSettings."""

    def __init__(self, settings: dict):
        self.settings = settings
        self._buckets: dict[str, tuple[float, float]] = {}

    def bucket(self, address: str, user_id: str, headers: Mapping[str, str]) -> str:
        """Name of the bucket that a request counts against. A logged-in user's own wins over the address."""
        name = ""
        if self.settings["VaryByUser"] and user_id:
            name += user_id
        elif self.settings["VaryByRemoteAddr"]:
            name += address
        if self.settings["VaryByHeader"]:
            name += headers.get(self.settings["VaryByHeader"], "").lower()
        return name

    def refuse_seconds(self, bucket: str, now: float | None = None) -> float:
        """Count a request; return 0 when it may pass, else after how many seconds to retry."""
        now = time.monotonic() if now is None else now
        rate, most = self.settings["PerSec"], self.settings["MaxBurst"] + 1
        tokens, then = self._buckets.get(bucket, (most, now))
        tokens = min(most, tokens + (now - then) * rate)
        if tokens < 1:
            self._buckets[bucket] = (tokens, now)
            return (1 - tokens) / rate
        if len(self._buckets) >= self.settings["MemoryStoreSize"] and bucket not in self._buckets:
            self._buckets.pop(next(iter(self._buckets)))
        self._buckets[bucket] = (tokens - 1, now)
        return 0.0
