"""The commands of docs/classic-layout.md, with the places that they name moved below another folder."""

from __future__ import annotations

import re
from pathlib import Path

from tests import repository

PLACES = ("/etc/salt", "/srv/", "/var/lib/", "/run/")


def lay_out(folder: Path) -> Path:
    """Run the page's commands and return the configuration folder that they made.

    folder: an existing folder that stands for ``/``. Raises AssertionError with what the shell said.
    """
    (script,) = re.findall(r"```sh\n(.*?)```", repository.text(Path("docs/classic-layout.md")), re.DOTALL)
    for place in PLACES:
        script = re.sub(rf"(?<!\$PWD){place}", f"{folder}{place}", script)
    for place in ("srv", "run"):
        (folder / place).mkdir()
    done = repository.run("sh", "-euc", script)
    assert done.returncode == 0, done.stderr
    return folder / "etc/salt"
