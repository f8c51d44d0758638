"""Package repositories of yum, dnf and apt: signed, keys known by fingerprint, dead ones of the host switched off.

Not Salt's own pkgrepo states: they do not check a key's fingerprint, and they leave a repository that cannot be used, which
stops yum in the middle of a later stage.
"""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request

import mattermost_baseline_record as records
import mattermost_nginx_config as config
import mattermost_repositories_core as core
import mattermost_subprocess
from mattermost_answer import answer as _ret

FOLDER = "/etc/yum.repos.d"
KEYS = "/etc/pki/rpm-gpg"
APT_SOURCES = "/etc/apt/sources.list.d"
APT_KEYS = "/etc/apt/keyrings"
TIMEOUT = 60  # seconds
MAKECACHE_TIMEOUT = 900  # seconds; a whole list of packages over a slow line


def managed(name, sections, keys, dead=(), ca_file=None, setting=""):
    """Have a repository file with *sections*, the keys that sign them, and no enabled repository of a dead host.

    name: the file's name without ``.repo``. sections: ID -> ``{name, baseurl, keys, options, os}``; those with *os* (a list)
    count only where Salt says one of these names. keys: name -> ``{path, url, fingerprints}``; *path* is where the
    distribution has it, *url* where it is fetched when that is missing. dead: host names that no longer answer.
    ca_file: PEM to trust for the download of keys. setting: where the user finds *sections*, for the message.
    Result is False, nothing changed, when a key is not the one that is known, or an enabled repository, ours or the
    host's own, cannot be used: yum would stop over it later, in the middle of a stage.
    """
    chosen = {
        identity: section
        for identity, section in sections.items()
        if not section.get("os") or __grains__["os"] in section["os"]
    }
    wanted = {f"{FOLDER}/{name}.repo": core.text(chosen, _key_file).encode()}
    try:
        for key in sorted({key for section in chosen.values() for key in section["keys"]}):
            wanted[_key_file(key)] = _key(key, keys[key], ca_file, _key_file(key))
    except core.RepositoryError as err:
        return _ret(name, False, f"{err} Nothing was changed.")
    off = {}
    for path, text in records.texts(f"{FOLDER}/*.repo").items():
        if path in wanted:
            continue
        changed, identities = core.without_dead(text, dead)
        if identities:
            wanted[path] = changed.encode(errors="surrogateescape")
            off[path] = f"switched off: {', '.join(identities)}"
    changes = config.differing({path: data for path, data in wanted.items() if data is not None})
    mark = f"{FOLDER}/{core.NOT_PROVED}"
    was_cut = os.path.exists(mark)
    if not changes and not was_cut:
        return _ret(name, True, "The package repositories and their keys are up to date.")
    shown = {path: off.get(path, "written") for path in changes}
    if __opts__["test"]:
        return _ret(name, None, "The package repositories would be set up.", shown)
    before = {path: _content(path) for path in changes}
    config.write(mark, b"", 0o600)
    _write(changes)
    trouble = _unusable(sections, setting)
    if trouble:
        _write(before)
        if not was_cut:
            os.unlink(mark)
        return _ret(name, False, f"{trouble} The previous repository files were restored." if before else trouble)
    os.unlink(mark)
    return _ret(name, True, "The package repositories are set up.", shown)


def _content(path):
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def _write(files):
    for path, data in files.items():
        if data is None:
            os.unlink(path)
        else:
            config.overwrite(path, data)


def _unusable(sections, setting):
    """Return which enabled repository of the host does not answer or is wrongly signed, and what to do; '' when all work."""
    # yum 3's `fast` leaves out what only searches need; dnf has no such word
    command = ["dnf", "-qy", "makecache"] if shutil.which("dnf") else ["yum", "-qy", "makecache", "fast"]
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = mattermost_subprocess.run(command, env=environment, timeout=MAKECACHE_TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)} did not end within {MAKECACHE_TIMEOUT} s. Check whether the host reaches its package repositories."
    if done.returncode == 0:
        return ""
    output = done.stderr + "\n" + done.stdout
    places = {}
    for path, text in records.texts(f"{FOLDER}/*.repo").items():
        places.update(dict.fromkeys(core.identities(text), path))
    advice = []
    for identity in core.blamed(output, places):
        if identity in sections:
            todo = f"set a working mirror in mattermost:{setting}:{identity}:baseurl"
            advice.append(
                f"The repository {identity} is at {sections[identity]['baseurl']}. Check whether the host reaches that address, or {todo}."
            )
        else:
            advice.append(
                f"The repository {identity} is set in {places[identity]} on the host. Correct that file, or set enabled=0 for {identity} there."
            )
    which = " ".join(advice) or "To see the reason, run on the host: yum makecache"
    return f"A package repository cannot be used from this host: {core.reason(output)}. {which}"


def apt_source(name, uri, suite, components, key, keys, ca_file=None):
    """Have one further source of apt, signed by a key that is known by its fingerprint.

    name: the file's name without ``.sources``. uri, suite, components: of the source. key: name in *keys*, which are as in
    `managed`. ca_file: PEM to trust for the download of the key.
    Result is False, nothing changed, when the key is not the one that is known.
    """
    place = f"{APT_KEYS}/{name}.asc"
    wanted = {f"{APT_SOURCES}/{name}.sources": core.apt_text(uri, suite, components, place).encode()}
    try:
        wanted[place] = _key(key, keys[key], ca_file, place)
    except core.RepositoryError as err:
        return _ret(name, False, f"{err} Nothing was changed.")
    changes = config.differing({path: data for path, data in wanted.items() if data is not None})
    if not changes:
        return _ret(name, True, f"apt has the source {suite} and its key.")
    shown = dict.fromkeys(changes, "written")
    if __opts__["test"]:
        return _ret(name, None, f"Would add the source {suite} from {uri} to apt.", shown)
    os.makedirs(APT_KEYS, mode=0o755, exist_ok=True)
    for path, data in changes.items():
        config.write(path, data)
    return _ret(name, True, f"The source {suite} from {uri} was added to apt.", shown)


def modules_off(name, modules):
    """Have dnf's module streams of *modules* disabled: they would hide the packages of other repositories.

    name: only the state's name. modules: list of names; one that no repository has needs nothing.
    """
    todo = [module for module in modules if not core.is_disabled(records.module(module) or "")]
    if not todo:
        return _ret(name, True, "No dnf module hides the needed packages.")
    shown = dict.fromkeys(todo, "disabled")
    if __opts__["test"]:
        return _ret(name, None, f"Would disable the dnf module {', '.join(todo)}.", shown)
    for module in todo:
        command = ["dnf", "-qy", "module", "disable", module]
        ended = mattermost_subprocess.run(command)
        reason = (ended.stderr or ended.stdout).strip()
        if ended.returncode and "nable to resolve argument" not in reason:
            return _ret(
                name,
                False,
                f"dnf could not disable the module {module}, which hides needed packages: {reason}. Run on the host: dnf module disable {module}",
            )
        if ended.returncode:
            del shown[module]
    return _ret(name, True, "No dnf module hides the needed packages.", shown)


def _key_file(key):
    return f"{KEYS}/RPM-GPG-KEY-mattermost-{key}"


def _key(key, known, ca_file, place):
    """Return the content of a key, None when the one in *place* is right. Raises RepositoryError."""
    for path in (place, known.get("path")):
        if path and os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            if _is_known(text, known["fingerprints"]):
                return None if path == place else text.encode()
    text = _fetched(known["url"], ca_file)
    try:
        strange = core.unknown(text, known["fingerprints"])
    except core.RepositoryError as err:
        raise core.RepositoryError(
            f"The file {known['url']} does not contain the key {key}: {err} Check what that address returns on the host, or set "
            f"mattermost:platform:repositories:keys:{key}:url to another address."
        ) from None
    if strange:
        raise core.RepositoryError(
            f"The file {known['url']} contains the key {', '.join(strange)}, but {', '.join(known['fingerprints'])} is "
            f"expected for {key}. Set "
            f"mattermost:platform:repositories:keys:{key}:fingerprints if the vendor announced a new key."
        )
    return text.encode()


def _is_known(text, pinned):
    try:
        return not core.unknown(text, pinned)
    except core.RepositoryError:
        return False


def _fetched(url, ca_file):
    context = ssl.create_default_context(cafile=ca_file if ca_file and os.path.exists(ca_file) else None)
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT, context=context) as answer:  # noqa: S310 - from the platform's data
            return answer.read(1 << 20).decode("utf-8", "replace")
    except (OSError, ValueError, http.client.HTTPException) as err:
        reason = err.reason if isinstance(err, urllib.error.URLError) else err
        raise core.RepositoryError(
            f"The key {url} could not be downloaded: {reason}. Check whether the host reaches that address."
        ) from None
