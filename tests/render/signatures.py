"""Which arguments a state function takes, read from its source: importing it would need the host's programs."""

from __future__ import annotations

import ast
import functools
import pathlib
import re

import salt.state
import salt.states

from tests.render.compiler import ROOT

OURS = {"host": "{}.py", "controller": "{}/__init__.py"}  # in salt/_states
# What Salt itself takes out before it calls the function: requisites, retry and the like.
KEYWORDS = set(salt.state.STATE_INTERNAL_KEYWORDS)
MODULES = {"salt": "saltmod"}  # states that carry another name than their file


@functools.cache
def functions(side: str, module: str) -> dict[str, ast.FunctionDef] | None:
    """Return the public functions of a state module by name; None when there is no such module on that *side*."""
    name = MODULES.get(module, module)
    for path in (
        ROOT / "salt/_states" / OURS[side].format(name),
        pathlib.Path(salt.states.__file__).parent / f"{name}.py",
    ):
        if path.is_file():
            nodes = ast.parse(path.read_text(encoding="utf-8")).body
            found = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
            aliases = {
                target.id: found[node.value.id]
                for node in nodes
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in found
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            return found | aliases | _func_alias(nodes, found)
    return None


def _func_alias(nodes, found) -> dict[str, ast.FunctionDef]:
    """Return what ``__func_alias__`` renames, as Salt's loader does."""
    for node in nodes:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__func_alias__":
            return {new: found[old] for old, new in ast.literal_eval(node.value).items() if old in found}
    return {}


def faults(chunk: dict, side: str) -> list[str]:
    """Return what is wrong with one piece of low data as a call: no such state, an unknown or a missing argument.

    A function with ``**kwargs`` takes what its source or docstring names.
    """
    call = f"{chunk['__id__']}: {chunk['state']}.{chunk['fun']}"
    known = functions(side, chunk["state"])
    if known is None or chunk["fun"] not in known:
        return [f"{call} does not exist."]
    arguments = known[chunk["fun"]].args
    positional = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    accepted = {*positional, *(argument.arg for argument in arguments.kwonlyargs)}
    given = {key for key in chunk if not key.startswith("__")} - {"state", "fun", "order"}
    required = positional[: len(positional) - len(arguments.defaults)]
    found = [f"{call} needs {name}." for name in required if name not in given]
    words = set(re.findall(r"\w+", ast.unparse(known[chunk["fun"]]))) if arguments.kwarg else set()
    found += [f"{call} takes no {name}." for name in sorted(given - accepted - KEYWORDS - words)]
    return found
