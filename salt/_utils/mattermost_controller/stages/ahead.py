"""Have a bare host fetch the packages of its first deploy while Salt is on its way there. Only time depends on it: what is not there is fetched then."""

from __future__ import annotations

import contextlib
import subprocess

from mattermost_packages import AHEAD

STAGE = "mattermost.deploy.packages"
SECONDS = 60  # a mirror that takes longer is waited for by the stage, which says so

# apt goes on with what was fetched in part; the lock goes with the last of these programs, however it ends.
# Into the lock file goes when the lists were all fetched, so that nobody fetches them twice, and how many packages will come: `mattermost_package_lock`.
FETCH = r"""command -v apt-get flock >/dev/null || exit 0
exec 9>{lock} && flock -n 9 || exit 0
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
timeout {seconds} sh -c 'apt-get -q -o APT::Update::Error-Mode=any update && cat /proc/uptime >&9 &&
    apt-get -q -y --no-install-recommends --download-only install {packages} | sed -n "s/.* upgraded, \([0-9]*\) newly.*/\1/p" >&9'
"""


@contextlib.contextmanager
def fetching(hosts: list, known: dict, slses: list[str], test: bool):
    """Within this context those of *hosts* that are deployed for the first time fetch their packages, if *slses* are to install them.

    known: what the preflight learnt, by host ID. test: nothing is fetched.
    """
    due = [host for host in hosts if _is_due(known.get(host.id, {}))] if STAGE in slses and not test else []
    begun = [_begin(host, packages(known[host.id]["settings"]["platform"])) for host in due]
    try:
        yield
    finally:
        for process in begun:
            process.terminate()  # the host's part has ended, or ends by itself
            process.wait()


def _is_due(host: dict) -> bool:
    """Say whether a host has all packages still to come, from its distribution: Salt installs nothing before the stage waits for us."""
    return bool(host.get("first_deploy")) and host["settings"]["platform"]["repositories"]["kind"] == "none"


def packages(platform: dict) -> list[str]:
    """Return the packages of all components. platform: the settings' branch of that name."""
    parts = (platform, *(platform[name] for name in ("postgresql", "nginx", "backup", "certbot", "firewall")))
    return [package for part in parts for package in part["packages"]]


def _begin(host, names: list[str]) -> subprocess.Popen:
    argv, preface = host.stream(FETCH.format(lock=AHEAD, seconds=SECONDS, packages=" ".join(names)))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, **quiet)
    with contextlib.suppress(BrokenPipeError), process.stdin as feed:
        feed.write(preface)
    return process
