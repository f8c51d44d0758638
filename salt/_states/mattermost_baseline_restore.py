"""Give a host back what it was before a deploy: its database server, packages, repositories, files, users.

A host that was deployed before there was a record of what it was like keeps all that may have been there before.
"""

from __future__ import annotations

import glob
import os
import subprocess

import mattermost_baseline_record as records
import mattermost_commands as commands
import mattermost_database_cluster as host
import mattermost_database_owned_files as owned_files
import mattermost_firewall_firewalld as firewalld
import mattermost_letsencrypt_certbot as certbot_host
import mattermost_nginx_config as config
import mattermost_packages as pkgs
import mattermost_remove_core as core
import mattermost_remove_database as databases
import mattermost_remove_files as files
import mattermost_repositories_core as repositories
from mattermost_answer import answer as _ret
from mattermost_lines import lines_of

RUNTIME = "/var/lib/nginx"  # bodies of requests at work; the server makes the directories, so rpm leaves them
CACHES = ("/var/cache/dnf/mattermost-*", "/var/cache/yum/*/*/mattermost-*", "/var/lib/yum/repos/*/*/mattermost-*")
KNOWN_IN_NGINX = ("sites-available/default", "modules-enabled", "nginx.conf.dpkg-old")


def database(name, role, cluster, paths, purge, superuser_password=""):
    """Leave the database to a later deploy, or destroy it; take our lines out of PostgreSQL's files.

    name: of the database. role: its owner. cluster: ``platform.postgresql``. A cluster that came with us and holds
    nobody else's databases is stopped; one that others use goes on.
    """
    remains = databases.Remains(cluster, name, role, superuser_password)
    if not remains.cluster.is_initialised():
        return _ret(name, True, "This host has no PostgreSQL database.")
    shown, done, unit = {}, {}, records.unit(cluster["service"])
    try:
        texts = remains.texts()
        running = bool(remains.cluster.running())
        if not running and purge and not __opts__["test"] and not remains.start():
            return _ret(
                name,
                False,
                f"PostgreSQL does not start, so the database and the role of this deployment cannot be removed. {remains.cluster.log_tail()}",
            )
        sql = remains.drop_sql() if purge and remains.cluster.running() else {}
        ends = _came_with_us(cluster, paths) and not remains.foreign()
        stops = ends and (running or purge or unit["enabled"] or records.unit(cluster["enable"])["enabled"])
        stops = stops and (running or records.unit(cluster["enable"])["enabled"])
        shown.update(dict.fromkeys(texts, "lines of this deployment removed"))
        shown.update({subject: "destroyed" for subject in sql})
        if stops:
            shown[cluster["service"]] = "stopped, no longer started at boot"
        if purge and __opts__["test"] and not running:
            would = f"Would start PostgreSQL, which is stopped, and destroy the database {name}, if it exists."
            return _ret(name, None, would, {**shown, f"database {name}": "destroyed, if it exists"})
        if not shown:
            stays = "any more" if purge else f"except the database {name}, which stays"
            return _ret(name, True, f"PostgreSQL has nothing from this deployment {stays}.")
        if __opts__["test"]:
            return _ret(name, None, "Would remove from PostgreSQL what the deploy added.", shown)
        if sql:
            remains.end_sessions()
        for subject, statements in sql.items():
            for statement in lines_of(statements):
                remains.cluster.psql(statement)
            done[subject] = shown[subject]
        for path, text in texts.items():
            owned_files.replace(path, text)
            done[path] = shown[path]
        if stops:
            remains.cluster.systemctl("stop")
            fault = _switched_off([cluster["enable"], cluster["service"]])
            if fault:
                return _ret(name, False, fault, shown)
        elif remains.cluster.running():
            remains.cluster.psql("SELECT pg_reload_conf();")
            if texts and remains.awaits_restart() and not remains.cluster.systemctl("restart"):
                return _ret(
                    name,
                    False,
                    f"PostgreSQL does not start with its configuration from before the deploy. {remains.cluster.log_tail()}",
                    shown,
                )
    except host.DatabaseError as err:
        return _ret(name, False, str(err), done)
    return _ret(
        name,
        True,
        "PostgreSQL has nothing from this deployment any more." if purge else f"The database {name} stays unchanged.",
        shown,
    )


def packages(name, platform, paths, purge, public_name, database_name, role, superuser_password=""):
    """Have the packages gone that came with us: those that we asked for and what nothing else needs.

    platform: branch of the settings. Kept, and said why: what was there before, PostgreSQL while it holds data, a web
    server, firewall or certbot that serves others meanwhile.
    """
    record = records.read(paths["work"])
    if not record:
        return _ret(
            name, True, "No package is removed, because the packages from before the first deploy were not recorded."
        )
    manager = pkgs.Packages()
    remains = databases.Remains(platform["postgresql"], database_name, role, superuser_password)
    try:
        database_stays = _database_stays(remains, purge)
    except host.DatabaseError as err:
        return _ret(name, False, f"No package was removed. {err}")
    stay = {"postgresql": database_stays, "nginx": _nginx_stays(platform["nginx"], manager, record)}
    stay |= {
        "firewall": _firewall_stays(record),
        "certbot": _certbot_stays(platform["certbot"], public_name, record, paths["work"]),
    }
    stay = {part: why for part, why in stay.items() if why}
    wanted = [
        package
        for part in ("postgresql", "nginx", "certbot", "backup", "firewall")
        if part not in stay
        for package in platform[part]["packages"]
    ]
    wanted += [each if isinstance(each, str) else next(iter(each)) for each in platform["packages"]]
    if platform["selinux"]["tools"]:
        wanted.append(platform["selinux"]["tools"])
    try:
        graph = manager.graph()
        kept = [package for part in stay for package in platform[part]["packages"]]
        going = pkgs.removable(graph, [*record["packages"], *kept], wanted, manager.manual())
        said = [
            f"The packages for {part} stay, because {why}."
            for part, why in stay.items()
            if set(platform[part]["packages"]) - set(record["packages"])
        ]
        if not going:
            return _ret(name, True, " ".join(["There is no package to remove.", *said]))
        shown = {"removed": going}
        if __opts__["test"]:
            return _ret(name, None, " ".join([f"Would remove {len(going)} packages.", *said]), shown)
        fault = _switched_off(_units(platform, stay, going))
        if fault:
            return _ret(name, False, f"No package was removed. {fault}")
        shown = {"removed": manager.remove(going, () if purge else platform["certbot"]["packages"])}
    except pkgs.PackageError as err:
        return _ret(name, False, str(err))
    _sweep(platform, record, stay)
    if "postgresql" not in stay and not os.path.exists(host.Cluster(platform["postgresql"]).program("postgres")):
        _remove_cluster(platform["postgresql"], record)
    return _ret(
        name,
        True,
        " ".join([f"{len(shown['removed'])} packages that the deploy installed were removed.", *said]),
        shown,
    )


def _units(platform, stay, going):
    """Return the units of the packages that go."""
    for part in ("postgresql", "nginx", "certbot", "firewall"):
        if part not in stay and set(platform[part]["packages"]) & set(going):
            yield from (platform[part][key] for key in ("enable", "service", "timer") if key in platform[part])


def _sweep(platform, record, stay):
    """Remove what packages leave behind that were purged: the zone that we wrote, nginx's page."""
    if "firewall" not in stay and "firewalld" not in record["packages"]:
        zone = f"{firewalld.OWN}/{record['zone']['name']}.xml"
        for path in (zone, f"{zone}.old"):
            files.remove(path)
        files.prune_empty(os.path.dirname(firewalld.OWN), record["directories"])
    if "nginx" not in stay and not set(platform["nginx"]["packages"]) & set(record["packages"]):
        if "/var/www/html" not in record["directories"]:
            files.remove("/var/www/html/index.nginx-debian.html")
        files.prune("/var/www/html", record["directories"])
        if RUNTIME not in record["directories"]:
            files.remove(RUNTIME)
        files.prune_empty(os.path.dirname(platform["nginx"]["site_dir"]), record["directories"])
    if "certbot" not in stay and "certbot" not in record["packages"]:
        files.prune("/var/lib/letsencrypt", record["directories"])
        files.prune_empty(platform["certbot"]["directory"], record["directories"])


def _remove_cluster(cluster, record):
    """What Debian's package does by itself when it is purged, and others' do not."""
    born = os.path.join(os.path.dirname(cluster["data_dir"]), "initdb.log")  # of PGDG's setup program
    for path in (cluster["data_dir"], *glob.glob(cluster["logs"]), born):
        if path.startswith("/var/") and (record or {}).get("cluster") is False:
            files.remove(path)
            files.prune(os.path.dirname(path), record["directories"])


def _came_with_us(cluster, paths):
    record = records.read(paths["work"])
    return bool(record) and not record["cluster"]


def _database_stays(remains, purge):
    if not remains.cluster.is_initialised():
        return ""
    if not purge:
        return f"the data in {remains.data['data_dir']} need PostgreSQL"
    foreign = remains.foreign()
    return f"PostgreSQL also holds {', '.join(foreign)}, which this deployment did not create" if foreign else ""


def _nginx_stays(nginx, manager, record):
    """Say why nginx stays, empty when it need not: Debian's package takes all of /etc/nginx with it."""
    folder = os.path.dirname(nginx["site_dir"])
    if not os.path.isdir(folder):
        return ""
    sites = files.sites(nginx["site_dir"])
    for path in records.tree(folder):
        below = os.path.relpath(path, folder)
        if (
            path in sites
            or path.startswith(f"{nginx['snippet_dir']}/")
            or path in nginx["default_sites"]
            or below.startswith(KNOWN_IN_NGINX)
        ):
            continue
        if not _belongs_to_a_package(path, manager):
            return f"{path} is from no package and not from this deployment"
    return ""


def _belongs_to_a_package(path, manager):
    command = ["dpkg-query", "-S", path] if manager.is_dpkg else ["rpm", "-qf", path]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _firewall_stays(record):
    known = {f"/etc/firewalld/zones/{record['zone']['name']}.xml{end}" for end in ("", ".old")}
    foreign = [path for path in records.tree("/etc/firewalld") if path.endswith((".xml", ".old")) and path not in known]
    foreign = [path for path in foreign if os.path.basename(path) not in ("lockdown-whitelist.xml",)]
    return f"{foreign[0]} is not from this deployment" if foreign else ""


def _certbot_stays(certbot, public_name, record, work):
    folder, asked_for = certbot["directory"], certbot_host.remembered(work)
    seen_to, _ = core.certificates(public_name, asked_for, folder, record.get("letsencrypt", ()))
    names = {os.path.basename(path).removesuffix(".conf") for path in glob.glob(f"{folder}/renewal/*.conf")}
    others = sorted(names - (seen_to & {public_name}))
    return f"certbot also renews {others[0]}" if others else ""


def _trusted(platform, record):
    """Return the packages of rpm's keys that came with our repositories."""
    if "keys" not in record:
        return []
    known = {key: package for key, package in pkgs.Packages().keys().items() if key not in record["keys"]}
    pinned = platform["repositories"].get("keys", {}).values()
    return repositories.imported(known, [each for key in pinned for each in key["fingerprints"]])


def system(name, platform, paths):
    """Have the system's own settings as they were: package repositories, their keys, module streams, services of before."""
    record, todo = records.read(paths["work"]), {}
    # before the files that name them, so that a run cut short leaves none behind
    for key in _trusted(platform, record or {}):
        todo[key] = ("removed", lambda key=key: commands.failure("rpm", "-e", "--allmatches", key))
    for module, text in (record or {}).get("modules", {}).items():
        place = repositories.module_file(module)
        now = records.module(module)
        if now is not None and now != text and repositories.is_disabled(now):
            todo[place] = ("restored", lambda place=place, text=text: _written(place, text))
    yum = "/etc/yum.repos.d"
    own = files.found(
        [
            f"{yum}/mattermost.repo",
            f"{yum}/mattermost-system.repo",
            f"{yum}/{repositories.NOT_PROVED}",
            "/etc/pki/rpm-gpg/RPM-GPG-KEY-mattermost-*",
        ]
    )
    own += files.found(CACHES) + files.apt_sources()
    todo.update({path: ("removed", lambda path=path: files.remove(path)) for path in own})
    for path, text in (record or {}).get("repositories", {}).items():
        now = records.text(path)  # not as PostgreSQL's account: a file with a password is root's alone
        if (
            now is not None
            and now != text
            and now == repositories.without_dead(text, platform["repositories"]["dead_hosts"])[0]
        ):
            todo[path] = (
                "restored",
                lambda path=path, text=text: _written(path, text),
            )
    for unit, state in (record or {}).get("units", {}).items():
        now = records.unit(unit)
        if state == now or not now["active"] and not now["enabled"] and not state["active"] and not state["enabled"]:
            continue
        if _package_of(unit, platform) & set(record["packages"]):
            verb = "start" if state["active"] else "stop"
            todo[unit] = (
                f"{verb}ed" if verb == "start" else "stopped",
                lambda unit=unit, state=state: commands.switch_unit(unit, state["enabled"], state["active"]),
            )
    if not todo:
        return _ret(name, True, "No package repository and no service of this host has to be restored.")
    shown = {what: word for what, (word, _) in todo.items()}
    if __opts__["test"]:
        return _ret(name, None, "Would restore the package repositories and services of this host.", shown)
    faults = {what: fault for what, (_, act) in todo.items() if (fault := _fault_of(what, act))}
    if faults:
        done = {what: word for what, word in shown.items() if what not in faults}
        return _ret(name, False, " ".join(faults.values()), done)
    return _ret(name, True, "The package repositories and services of this host were restored.", shown)


def _fault_of(what, act):
    """Call *act*; return what went wrong, "" or None when nothing did: what comes after it is restored all the same."""
    try:
        return act()
    except OSError as err:
        return f"{what} could not be restored: {err.strerror or err}. Restore it by hand, or correct the cause and run the removal again."


def _written(path, text):
    if text is None:
        files.remove(path)
    else:
        config.overwrite(path, text.encode(errors="surrogateescape"))


def _package_of(unit, platform):
    for part in ("nginx", "certbot", "firewall"):
        if unit.split(".")[0] == str(platform[part].get("service") or platform[part].get("timer")).split(".")[0]:
            return set(platform[part]["packages"])
    return set()


def _switched_off(units):
    """Have units stopped and not started at boot; return what went wrong, "" when nothing did."""
    return " ".join(filter(None, [commands.switch_unit(unit, enabled=False, active=False) for unit in units]))
