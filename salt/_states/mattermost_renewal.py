"""What certbot renews of ours: only what a site serves."""

from __future__ import annotations

import os

import mattermost_letsencrypt_certbot as certbot
import mattermost_letsencrypt_core as core
from mattermost_answer import answer as _ret


def retired(name, serving, work, directory="/etc/letsencrypt", nginx="/etc/nginx", own=()):
    """Have certbot renew none of our certificates that no site serves any more; an earlier name may lead elsewhere by now.

    name: DNS name of the site. serving: certificate that the site serves now. directory: certbot's. nginx: its directory,
    in which a foreign file may serve one of them. own: files of ours there. work: directory of our own, with the names so
    far. The certificate stays; its renewal file is put aside until the name is the site's again.
    """
    todo = {}
    for each in {name, *certbot.remembered(work)}:
        live, renewal = os.path.join(directory, "live", each), os.path.join(directory, "renewal", f"{each}.conf")
        if serving.startswith(live + "/") or not os.path.exists(renewal) or _is_served(live + "/", nginx, own):
            continue
        todo[renewal] = f"kept as {each}.conf{core.PARKED}"
    if not todo:
        return _ret(name, True, "Each certificate that certbot renews for this deployment is used by a site.")
    if __opts__["test"]:
        return _ret(name, None, "Would stop renewing certificates that no site uses.", todo)
    for renewal in todo:
        os.replace(renewal, renewal + core.PARKED)
    return _ret(name, True, "Certificates that no site uses are no longer renewed.", todo)


def _is_served(live, nginx, own):
    paths = [os.path.join(top, each) for top, _, names in os.walk(nginx) for each in names]
    return any(live in certbot.text(path) for path in paths if path not in own and not os.path.islink(path))
