"""A person's own account on a host, with the lab's key and sudo: the other way in beside root's login."""

from __future__ import annotations

NAME = "deployer"
MADE = f"""
command -v sudo >/dev/null || {{ apt-get update -q && apt-get install -qy --no-install-recommends sudo; }}
useradd -m -s /bin/bash {NAME} && install -d -m 700 -o {NAME} /home/{NAME}/.ssh &&
    install -m 600 -o {NAME} /root/.ssh/authorized_keys /home/{NAME}/.ssh/
"""


def make(deployment) -> None:
    """Make the account; what sudo allows it is still to be said."""
    deployment.ssh(MADE, timeout=180)


def log_in(deployment) -> None:
    """Have Salt log in as that account from now on, with sudo without a password."""
    deployment.ssh(f"echo '{NAME} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{NAME}")
    deployment.entry.update(user=NAME, sudo=True)
    deployment.write()
