"""Keep nginx's configuration: each change is proved by nginx before it replaces anything, and taken by a reload.

.. code-block:: yaml

    nginx-serves-the-site:
      mattermost_nginx.configured:
        - name: site
        - files:
            - path: /etc/nginx/conf.d/site.conf
              source: salt://site/files/site.conf.jinja
        - context: {name: chat.example.org}
        - ports: [443]
"""

from __future__ import annotations

import os
import subprocess

import mattermost_engine as engine
import mattermost_nginx_config as config
import mattermost_nginx_process as process
from mattermost_answer import answer as _ret


def ports_free(name, ports):
    """Make sure that no other program than nginx listens on *ports*. Changes nothing.

    name: free. ports: TCP port numbers.
    """
    taken = process.occupant(ports)
    shown = " and ".join(str(port) for port in ports)
    return _ret(name, not taken, taken or f"No other program holds port {shown}.")


def configured(
    name,
    work,
    files,
    context,
    absent=(),
    put_away=(),
    needs=None,
    ports=(),
    serves=None,
    directory="/etc/nginx",
    program="nginx",
    service="nginx",
    error_log="/var/log/nginx/error.log",
):
    """Make sure that *files* are nginx's configuration and that the running nginx uses them.

    name: what these files are for, one word; also names the note about a reload that is due.
    files: list of ``{path, source}``, source a Jinja template (salt://); they change together or not at all.
    context: values for the templates; ``ipv6`` (whether this host can listen on it) is added here.
    absent: paths that must not exist. put_away: foreign files that are moved below *work*, or links that are removed.
    needs: SLS -> list of the files that it makes and that must exist before nginx may name them (certificates).
    ports: TCP ports that these files listen on. serves: ``{name, certificate}``, reload when another one is served.
    directory, program, service, error_log: where this platform's nginx has them. work: directory of our own.
    Result is False, with everything as before, when nginx refuses the files or the reload.
    """
    context = dict(context, ipv6=process.speaks_ipv6())
    try:
        wanted = {entry["path"]: _rendered(entry["source"], context) for entry in files}
    except Exception as err:  # noqa: BLE001 - any fault of a template is told the same way
        return _ret(
            name, False, f"A template of nginx's {name} configuration cannot be rendered: {err}. Nothing was changed."
        )
    changes = config.differing({**wanted, **dict.fromkeys(absent)})
    away = [path for path in put_away if os.path.lexists(path)]
    due = os.path.join(work, f"nginx-reload-{name}")
    why = _why(changes, away, due, serves)
    if not why:
        return _ret(name, True, f"nginx's {name} configuration is up to date and in use.")
    shown = {path: _verb(path, content) for path, content in changes.items()}
    shown.update({path: "removed" for path in away})
    missing = [(path, sls) for sls, paths in (needs or {}).items() for path in paths if not os.path.exists(path)]
    if __opts__["test"]:
        later = (
            f" {missing[0][0]} does not exist yet. A whole deploy creates that file before this step, with the state {missing[0][1]}."
            if missing
            else ""
        )
        return _ret(name, None, f"Would change nginx's {name} configuration: {why}.{later}", shown or {"nginx": why})
    if missing:
        path, sls = missing[0]
        return _ret(
            name,
            False,
            f"{path} does not exist, so nginx cannot use it. Nothing was changed. Run first: {engine.apply_command(sls, __opts__)}",
        )
    taken = process.occupant(ports)
    if taken:
        return _ret(name, False, f"{taken} Nothing was changed.")
    reason = config.proof({**changes, **dict.fromkeys(away)}, directory, program)
    if reason:
        return _ret(name, False, _refused(reason, wanted))
    swap = config.Swap(changes, away, os.path.join(work, "put-away"))
    config.write(due, b"", 0o600)
    swap.apply()
    is_served = bool(process.master(service))
    if is_served:
        reason = process.reload(service, error_log)
        if reason:
            swap.undo()
            os.unlink(due)
            return _ret(
                name,
                False,
                f"The running nginx refused to reload: {reason}. The old files were restored. See on the host: journalctl -u {service} -n 50",
            )
    os.unlink(due)
    return _ret(name, True, _done(name, shown, why, is_served), shown or {"nginx": "reloaded"})


def unit_tuned(name, lines):
    """Make sure that the drop-in *name* of a systemd unit has *lines* below ``[Service]``, or that it is absent.

    name: path of the drop-in. lines: list of ``Key=value``; empty means that no drop-in is wanted.
    systemd reads it at once; the running service is not restarted.
    """
    content = "\n".join(["# Managed by Salt (mattermost.deploy.nginx-base).", "[Service]", *lines, ""]).encode()
    changes = config.differing({name: content if lines else None})
    if not changes:
        return _ret(name, True, f"The drop-in {name} needs no change.")
    shown = {name: "written" if lines else "removed"}
    if __opts__["test"]:
        return _ret(name, None, f"The drop-in {name} would be {shown[name]}.", shown)
    config.Swap(changes, [], "").apply()
    subprocess.run(["systemctl", "daemon-reload"], check=True, capture_output=True)
    return _ret(name, True, f"The drop-in {name} was {shown[name]}.", shown)


def _rendered(source, context):
    text = __salt__["cp.get_file_str"](source)
    if not isinstance(text, str):
        raise ValueError(f"{source} was not shipped to the host")
    return config.render(text, context)


def _why(changes, away, due, serves):
    """Return what is to be done as a phrase, empty when nothing is."""
    if changes or away:
        return _count(len(changes) + len(away), "differs", "differ")
    if os.path.exists(due):
        return "an earlier run ended before nginx loaded the files"
    if serves:
        stored = process.stored_certificate(serves["certificate"])
        served = process.served_certificate(serves["name"])
        if stored and served and stored != served:
            return "nginx serves an older certificate than the one on disk"
    return ""


def _done(name, shown, why, is_reloaded):
    """Return what was done, as a sentence. shown: by path. why: of `_why`."""
    what = (
        f"{_count(len(shown))} of nginx's {name} configuration changed"
        if shown
        else f"nginx's {name} configuration: {why}"
    )
    return f"{what}; {'nginx was reloaded' if is_reloaded else 'nginx is not running yet'}."


def _count(number, *verbs):
    """Return ``1 file`` or ``2 files``, with the verb for one or for several."""
    return " ".join(["1 file" if number == 1 else f"{number} files", *([verbs[number != 1]] if verbs else [])])


def _verb(path, content):
    if content is None:
        return "removed"
    return "changed" if os.path.exists(path) else "made"


def _refused(reason, wanted):
    foreign = config.culprit(reason, wanted)
    if foreign:
        return (
            f"nginx refuses its configuration because of {foreign}, which this bundle did not write: {reason}. Correct "
            "or remove that file. Nothing was changed. nginx keeps its running configuration."
        )
    return (
        f"nginx refuses the new configuration: {reason}. Nothing was changed, and nginx keeps its running configuration. "
        "Check mattermost:name, mattermost:nginx and mattermost:certificate in your settings."
    )
