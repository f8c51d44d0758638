"""What makes the server refuse a configuration, in its own words."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from .versions import Build

COLLAPSED_THREADS = ("disabled", "default_on", "default_off", "always_on")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.netloc)
    except ValueError:
        return False


def _service(config: dict[str, Any]) -> str | None:
    service = config["ServiceSettings"]
    if service["SiteURL"] and not _is_url(service["SiteURL"]):
        return "Site URL must be a valid URL and start with http:// or https://."
    if service["AllowCookiesForSubdomains"] and not service["SiteURL"]:
        return "Allowing cookies for subdomains requires SiteURL to be set."
    if not service["ListenAddress"]:
        return "Invalid listen address for service settings Must be set."
    if service["ConnectionSecurity"] not in ("", "TLS"):
        return "Invalid value for webserver connection security."
    if service["ConnectionSecurity"] == "TLS" and not service["UseLetsEncrypt"]:
        for key, what in (("TLSCertFile", "certificate"), ("TLSKeyFile", "key")):
            if not os.path.isfile(service[key]):
                return (
                    f"Invalid value for TLS {what} file - Either use LetsEncrypt or set path to existing {what} file."
                )
    folder = os.path.dirname(service["LocalModeSocketLocation"])
    if service["EnableLocalMode"] and not os.path.isdir(folder):
        return f"model.config.is_valid.local_mode_socket.app_error, stat {folder}: no such file or directory"
    if service["MaximumLoginAttempts"] <= 0:
        return "Invalid maximum login attempts for service settings. Must be a positive number."
    for key, what in (("ReadTimeout", "read"), ("WriteTimeout", "write")):
        if service[key] <= 0:
            return f"Invalid value for {what} timeout."
    if service["CollapsedThreads"] not in COLLAPSED_THREADS:
        return "CollapsedThreads setting must be either disabled,default_on or default_off"
    return None


def _storage(config: dict[str, Any], build: Build) -> str | None:
    sql, files = config["SqlSettings"], config["FileSettings"]
    if len(sql["AtRestEncryptKey"]) < 32:
        return "Invalid at rest encrypt key for SQL settings. Must be 32 chars or more."
    if sql["DriverName"] not in ("postgres", "mysql"):
        older = "" if build.at_least(11, 0) else "'mysql' or "
        return f"Invalid driver name for SQL settings. Must be {older}'postgres'."
    for key, what in (
        ("MaxIdleConns", "maximum idle connection"),
        ("MaxOpenConns", "maximum open connection"),
        ("QueryTimeout", "query timeout"),
    ):
        if sql[key] <= 0:
            return f"Invalid {what} for SQL settings. Must be a positive number."
    if not sql["DataSource"]:
        return "Invalid data source for SQL settings. Must be set."
    if files["MaxFileSize"] <= 0:
        return "Invalid max file size for file settings. Must be a whole number greater than zero."
    if files["DriverName"] not in ("local", "amazons3", "azureblob"):
        return "Invalid driver name for file settings. Must be 'local' or 'amazons3'."
    if len(files["PublicLinkSalt"]) < 32:
        return "Invalid public link salt for file settings. Must be 32 chars or more."
    if files["MaxImageDecoderConcurrency"] < -1 or files["MaxImageDecoderConcurrency"] == 0:
        return "Invalid maximum image decoder concurrency. Must be a positive number or -1."
    return None


def _mail_and_limits(config: dict[str, Any], build: Build) -> str | None:
    email, limits = config["EmailSettings"], config["RateLimitSettings"]
    if email["ConnectionSecurity"] not in ("", "TLS", "STARTTLS"):
        return "Invalid connection security for email settings. Must be '', 'TLS', or 'STARTTLS'."
    if email["EmailBatchingInterval"] < 30:
        return "Invalid email batching interval for email settings. Must be 30 seconds or more."
    if limits["PerSec"] <= 0:
        return "Invalid per sec for rate limit settings. Must be a positive number."
    if limits["MemoryStoreSize"] <= 0:
        return "Invalid memory store size for rate limit settings. Must be a positive number."
    longest = 72 if build.at_least(9, 0) else 64
    if not 5 <= config["PasswordSettings"]["MinimumLength"] <= longest:
        return f"Minimum password length must be a whole number greater than or equal to 5 and less than or equal to {longest}."
    for section in ("ImportSettings",):
        if not config[section]["Directory"]:
            return f"Value for {section}.Directory should not be empty."
        if config[section]["RetentionDays"] <= 0:
            return f"Invalid value for {section}.RetentionDays. Value should be greater than 0."
    return None


def _blocking_keys(config: dict[str, Any], build: Build) -> str | None:
    """Keys that were allowed once and make newer servers refuse to start."""
    if build.at_least(11, 0):
        if not config["TeamSettings"]["ExperimentalViewArchivedChannels"]:
            return "TeamSettings.ExperimentalViewArchivedChannels can no longer be false: remove the setting."
        if config["ExperimentalSettings"]["ClientSideCertEnable"]:
            return "ExperimentalSettings.ClientSideCertEnable can no longer be true: remove the setting."
        if config["SqlSettings"]["DriverName"] == "mysql":
            return "Invalid driver name for SQL settings. Must be 'postgres'."
    if build.at_least(12, 0) and config["ImageProxySettings"]["ImageProxyType"] == "atmos/camo":
        return "Invalid image proxy type. Must be 'local'."
    return None


def first_fault(config: dict[str, Any], build: Build) -> str | None:
    """Return the sentence that follows ``Config.IsValid: ``, or None when *config* is valid for *build*.

    config: the effective configuration, complete and of the right types.
    """
    if len(config["TeamSettings"]["SiteName"]) > 30:
        return "Site name must be less than or equal to 30 characters."
    return (
        _blocking_keys(config, build) or _service(config) or _storage(config, build) or _mail_and_limits(config, build)
    )
