"""What SELinux must let our programs do: booleans, and labels for files in unusual places. Nothing where it is off.

Not Salt's own selinux states: those are missing, and fail, until the tools are installed, so a dry run on a bare host would.
"""

from __future__ import annotations

import os
import re
import shutil

import mattermost_baseline_record as records
import mattermost_commands as commands
import mattermost_subprocess
from mattermost_answer import answer as _ret

ENFORCE = ("/sys/fs/selinux/enforce", "/selinux/enforce")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def allowed(name, booleans=(), labels=(), tools="policycoreutils-python"):
    """Have *booleans* on, and files labelled, now and after a boot. SELinux stays as strict as it is.

    name: only the state's name. booleans: names. labels: list of ``{path, pattern, type, usual}``: files that match
    *pattern* (a regular expression, as semanage takes it) get *type*, and *path* is labelled anew; not where *path* is
    below *usual*, where the policy does that by itself. tools: the package that has semanage, for the message.
    """
    labels = [label for label in labels if not label["path"].startswith(label["usual"].rstrip("/") + "/")]
    if not booleans and not labels:
        return _ret(name, True, "SELinux needs no change.")
    if not any(os.path.exists(path) for path in ENFORCE):
        return _ret(name, True, "SELinux is off on this host.")
    lacking = [tool for tool in ("getsebool", "setsebool", "semanage", "restorecon") if not _which(tool)]
    if lacking:
        shown = {**dict.fromkeys(booleans, "on"), **{label["pattern"]: label["type"] for label in labels}}
        if __opts__["test"]:
            return _ret(
                name,
                None,
                f"SELinux booleans and file labels would be set for this deployment's programs, after the package {tools} is installed.",
                shown,
            )
        return _ret(
            name,
            False,
            f"SELinux is on, but {', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing. Install the package {tools} on the host.",
        )
    todo = {}
    for boolean in booleans:
        done = _run("getsebool", boolean)
        if done.returncode:
            return _ret(
                name,
                False,
                f"The SELinux policy of this host has no boolean {boolean}: {done.stderr.strip()}. List the booleans (getsebool -a), and name the right one in mattermost:platform:selinux:booleans.",
            )
        if done.stdout.split()[-1:] != ["on"]:
            todo[boolean] = ["setsebool", "-P", boolean, "on"]
    known = _run("semanage", "fcontext", "-l", "-C").stdout if labels else ""
    for label in labels:
        if not re.search(rf"(?m)^{re.escape(label['pattern'])}\s.*:{label['type']}:", known):
            todo[label["pattern"]] = ["semanage", "fcontext", "-a", "-t", label["type"], label["pattern"]]
    if not todo:
        return _ret(name, True, "SELinux allows what this deployment's programs need.")
    shown = {
        subject: f"{command[-1] if command[0] == 'setsebool' else command[4]}" for subject, command in todo.items()
    }
    if __opts__["test"]:
        return _ret(
            name,
            None,
            "SELinux booleans and file labels would be set, so that SELinux allows what this deployment's programs need.",
            shown,
        )
    fault = _carry_out(todo.values())
    if fault:
        return _ret(name, False, fault)
    for label in labels:
        if label["pattern"] in todo and os.path.exists(label["path"]):
            fault = _carry_out([["restorecon", "-RF", label["path"]]])
            if fault:  # else the next run takes the files for labelled
                _carry_out([["semanage", "fcontext", "-d", label["pattern"]]])
                return _ret(name, False, fault)
    return _ret(name, True, "SELinux allows what this deployment's programs need.", shown)


def as_before(name, paths, labels=()):
    """Have booleans and labels of a removal as they were before the deploys. Before the packages go, for the tools came with them.

    name: only the state's name. paths: of the settings. labels: list of ``{pattern, type}`` that deploys may have set.
    """
    record = records.read(paths["work"]) or {}
    todo = {
        boolean: ["setsebool", "-P", boolean, "off"]
        for boolean, was in record.get("booleans", {}).items()
        if was == "off" and records.boolean(boolean) == "on"
    }
    if labels and "contexts" in record and _which("semanage"):
        known = _run("semanage", "fcontext", "-l", "-C").stdout
        for label in labels:
            ours = re.search(rf"(?m)^{re.escape(label['pattern'])}\s.*:{label['type']}:", known)
            if ours and label["pattern"] not in record["contexts"]:
                todo[label["pattern"]] = ["semanage", "fcontext", "-d", label["pattern"]]
    if not todo:
        return _ret(name, True, "No recorded SELinux boolean or file label has to be set back.")
    shown = {subject: "off" if command[0] == "setsebool" else "removed" for subject, command in todo.items()}
    if __opts__["test"]:
        return _ret(
            name, None, "SELinux booleans and file labels would be set back to those from before the deploy.", shown
        )
    fault = _carry_out(todo.values())
    if fault:
        return _ret(name, False, fault)
    return _ret(name, True, "SELinux booleans and file labels were set back to those from before the deploy.", shown)


def _carry_out(todo) -> str:
    """Run the commands up to the first that fails; return what to say of it, "" when none did."""
    for command in todo:
        fault = commands.failure(_which(command[0]), *command[1:])
        if fault:
            return fault
    return ""


def _which(tool):
    return shutil.which(tool, path=PATH)


def _run(tool, *arguments):
    return mattermost_subprocess.run([_which(tool), *arguments])
