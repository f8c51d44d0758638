"""The configuration that one version of the server knows: sections, keys, types, defaults."""

from __future__ import annotations

import copy
import functools
from typing import Any

from . import config_keys_other as other
from . import config_keys_service as service
from . import config_keys_system as system
from .config_key import Key
from .versions import Build

SECTIONS: dict[str, dict[str, Key]] = {
    "ServiceSettings": service.SERVICE,
    "TeamSettings": service.TEAM,
    "SqlSettings": system.SQL,
    "LogSettings": system.LOG,
    "ExperimentalAuditSettings": system.AUDIT,
    "NotificationLogSettings": system.NOTIFICATION_LOG,
    "PasswordSettings": system.PASSWORD,
    "FileSettings": system.FILE,
    "EmailSettings": system.EMAIL,
    "RateLimitSettings": system.RATE_LIMIT,
    "PrivacySettings": system.PRIVACY,
    "SupportSettings": system.SUPPORT,
    "AnnouncementSettings": system.ANNOUNCEMENT,
    "ThemeSettings": system.THEME,
    "GitLabSettings": other.GITLAB,
    "LdapSettings": other.LDAP,
    "ComplianceSettings": other.COMPLIANCE,
    "LocalizationSettings": system.LOCALIZATION,
    "SamlSettings": other.SAML,
    "NativeAppSettings": other.NATIVE_APP,
    "CacheSettings": other.CACHE,
    "ClusterSettings": other.CLUSTER,
    "MetricsSettings": other.METRICS,
    "ExperimentalSettings": other.EXPERIMENTAL,
    "AnalyticsSettings": other.ANALYTICS,
    "ElasticsearchSettings": other.ELASTICSEARCH,
    "BleveSettings": other.BLEVE,
    "DataRetentionSettings": other.DATA_RETENTION,
    "JobSettings": other.JOB,
    "PluginSettings": system.PLUGIN,
    "DisplaySettings": other.DISPLAY,
    "GuestAccountsSettings": other.GUEST,
    "ImageProxySettings": system.IMAGE_PROXY,
    "CloudSettings": other.CLOUD,
    "ImportSettings": other.IMPORT,
    "ExportSettings": other.EXPORT,
    "WranglerSettings": other.WRANGLER,
    "ConnectedWorkspacesSettings": other.CONNECTED_WORKSPACES,
    "AccessControlSettings": other.ACCESS_CONTROL,
}

# Keys whose value is a map of the user's own: nothing below them is checked or dropped.
FREE_MAPS = {
    ("PluginSettings", "Plugins"),
    ("PluginSettings", "PluginStates"),
    ("LogSettings", "AdvancedLoggingJSON"),
    ("ExperimentalAuditSettings", "AdvancedLoggingJSON"),
    ("NotificationLogSettings", "AdvancedLoggingJSON"),
}

# Values that no API ever shows: they come back as 32 stars.
SECRETS = {
    ("SqlSettings", "DataSource"),
    ("SqlSettings", "AtRestEncryptKey"),
    ("FileSettings", "PublicLinkSalt"),
    ("FileSettings", "AmazonS3SecretAccessKey"),
    ("FileSettings", "ExportAmazonS3SecretAccessKey"),
    ("EmailSettings", "SMTPPassword"),
    ("GitLabSettings", "Secret"),
    ("LdapSettings", "BindPassword"),
    ("CacheSettings", "RedisPassword"),
    ("ElasticsearchSettings", "Password"),
}
MASK = "*" * 32


@functools.cache
def sections(build: Build) -> dict[str, dict[str, Key]]:
    """Sections and keys that *build* knows, in the order in which it writes them. Read only."""
    known = {
        name: {key: spec for key, spec in keys.items() if spec.exists_in(build.numbers)}
        for name, keys in SECTIONS.items()
    }
    return {name: keys for name, keys in known.items() if keys}


def fresh(build: Build) -> dict[str, dict[str, Any]]:
    """The config.json that *build*'s archive carries."""
    config = {
        name: {key: copy.deepcopy(spec.fresh) for key, spec in keys.items()} for name, keys in sections(build).items()
    }
    if not build.at_least(11, 0):
        config["SqlSettings"].update(system.SQL_BEFORE_11)
    return config


def default(build: Build, section: str, key: str) -> Any:
    """The value that *key* gets when a loaded file does not have it."""
    if section == "SqlSettings" and not build.at_least(11, 0) and key in system.SQL_BEFORE_11:
        return system.SQL_BEFORE_11[key]
    return sections(build)[section][key].when_missing()


def go_type(value: Any) -> str:
    """Name of the Go type behind a key with the default *value*, as the server's errors print it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, str):
        return "string"
    return "[]string" if isinstance(value, list) else "map[string]interface {}"


def fits(value: Any, example: Any) -> bool:
    """True when JSON *value* has the type of *example* (lists hold strings)."""
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    if isinstance(example, int):
        return isinstance(value, int)
    if isinstance(example, list):
        return isinstance(value, list) and all(isinstance(item, (str, dict)) for item in value)
    return isinstance(value, type(example))
