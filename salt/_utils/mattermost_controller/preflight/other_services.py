"""Whether nginx or PostgreSQL on the host already serve somebody else. Pure.

Each check takes the merged settings, the facts of ``hosts.probe.parse`` and what the controller saw from outside.
Only before this tree was at work there: what others add later is theirs to know.
"""

from __future__ import annotations

from mattermost_plural import plural

from mattermost_controller.findings import Finding, note, ok, refusal
from mattermost_controller.preflight.release import is_ours

# one of the first files of a run, before its packages: a run that died after them is no stranger
EARLY_MARK = "/etc/tmpfiles.d/mattermost-salt.conf"
SHOWN = 3


def _is_first_run(facts: dict, settings: dict) -> bool:
    return EARLY_MARK not in facts["files"] and not is_ours(facts, settings)


def nginx_in_use(settings, facts, outside) -> Finding:
    unit = settings["platform"].get("nginx", {}).get("service", "nginx")
    runs = facts["units"].get(f"{unit}.service", {}).get("ActiveState") == "active"
    sites = facts.get("nginx_sites", [])
    is_new = _is_first_run(facts, settings) or facts.get("aside") == "kept" and not facts.get("site")
    if not is_new:
        return ok("nginx-in-use", "This bundle was deployed here before, so other sites of nginx are accepted.")
    if not runs or not sites:
        return ok("nginx-in-use", "nginx serves no other site.")
    what = f"nginx on the host serves other sites ({', '.join(sites[:SHOWN])}{', ...' if len(sites) > SHOWN else ''})"
    if outside.get("in_place"):
        return note("nginx-in-use", f"{what}. They stay unchanged.")
    if settings["nginx"]["share"]:
        return note("nginx-in-use", f"{what}. mattermost:nginx:share is set, so the deploy adds this site to them.")
    return refusal(
        "nginx-in-use",
        f"{what}.",
        "set mattermost:nginx:share: True to add this site to the other sites. Or move the other sites away, or use another host.",
    )


def postgresql_in_use(settings, facts, outside) -> Finding:
    port = settings["database"]["port"]
    count = facts.get("other_databases", {}).get(port, 0)
    if (outside.get("in_place") or {}).get("database_port") == port:
        count -= 1  # that of the installation that is taken over
    place = settings["platform"].get("postgresql", {}).get("data_dir", "")
    stopped = facts.get("stopped_databases", {}).get(place, 0)
    if not _is_first_run(facts, settings):
        return ok(
            "postgresql-in-use",
            "This bundle was deployed here before, so other databases of PostgreSQL are accepted.",
        )
    if count + stopped < 1:
        return ok("postgresql-in-use", "PostgreSQL has no other database.")
    what = f"PostgreSQL on port {port} has {plural(count, 'other database')}"
    if stopped:
        what = f"PostgreSQL is stopped, and {place} has {plural(stopped, 'database')} that this bundle did not create"
    if settings["database"]["share"]:
        return note(
            "postgresql-in-use", f"{what}. mattermost:database:share is set, so the deploy adds the server's database."
        )
    return refusal(
        "postgresql-in-use",
        f"{what}. The deploy adds lines to pg_hba.conf and may start or restart PostgreSQL.",
        "set mattermost:database:share: True to use this PostgreSQL anyway, or use another host.",
    )


def aside(settings, facts, outside) -> Finding:
    """An import in place that was undone has the installation of before in the places that a deploy would take."""
    found, work = facts.get("aside"), settings["paths"]["work"]
    if found == "open":
        return refusal(
            "aside",
            "An import is running on this host, or was interrupted.",
            "wait until the import has ended. If no import is running, run on the host: mattermost-aside back",
        )
    if found == "back" and not outside.get("in_place"):
        return refusal(
            "aside",
            "An import was rolled back. The previous installation is in its place on this host again, and this run would replace that installation.",
            f"start the import again (docs/import-in-place.md). To deploy anyway, first remove that installation and the file {work}/aside/given-back.",
        )
    return ok("aside", "No previous installation is in the way.")
