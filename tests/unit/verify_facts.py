"""A healthy deployed host as hosts.probe.parse tells it, for the tests of verify."""

GRAINS = {"os": "Debian", "os_family": "Debian", "osmajorrelease": 12, "cpuarch": "x86_64"}
ACTIVE = {"ActiveState": "active", "UnitFileState": "enabled"}
FACTS = {
    "grains": GRAINS,
    "current": "11.7.10",
    "bundle": {"version": "1.0.0", "breaking_changes": 0},
    "time": 1_000_000_000,
    "backup": {"good": 1_000_000_000 - 7200, "since": 1_000_000_000 - 90 * 86400, "failed": ""},
    "site": "ssl",
    "listeners": [
        {"address": "0.0.0.0", "port": 443, "program": "nginx", "exe": "/usr/sbin/nginx"},
        {
            "address": "127.0.0.1",
            "port": 8065,
            "program": "mattermost",
            "exe": "/opt/mattermost/11.7.10/bin/mattermost",
        },
        {"address": "127.0.0.1", "port": 5432, "program": "postgres", "exe": "/usr/lib/postgresql/15/bin/postgres"},
        {"address": "::1", "port": 5432, "program": "postgres", "exe": "/usr/lib/postgresql/15/bin/postgres"},
    ],
    "units": {
        "mattermost.service": dict(ACTIVE),
        "nginx.service": dict(ACTIVE),
        "postgresql@15-main.service": {"ActiveState": "active", "UnitFileState": "enabled-runtime"},
        "postgresql.service": dict(ACTIVE),
        "firewalld.service": dict(ACTIVE),
        "mattermost-backup.timer": dict(ACTIVE),
        "mattermost-certificate.timer": dict(ACTIVE),
        "certbot.timer": ACTIVE | {"NextElapseUSecRealtime": "Wed 2026-11-25 03:12:00 UTC"},
    },
    "postgresql": {5432: "15.20"},
    "modes": {
        "/etc/mattermost/environment": {"mode": 0o600, "user": "root"},
        "/etc/mattermost/secrets": {"mode": 0o700, "user": "root"},
        "/var/opt/mattermost/config/config.json": {"mode": 0o600, "user": "mattermost"},
        "/var/opt/mattermost/data": {"mode": 0o750, "user": "mattermost"},
        "/opt/mattermost/current/bin/mattermost": {"mode": 0o755, "user": "root"},
    },
    "certificates": {},
    "renewal": {},
}
