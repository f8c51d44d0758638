"""What the conformance tier was last passed with: only a change of the stand-in, of the questions, or of what they try on it asks again."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ASKED = (
    "tests/lab/standin",
    "tests/conformance",
    "salt/_utils/mattermost_controller/verify/round_trip.py",
    "salt/mattermost/scripts/round-trip.sh",
)
RECORD = ROOT / "tests/proved.sha256"


def now(root=ROOT) -> str:
    """The hash of all that is in what `ASKED` names."""
    found = hashlib.sha256()
    asked = [root / name for name in ASKED]
    for path in sorted(path for one in asked for path in [one, *one.rglob("*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return found.hexdigest()


def stale(root=ROOT) -> bool:
    record = root / RECORD.relative_to(ROOT)
    return not record.exists() or record.read_text().strip() != now(root)


if __name__ == "__main__":
    print("tests/conformance" if stale() else "", file=sys.stdout)
