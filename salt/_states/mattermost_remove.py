"""Take a deployment off its host, step by step; each step can be repeated and says nothing when it is done.

What belongs to the host itself (database server, packages, accounts, files) is ``mattermost_baseline_restore``'s.
"""

from __future__ import annotations

import glob
import os

import mattermost_baseline_record as records
import mattermost_commands as commands
import mattermost_config_file as config_files
import mattermost_firewall_core as zones
import mattermost_firewall_firewalld as firewalld
import mattermost_json
import mattermost_letsencrypt_certbot as certbot_host
import mattermost_letsencrypt_core as letsencrypt
import mattermost_nginx_config as config
import mattermost_nginx_process as process
import mattermost_program_core as single
import mattermost_remove_core as core
import mattermost_remove_database as database
import mattermost_remove_files as files
import mattermost_subprocess
from mattermost_answer import answer as _ret
from mattermost_plural import plural

BACKUP = "/usr/local/sbin/mattermost-backup"


def confirmed(name, request, public_name, paths, repository, cluster, database_name, role, superuser_password=""):
    """Refuse a removal that is not clearly meant, or that would cut work short. Changes nothing.

    request: the pillar's ``remove``. public_name: what its ``purge`` must be. repository: of the backups. cluster:
    ``platform.postgresql``. Under a purge the comment counts what it destroys.
    """
    try:
        purge = core.parse_request(request, public_name)
        records.read(paths["work"])  # which each of the states that follow asks
    except ValueError as err:
        return _ret(name, False, str(err))
    except config_files.FileError as err:
        return _ret(name, False, f"Nothing was removed. {err}")
    busy = _at_work(f"mattermost-{each}*.service" for each in core.NAMES.split())
    if busy:
        return _ret(
            name,
            False,
            f"{busy} is running on this host. Nothing was removed. Start the removal again when {busy} has ended.",
        )
    unfinished = files.unfinished(paths)
    if unfinished:
        return _ret(name, False, f"Nothing was removed. {unfinished}")
    if not purge:
        return _ret(name, True, "The data stay.")
    remains = database.Remains(cluster, database_name, role, superuser_password)
    local_repository = repository if not files.is_elsewhere(repository) else ""
    snapshots = _snapshots() if local_repository else None
    counts = {
        **remains.counts(),
        "files": sum(len(names) for _, _, names in os.walk(f"{paths['state']}/data")),
        "backups": None if snapshots is None else len(snapshots),
    }
    return _ret(name, True, core.contents(counts, database_name, paths["state"], local_repository))


def stopped(name):
    """Have our units stopped and not started at boot, timers first."""
    todo, done = {}, {}
    units = [
        os.path.basename(path) for path in files.units() if path.endswith((".timer", ".service")) and "@" not in path
    ]
    for unit in sorted(set(units), key=lambda unit: (not unit.endswith(".timer"), unit)):
        state = records.unit(unit)
        if state["active"] or state["enabled"]:
            todo[unit] = "stopped"
    if not todo:
        return _ret(name, True, "No service of this deployment runs.")
    if __opts__["test"]:
        return _ret(name, None, f"Would stop {', '.join(todo)}.", todo)
    for unit in todo:
        commands.stop_ours(unit)
        fault = commands.switch_unit(unit, enabled=False, active=False)
        if fault:
            return _ret(
                name, False, f"{unit} could not be stopped: {fault} See on the host: systemctl status {unit}", done
            )
        done[unit] = "stopped"
    return _ret(name, True, f"Stopped {', '.join(todo)}.", todo)


def backups(name, repository, public_name, purge):
    """Have the host's own backups gone when its data go; those elsewhere are never touched.

    repository: of the settings. A directory that holds backups of other hosts stays.
    """
    if not purge:
        return _ret(name, True, f"Backups stay in {repository if repository.startswith('/') else 'their repository'}.")
    if files.is_elsewhere(repository):
        return _ret(name, True, "The backups are on another machine and stay.")
    going = files.inside(repository, files.RESTIC) if os.path.exists(os.path.join(repository, "config")) else []
    if not going:
        return _ret(name, True, "There are no backups on this host.")
    snapshots = _snapshots()
    others = sorted({each.get("hostname", "?") for each in snapshots or []} - {public_name})
    if snapshots is None or others:
        why = (
            f"they include backups of {', '.join(others)}"
            if others
            else "this run cannot read which hosts they belong to"
        )
        return _ret(
            name,
            True,
            f"The backups in {repository} stay, because {why}. Delete that directory by hand when nobody needs these backups.",
        )
    shown = {repository: plural(len(snapshots), "backup") + " destroyed"}
    if __opts__["test"]:
        return _ret(name, None, f"Would destroy the backups in {repository}.", shown)
    for path in going:
        files.remove(path)
    return _ret(name, True, f"The backups in {repository} were destroyed.", shown)


def site(name, nginx, paths):
    """Have the site out of nginx, and nginx's default site back where it was. Refused when a foreign file uses ours.

    nginx: ``platform.nginx``. paths: of the settings.
    """
    record = records.read(paths["work"]) or {}
    our_files = [*files.sites(nginx["site_dir"]), *files.inside(nginx["snippet_dir"], ["*"])]
    changes = dict.fromkeys(our_files)
    back = {}
    for path in nginx["default_sites"]:
        aside = os.path.join(paths["work"], "put-away", path.strip("/").replace("/", "_"))
        link = record.get("default_sites", {}).get(path)
        if os.path.lexists(path) or not os.path.isdir(os.path.dirname(path)):
            continue
        if os.path.exists(aside):
            back[path] = aside
        elif link and os.path.exists(os.path.join(os.path.dirname(path), link)):
            back[path] = link
    due = os.path.join(paths["work"], "nginx-reload-removed")
    if not changes and not back and not os.path.exists(due):
        return _tidied(name, nginx, record)
    dropin = [nginx["unit_dropin"]] if os.path.exists(nginx["unit_dropin"]) else []  # which `_tidied` removes
    shown = {**dict.fromkeys([*changes, *dropin], "removed"), **dict.fromkeys(back, "put back")}
    directory = os.path.dirname(nginx["site_dir"])
    if os.path.exists(os.path.join(directory, config.MAIN)) and config.find():
        replacements = {path: _content(os.path.join(os.path.dirname(path), source)) for path, source in back.items()}
        reason = config.proof({**changes, **replacements}, directory)
        if reason:
            state = "" if __opts__["test"] else " The server is stopped, and the site stays in nginx."
            return _ret(
                name,
                False,
                f"nginx would not start without the files of this deployment: {reason}.{state} Remove on the host the line that nginx names, then start the removal again.",
            )
    if __opts__["test"]:
        return _ret(name, None, "The site would be removed from nginx.", shown)
    config.write(due, b"", 0o600)
    for path, source in back.items():
        if os.path.isabs(source) and source.startswith(paths["work"]):
            os.rename(source, path)
        else:
            os.symlink(source, path)
    for path in changes:
        files.remove(path)
    if process.master(nginx["service"]):
        process.reload(nginx["service"], f"{nginx['log_dir']}/error.log")
    os.unlink(due)
    _tidied(name, nginx, record)
    return _ret(name, True, "The site was removed from nginx.", shown)


def _tidied(name, nginx, record):
    """Remove what a package's own unit no longer needs, and our empty folder."""
    shown = {}
    if os.path.exists(nginx["unit_dropin"]):
        shown[nginx["unit_dropin"]] = "removed"
        if not __opts__["test"]:
            os.unlink(nginx["unit_dropin"])
            files.prune(os.path.dirname(nginx["unit_dropin"]), record.get("directories", ()))
            _systemctl("daemon-reload")
    if not __opts__["test"] and os.path.isdir(nginx["snippet_dir"]) and not os.listdir(nginx["snippet_dir"]):
        os.rmdir(nginx["snippet_dir"])
    if shown and __opts__["test"]:
        return _ret(name, None, f"The drop-in {nginx['unit_dropin']} would be removed.", shown)
    return _ret(name, True, "nginx has nothing from this deployment.", shown)


def certificate(name, public_name, certbot, purge, paths):
    """Have nothing renewed for a site that is not there; the certificate itself stays unless the data go.

    certbot: ``platform.certbot``. Its other certificates, those that were there before us among them, and accounts that one
    of them may use, are left alone.
    """
    folder, record = certbot["directory"], records.read(paths["work"]) or {}
    dropin = f"/etc/systemd/system/{certbot['service']}.d/mattermost.conf"
    going = files.found(
        [f"{folder}/renewal-hooks/deploy/mattermost-nginx", f"{folder}/mattermost-authority.pem", dropin]
    )
    before = record.get("letsencrypt", ())
    seen_to, ours = core.certificates(public_name, certbot_host.remembered(paths["work"]), folder, before)
    mine = {f"{folder}/renewal/{each}.conf" for each in ours}
    others = [path for path in glob.glob(f"{folder}/renewal/*.conf") if path not in mine]
    parked = seen_to - ours if purge else seen_to & {public_name}
    moved = files.found(f"{folder}/renewal/{each}.conf" for each in parked)
    moved = {path: path + letsencrypt.PARKED for path in moved}
    if purge:
        our_files = [f"{folder}/{part}/{each}" for part in ("live", "archive") for each in ours]
        going += files.found([*our_files, *mine, *(each + letsencrypt.PARKED for each in mine)])
        if record and not others:
            recorded = set(record["letsencrypt"])
            going += [
                path for path in records.tree(folder) if path not in recorded and not path.startswith(tuple(our_files))
            ]
        going = sorted(set(going))
    shown = {**dict.fromkeys(going, "removed"), **{path: f"kept as {kept}" for path, kept in moved.items()}}
    if not shown:
        return _ret(name, True, "No certificate is renewed for this site.")
    if __opts__["test"]:
        return _ret(name, None, "Would end the renewal of this site's certificate.", shown)
    for path, kept in moved.items():
        os.replace(path, kept)
    for path in going:
        files.remove(path)
        if purge or path == dropin:
            files.prune(os.path.dirname(path), record.get("directories", ()) if record else (os.path.dirname(path),))
    _systemctl("daemon-reload")
    return _ret(name, True, "This site's certificate is no longer renewed.", shown)


def firewall(name, strict, ports, paths):
    """Close what we opened and open what we closed, in a firewall that was there before; ssh is never closed.

    strict: whether the deploys closed what was not theirs. ports: that they opened, ``PORT/PROTOCOL``. One that came with us goes with its package.
    """
    record = records.read(paths["work"])
    if not record:
        return _ret(
            name, True, "This host has no record of its firewall from before the deploy, so its rules were not changed."
        )
    if "firewalld" not in record["packages"]:
        return _ret(
            name, True, "No firewall rules have to be restored, because firewalld was not installed before the deploy."
        )
    if not firewalld.running():
        return _ret(name, True, "firewalld is not running, so its rules were not changed.")
    zone = record["zone"]["name"]
    before = zones.read_zone(record["zone"]["text"])
    permanent = zones.back(zones.read_zone(firewalld.zone_file(zone)), before, strict, ports)
    runtime = zones.back(firewalld.runtime(zone), before, strict, ports)
    if not permanent and not runtime:
        return _ret(name, True, f"No change of the deploy is left in the firewalld zone {zone}. ssh stays allowed.")
    shown = {f"zone {zone}": sorted({str(step) for step in permanent + runtime})}
    if __opts__["test"]:
        return _ret(name, None, f"The rules of the firewalld zone {zone} would be changed.", shown)
    refused = firewalld.change(zone, permanent, runtime)
    if refused:
        return _ret(name, False, refused)
    path, text = f"{firewalld.OWN}/{zone}.xml", record["zones"].get(f"{firewalld.OWN}/{zone}.xml")
    same = zones.read_zone(firewalld.zone_file(zone)) == before
    if same and text is not None:
        config.write(path, text.encode(errors="surrogateescape"))
    elif same and os.path.exists(f"{firewalld.SHIPPED}/{zone}.xml"):
        for each in (path, f"{path}.old"):
            files.remove(each)
    return _ret(name, True, f"No change of the deploy is left in the firewalld zone {zone}. ssh stays allowed.", shown)


def programs(name, fetched):
    """Have our units, programs and small files of the system gone.

    fetched: path of a program that a deploy may have brought without a package; one of the administrator's stays.
    """
    going = files.units() + files.found(files.PROGRAMS)
    if single.status(fetched, "") == "older":  # any of ours
        going += [fetched, single.note_of(fetched)]
    if not going:
        return _ret(name, True, "No program or unit of this deployment is left.")
    shown = dict.fromkeys(going, "removed")
    if __opts__["test"]:
        return _ret(name, None, "The units and programs of this deployment would be removed.", shown)
    for path in going:
        files.remove(path)
        if ".wants/" in path or ".service.d/" in path:
            files.prune(os.path.dirname(path), (files.UNITS,))
    fault = commands.failure("systemctl", "daemon-reload")
    _systemctl("reset-failed", "mattermost*")  # only what systemctl shows
    if fault:
        return _ret(name, False, fault, shown)
    return _ret(name, True, "The units and programs of this deployment were removed.", shown)


def _snapshots():
    """Return the backups of the repository, None when they cannot be listed."""
    if not os.path.exists(BACKUP):
        return None
    listing = mattermost_subprocess.run([BACKUP, "restic", "snapshots", "--json"])
    try:
        return mattermost_json.parse(listing.stdout) or []
    except ValueError:
        return None


def _content(path):
    with open(path, "rb") as file:
        return file.read()


def _at_work(patterns):
    """Return the first of the units that do something just now, empty when there is none."""
    units = _systemctl("list-units", "--no-legend", "--plain", "--state=activating,active,deactivating", *patterns)
    return (units.stdout.split() or [""])[0]


def _systemctl(*arguments):
    return mattermost_subprocess.run(["systemctl", *arguments])
