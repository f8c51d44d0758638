"""What a file asks of a module of ours is there: a rename that forgot a caller is seen without running it."""

import ast
import importlib

from tests import repository

OURS = ("mattermost", "tests", "tools")
FILES = [path for path in repository.tracked() if path.suffix == ".py" and path.parts[:2] != ("tests", "clients")]


def modules_of(nodes) -> dict:
    """Return our modules that a source imports, by the name that it gives them; *nodes* are all of its tree."""
    found = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [(one.name, one.asname or one.name) for one in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [(f"{node.module}.{one.name}", one.asname or one.name) for one in node.names]
        else:
            continue
        for full, name in names:
            if full.startswith(OURS) and importlib.util.find_spec(full.rpartition(".")[0] or full):
                try:
                    found[name] = importlib.import_module(full)
                except ModuleNotFoundError:  # what is imported is a function or a class
                    continue
    return found


def missing(text) -> list:
    nodes = list(ast.walk(ast.parse(text)))
    modules = modules_of(nodes)
    own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return [
        f"line {node.lineno}: {node.value.id}.{node.attr}"
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
        and node.value.id not in own
        and not hasattr(modules[node.value.id], node.attr)
    ]


def test_what_is_asked_of_a_module_is_there():
    assert {str(path): found for path in FILES if (found := missing(repository.text(path)))} == {}


def test_a_forgotten_caller_is_found():
    text = "from tests import repository as own\nown.tracked()\nown.no_such_thing()\n"
    assert missing(text) == ["line 3: own.no_such_thing"]
