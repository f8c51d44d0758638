"""The functions of a program in sh, and which variables each of them sets: read as text, for no shell says it."""

from __future__ import annotations

import re

HEAD = re.compile(r"(?m)^(?P<name>[a-z_]+)\(\) (?P<open>[({])(?P<rest>.*)$")
HERE_DOCUMENT = re.compile(r"<<-?'?([A-Z]+)'?")
ARITHMETIC = re.compile(r"\$\(\(.*?\)\)")
SET = re.compile(
    r"(?:^|(?<=[\s;&|(]))(?<!-v )([a-z]\w*)=|\bfor ([a-z]\w*) in\b|\bread -r ((?:[a-z_]+ ?)+)", re.MULTILINE
)
LOCAL = re.compile(r"\blocal ((?:\w+(?:=[^\s;&|]*)? ?)+)")
SAID = re.compile(r"\bsets ([^:;]*)")


def own_text(text: str) -> str:
    """Return *text* with what is data to the shell left out: comments, here-documents, what stands in quotes."""
    kept, place, quotes, awaited = [], 0, [False], []
    while place < len(text):
        sign = text[place]
        if sign == "\\":
            place += 2
        elif text.startswith("$(", place) and not text.startswith("$((", place):
            quotes.append(False)
            kept.append("$(")
            place += 2
        elif sign == '"':
            quotes[-1] = not quotes[-1]
            kept.append(sign)
            place += 1
        elif quotes[-1]:
            place += 1
        elif sign == "'":
            place = text.index("'", place + 1) + 1
        elif sign == "#" and text[place - 1] in " \n":
            place = text.find("\n", place) if "\n" in text[place:] else len(text)
        elif found := HERE_DOCUMENT.match(text, place):
            awaited.append(found[1])
            place = found.end()
        elif sign == "\n" and awaited:
            place = re.compile(f"^{awaited.pop(0)}$", re.MULTILINE).search(text, place).end()
        elif found := ARITHMETIC.match(text, place):
            place = found.end()
        else:
            if sign == ")" and len(quotes) > 1:
                quotes.pop()
            kept.append(sign)
            place += 1
    return "".join(kept)


def functions(program: str) -> dict[str, str]:
    """Return the functions of a program by their names, each whole. One in parentheses is a process of its own and left out."""
    found = {}
    for head in HEAD.finditer(program):
        if head["open"] == "{":
            is_one_line = own_text(head["rest"]).rstrip().endswith("}")
            end = head.end() if is_one_line else program.index("\n}\n", head.start()) + 2
            found[head["name"]] = program[head.start() : end]
    return found


def sets(function: str) -> set[str]:
    """Return the variables of the program that a function sets, but those that its first line says it sets and its own."""
    text = own_text(function)
    assigned = {name for groups in SET.findall(text) for group in groups for name in group.split()}
    own = {word.partition("=")[0] for names in LOCAL.findall(text) for word in names.split()}
    said = SAID.search(function.partition("\n")[0])
    return assigned - own - set(re.findall(r"\w+", said[1]) if said else ()) - {"_"}
