"""The settings that any client may see."""

from __future__ import annotations

from typing import Any

SHOWN = {
    "ServiceSettings": ("SiteURL", "EnableCommands", "EnableCustomEmoji", "EnableEmojiPicker", "EnableGifPicker",
        "EnableLatex", "EnableSVGs", "EnableUserStatuses", "CollapsedThreads", "WebsocketPort",
        "WebsocketSecurePort", "EnableMultifactorAuthentication", "EnableUserAccessTokens",
        "EnableIncomingWebhooks", "EnableOutgoingWebhooks", "PostEditTimeLimit", "MinimumHashtagLength"),
    "TeamSettings": ("SiteName", "EnableUserCreation", "EnableOpenServer", "EnableCustomBrand", "CustomBrandText",
        "CustomDescriptionText", "MaxNotificationsPerChannel", "TeammateNameDisplay"),
    "EmailSettings": ("EnableSignUpWithEmail", "EnableSignInWithEmail", "EnableSignInWithUsername",
        "SendEmailNotifications", "SendPushNotifications", "RequireEmailVerification", "EnablePreviewModeBanner"),
    "FileSettings": ("EnableFileAttachments", "EnableMobileUpload", "EnableMobileDownload", "MaxFileSize"),
    "SupportSettings": ("AboutLink", "HelpLink", "PrivacyPolicyLink", "TermsOfServiceLink", "SupportEmail",
        "ReportAProblemLink"),
    "LocalizationSettings": ("DefaultServerLocale", "DefaultClientLocale", "AvailableLocales"),
    "PasswordSettings": ("MinimumLength", "Lowercase", "Number", "Uppercase", "Symbol"),
    "NativeAppSettings": ("AppDownloadLink", "AndroidAppDownloadLink", "IosAppDownloadLink"),
}  # fmt: skip


def values(config: dict[str, Any]) -> dict[str, Any]:
    """Return these settings of *config* by the names that clients know them by."""
    found = {}
    for section, keys in SHOWN.items():
        prefix = "Password" if section == "PasswordSettings" else ""
        found |= {prefix + key: config[section][key] for key in keys}
    return found
