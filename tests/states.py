"""Load a state module as Salt does, for unit tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SALT = Path(__file__).resolve().parent.parent / "salt"
MINION = {"id": "chat.example.com", "root_dir": "/", "file_client": "remote"}  # whose options Salt gives a state


def load_state(name, test=False, modules=None, folder="_states"):
    """Return the module NAME of salt/FOLDER, a file or a package, with what Salt puts in: ``__opts__``, ``__salt__`` and ``__context__``."""
    (path,) = [path for path in (SALT / folder / f"{name}.py", SALT / folder / name / "__init__.py") if path.exists()]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__opts__, module.__salt__, module.__context__ = {"test": test, **MINION}, modules or {}, {}
    return module
