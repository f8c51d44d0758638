"""The merged settings of each platform, kept as files: `python -m tests.render.snapshots` writes them anew.

A snapshot shows in a review what a change of defaults, platform facts or merge means for each platform.
"""

from __future__ import annotations

import yaml

from tests.render import compiler

FOLDER = compiler.ROOT / "tests" / "render" / "snapshots"


def text(platform: str) -> str:
    """Return the settings of a host of *platform* with the shortest pillar, as sorted YAML."""
    return yaml.safe_dump(compiler.host(platform).settings(), sort_keys=True, width=120)


def write() -> None:
    """Write one file per platform and remove the files of platforms that are gone."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.yaml"):
        if path.stem not in compiler.PLATFORMS:
            path.unlink()
    for platform in compiler.PLATFORMS:
        (FOLDER / f"{platform}.yaml").write_text(f"---\n{text(platform)}")


if __name__ == "__main__":
    write()
