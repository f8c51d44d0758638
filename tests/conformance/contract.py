"""What of the contract depends on the version. Written from the reference, not from the stand-in's source."""

from __future__ import annotations

import re
from dataclasses import dataclass

FILE_NAME = re.compile(r"mattermost-team-(\d+)\.(\d+)\.(\d+)-linux-(amd64|arm64)\.tar\.gz")

# Key -> JSON type and value in the archive's config.json. None: the value is not promised.
KEYS = {
    "ServiceSettings.SiteURL": (str, ""),
    "ServiceSettings.ListenAddress": (str, ":8065"),
    "ServiceSettings.ConnectionSecurity": (str, ""),
    "ServiceSettings.TrustedProxyIPHeader": (list, []),
    "ServiceSettings.EnableLocalMode": (bool, False),
    "ServiceSettings.LocalModeSocketLocation": (str, "/var/tmp/mattermost_local.socket"),
    "ServiceSettings.AllowedUntrustedInternalConnections": (str, ""),
    "ServiceSettings.AllowCorsFrom": (str, ""),
    "ServiceSettings.MaximumLoginAttempts": (int, 10),
    "ServiceSettings.EnableBotAccountCreation": (bool, False),
    "ServiceSettings.EnableUserAccessTokens": (bool, False),
    "ServiceSettings.EnableIncomingWebhooks": (bool, True),
    "ServiceSettings.EnableOutgoingWebhooks": (bool, True),
    "ServiceSettings.EnableCommands": (bool, True),
    "ServiceSettings.EnablePostUsernameOverride": (bool, False),
    "ServiceSettings.EnablePostIconOverride": (bool, False),
    "ServiceSettings.EnableAPIUserDeletion": (bool, False),
    "ServiceSettings.EnableAPITeamDeletion": (bool, False),
    "ServiceSettings.EnableAPIChannelDeletion": (bool, False),
    "ServiceSettings.EnableSecurityFixAlert": (bool, True),
    "ServiceSettings.SessionLengthWebInHours": (int, 720),
    "ServiceSettings.SessionLengthMobileInHours": (int, 720),
    "ServiceSettings.SessionLengthSSOInHours": (int, 720),
    "ServiceSettings.ExtendSessionLengthWithActivity": (bool, True),
    "ServiceSettings.TerminateSessionsOnPasswordChange": (bool, True),
    "ServiceSettings.GoroutineHealthThreshold": (int, -1),
    "ServiceSettings.ReadTimeout": (int, 300),
    "ServiceSettings.WriteTimeout": (int, 300),
    "ServiceSettings.IdleTimeout": (int, 60),
    "ServiceSettings.CollapsedThreads": (str, None),
    "TeamSettings.SiteName": (str, "Mattermost"),
    "TeamSettings.EnableUserCreation": (bool, True),
    "TeamSettings.EnableOpenServer": (bool, False),
    "TeamSettings.MaxUsersPerTeam": (int, 50),
    "TeamSettings.MaxChannelsPerTeam": (int, 2000),
    "TeamSettings.RestrictCreationToDomains": (str, ""),
    "SqlSettings.DriverName": (str, "postgres"),
    "SqlSettings.DataSource": (str, None),
    "SqlSettings.AtRestEncryptKey": (str, None),
    "SqlSettings.MaxIdleConns": (int, None),
    "SqlSettings.MaxOpenConns": (int, None),
    "SqlSettings.QueryTimeout": (int, 30),
    "SqlSettings.DisableDatabaseSearch": (bool, False),
    "FileSettings.DriverName": (str, "local"),
    "FileSettings.Directory": (str, "./data/"),
    "FileSettings.MaxFileSize": (int, 104857600),
    "FileSettings.EnablePublicLink": (bool, False),
    "FileSettings.PublicLinkSalt": (str, None),
    "EmailSettings.SMTPServer": (str, ""),
    "EmailSettings.SMTPPort": (str, None),
    "EmailSettings.SMTPUsername": (str, ""),
    "EmailSettings.SMTPPassword": (str, ""),
    "EmailSettings.EnableSMTPAuth": (bool, False),
    "EmailSettings.ConnectionSecurity": (str, ""),
    "EmailSettings.SkipServerCertificateVerification": (bool, False),
    "EmailSettings.SMTPServerTimeout": (int, 10),
    "EmailSettings.SendEmailNotifications": (bool, False),
    "EmailSettings.RequireEmailVerification": (bool, False),
    "EmailSettings.EnableEmailBatching": (bool, False),
    "EmailSettings.FeedbackName": (str, ""),
    "EmailSettings.FeedbackEmail": (str, ""),
    "EmailSettings.ReplyToAddress": (str, ""),
    "EmailSettings.FeedbackOrganization": (str, ""),
    "EmailSettings.EnablePreviewModeBanner": (bool, True),
    "EmailSettings.EnableSignUpWithEmail": (bool, True),
    "EmailSettings.EnableSignInWithEmail": (bool, True),
    "EmailSettings.EnableSignInWithUsername": (bool, True),
    "EmailSettings.SendPushNotifications": (bool, True),
    "EmailSettings.PushNotificationServer": (str, "https://push-test.mattermost.com"),
    "EmailSettings.PushNotificationContents": (str, None),
    "SupportSettings.SupportEmail": (str, None),
    "LogSettings.EnableConsole": (bool, True),
    "LogSettings.ConsoleLevel": (str, "INFO"),
    "LogSettings.ConsoleJson": (bool, True),
    "LogSettings.EnableFile": (bool, True),
    "LogSettings.FileLevel": (str, "INFO"),
    "LogSettings.FileJson": (bool, True),
    "LogSettings.FileLocation": (str, ""),
    "LogSettings.EnableDiagnostics": (bool, True),
    "LogSettings.EnableSentry": (bool, True),
    "AnnouncementSettings.AdminNoticesEnabled": (bool, True),
    "AnnouncementSettings.UserNoticesEnabled": (bool, True),
    "RateLimitSettings.Enable": (bool, False),
    "RateLimitSettings.PerSec": (int, 10),
    "RateLimitSettings.MaxBurst": (int, 100),
    "RateLimitSettings.MemoryStoreSize": (int, 10000),
    "RateLimitSettings.VaryByRemoteAddr": (bool, True),
    "RateLimitSettings.VaryByUser": (bool, False),
    "RateLimitSettings.VaryByHeader": (str, ""),
    "PluginSettings.Enable": (bool, True),
    "PluginSettings.EnableUploads": (bool, False),
    "PluginSettings.Directory": (str, "./plugins"),
    "PluginSettings.ClientDirectory": (str, "./client/plugins"),
    "PluginSettings.EnableMarketplace": (bool, True),
    "PluginSettings.EnableRemoteMarketplace": (bool, True),
    "PluginSettings.MarketplaceURL": (str, None),
    "PluginSettings.AutomaticPrepackagedPlugins": (bool, True),
    "PluginSettings.RequirePluginSignature": (bool, False),
    "PluginSettings.EnableHealthCheck": (bool, True),
    "PluginSettings.PluginStates": (dict, None),
    "PluginSettings.Plugins": (dict, None),
    "PasswordSettings.MinimumLength": (int, None),
    "PasswordSettings.Lowercase": (bool, False),
    "PasswordSettings.Number": (bool, False),
    "PasswordSettings.Uppercase": (bool, False),
    "PasswordSettings.Symbol": (bool, False),
    "ImageProxySettings.Enable": (bool, False),
    "ImageProxySettings.ImageProxyType": (str, "local"),
    "LocalizationSettings.DefaultServerLocale": (str, "en"),
    "LocalizationSettings.DefaultClientLocale": (str, "en"),
}
# Sections that a version no longer has.
GONE = {(11, 0): ("BleveSettings", "NotificationLogSettings")}

POSTGRES_MINIMUM = (((12, 0), 15), ((11, 0), 14), ((10, 6), 13), ((8, 0), 11), ((6, 0), 10))


@dataclass(frozen=True)
class Contract:
    """numbers: the archive's version."""

    numbers: tuple

    def at_least(self, *numbers):
        return self.numbers >= numbers

    @property
    def version(self):
        return ".".join(map(str, self.numbers))

    @property
    def database_pings(self):
        return 5 if self.at_least(9, 8) else 18

    @property
    def postgres_minimum(self):
        return next(major for since, major in POSTGRES_MINIMUM if self.numbers >= since)

    @property
    def ping_pause(self):
        """Seconds between two tries to reach the database."""
        return 2 if self.at_least(11, 0) else 10

    def invalid_values(self):
        """Pairs of a setting and the value that keeps this version from starting, with words of the reason."""
        pairs = [
            ("ServiceSettings.SiteURL", "chat.example.test", "Site URL must be a valid URL and start with http"),
            ("ServiceSettings.ListenAddress", "", "Config.IsValid"),
            ("ServiceSettings.MaximumLoginAttempts", 0, "Config.IsValid"),
            ("ServiceSettings.CollapsedThreads", "sometimes", "Config.IsValid"),
            ("TeamSettings.SiteName", "x" * 31, "Site name must be less than or equal to 30 characters."),
            ("SqlSettings.DriverName", "oracle", "Invalid driver name for SQL settings."),
            ("SqlSettings.DataSource", "", "Invalid data source for SQL settings. Must be set."),
            ("SqlSettings.AtRestEncryptKey", "short", "Must be 32 chars or more."),
            ("FileSettings.MaxFileSize", 0, "Config.IsValid"),
            ("EmailSettings.ConnectionSecurity", "SSL", "Config.IsValid"),
            ("PasswordSettings.MinimumLength", 4, "Config.IsValid"),
            ("RateLimitSettings.PerSec", 0, "Config.IsValid"),
        ]
        if self.at_least(11, 0):
            pairs += [
                ("TeamSettings.ExperimentalViewArchivedChannels", False, ""),
                ("ExperimentalSettings.ClientSideCertEnable", True, ""),
                ("SqlSettings.DriverName", "mysql", ""),
            ]
        if self.at_least(12, 0):
            pairs.append(("ImageProxySettings.ImageProxyType", "atmos/camo", ""))
        return pairs


def of(name):
    """Return the contract for an archive's file *name*, or None when the name is none of an archive."""
    match = FILE_NAME.fullmatch(name)
    return Contract(tuple(int(match.group(index)) for index in (1, 2, 3))) if match else None
