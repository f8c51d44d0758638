"""A server in containers on a lab host, in the layout of the vendor's Docker compose files. The engine and compose are Debian's.

The images are made on the host. They are named and behave as the real ones as far as an import can see: users, environment,
volumes, programs in PATH, who is let in to PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path

from tests.scenarios.by_hand import sign_up

HERE = Path(__file__).parent
DIRECTORY = "/srv/mattermost-docker"
DATABASE_PASSWORD = "Compose-pw_7c41f0"
ENVIRONMENT = f"""TZ=UTC
RESTART_POLICY=unless-stopped
POSTGRES_USER=mmuser
POSTGRES_PASSWORD={DATABASE_PASSWORD}
POSTGRES_DB=mattermost
MATTERMOST_IMAGE=mattermost-team-edition
MATTERMOST_IMAGE_TAG=%s
APP_PORT=8065
MM_SQLSETTINGS_DRIVERNAME=postgres
MM_SQLSETTINGS_DATASOURCE=postgres://mmuser:{DATABASE_PASSWORD}@postgres:5432/mattermost?sslmode=disable&connect_timeout=10
MM_BLEVESETTINGS_INDEXDIR=/mattermost/bleve-indexes
MM_SERVICESETTINGS_SITEURL=https://old.example.test
"""
UP = f"""
set -e
cd {DIRECTORY}
for part in config data logs plugins client/plugins bleve-indexes; do mkdir -p volumes/app/mattermost/$part; done
chown -R 2000:2000 volumes/app/mattermost
docker-compose up -d
curl -fsS --retry 60 --retry-delay 1 --retry-all-errors -o /dev/null localhost:8065/api/v4/system/ping
"""


def install(host, archive) -> None:
    """Set the server of *archive* up in containers on the bare *host*, with its first account."""
    (host.root / "root/archive.tar.gz").write_bytes(archive.path.read_bytes())
    for name in ("postgres-entrypoint.sh", "server-entrypoint.sh"):
        (host.root / "root" / name).write_text((HERE / name).read_text())
        (host.root / "root" / name).chmod(0o755)
    directory = host.root / DIRECTORY.lstrip("/")
    directory.mkdir(parents=True)
    (directory / ".env").write_text(ENVIRONMENT % archive.version)
    (directory / "docker-compose.yml").write_text((HERE / "docker-compose.yml").read_text())
    host.ssh((HERE / "engine.sh").read_text(), timeout=300)
    host.ssh(f"version={archive.version}\n{(HERE / 'images.sh').read_text()}", timeout=300)
    host.ssh(UP, timeout=120)
    status, said = sign_up(host.address)
    assert status == 201, said
