"""What the benchmark found, as text for people and as data. Pure."""

from __future__ import annotations

import statistics
from itertools import chain

# what the bundle aims at: on an idle machine in seconds, and as multiples of the other's first deploy
AIM_AGAIN, AIM_PREFLIGHT, AIM_BEYOND = 4.5, 3.0, 1.5
AIM_SCRIPT, AIM_SMALLER = 1.0, 1.1
MEASURED = {"fresh": "first deploy", "again": "again", "preflight": "preflight"}


def spread(values) -> dict | None:
    """Return median, lowest, highest and number of *values*, None for none."""
    values = list(values)
    if not values:
        return None
    return {
        "median": round(statistics.median(values), 2),
        "low": round(min(values), 2),
        "high": round(max(values), 2),
        "count": len(values),
    }


def summarise(rounds: list[dict]) -> dict:
    """Return what was measured of each side, and the bundle's ratios to the others.

    rounds: one dict a round, by side (``script``, ``smaller``, ``bundle`` and, where it was asked for, ``base``):
    ``{"fresh": [seconds], "again": [seconds, ...], "preflight": [seconds, ...], "lost": n, "requests": n}``. The values of one
    round are pairs, in their order: each ratio is of one pair.
    """
    sides = {}
    for side in rounds[0]:
        parts = [one[side] for one in rounds]
        sides[side] = {key: spread(chain.from_iterable(part[key] for part in parts)) for key in MEASURED}
        sides[side] |= {key: sum(part[key] for part in parts) for key in ("lost", "requests")}
    ratios = {}
    for other in (side for side in ("script", "smaller", "base") if side in sides):
        for key in MEASURED if other == "base" else ("fresh",):
            pairs = (zip(one["bundle"][key], one[other][key], strict=True) for one in rounds)
            ratios[f"{key} / {other}"] = spread(ours / theirs for ours, theirs in chain.from_iterable(pairs))
    return {"sides": sides, "ratios": ratios, "rounds": rounds}


def shown(found: dict | None, unit: str = " s", digits: int = 1) -> str:
    """Return a `spread` in words: the median, and the range of several values."""
    if found is None:
        return ""
    text = f"{found['median']:.{digits}f}{unit}"
    return text if found["count"] == 1 else f"{text} ({found['low']:.{digits}f}–{found['high']:.{digits}f})"


def judged(value: float, aim: float) -> str:
    return f"aim {aim:g}: {'met' if value <= aim else 'MISSED'}"


def text(summary: dict, titles: dict[str, str]) -> str:
    """Return the tables and how the aims were met. titles: by side what the report calls it."""
    sides, ratios = summary["sides"], summary["ratios"]
    lines = ["".join([f"{'':28}", *(f"{title:>22}" for title in MEASURED.values()), f"{'lost while run again':>24}"])]
    for side, part in sides.items():
        cells = [f"{shown(part[key]):>22}" for key in MEASURED]
        lost = f"{part['lost']} of {part['requests']}"
        lines.append("".join([f"{titles[side]:28}", *cells, f"{lost:>24}"]))
    aims = {"fresh / script": AIM_SCRIPT, "fresh / smaller": AIM_SMALLER}
    for name, ratio in ratios.items():
        key, _, other = name.partition(" / ")
        verdict = f" ({judged(ratio['median'], aims[name])})" if name in aims else ""
        lines.append(f"{MEASURED[key]}, bundle / {titles[other]}: {shown(ratio, '', 2)}{verdict}")
    ours = sides["bundle"]
    lines.append(f"again: {shown(ours['again'])} ({judged(ours['again']['median'], AIM_AGAIN)})")
    lines.append(f"preflight: {shown(ours['preflight'])} ({judged(ours['preflight']['median'], AIM_PREFLIGHT)})")
    lines.append(f"lost requests of the bundle while run again: {ours['lost']} (aim 0)")
    return "\n".join(lines)
