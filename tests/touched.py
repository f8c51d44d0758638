"""Which tests a change touches: ``python -m tests.touched [BASE]`` runs the quick ones and names the scenarios.

By names, which is simple and mostly right: a test is touched when it, or a helper that it imports, says the name of what
changed. `make check` stays the proof.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
QUICK = ("tests/unit", "tests/render", "tests/config", "tests/attack")
# a change below the first touches the second as a whole
WHOLE = {
    "salt/mattermost/": "tests/render",
    "tests/render/": "tests/render",
    "docs/": "tests/unit/test_repository_docs.py",
    "README.md": "tests/unit/test_repository_docs.py",
    "Makefile": "tests/unit/test_repository.py",
    "tests/lab/standin/": "tests/unit/standin",
}


def changed(base) -> list[str]:
    """The files that differ from where this branch left *base*, those not committed among them."""

    def git(*words):
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{done.stderr.strip()}\nNothing to compare with. Name a commit: make touched BASE=main")
        return done.stdout.split("\n")

    (left, *_) = git("merge-base", base, "HEAD")
    return sorted({*git("diff", "--name-only", left), *git("ls-files", "--others", "--exclude-standard")} - {""})


def spoken(path) -> str:
    """A pattern of how tests speak of the file *path*: an import of what is a package's, else a name."""
    package, _, module = path.removesuffix(".py").replace("/", ".").rpartition(".")
    package = package.removeprefix("salt._utils.")
    if path.startswith(("tests/", "salt/_utils/mattermost_controller/")) and path.endswith(".py"):
        return rf"(?m)^\s*(from {package}\.{module} |import {package}\.{module}\b|from {package} import .*\b{module}\b)"
    is_folder = Path(path).parent.suffix == ".parts" or Path(path).name == "__init__.py"
    program = Path(path).parent if is_folder else Path(path)
    name = re.escape(program.name.split(".")[0])
    if path.startswith("salt/mattermost/deploy/") and path.endswith(".sls"):
        component = re.escape(Path(path).parts[3].removesuffix(".sls"))
        return rf"(deploy[./]|apply\(['\"]){component}\b"
    return rf"(?<![\w-]){name}(?![\w-])"


def touched(files, sources) -> set[str]:
    """The tests that *files* touch. sources: path of each file below tests/ to its text."""
    found = {target for path in files for start, target in WHOLE.items() if path.startswith(start)}
    left, seen = list(files), set(files)
    while left:
        path = left.pop()
        if Path(path).name.startswith("test_") and path in sources:
            found.add(path)
            continue
        if Path(path).name == "conftest.py":
            folder = str(Path(path).parent)
            found.update([folder] if folder != "tests" else QUICK if path in files else [])
            continue
        for other, text in sources.items():
            if other not in seen and re.search(spoken(path), text):
                seen.add(other)
                left.append(other)
    inside = {path for path in found for folder in found if path.startswith(f"{folder}/")}
    return found - inside


def main():
    base = sys.argv[1] if len(sys.argv) > 1 else "main"
    files = changed(base)
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "tests").rglob("*.py")}
    found = sorted(path for path in touched(files, sources) if (ROOT / path).exists())
    quick = [path for path in found if path.startswith(QUICK)]
    hosts = [path for path in found if path.startswith("tests/scenarios")]
    if hosts:
        print("These need hosts (make scenario TEST=…):", *hosts, sep="\n  ", flush=True)
    if not quick:
        print(f"No quick test speaks of what changed since {base}.")
        return 0
    print("Running:", *quick, sep="\n  ", flush=True)
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *quick], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
