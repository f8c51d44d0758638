"""make sources: ask the release sources of the settings' defaults, and show what each answers and what is understood of it."""

from __future__ import annotations

import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "salt" / "_utils"))

import mattermost_settings_core  # noqa: E402
import mattermost_settings_data  # noqa: E402
from mattermost_controller.releases import look  # noqa: E402


def main() -> None:
    """Do it. When none of them can be read, the last line says so and the exit status is 1."""
    roots = [str(ROOT / "salt")]
    data = mattermost_settings_data.load(roots)
    sources = mattermost_settings_core.defaults(data["schema"])["release_sources"]
    with tempfile.TemporaryDirectory(prefix="sources-") as folder:
        shown = look.run(folder, roots, sources, data["releases"], "sources")
        found = look.ask(folder, roots, sources, data["releases"])
    if not any(each.get("entries") for each in found.sources.values()):
        reasons = "; ".join(f"{kind}: {each.get('reason', '')}" for kind, each in found.sources.items())
        sys.exit(
            f"No release source can be read from this machine ({reasons or shown.stderr.strip()}). "
            "Check the network and the proxy (https_proxy) of this machine. Then run again: make sources"
        )
    print(shown.stdout, end="")


if __name__ == "__main__":
    main()
