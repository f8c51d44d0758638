"""Draw what a command shows on a terminal of 80 columns as an SVG: `python -m tools.picture FILE COMMAND…`.

The command runs on a pseudo-terminal; of a line that was written over, what stood there last is drawn.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import sys
from pathlib import Path
from xml.sax.saxutils import escape

COLUMNS, ROWS = 80, 50
WIDTH, HEIGHT, SIZE, EDGE = 8.4, 19, 14, 16  # of a character, a line, the letters, around it all
STYLES = {  # of the codes that our reports use
    "1": 'font-weight="bold"',
    "2": 'fill="#8b949e"',
    "31": 'fill="#ff7b72"',
    "32": 'fill="#7ee787"',
    "33": 'fill="#e3b341"',
}
_CODE = re.compile(r"\x1b\[([0-9;]*)m")


def lines(text: str) -> list[str]:
    """Return the lines that a terminal shows after *text*, with the codes of their colours."""
    shown = []
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        shown.append(line.rpartition("\r")[2].rpartition("\x1b[K")[2])
    return shown


def svg(title: str, shown: list[str]) -> str:
    """Return the picture. title: for who cannot see it. shown: of `lines`."""
    wide, high = COLUMNS * WIDTH + 2 * EDGE, len(shown) * HEIGHT + 2 * EDGE
    rows = []
    for number, line in enumerate(shown):
        if text := _spans(line):
            rows.append(f'<text x="{EDGE}" y="{EDGE + number * HEIGHT + SIZE}">{text}</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high}" role="img">',
            f"<title>{escape(title)}</title>",
            '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>',
            f'<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="{SIZE}" fill="#e6edf3" xml:space="preserve">',
            *rows,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _spans(line: str) -> str:
    """Return one line as SVG text; each span says where it begins, so that columns stand below each other in any font."""
    found, style, column = [], "", 0
    for number, part in enumerate(_CODE.split(line)):
        if number % 2:
            style = STYLES.get(part, "")
        else:
            for word in re.finditer(r"\S+(?: \S+)*", part):
                place = EDGE + (column + word.start()) * WIDTH
                length = len(word[0]) * WIDTH
                found.append(
                    f'<tspan x="{place:.1f}" textLength="{length:.1f}"{" " + style if style else ""}>{escape(word[0])}</tspan>'
                )
            column += len(part)
    return "".join(found)


def record(command: list[str]) -> tuple[int, str]:
    """Run *command* on a terminal; return its exit status and all that it wrote."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(COLUMNS=str(COLUMNS), LINES=str(ROWS), TERM="xterm-256color")
        os.environ.pop("NO_COLOR", None)
        os.execvp(command[0], command)  # noqa: S606
    said = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux' word for the end of a terminal
            break
        if not part:
            break
        said += part
        os.write(1, part)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode(errors="replace")


def main(path: str, command: list[str]) -> int:
    """Record *command* and write the picture when it ended well."""
    status, said = record(command)
    if status == 0:
        words = shlex.join(command)
        Path(path).write_text(svg(words, ["\x1b[1m$ " + words + "\x1b[0m", *lines(said)]), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
