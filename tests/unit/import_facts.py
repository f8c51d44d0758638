"""What the look at hosts with installations of others tells, for the tests of the import."""

import base64
import json

TEAM = ["version\tVersion: 11.7.10", "version\tBuild Number: 11.7.10", "version\tBuild Enterprise Ready: false"]
ENTERPRISE = ["version\tVersion: 10.12.0", "version\tBuild Enterprise Ready: true"]
CONFIG = {
    "ServiceSettings": {"SiteURL": "https://old.example.com", "ListenAddress": ":8065", "EnableLocalMode": False},
    "TeamSettings": {"SiteName": "Our chat", "MaxUsersPerTeam": 50, "EnableOpenServer": False},
    "SqlSettings": {
        "DriverName": "postgres",
        "DataSource": "postgres://mmuser:a%40b@db.example.com:5433/chat?sslmode=disable",
        "DataSourceReplicas": ["postgres://elsewhere/chat"],
        "AtRestEncryptKey": "k" * 32,
    },
    "FileSettings": {"Directory": "./data/", "DriverName": "local"},
    "PluginSettings": {"Directory": "./plugins", "ClientDirectory": "./client/plugins"},
    "GitLabSettings": {"Enable": False},
}


def coded(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.b64encode(text.encode()).decode()


def facts_text(*lines):
    return "\n".join(
        [
            *lines,
            "postgresql\t/usr/lib/postgresql/13/bin 13.20",
            "postgresql\t/usr/lib/postgresql/15/bin 15.8",
            "end\tok",
        ]
    )


def by_hand(config=None, *lines):
    unit = ["unit\tActiveState=active", "unit\tUser=chat", "unit\tEnvironment=MM_TEAMSETTINGS_SITENAME=Named LANG=C"]
    return facts_text("tree\t/opt/mattermost", f"config\t{coded(config or CONFIG)}", *unit, *TEAM, *lines)
