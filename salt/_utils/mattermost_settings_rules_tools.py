"""Rules on values that a program of the host reads: systemd, PostgreSQL, restic, a certificate authority, a mail server. Pure.

By their form: what only the program itself can tell is asked of it on the host. Registered in ``mattermost_settings_rules``.
"""

from __future__ import annotations

import re

import mattermost_database_tuning as tuning

_WEEKDAYS = "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday".split()
_SHORT = "minutely hourly daily monthly weekly yearly annually quarterly semiannually semi-annually".split()
_ZONE = re.compile(r"\s((?i:utc)|[A-Z]{3,4}([0-9][A-Z]{3})?|[A-Z][A-Za-z]+/[A-Za-z_/+-]+[0-9]*)$")
_MEMORY = (
    "shared_buffers work_mem maintenance_work_mem autovacuum_work_mem effective_cache_size wal_buffers min_wal_size max_wal_size temp_buffers"
    " logical_decoding_work_mem"
).split()
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?\s*(B|kB|MB|GB|TB)?")
# what our programs say to restic, or what runs in its place
_OURS = re.compile(r"RESTIC_(REPOSITORY|PASSWORD|CACHE_DIR).*")
_OF_PROGRAMS = re.compile(r"LD_.*|PATH|IFS|ENV|BASH.*|SHELLOPTS|PS4|GCONV_PATH")
_KINDS = "azure b2 gs rclone rest s3 sftp swift".split()  # of restic's repositories
HOST = re.compile(
    r"([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.(?=.)|\.?$))+|\[?[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]?"
)
_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(
    rf"{_WORD}(\.{_WORD})*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
)

_URL = re.compile(r"https?://([^/?#\s@]*@)?([^/?#\s:@\[\]]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?([/?#]\S*)?")


def schedule_is_systemds(settings):
    """`backup:schedule` and `release:window:begins` have systemd's calendar form: a word such as `daily`, or date and time."""
    yield from _calendar("backup:schedule", settings["backup"]["schedule"])
    yield from _calendar("release:window:begins", settings["release"]["window"]["begins"])


def _calendar(key: str, schedule: str):
    text = _ZONE.sub("", schedule).strip().lower()
    words = re.findall("[a-z]+", text)
    fits = set(words) <= set(_WEEKDAYS) and not re.search(r"[^a-z0-9*,./:~ -]|, ", text)
    if text not in _SHORT and not (fits and (words or re.search("[0-9*][:-]", text))):  # a number alone is no time
        yield f"mattermost:{key} is {schedule!r}, which systemd cannot read. Write a word such as daily, or a time such as *-*-* 03:15:00."


def postgresql_settings_are_not_ours(settings):
    """`database:settings` has no name that another setting or the platform governs, such as `port`."""
    yield from tuning.faults(settings["database"]["settings"])


def postgresql_memory_is_an_amount(settings):
    """The amounts of memory in `database:settings` are numbers with a unit that PostgreSQL reads, such as `32MB`."""
    for name, value in settings["database"]["settings"].items():
        if name in _MEMORY and (isinstance(value, bool) or not _AMOUNT.fullmatch(str(value))):
            yield f"mattermost:database:settings:{name} is {value}, which is not an amount of memory. Write a number with kB, MB or GB, such as 32MB."


def storage_login_is_not_ours(settings):
    """`backup:environment` sets no variable that this bundle sets for restic (such as the password), and none that decides which programs run (such as `PATH`)."""
    for name in settings["backup"]["environment"]:
        if _OF_PROGRAMS.fullmatch(name):
            yield f"mattermost:backup:environment:{name} must not be set, because that variable decides which programs run. Remove it."
        if _OURS.fullmatch(name):
            yield f"mattermost:backup:environment:{name} must not be set. Use mattermost:backup:repository and mattermost:backup:password instead."


def storage_has_a_password(settings):
    """`backup:password` does not begin or end with a blank, because restic leaves such blanks out."""
    password = settings["backup"]["password"]
    if password != password.strip():
        yield "mattermost:backup:password begins or ends with a blank, which restic ignores. Remove that blank."


def storage_is_restics(settings):
    """`backup:repository` begins with `/` (a directory on the host) or with a kind that restic knows, such as `sftp:`, but not with `local:`."""
    kind, is_kind, _ = settings["backup"]["repository"].partition(":")
    if is_kind and not kind.startswith("/") and kind not in _KINDS:
        yield f"mattermost:backup:repository begins with {kind}:, which is not supported. Write a directory that begins with /, or one of these before the colon: {', '.join(_KINDS)}."


def services_have_an_address(settings):
    """`notify:webhook`, `backup:notify:webhook`, `push:url` and `letsencrypt:directory_url` are addresses with a host. If `release:source` or `relenv:source` contains `://`, it begins with https, http or file."""
    given = {
        "mattermost:notify:webhook": settings["notify"]["webhook"],
        "mattermost:backup:notify:webhook": settings["backup"]["notify"]["webhook"],
        "mattermost:push:url": settings["push"]["url"],
        "mattermost:letsencrypt:directory_url": settings["letsencrypt"]["directory_url"],
    }
    told = set()
    for key, address in given.items():
        if address and address not in told and not _is_url(address):
            told.add(address)  # the others follow from it; it may hold a secret
            yield f"{key} is not an address of a server. Write an address without blanks, such as https://server.example.com/path."
    for key in ("release", "relenv"):
        scheme, is_address, _ = settings[key]["source"].partition("://")
        if is_address and not re.match(r"https?://[^/\s]|file:///", settings[key]["source"]):
            fault = "but no absolute path follows" if scheme == "file" else "which is not supported"
            yield f"mattermost:{key}:source begins with {scheme}://, {fault}. Write an https:// or http:// address, file:///PATH for a file on the host, or a path on the controller."


def _is_url(address: str) -> bool:
    found = _URL.fullmatch(address)
    return bool(found) and 0 < int((found[3] or ":443")[1:]) < 65536


def sources_can_be_filled_in(settings):
    """`release:source`, `release:signature` and `relenv:source` have nothing in braces but `{version}`, `{arch}` and `{source}`."""
    for section, name in (("release", "source"), ("release", "signature"), ("relenv", "source")):
        if name == "signature" and settings["release"]["source"] in settings["release"]["signature"]:
            continue  # said of the source
        left = re.search(r"\{[^}]*\}?", re.sub(r"\{(version|arch)\}", "", settings[section][name]))
        if left:
            yield f"mattermost:{section}:{name} contains '{left[0]}', which is not a known placeholder. Write {{version}} or {{arch}}, or the value itself."


def authority_takes_the_address(settings):
    """With `certificate:source: letsencrypt`, the domain of `email` has a dot, because a certificate authority refuses any other address."""
    domain = settings["email"].rpartition("@")[2]
    if (
        settings["certificate"]["source"] == "letsencrypt"
        and domain
        and "." not in domain
        and _ADDRESS.fullmatch(settings["email"])
    ):
        yield f"mattermost:email is {settings['email']!r}, whose domain has no dot, so a certificate authority refuses that address. Set another address, such as admin@example.com."


def storage_has_its_login(settings):
    """An S3 repository has `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or a profile, in `backup:environment`."""
    backup = settings["backup"]
    names = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} - set(backup["environment"])
    if (
        backup["repository"].startswith("s3:")
        and names
        and not {"AWS_PROFILE", "AWS_ROLE_ARN"} & set(backup["environment"])
    ):
        yield f"mattermost:backup:repository is in S3, which needs a login. Set {' and '.join(sorted(names))} in mattermost:backup:environment."


def addresses_can_be_written_to(settings):
    """The email addresses are in ASCII and have a host name, because certificate authorities and mail servers accept no others."""
    given = {
        "mattermost:email": settings["email"],
        "mattermost:server:admin:email": settings["server"]["admin"]["email"],
        "mattermost:mail:from_address": settings["mail"]["from_address"],
        "mattermost:notify:mail": settings["notify"]["mail"],
        "mattermost:backup:notify:mail": settings["backup"]["notify"]["mail"],
    }
    named = set()
    for key, address in given.items():
        if address and address not in named and not _ADDRESS.fullmatch(address):
            named.add(address)  # the others follow from it
            yield f"{key} is {address!r}. Write one address in ASCII, such as admin@example.com."
