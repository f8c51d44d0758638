"""What depends on the server's version: one place that knows the numbers of the contract."""

from __future__ import annotations

from dataclasses import dataclass

# (first server version, smallest PostgreSQL major it accepts), newest first.
POSTGRES_MINIMUM = (((12, 0), 15), ((11, 0), 14), ((10, 6), 13), ((8, 0), 11), ((0, 0), 10))


def parse(version: str) -> tuple[int, ...]:
    """Return ``11.7.100`` as ``(11, 7, 100)``. Raises ValueError when it is not three plain numbers."""
    parts = tuple(int(part) for part in version.split("."))
    if len(parts) != 3:
        raise ValueError(f"{version!r} is not a version: want three numbers, for example 11.7.100.")
    return parts


@dataclass(frozen=True)
class Build:
    """Identity of one build of the stand-in, and the rules that follow from its version."""

    version: str

    @property
    def numbers(self) -> tuple[int, ...]:
        return parse(self.version)

    def at_least(self, *numbers: int) -> bool:
        return self.numbers >= numbers

    @property
    def number(self) -> str:
        """Build number: the version as in a real build, plus the word that keeps it honest."""
        return f"{self.version}-stand-in"

    @property
    def date(self) -> str:
        return "stand-in"

    @property
    def hash(self) -> str:
        return "stand-in"

    @property
    def database_pings(self) -> int:
        """How often the database is tried at start, `ping_pause` seconds apart, before the server gives up."""
        return 5 if self.at_least(9, 8) else 18

    @property
    def ping_pause(self) -> int:
        """Seconds between two of these tries."""
        return 2 if self.at_least(11, 0) else 10

    @property
    def postgres_minimum(self) -> int:
        return next(major for since, major in POSTGRES_MINIMUM if self.numbers >= since)

    def version_lines(self) -> list[str]:
        """The five lines of ``mattermost version``."""
        return [
            f"Version: {self.version}",
            f"Build Number: {self.number}",
            f"Build Date: {self.date}",
            f"Build Hash: {self.hash}",
            "Build Enterprise Ready: false",
        ]
