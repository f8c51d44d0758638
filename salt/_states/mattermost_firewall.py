"""Let ssh, http and https through firewalld, without touching what the administrator opened.

.. code-block:: yaml

    firewall-lets-the-site-in:
      mattermost_firewall.opened:
        - name: firewalld
        - services: [http, https]

Not Salt's own firewalld states: they are missing, and fail, until firewalld is installed, so a dry run on a bare host would.
They cannot prepare a zone before firewalld starts, and their reload closes what an administrator opened without --permanent.
"""

from __future__ import annotations

import mattermost_firewall_core as core
import mattermost_firewall_firewalld as host
import mattermost_nginx_config as config
from mattermost_answer import answer as _ret

PUBLISH_PORT = 4505  # of a master, where the minion's configuration names none: Salt has no default for it there
STARTS = "mattermost_firewall.starts"  # in __context__ of a run that starts firewalld


def prepared(name, services):
    """Make sure that firewalld lets ssh and *services* in from its first moment. Does nothing once it runs.

    name: firewalld. services: names as firewalld knows them.
    Result is False when another packet filter is at work: starting firewalld would end its rules.
    """
    if host.running():
        return _ret(name, True, "firewalld is running.")
    __context__[STARTS] = True
    rival = host.rival()
    if rival:
        return _ret(
            name,
            False,
            f"{rival} filters packets on this host, and firewalld would replace its rules. Disable {rival}. Or keep "
            f"{rival}, open the ports of ssh, 80 and 443 in {rival}, and set mattermost:firewall:manage: False.",
        )
    zone = host.default_zone()
    text = host.zone_file(zone)
    found, goal = core.read_zone(text), core.wanted(host.ssh_ports(), services)
    changes = core.steps(found, goal, strict=False, masquerade=True)
    lets_in = ", ".join(["ssh", *services[:-1]]) + f" and {services[-1]}"
    if not changes:
        return _ret(name, True, f"When firewalld starts, its zone {zone} allows {lets_in}.")
    shown = {f"zone {zone}": [str(step) for step in changes]}
    if __opts__["test"]:
        return _ret(name, None, f"When firewalld starts, its zone {zone} would allow {lets_in}.", shown)
    config.write(f"{host.OWN}/{zone}.xml", core.edit_zone(text, changes).encode())
    return _ret(name, True, f"When firewalld starts, its zone {zone} allows {lets_in}.", shown)


def opened(name, services, ports=(), strict=False, masquerade=False):
    """Make sure that the zone of the public interface lets ssh (on every port in use), *services* and *ports* in, now and after a boot.

    name: firewalld. services: names as firewalld knows them. ports: ``PORT/PROTOCOL``. strict: close all else in that zone.
    masquerade: leave masquerading as it is; otherwise it is switched off.
    Nothing is flushed: what else the administrator allowed stays, and connections live on.
    """
    goal = core.wanted(host.ssh_ports(), services, ports)
    if not host.running():
        if __opts__["test"]:
            shown = sorted(goal.services | goal.ports)
            return _ret(name, None, f"Would allow: {', '.join(shown)}.", {"opened": shown})
        return _ret(name, False, "firewalld is not running on this host. Run on the host: systemctl start firewalld")
    if __context__.pop(STARTS, False) and __opts__.get("master_uri") and host.wait_for_rules():
        host.renew_connection(__opts__["master_ip"], __opts__.get("publish_port", PUBLISH_PORT))
    zone = host.zone()
    kept = core.read_zone(host.zone_file(zone))
    permanent = core.steps(kept, goal, strict, masquerade)
    runtime = core.steps(host.runtime(zone), goal, strict, masquerade)
    if not permanent and not runtime:
        return _ret(name, True, f"The firewalld zone {zone} allows what the settings say.")
    shown = {f"zone {zone}": sorted({str(step) for step in permanent + runtime})}
    if __opts__["test"]:
        return _ret(name, None, f"The rules of the firewalld zone {zone} would be changed.", shown)
    refused = host.change(zone, permanent, runtime)
    if refused:
        return _ret(name, False, refused)
    return _ret(name, True, f"The firewalld zone {zone} allows what the settings say.", shown)
