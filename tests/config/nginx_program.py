"""The real nginx of a platform, and our rendered files in a configuration of its package, for tests without a host."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import socket
import subprocess

import mattermost_nginx_config
import mattermost_settings_core as core
import mattermost_settings_data
import pytest

from tests.config import nginx_package
from tests.render import compiler
from tests.soak import in_check

BASE, SSL, NON_SSL = (f"mattermost.deploy.{name}" for name in ("nginx-base", "nginx-ssl", "nginx-non-ssl"))
FACTS = mattermost_settings_data.load([str(compiler.ROOT / "salt")])["platforms"]


def facts(platform: str) -> dict:
    """Return what platforms.yaml says of *platform*'s nginx, with the version that is asked for it."""
    found = core.platform(FACTS, platform)["nginx"]
    return {**found, "version": nginx_package.asked(found["version"])}


def unpacked(platform: str) -> pathlib.Path:
    """Return the folder of the nginx that is asked for *platform*; skips, saying so, where it can't be had here."""
    wanted = facts(platform)["version"]
    folder = nginx_package.unpacked(wanted)
    if folder is None:
        pytest.skip(f"NO NGINX {wanted}: its package can't be downloaded here, so {platform}'s files were not proved.")
    return folder


# what is no matter of nginx's: where files are, and the package
PLACES = set("packages user service site_dir snippet_dir log_dir unit_dropin unit_lines default_sites".split())


def _distinct() -> list[str]:
    """Return the platforms whose files or nginx differ: the first of those that would be asked the same."""
    found = {}
    for platform in compiler.PLATFORMS:
        told = {key: value for key, value in facts(platform).items() if key not in PLACES}
        found.setdefault(str(sorted(told.items())), platform)
    return list(found.values())


DISTINCT = _distinct()
PLATFORMS = in_check(DISTINCT, "Debian-12", "RedHat-8")


def held() -> socket.socket:
    """Return a socket bound to a free TCP port of the loopback: while it is there, only nginx, which shares ports, gets this one."""
    port = socket.socket()
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port.bind(("127.0.0.1", 0))
    return port


class Tree:
    """A whole nginx configuration below a temporary folder, with our files in it.

    folder: an empty directory. sls: the deploy states whose files are laid on, in order. port: of the server behind.
    pillar: further settings of the user.
    """

    def __init__(self, folder: pathlib.Path, platform: str, *sls: str, port: int = 8065, ipv6=False, pillar=None):
        self.folder, self.package = folder, unpacked(platform)
        self.program = self.package / "run"
        self.etc, self.logs, self.webroot = folder / "nginx", folder / "logs", folder / "webroot"
        self.certificates = folder / "letsencrypt"
        self._held = held(), held()
        self.http, self.https = (port.getsockname()[1] for port in self._held)
        for path in (self.logs, self.webroot):
            path.mkdir(parents=True)
        self._package()
        self._certificate()
        self.context = {"ipv6": ipv6}
        facts = {"site_dir": f"{self.etc}/conf.d", "snippet_dir": f"{self.etc}/mattermost", "log_dir": str(self.logs)}
        user = {
            "server": {"port": port},
            "paths": {"webroot": str(self.webroot)},
            "platform": {"nginx": facts, "certbot": {"directory": str(self.certificates)}},
        }
        user = {**compiler.PILLAR["mattermost"], **user, **(pillar or {})}
        self.host = compiler.Host(compiler.GRAINS[platform], {"mattermost": user})
        for name in sls:
            self.lay(name)

    def _package(self) -> None:
        shutil.copytree(self.package / "etc/nginx", self.etc, symlinks=True)
        (self.etc / "sites-enabled/default").unlink(missing_ok=True)
        main = (self.etc / "nginx.conf").read_text()
        main = main.replace("/etc/nginx/", f"{self.etc}/").replace("/var/log/nginx", str(self.logs))
        main = main.replace("/run/nginx.pid", str(self.folder / "nginx.pid"))
        user = "user root;" if os.geteuid() == 0 else ""
        (self.etc / "nginx.conf").write_text(re.sub(r"(?m)^user .*;", user, main))
        temporary = [f"{kind}_temp_path {self.folder}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi")]
        temporary.append(f"client_body_temp_path {self.folder}/body;")
        (self.etc / "conf.d/00-here.conf").write_text("\n".join(temporary))

    def _certificate(self) -> None:
        live = self.certificates / "live" / compiler.HOST_ID
        live.mkdir(parents=True)
        self.ca = live / "fullchain.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"]
            + ["-keyout", live / "privkey.pem", "-out", self.ca, "-subj", f"/CN={compiler.HOST_ID}"]
            + ["-addext", f"subjectAltName=DNS:{compiler.HOST_ID}"],
            check=True,
            capture_output=True,
        )

    def calls(self, sls: str) -> list[dict]:
        """Return the calls of mattermost_nginx.configured in *sls*."""
        return [c for c in self.host.low(sls) if (c["state"], c["fun"]) == ("mattermost_nginx", "configured")]

    def lay(self, sls: str) -> None:
        """Put the files of *sls* in place, as the state does."""
        for call in self.calls(sls):
            for entry in call["files"]:
                source = compiler.ROOT / "salt" / entry["source"].removeprefix("salt://")
                text = mattermost_nginx_config.render(source.read_text(), {**call["context"], **self.context})
                mattermost_nginx_config.write(entry["path"], text)
            for path in call.get("absent", []):
                pathlib.Path(path).unlink(missing_ok=True)

    def refusal(self) -> str:
        """Return what nginx has against this configuration, empty when it takes it."""
        command = [self.program, "-t", "-q", "-c", self.etc / "nginx.conf"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        return ended.stderr if ended.returncode or "[warn]" in ended.stderr else ""

    def listen_here(self) -> None:
        """Move ports 80 and 443 to free ones of the loopback."""
        for path in (self.etc / "conf.d").glob("mattermost-*.conf"):
            text = path.read_text().replace("listen 80", f"listen 127.0.0.1:{self.http}")
            path.write_text(text.replace("listen 443", f"listen 127.0.0.1:{self.https}"))
