"""What the benchmark found, as text for people and as data."""

from __future__ import annotations

import statistics

# What the bundle aims at, as multiples of the script's fresh time.
AIM_FRESH, AIM_AGAIN = 1.3, 0.4


def summarise(rounds: list[dict]) -> dict:
    """Return medians, ratios and losses.

    rounds: one dict a round, per contender ``{"fresh": seconds, "again": seconds, "lost": n, "requests": n}``.
    """
    found = {}
    for side in ("script", "bundle"):
        found[side] = {
            key: round(statistics.median(part[side][key] for part in rounds), 2) for key in ("fresh", "again")
        }
        for key in ("lost", "requests"):
            found[side][key] = sum(part[side][key] for part in rounds)
    floor = found["script"]["fresh"]
    found["fresh_ratio"] = round(found["bundle"]["fresh"] / floor, 2)
    found["again_ratio"] = round(found["bundle"]["again"] / floor, 2)
    found["rounds"] = rounds
    return found


def text(summary: dict, titles: dict[str, str]) -> str:
    """Return the table and how the aims were met. titles: per contender what the report calls it."""
    lines = [f"{'':16}{'fresh':>10}{'again':>10}{'lost while run again':>24}"]
    for side in ("script", "bundle"):
        part = summary[side]
        lost = f"{part['lost']} of {part['requests']}"
        lines.append(f"{titles[side]:16}{part['fresh']:>8.1f} s{part['again']:>8.1f} s{lost:>24}")
    for what, ratio, aim in (
        ("fresh", summary["fresh_ratio"], AIM_FRESH),
        ("again", summary["again_ratio"], AIM_AGAIN),
    ):
        met = "met" if ratio <= aim else "MISSED"
        lines.append(f"bundle {what} / script fresh: {ratio:.2f} (aim {aim}: {met})")
    lines.append(f"lost requests of the bundle's second run: {summary['bundle']['lost']} (aim 0)")
    return "\n".join(lines)
