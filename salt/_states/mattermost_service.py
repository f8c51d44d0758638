"""Keep the Mattermost server running in the wanted version, started at most once a run and proved healthy.

.. code-block:: yaml

    mattermost-is-running:
      mattermost_service.running:
        - name: mattermost
        - release: {{ mattermost.release | json }}
        - paths: {{ mattermost.paths | json }}

Every start, restart and switch is the work of the host program ``mattermost-switch``; this only decides which one is due.
"""

from __future__ import annotations

import os
import time

import mattermost_release_tree as tree
import mattermost_service_core as core
import mattermost_subprocess
from mattermost_answer import answer as _ret
from mattermost_lines import lines_of
from mattermost_release_facts import effective

PROGRAM = "/usr/local/sbin/mattermost-switch"
SWITCH = "mattermost-switch"
UNITS = "/etc/systemd/system"


def running(name, release, paths, ignore=()):
    """Make sure that the service runs the wanted version, with its present unit, environment and configuration.

    name: service without suffix. release, paths: branches of the settings. ignore: names of checks to pass over (``user-limit``).
    A switch is undone by the host program when the new version does not come up healthy; the result then is False and the comment its
    report. A running server is restarted only when the unit or the environment file is younger than its start, or when a state before
    this one says ``restart: True`` in its changes.
    """
    installed = tree.current(paths["install"])
    wanted = effective(release, installed)
    unit = f"{UNITS}/{name}.service"
    files = [unit, f"{paths['settings']}/environment", f"{paths['work']}/restart-is-due"]
    active, started = _service(name)
    reasons = core.due(_changed(files), started) + core.announced(globals().get("__running__") or {}, files)
    step = core.step(wanted, installed, active, sorted(set(reasons)))
    disabled = [each for each in (name, SWITCH) if not _enabled(each)]
    if step and step[0] == "to" and installed and "user-limit" not in ignore:
        before = tree.edition(paths["install"], installed)
        refused = core.too_many_users(installed, wanted, _users(), release["edition"], before)
        if refused:
            return _ret(name, False, refused)
    changes = {}
    if step:
        changes["service"] = step[1]
    if disabled:
        changes["enabled"] = disabled
    if __opts__["test"]:
        if changes:
            return _ret(name, None, f"Would {step[1] if step else 'enable ' + ', '.join(disabled)}.", changes)
        return _checked(name, wanted, changes)
    if disabled:
        done = _run(["systemctl", "enable", *disabled])
        if done.returncode:
            return _ret(name, False, done.stderr.strip())
    if not step:
        return _checked(name, wanted, changes)
    return _do(name, step[0], wanted, changes)


def _do(name, verb, wanted, changes):
    done = _run([PROGRAM, verb, *([wanted] if verb == "to" else [])])
    report = core.report(done.stdout)
    comment = core.comment(report, done.stderr.strip() or done.stdout.strip())
    if done.returncode == 0:
        if "outage" in report:
            changes = {**changes, "seconds": int(report["outage"]) / 100}
        return _ret(name, True, comment, changes)
    if report.get("result") == "refused":
        changes = {}
    return _ret(name, False, comment, changes)


def _checked(name, version, changes):
    done = _run([PROGRAM, "check"])
    if done.returncode:
        return _ret(name, False, done.stderr.strip(), changes)
    return _ret(name, True, f"Mattermost {version} runs and is healthy.", changes)


def _users():
    """Return how many accounts of people are active, None when they cannot be counted."""
    done = _run([PROGRAM, "users"])
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip().isdigit() else None


def _run(command):
    # no time limit: the program watches a migration by its progress, however long it takes
    return mattermost_subprocess.run(command)


def _service(name):
    """Return whether the service is active, and when its process was started, in seconds since 1970."""
    done = _run(["systemctl", "show", name, "-p", "ActiveState", "-p", "ExecMainStartTimestampMonotonic"])
    found = dict(line.split("=", 1) for line in lines_of(done.stdout) if "=" in line)
    since_boot = int(found.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    booted = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    return found.get("ActiveState") == "active", booted + since_boot


def _changed(files):
    """Return the time of each file's last change; files that are not there are left out."""
    found = {}
    for path in files:
        try:
            found[path] = os.stat(path).st_ctime
        except FileNotFoundError:
            continue
    return found


def _enabled(name):
    return os.path.islink(f"{UNITS}/multi-user.target.wants/{name}.service")
