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
    "ServiceSettings.SessionLengthWebInDays": "ServiceSettings.SessionLengthWebInHours (24 times the value)",
    "ServiceSettings.SessionLengthMobileInDays": "ServiceSettings.SessionLengthMobileInHours (24 times the value)",
    "ServiceSettings.SessionLengthSSOInDays": "ServiceSettings.SessionLengthSSOInHours (24 times the value)",
    "ServiceSettings.EnableAppBar": "ExperimentalSettings.DisableAppBar (the opposite value)",
    "LogSettings.AdvancedLoggingConfig": "LogSettings.AdvancedLoggingJSON",
    "LogSettings.VerboseDiagnostics": "nothing: it was removed in 11.0",
    "ExperimentalSettings.EnableSharedChannels": "ConnectedWorkspacesSettings.EnableSharedChannels",
    "ExperimentalSettings.EnableRemoteClusterService": "ConnectedWorkspacesSettings.EnableRemoteClusterService",
    "ImageProxySettings.RemoteImageProxyURL": "nothing: external image proxies were removed in 12.0",
    "ImageProxySettings.RemoteImageProxyOptions": "nothing: external image proxies were removed in 12.0",
}

# (first version, section, key, value, what that version does with it and what to do)
BLOCKING = [
    (
        (11, 0),
        "TeamSettings",
        "ExperimentalViewArchivedChannels",
        False,
        "the server refuses to start with it since 11.0. Set it to true; TeamSettings.BrowseArchivedPublicChannels: false"
        " keeps archived channels out of the browser",
    ),
    (
        (11, 0),
        "ExperimentalSettings",
        "ClientSideCertEnable",
        True,
        "the server refuses to start with it since 11.0. Set it to false",
    ),
    (
        (11, 0),
        "SqlSettings",
        "DriverName",
        "mysql",
        "MySQL is gone since 11.0. Move the data to PostgreSQL before this upgrade",
    ),
    (
        (11, 0),
        "SqlSettings",
        "DisableDatabaseSearch",
        True,
        "search is dead with it since 11.0, which has no other search engine. Set it to false",
    ),
    (
        (12, 0),
        "ImageProxySettings",
        "ImageProxyType",
        "atmos/camo",
        "the server refuses to start with it since 12.0. Set it to local",
    ),
    (
        (12, 0),
        "FeatureFlags",
        "AppsEnabled",
        True,
        "the server refuses to start with it since 12.0. Remove it",
    ),
    (
        (12, 0),
        "FeatureFlags",
        "MoveThreadsEnabled",
        True,
        "the server refuses to start with it since 12.0. Remove it",
    ),
]
