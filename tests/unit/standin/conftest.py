"""The stand-in's sources are no package of the repository: they get frozen. Tests put them on the path."""

import sys
from pathlib import Path

import pytest

STANDIN = Path(__file__).resolve().parents[2] / "lab/standin"
sys.path[:0] = [str(STANDIN / "src"), str(STANDIN)]

from standin.versions import Build  # noqa: E402


@pytest.fixture
def build():
    return Build("11.7.100")
