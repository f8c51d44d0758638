"""The host's packages, by dpkg or rpm: what is installed, and what of it came with ours and nothing else needs.

The judgement is pure; `Packages` asks and removes. Not apt's or yum's own "autoremove": that takes away what others left
behind too, and rpm of EL 7 has none.
"""

from __future__ import annotations

import glob
import os
import re
import shutil

import mattermost_subprocess
from mattermost_lines import lines_of

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
GONE = ("not-installed", "config-files")  # what else dpkg says, it has at least a part of the package
DPKG = "/usr/bin/dpkg-query"
DPKG_LOG = "/var/log/dpkg.log"
YUMDB = "/var/lib/yum/yumdb"
AHEAD = "/run/mattermost-packages.lock"  # held by who fetches packages before Salt is there, then by Salt's process
TRIES = 50  # each drops at least one package from what rpm is asked to remove


class PackageError(Exception):
    """A package could not be removed; the text is the package manager's own reason."""


def removable(installed: dict, before, ours, manual=()) -> list[str]:
    """Return what may go, sorted: *ours*, and what came for their sake and for nobody else's.

    installed: name -> ``{"needs": [[alternatives]], "wants": [[alternatives]], "provides": [names]}``; *wants* are
    recommendations. before: names that were there before us. ours: names that we asked for. manual: names that somebody
    else asked for.
    """
    before, manual = set(before), set(manual) - set(ours)
    providers = {}
    for name, entry in installed.items():
        for provided in {name, *entry["provides"]}:
            providers.setdefault(provided, set()).add(name)

    def reached(start, *kinds):
        found, todo = set(), [name for name in start if name in installed]
        while todo:
            name = todo.pop()
            if name in found:
                continue
            found.add(name)
            for kind in kinds:
                for alternatives in installed[name][kind]:
                    for alternative in alternatives:
                        todo += providers.get(alternative, ())
        return found

    came = set(installed) - before
    going = {name for name in reached([name for name in ours if name in came], "needs", "wants") if name in came}
    going -= manual
    # what was there before did without recommendations; what somebody installed since may have come with them
    stay = reached([name for name in installed if name in before], "needs")
    stay |= reached([name for name in installed if name in came - going], "needs", "wants")
    return sorted(going - stay)


def from_dpkg(text: str) -> dict:
    """Return the installed packages from `Packages.graph`'s question to dpkg-query."""
    found = {}
    for line in lines_of(text):
        name, status, depends, before, recommends, provides = (line.split("\t") + [""] * 6)[:6]
        if status in GONE:
            continue
        found[name] = {
            "needs": _alternatives(depends) + _alternatives(before),
            "wants": _alternatives(recommends),
            "provides": [names[0] for names in _alternatives(provides)],
        }
    return found


def _alternatives(field: str) -> list[list[str]]:
    """Split ``a (>= 1) | b, c:any`` into ``[["a", "b"], ["c"]]``."""
    parts = [part for part in field.split(",") if part.strip()]
    return [[re.split(r"[\s(:\[]", word.strip())[0] for word in part.split("|")] for part in parts]


def from_rpm(needs: str, provides: str) -> dict:
    """Return the installed packages from rpm's lists, lines of ``NAME<tab>CAPABILITY``."""
    found = {}
    for text, kind in ((provides, "provides"), (needs, "needs")):
        for line in lines_of(text):
            name, _, capability = line.partition("\t")
            entry = found.setdefault(name, {"needs": [], "wants": [], "provides": []})
            if capability and not capability.startswith("rpmlib("):
                entry[kind].append([capability] if kind == "needs" else capability)
    return found


def from_yumdb(notes) -> list[str]:
    """Return the packages that somebody asked yum for. notes: its files ``…/CHECKSUM-NAME-VERSION-RELEASE-ARCH/reason``."""
    found = []
    for note in notes:
        with open(note, encoding="utf-8", errors="replace") as file:
            if file.read().strip() == "user":
                found.append(os.path.basename(os.path.dirname(note)).split("-", 1)[1].rsplit("-", 3)[0])
    return sorted(set(found))


def arrived(total: int):
    """Return what says how far dpkg is from now on, in words: "" before it begins, and when all of *total* packages are configured."""
    begun = os.path.getsize(DPKG_LOG) if os.path.exists(DPKG_LOG) else 0

    def share() -> str:
        try:
            with open(DPKG_LOG, encoding="utf-8", errors="replace") as log:
                log.seek(begun)
                steps = {tuple(line.split()[3:5]) for line in log if " status " in line}
        except OSError:
            return ""
        new = {name for state, name in steps if state == "unpacked"}
        done = len(new) + sum(state == "installed" and name in new for state, name in steps)
        return f"{done * 50 // total} % of {total}" if 0 < done < 2 * total else ""

    return share


class Packages:
    """The package manager of this host."""

    def __init__(self):
        self.is_dpkg = os.path.exists(DPKG)

    def names(self) -> list[str]:
        """Return the names of all installed packages."""
        if self.is_dpkg:
            lines = lines_of(_run("dpkg-query", "-W", "-f", "${Package}\t${db:Status-Status}\n"))
            return sorted({name for name, status in (line.split("\t") for line in lines) if status not in GONE})
        return sorted(set(_run("rpm", "-qa", "--qf", "%{NAME}\n").split()))

    def graph(self) -> dict:
        """Return what `removable` wants to know."""
        if self.is_dpkg:
            fields = ("Package", "db:Status-Status", "Depends", "Pre-Depends", "Recommends", "Provides")
            return from_dpkg(_run("dpkg-query", "-W", "-f", "\t".join(f"${{{field}}}" for field in fields) + "\n"))
        needs = _run("rpm", "-qa", "--qf", "[%{=NAME}\t%{REQUIRENAME}\n]")
        return from_rpm(needs, _run("rpm", "-qa", "--qf", "[%{=NAME}\t%{PROVIDENAME}\n][%{=NAME}\t%{FILENAMES}\n]"))

    def manual(self) -> list[str]:
        """Return what somebody asked for by name, ourselves among them; empty where that is not known."""
        if self.is_dpkg:
            return _run("apt-mark", "showmanual").split() if shutil.which("apt-mark") else []
        if shutil.which("dnf"):
            return _run("dnf", "-q", "--disablerepo=*", "repoquery", "--userinstalled", "--qf", "%{name}\n").split()
        return from_yumdb(glob.glob(f"{YUMDB}/*/*/reason"))

    def keys(self) -> dict[str, str]:
        """Return the keys that rpm trusts: what it calls one -> name of its package. Empty where there is no rpm."""
        if self.is_dpkg:
            return {}
        lines = lines_of(_run("rpm", "-qa", "gpg-pubkey", "--qf", "%{VERSION}\t%{NAME}-%{VERSION}-%{RELEASE}\n"))
        return dict(line.split("\t") for line in lines)

    def remove(self, names: list[str], keep_settings=()) -> list[str]:
        """Remove exactly these packages; return those that are gone.

        keep_settings: names of which dpkg leaves the settings and data. Nothing else is ever removed, and nothing is
        fetched. Raises PackageError.
        """
        if self.is_dpkg:
            _run("dpkg", "--configure", "-a")  # after a run that was cut short
            for option, some in (
                ("--remove", set(names) & set(keep_settings)),
                ("--purge", set(names) - set(keep_settings)),
            ):
                if some:
                    _run("dpkg", option, *sorted(some))
            return names
        names = list(names)
        for _ in range(TRIES):
            trial = mattermost_subprocess.run(["rpm", "-e", "--test", *names], env=ENVIRONMENT)
            needed = {
                name
                for name in names
                if re.search(r"needed by \(installed\)", trial.stderr) and _named(name, trial.stderr)
            }
            if trial.returncode == 0 or not needed:
                break
            names = [name for name in names if name not in needed]
        if names:
            _run("rpm", "-e", *names)
        return names


def _named(name: str, complaint: str) -> bool:
    """Say whether rpm's complaint is about a capability of *name*; it names capabilities, so ask what has them."""
    capabilities = re.findall(r"^\s*(\S+).* is needed by \(installed\)", complaint, re.M)
    provides = mattermost_subprocess.run(["rpm", "-q", "--provides", "-l", name], env=ENVIRONMENT)
    return bool(set(capabilities) & {line.split()[0] for line in lines_of(provides.stdout) if line.split()})


def _run(*command: str) -> str:
    done = mattermost_subprocess.run(command, env=ENVIRONMENT)
    if done.returncode:
        lines = [line.strip() for line in lines_of(done.stderr or done.stdout) if line.strip()]
        raise PackageError(
            f"{' '.join(command[:2])} failed: {' '.join(lines[-3:]) or f'exit status {done.returncode}'}"
        )
    return done.stdout
