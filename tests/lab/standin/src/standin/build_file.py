"""Find out which version this program was packed as."""

from __future__ import annotations

import json
import os
import sys

from .versions import Build

NAME = "stand-in.json"


def load() -> Build:
    """Read the build file that the packer put beside the frozen libraries.

    Raises FileNotFoundError with what to do when the program runs unpacked.
    """
    directory = getattr(sys, "_MEIPASS", os.path.dirname(__file__))
    path = os.path.join(directory, NAME)
    try:
        with open(path, encoding="utf-8") as file:
            return Build(json.load(file)["version"])
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing: run the program from an archive made by `make standin`.") from None
