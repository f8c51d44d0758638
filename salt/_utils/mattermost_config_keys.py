"""What is known about single keys of Mattermost's config.json. Data only; sources: the vendor's configuration pages and
upgrade notes, and what servers were seen to do.
"""

from __future__ import annotations

MASK = "*" * 32  # what the API shows in place of a secret

# Keys that take effect at once. Every other key, known to us or not, gets a restart: a needless one is the smaller harm.
LIVE_SECTIONS = {"PasswordSettings", "SupportSettings", "AnnouncementSettings", "EmailSettings", "LocalizationSettings"}
LIVE = {
    "ServiceSettings.MaximumLoginAttempts",
    "ServiceSettings.EnableBotAccountCreation",
    "ServiceSettings.EnableUserAccessTokens",
    "ServiceSettings.EnableIncomingWebhooks",
    "ServiceSettings.EnableOutgoingWebhooks",
    "ServiceSettings.EnableCommands",
    "ServiceSettings.EnablePostUsernameOverride",
    "ServiceSettings.EnablePostIconOverride",
    "ServiceSettings.EnableAPIUserDeletion",
    "ServiceSettings.EnableAPITeamDeletion",
    "ServiceSettings.EnableAPIChannelDeletion",
    "ServiceSettings.EnableSecurityFixAlert",
    "ServiceSettings.CollapsedThreads",
    "ServiceSettings.GoroutineHealthThreshold",
    "TeamSettings.SiteName",
    "TeamSettings.EnableUserCreation",
    "TeamSettings.EnableOpenServer",
    "TeamSettings.MaxUsersPerTeam",
    "TeamSettings.MaxChannelsPerTeam",
    "TeamSettings.RestrictCreationToDomains",
    "FileSettings.MaxFileSize",
    "FileSettings.EnablePublicLink",
    "FileSettings.PublicLinkSalt",
    "PluginSettings.Enable",
    "PluginSettings.EnableUploads",
    "PluginSettings.EnableMarketplace",
    "PluginSettings.EnableRemoteMarketplace",
    "PluginSettings.MarketplaceURL",
    "PluginSettings.AutomaticPrepackagedPlugins",
    "PluginSettings.RequirePluginSignature",
    "PluginSettings.EnableHealthCheck",
    "PluginSettings.PluginStates",
    "PluginSettings.Plugins",
    "ImageProxySettings.Enable",
    "ImageProxySettings.ImageProxyType",
}

# Maps whose keys are free: by plugin.
OPEN = {("PluginSettings", "Plugins"), ("PluginSettings", "PluginStates")}

# Where a removed key went, for the sentence that refuses it.
MOVED = {
    "ServiceSettings.SessionLengthWebInDays": "replaced by ServiceSettings.SessionLengthWebInHours (24 times the value)",
    "ServiceSettings.SessionLengthMobileInDays": "replaced by ServiceSettings.SessionLengthMobileInHours (24 times the value)",
    "ServiceSettings.SessionLengthSSOInDays": "replaced by ServiceSettings.SessionLengthSSOInHours (24 times the value)",
    "ServiceSettings.EnableAppBar": "replaced by ExperimentalSettings.DisableAppBar (the opposite value)",
    "LogSettings.AdvancedLoggingConfig": "replaced by LogSettings.AdvancedLoggingJSON",
    "LogSettings.VerboseDiagnostics": "removed in 11.0",
    "ExperimentalSettings.EnableSharedChannels": "replaced by ConnectedWorkspacesSettings.EnableSharedChannels",
    "ExperimentalSettings.EnableRemoteClusterService": "replaced by ConnectedWorkspacesSettings.EnableRemoteClusterService",
    "ImageProxySettings.RemoteImageProxyURL": "removed in 12.0, with all external image proxies",
    "ImageProxySettings.RemoteImageProxyOptions": "removed in 12.0, with all external image proxies",
}

# (first version, section, key, value, what that version does with it, the value to set instead or "", what else to do)
_REFUSED = "the server refuses to start with this value since"
BLOCKING = [
    ((11, 0), "TeamSettings", "ExperimentalViewArchivedChannels", False, f"{_REFUSED} 11.0", "true",
     "To keep archived channels out of the channel list, set TeamSettings.BrowseArchivedPublicChannels: false."),
    ((11, 0), "ExperimentalSettings", "ClientSideCertEnable", True, f"{_REFUSED} 11.0", "false", ""),
    ((11, 0), "SqlSettings", "DriverName", "mysql", "MySQL was removed in 11.0", "",
     "Move the data to PostgreSQL before this upgrade."),
    ((11, 0), "SqlSettings", "DisableDatabaseSearch", True,
     "since 11.0, the database search is the only search engine, so search does not work with this value", "false", ""),
    ((12, 0), "ImageProxySettings", "ImageProxyType", "atmos/camo", f"{_REFUSED} 12.0", "local", ""),
    ((12, 0), "FeatureFlags", "AppsEnabled", True, f"{_REFUSED} 12.0", "", "Remove this setting."),
    ((12, 0), "FeatureFlags", "MoveThreadsEnabled", True, f"{_REFUSED} 12.0", "", "Remove this setting."),
]  # fmt: skip

# (first version, section, key, pattern of what it accepts, that in words): the stricter check of 12.0. Which release of 12 first repairs such
# values by itself, instead of refusing to start, is not known here.
_POSITIVE = (r"[1-9][0-9]*", "a number above 0")
_ADDRESS = (r"[^<>]*", "a plain address, such as admin@example.com")
STRICTER = [
    ((12, 0), "ServiceSettings", "TLSMinVer", r"1\.[0-3]", "1.0, 1.1, 1.2 or 1.3"),
    ((12, 0), "ServiceSettings", "WebserverMode", r"gzip|nogzip|disabled", "gzip, nogzip or disabled"),
    ((12, 0), "ServiceSettings", "IdleTimeout", *_POSITIVE),
    ((12, 0), "ServiceSettings", "SessionLengthWebInHours", *_POSITIVE),
    ((12, 0), "ServiceSettings", "SessionLengthMobileInHours", *_POSITIVE),
    ((12, 0), "ServiceSettings", "SessionLengthSSOInHours", *_POSITIVE),
    ((12, 0), "SqlSettings", "ReplicaMonitorIntervalSeconds", *_POSITIVE),
    ((12, 0), "EmailSettings", "FeedbackEmail", *_ADDRESS),
    ((12, 0), "EmailSettings", "ReplyToAddress", *_ADDRESS),
    ((12, 0), "SupportSettings", "SupportEmail", *_ADDRESS),
]

# of these, what only the Team Edition cannot do: the other one has further search engines
OF_TEAM_EDITION = {("SqlSettings", "DisableDatabaseSearch")}

# (first version without it, section, key, what it is when nobody uses it, what is lost): such a key is ignored without a word
GONE = [
    ((12, 0), "ServiceSettings", "ExperimentalEnableHardenedMode", False, "set ServiceSettings.EnableHardenedMode in its place"),
    ((12, 0), "LocalizationSettings", "EnableExperimentalLocales", False, "experimental languages are gone"),
    ((12, 0), "GuestAccountsSettings", "AllowEmailAccounts", True, "guests who sign in with e-mail no longer have a setting of their own"),
    ((12, 0), "DataRetentionSettings", "EnableBoardsDeletion", False, "data retention no longer deletes boards"),
    ((12, 0), "NativeAppSettings", "EnableIntuneMAM", False, "set IntuneSettings.Enable in its place"),
]  # fmt: skip

# What an upgrade asks of a host's config.json: never a secret.
ASKED = sorted(
    {"GitLabSettings.Enable", *(f"{section}.{name}" for _, section, name, *_ in [*BLOCKING, *STRICTER, *GONE])}
)
