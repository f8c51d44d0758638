"""How exposed each unit of ours is, as `systemd-analyze security` counts: a bound that is only ever lowered, and why it is not lower."""

import re
import shutil
import subprocess

import jinja2
import pytest

from tests.render import compiler

PLATFORM = "Debian-12"
# root's programs stop and start services, become other accounts (runuser), and read and write wherever the server, PostgreSQL and the
# package manager do: what they may not is so little that systemd's points hardly fall
ROOT = 9.6
BOUNDS = {
    "mattermost.service": 2.0,
    "mattermost-switch.service": ROOT,
    "mattermost-rotate.service": ROOT,
    "mattermost-aside.service": ROOT,
    "mattermost-postgresql.service": ROOT,
    "mattermost-backup.service": 9.4,
    "mattermost-backup-failed.service": 9.4,
    "mattermost-restore@.service": 9.4,
    "mattermost-restore-back.service": 9.4,
    "mattermost-certificate.service": 9.4,
    "mattermost-certificate-failed.service": 9.4,
    "mattermost-releases.service": 8.8,
    "mattermost-releases-failed.service": 9.4,
    "mattermost-patches.service": 7.0,
    "mattermost-patches-tell.service": 9.4,
}
DEPLOY = compiler.ROOT / "salt/mattermost/deploy"
DROPIN = DEPLOY / "server/files/etc/systemd/system/mattermost.service.d/server.conf"


def units():
    return sorted(
        path for path in DEPLOY.rglob("files/etc/systemd/system/*") if ".service" in path.name and path.is_file()
    )


def rendered(path) -> str:
    """The unit with the settings of a platform; what is no list has any value."""
    host = compiler.host(PLATFORM)
    names = set(re.findall(r"{{ (\w+)", path.read_text())) - {"directive"}
    settings = host.settings()
    values = {name: "/var/lib/x" for name in names} | {
        "user": "mattermost",
        "runtime": "mattermost",
        "postgresql": "postgresql.service",
    }
    values |= {
        "sandbox": settings["platform"]["sandbox"],
        "selinux": settings["platform"]["selinux"]["enabled"],
        "read_write_paths": "ReadWritePaths",
        "writable": ["/var/lib/x"],
    }
    return (
        jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=False)
        .from_string(path.read_text())
        .render(values)
    )


def test_every_unit_has_a_bound():
    assert {path.name.removesuffix(".jinja") for path in units()} == set(BOUNDS)


def analysis(unit, folder) -> str:
    """What systemd says about a unit."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("NO SYSTEMD-ANALYZE: how exposed the units are was not asked")
    (path,) = [path for path in units() if path.name.removesuffix(".jinja") == unit]
    place = folder / unit.replace("@", "@x")
    place.write_text(rendered(path))
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", place]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "exposure level" not in done.stdout:
        pytest.skip(f"NO OFFLINE ANALYSIS: systemd-analyze before 250: {done.stderr.strip()}")
    return done.stdout


@pytest.mark.parametrize("unit", BOUNDS)
def test_no_unit_is_more_exposed_than_it_was(unit, tmp_path):
    said = analysis(unit, tmp_path)
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1]) <= BOUNDS[unit], said


def test_what_the_servers_sandbox_leaves_open_has_its_reason(tmp_path):
    said = analysis("mattermost.service", tmp_path)
    if "systemd 252" not in subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True).stdout:
        pytest.skip("ANOTHER SYSTEMD than 252: its list of directives is another")
    page = (
        (compiler.ROOT / "docs/security.md")
        .read_text()
        .partition("## What the sandbox leaves open")[2]
        .partition("\n## ")[0]
    )
    explained = set(re.findall(r"^\| `([^`]+)` \| \S", page.replace(r"\|", "|"), re.MULTILINE))
    assert set(re.findall(r"(?m)^✗ (\S+)", said)) == explained


def test_the_server_leaves_no_core_dump():
    assert "LimitCORE=0" in DROPIN.read_text().splitlines()
