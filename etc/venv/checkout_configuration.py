"""Whether the Saltfile and the master's configuration that it names can be read: Salt itself ends in a traceback, or goes to /etc/salt.

`make setup` puts this beside `started_elsewhere`, which asks it before `salt-run` and `salt-ssh` start.
"""

import glob
import os

LOADER = "log_handlers/mattermost_checkout.py"  # below its configuration a checkout of this bundle has it
TEXTS = ("root_dir", "roster_file", "cachedir", "pki_dir", "conf_file")
LISTS = ("utils_dirs", "module_dirs", "states_dirs", "log_handlers_dirs", "ssh_options")
ROOTS = ("file_roots", "pillar_roots")
NEEDED = ("root_dir", "file_roots", "pillar_roots", "utils_dirs", "module_dirs", "states_dirs", "log_handlers_dirs")


class Fault(Exception):
    """What is wrong with a file; one sentence that says what to do."""


def fault(program, saltfile):
    """Return what is wrong with the configuration of *program* (such as ``salt-run``) by *saltfile*, a path; "" for nothing."""
    here = os.path.dirname(os.path.abspath(saltfile))
    is_checkout = os.path.exists(os.path.join(here, "etc/salt", LOADER))
    try:
        found = _read(saltfile)
        if not is_checkout and program not in found:
            return ""  # somebody's own, for another program: Salt goes to /etc/salt
        folder = _folder(saltfile, program, found)
        master = os.path.join(here, folder, "master")
        _master(master, _read(master), os.path.exists(os.path.join(os.path.dirname(master), LOADER)))
        for more in sorted(glob.glob(os.path.join(here, folder, "master.d", "*.conf"))):
            _master(more, _read(more), False)
    except Fault as err:
        return f"{program}: {err}"
    return ""


def _folder(saltfile, program, found):
    section = found.get(program)
    if isinstance(section, dict) and isinstance(section.get("config_dir"), str):
        return section["config_dir"]
    raise Fault(
        f"{saltfile} has no section `{program}:` with a line `config_dir: etc/salt` below it. Write both, or restore the file: git checkout Saltfile"
    )


def _read(path):
    """Return the mapping in a file of YAML, {} of an empty one. Raises Fault."""
    import yaml

    try:
        with open(path, "rb") as file:
            text = file.read(1 << 20).decode("utf-8-sig")
    except OSError as err:
        raise Fault(
            f"{path} cannot be read: {err.strerror}. Restore this file from the bundle, or make the file readable for your account."
        ) from None
    except UnicodeDecodeError as err:
        line = err.object.count(b"\n", 0, err.start) + 1
        raise Fault(f"{path}:{line}: this line has a character that is not UTF-8. Save the file in UTF-8.") from None
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as err:
        mark = getattr(err, "problem_mark", None)
        line = mark.line if mark else 0
        is_tab = "\t" in (text.splitlines() + [""])[line].partition("#")[0]
        what = "a tab: indent with spaces" if is_tab else "this is not valid YAML: check indentation, colons and quotes"
        raise Fault(f"{path}:{line + 1}: {what}.") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Fault(
            f"{path}:1: this file contains no mapping. Write `name: value` lines, as this bundle's file has them."
        )
    return found


def _master(path, found, is_ours):
    """Judge what *found* says; all that Salt's own code stumbles over. is_ours: whether it is a checkout's, which needs more."""
    for key in TEXTS:
        if not isinstance(found.get(key, ""), str):
            raise Fault(f"{path}: {key} must be text. Write the path on the same line, as `{key}: PATH`.")
    for key in LISTS:
        if not _is_list(found.get(key, [])):
            raise Fault(f"{path}: {key} must be a list. Write `{key}: [FOLDER]`.")
    for key in ROOTS:
        value = found.get(key, {})
        if not isinstance(value, dict) or not all(map(_is_list, value.values())):
            raise Fault(f"{path}: {key} must be a mapping of lists. Write `{key}: {{base: [FOLDER]}}`.")
    missing = [key for key in NEEDED if not found.get(key)] if is_ours else []
    if missing:
        raise Fault(
            f"{path} does not set {', '.join(missing)}. Restore the lines of this bundle: git checkout etc/salt/master"
        )


def _is_list(value):
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
