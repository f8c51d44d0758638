"""Build the stand-in's archives: ``python tests/lab/standin/build.py [VERSION ...]``.

Freezing takes most of a minute and depends only on the sources, so its result stays in the cache
(``$LAB_CACHE``, default ``.lab/cache``) under a name made of everything that went in. Packing a version is quick.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import needs
import pack

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
VERSIONS = ("11.7.100", "11.8.100")


class BuildError(Exception):
    """The build cannot go on; the text says what to do."""


def python_identity() -> str:
    """What of the building Python ends up in the archive."""
    return f"{sys.version} {sysconfig.get_config_var('LDLIBRARY')} {sysconfig.get_platform()}"


def digest(paths: list[Path], *words: str) -> str:
    """Name for a build: 16 hex digits over file names, contents and *words*."""
    total = hashlib.sha256("\0".join(words).encode())
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(HERE)} {content}\n".encode())
    return total.hexdigest()[:16]


def sources(folder: str) -> list[Path]:
    return [path for path in (HERE / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one build at a time work in a shared cache."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(*command: str | Path, **more) -> None:
    """Run a command quietly. Raises BuildError with its output when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        raise BuildError(f"{' '.join(words)} failed with {done.returncode}:\n{done.stdout[-4000:]}")


def tools(cache: Path) -> Path:
    """Return the Python of a virtual environment that has the pinned packages."""
    requirements = HERE / "requirements.txt"
    home = cache / f"tools-{digest([requirements], python_identity())}"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        print("stand-in: installing the build tools ...", flush=True)
        venv.create(home, with_pip=True, symlinks=True)
        run(home / "bin/python", "-m", "pip", "install", "--quiet", "-r", requirements)
        (home / "ready").touch()
    return home / "bin/python"


def freeze(cache: Path) -> Path:
    """Return the directory with the frozen programs, made by PyInstaller when the sources have changed."""
    inputs = [*sources("src"), HERE / "requirements.txt", HERE / "freeze.spec"]
    home = cache / f"frozen-{digest(inputs, python_identity())}"
    if not (home / "bin").exists():
        needs.provide()
        python = tools(cache)
        print("stand-in: freezing the programs (most of a minute) ...", flush=True)
        work = home.with_suffix(".work")
        shutil.rmtree(work, ignore_errors=True)
        environment = os.environ | {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(pack.TIME), "PYTHONDONTWRITEBYTECODE": "1",
                                    "PYINSTALLER_CONFIG_DIR": str(cache / "pyinstaller")}  # fmt: skip
        run(python, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level=WARN", "--distpath", work / "dist",
            "--workpath", work / "build", HERE / "freeze.spec", cwd=HERE, env=environment)  # fmt: skip
        shutil.rmtree(home, ignore_errors=True)
        (work / "dist").rename(home)
        shutil.rmtree(work)
    return home / "bin"


def archive(version: str, cache: Path, output: Path) -> Path:
    """Return the archive of *version* in *output*, packed when anything in it has changed."""
    frozen = freeze(cache)
    stamp = digest([*sources("archive"), *sources("src"), HERE / "pack.py"], frozen.parent.name, version)
    target, mark = output / pack.file_name(version), output / f".{pack.file_name(version)}.stamp"
    if not target.exists() or not mark.exists() or mark.read_text() != stamp:
        output.mkdir(parents=True, exist_ok=True)
        pack.write(version, frozen, target)
        mark.write_text(stamp)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "versions", nargs="*", default=VERSIONS, metavar="VERSION", help="default: " + " ".join(VERSIONS)
    )
    parser.add_argument("--output", type=Path, default=CHECKOUT / ".lab/archives", help="where the archives go")
    arguments = parser.parse_args()
    cache = Path(os.environ.get("LAB_CACHE") or CHECKOUT / ".lab/cache").absolute() / "standin"
    try:
        with locked(cache / "lock"):
            for version in arguments.versions:
                target = archive(version, cache, arguments.output)
                print(f"{hashlib.sha256(target.read_bytes()).hexdigest()}  {target}")
    except (BuildError, needs.MissingPackages) as error:
        print(f"stand-in: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
