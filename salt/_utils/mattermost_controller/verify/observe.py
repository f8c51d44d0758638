"""Look at a site from the controller: everything at once, in threads. What it means is judged in verify.checks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mattermost_controller.hosts import collect, probe, ssh_errors
from mattermost_controller.verify import additional, http, web

WEBSOCKET = "/api/v4/websocket"
UPLOAD = "/api/v4/files"
KNOCK_SECONDS = 2.0
MOST_AT_ONCE = 32
FOREIGN = "https://origin.invalid"


def site_of(settings: dict, site: str) -> http.Site:
    """Return where the site of *settings* is asked. site: ``ssl`` or ``non-ssl``."""
    verify = settings["verify"]
    return http.Site(
        name=settings["name"],
        address=verify["address"] or settings["name"],
        secure=site == "ssl",
        ca_file=verify["ca_file"],
        timeout=verify["timeout"],
        path=settings["server"]["path"],
    )


def hosts_and_sites(
    opts: dict, hosts: list, logins: dict, settings: dict, site: str, more: dict | None = None, parse=probe.parse
) -> tuple[dict, dict]:
    """Return what the hosts tell (``HostFacts``) and what is observed of their sites, both by host ID.

    opts: the master's. logins: of ``hosts.collect.log_in``. settings: by host ID. site: ``ssl``, ``non-ssl``, or
    empty for the one that is deployed; known beforehand, site and host are looked at at once.
    more: further scripts for the same connections, by host ID; parse: turns the answer of both into facts.
    """
    roots = opts["file_roots"]["base"]
    scripts = {host.id: probe.script(roots, settings[host.id]) + (more or {}).get(host.id, "") for host in hosts}
    pinned = ssh_errors.known_hosts_file(opts.get("ssh_options") or [])
    with ThreadPoolExecutor(max_workers=len(hosts) + 1) as pool:
        telling = pool.submit(collect.from_hosts, hosts, logins, scripts, pinned, parse)
        sites = {host.id: site for host in hosts}
        if not site:
            sites = {host_id: one.facts["site"] for host_id, one in telling.result().items() if one.facts}
        seeing = {host_id: pool.submit(_observe, settings[host_id], kind) for host_id, kind in sites.items() if kind}
        return telling.result(), {host_id: task.result() for host_id, task in seeing.items()}


def _observe(settings: dict, site: str) -> dict:
    inner = [settings["server"]["port"], settings["database"]["port"]]
    found = observe_site(site_of(settings, site), settings["nginx"]["body_limit"], inner, settings["names"][1:])
    if settings["server"]["license"]:
        where = site_of(settings, site)
        found["license"] = http.request(where, f"{where.path}/api/v4/license/client?format=old")
    return found


def observe_site(site: http.Site, body_limit: int, inner_ports: list[int], additional_names: list[str] = ()) -> dict:
    """Return what is observed of a site from here.

    body_limit: bytes that its web server lets pass. inner_ports: TCP ports that must not be reachable.
    additional_names: further names of the site; what is observed of each is below ``additional``.
    Keys: see ``_plan``; values are Answers, Handshakes and strings of verify.http.
    """
    plan = {(key,): task for key, task in _plan(site, body_limit, inner_ports).items()}
    for name in additional_names:
        plan |= {("additional", name, key): task for key, task in _plan_of_additional(site, name).items()}
    with ThreadPoolExecutor(max_workers=min(len(plan), MOST_AT_ONCE)) as pool:
        pending = {key: pool.submit(task) for key, task in plan.items()}
        done = {key: task.result() for key, task in pending.items()}
    found = {key[0]: value for key, value in done.items() if len(key) == 1}
    named = {name: {key[2]: value for key, value in done.items() if key[1:2] == (name,)} for name in additional_names}
    return {"scheme": "https" if site.secure else "http", **found, "additional": named}


def _plan_of_additional(site: http.Site, name: str) -> dict:
    """Return what to do for each key of the look at an additional name. It is asked at the site's address where that is set."""
    other = site._replace(name=name, address=name if site.address == site.name else site.address)
    plan = {
        "resolved": lambda: collect.resolve(name),
        "page": lambda: http.request(other, additional.PATH),
        "api": lambda: http.request(other, additional.API),
    }
    if site.secure:
        plan["tls"] = lambda: http.handshake(other)
        plan["plain_page"] = lambda: http.request(other, additional.PATH, secure=False)
    return plan


def _plan(site: http.Site, body_limit: int, inner_ports: list[int]) -> dict:
    """Return what to do for each key of the look."""
    patience = min(KNOCK_SECONDS, site.timeout)
    plan = {
        "resolved": lambda: collect.resolve(site.name),
        "control": lambda: http.knock(site.address, site.port, site.timeout),
        "control_http": lambda: http.knock(site.address, site.http, site.timeout),
        "page": lambda: http.request(site, f"{site.path}/"),
        "ping": lambda: http.request(site, f"{site.path}/api/v4/system/ping?get_server_status=true"),
        "client": lambda: http.request(site, f"{site.path}/api/v4/config/client?format=old"),
        "websocket": lambda: http.upgrade(site, site.path + WEBSOCKET),
        "foreign": lambda: http.upgrade(site, site.path + WEBSOCKET, FOREIGN),
        "upload_at": lambda: http.announce(site, site.path + UPLOAD, body_limit),
        "upload_over": lambda: http.announce(site, site.path + UPLOAD, body_limit + 1),
        "challenge": lambda: http.request(site, web.CHALLENGE, secure=False),
    }
    for port in inner_ports:
        plan[f"port_{port}"] = lambda port=port: http.knock(site.address, port, patience)
    if site.secure:
        plan["tls"] = lambda: http.handshake(site)
        plan["old_tls"] = lambda: http.old_protocols(site)
        plan["redirect"] = lambda: http.request(site, "/some/page?with=query", secure=False)
    return plan
