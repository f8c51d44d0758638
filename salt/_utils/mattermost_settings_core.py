"""Merge and validate the settings: defaults < platform < pillar < the roster's ``postgres.*`` options.

`derive` adds what follows from others: names, the release's archive, nginx's upload limit, the certificate's files, who is notified.
Pure functions on plain dicts, without Salt. Called by ``mattermost_settings_data.for_sls`` (what an SLS gets, on every engine)
and by the controller's ``hosts/roster.py`` (orchestrations). The data is in ``salt/mattermost/{schema,platforms,releases}.yaml``.
"""

from __future__ import annotations

import copy
import re

import mattermost_release_facts as release_facts
import mattermost_settings_form as form
import mattermost_settings_renamed as renamed
import mattermost_settings_rules as rules

ROSTER_OPTIONS = {
    # the talk's minion_opts -> where the value belongs in the settings
    "postgres.host": None,  # only the same host is served; checked, not stored
    "postgres.port": ("database", "port"),
    "postgres.user": None,  # the superuser is postgres on every platform
    "postgres.pass": ("database", "superuser_password"),
    "postgres.bins_dir": None,  # the platform's data know it for the version in use
    "postgres.mm_database_name": ("database", "name"),
    "postgres.mm_database_user": ("database", "user"),
    "postgres.mm_database_pass": ("database", "password"),
}
SALTS_OPTIONS = ("postgres.cluster", "postgres.maintenance_db", "postgres.timeout")  # of Salt's own module
MAX_FILE_SIZE = 100 * 1024 * 1024  # bytes; Mattermost's default FileSettings.MaxFileSize
FORM_OVERHEAD = 1024 * 1024  # bytes; boundaries and headers of a multipart upload
LOOPBACK = ("", "localhost", "127.0.0.1", "::1")


class SettingsError(ValueError):
    """All faults of the settings at once, one sentence each in ``faults``."""

    def __init__(self, faults):
        self.faults = list(faults)
        super().__init__("\n".join(self.faults))


def defaults(schema: dict) -> dict:
    """Return every setting's default as nested dicts, read from the schema."""
    found = {}
    for name, part in schema.get("properties", {}).items():
        if "properties" in part:
            found[name] = defaults(part)
        else:
            found[name] = copy.deepcopy(part.get("default"))
    return found


def deep_merge(base: dict, over: dict) -> dict:
    """Return *base* with *over* laid on it: dicts merge by key, everything else is replaced."""
    merged = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = deep_merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def platform_key(grains: dict) -> str:
    """Return the key of platforms.yaml for a host's grains, e.g. ``Debian-12`` or ``RedHat-7``."""
    family = grains.get("os_family", "")
    name = family if family == "RedHat" else grains.get("os", "")
    return f"{name}-{grains.get('osmajorrelease', '')}"


def platform(platforms: dict, key: str) -> dict:
    """Return the platform's facts with what it inherits. Raises SettingsError for a platform that is not listed."""
    if key not in platforms:
        works = ", ".join(str(entry.get("name", name)) for name, entry in platforms.items() if entry.get("supported"))
        raise SettingsError([f"This host runs {key.replace('-', ' ')}, which is not supported. Supported: {works}."])
    entry = platforms[key]
    if "inherits" not in entry:
        return copy.deepcopy(entry)
    merged = deep_merge(platform(platforms, entry["inherits"]), entry)
    merged.pop("inherits")
    return merged


def release_arch(grains: dict) -> str:
    """Return the host's architecture as Mattermost's archives call it: amd64, arm64, or the host's own word."""
    machine = grains.get("cpuarch", "x86_64")
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def on_arch(facts: dict, arch: str) -> dict:
    """Return a platform's facts with what differs on *arch* laid over them, and ``by_arch`` gone."""
    by_arch = facts.get("by_arch", {})
    return {key: value for key, value in deep_merge(facts, by_arch.get(arch, {})).items() if key != "by_arch"}


def from_roster(options: dict) -> tuple[dict, list[str]]:
    """Turn the roster's flat ``postgres.*`` options into settings.

    Returns the settings and the faults found: an unknown option of that family, or another host's database.
    """
    found, faults = {}, []
    for option in sorted(key for key in options if isinstance(key, str) and key.startswith("postgres.")):
        value = options[option]
        if option not in ROSTER_OPTIONS:
            if option.startswith("postgres.mm_"):
                faults.append(f"Roster option {option} is not known.{form.nearest(option, ROSTER_OPTIONS)}")
            continue  # see `misspelt`
        if option == "postgres.host" and str(value) not in LOOPBACK:
            faults.append(
                f"Roster option postgres.host is {value}, but the bundle supports only a PostgreSQL on the chat host itself. Set the option to localhost."
            )
        if option == "postgres.user" and value != "postgres":
            faults.append(
                f"Roster option postgres.user is {value}, but the superuser is always postgres. Remove the option."
            )
        if not survives_salt_ssh(value):
            faults.append(
                f"Roster option {option} contains a character (usually a backslash) that salt-ssh corrupts on "
                f"the way to the host. Set mattermost:{':'.join(ROSTER_OPTIONS[option] or ('database',))} in the pillar instead."
            )
        if ROSTER_OPTIONS[option]:
            section, key = ROSTER_OPTIONS[option]
            found.setdefault(section, {})[key] = value
    return found, faults


def misspelt(options: dict) -> list[str]:
    """Return a sentence for each option of the roster that is almost one of the talk's."""
    others = [
        option for option in options if isinstance(option, str) and option not in (*ROSTER_OPTIONS, *SALTS_OPTIONS)
    ]
    near = {
        option: form.nearest(option.lower(), ROSTER_OPTIONS)
        for option in sorted(others)
        if "postgres" in option.lower()
    }
    return [f"Roster option {option} is not known, and nothing reads it.{hint}" for option, hint in near.items()]


def survives_salt_ssh(value) -> bool:
    """Say whether a roster option reaches a host as it is.

    Salt 3008.2 writes the options as YAML between three quotes of a Python program, where each backslash of the YAML is
    read once more: with some texts the host then has another value, with others no readable configuration at all.
    """
    import ast
    import warnings

    import yaml

    if not isinstance(value, str):
        return True
    options = {"before": ["a list: the whole is in block style, as Salt's"], "option": value, "then": "another"}
    text = yaml.safe_dump(options, default_flow_style=None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know and leaves alone
            read = yaml.safe_load(ast.literal_eval(f'"""\n{text}\n"""'))
    except (SyntaxError, ValueError, yaml.YAMLError):
        return False
    return read == options


def merge(data: dict, pillar: dict, options: dict, grains: dict, host_id: str, check: bool = True) -> dict:
    """Return the one dict that every state reads.

    data: ``{"schema", "platforms", "releases"}`` as loaded from YAML.
    pillar: the pillar's ``mattermost`` branch. options: the host's Salt options (the roster's ``minion_opts`` among them).
    grains: at least os, os_family, osmajorrelease, cpuarch. host_id: roster ID.
    Its ``doubts`` are sentences on settings that a host may keep which was deployed with them, and that no other may begin with.
    Raises SettingsError with every fault found.
    """
    roster, faults = from_roster(options)
    if not isinstance(pillar, dict):
        raise SettingsError(
            [f"The pillar key mattermost must be a mapping of settings, but is of type {type(pillar).__name__}."]
        )
    if form.is_endless(pillar):
        raise SettingsError(
            [
                f"The pillar key mattermost holds more than {form.MOST} values, because YAML aliases (*name) are nested. Write the values without aliases."
            ]
        )
    pillar, notes, twice = renamed.applied(data["schema"], pillar)
    faults += twice
    given = pillar if faults else deep_merge(pillar, roster)
    wrong = _placed(form.faults(data["schema"], given), options) if check else []
    faults += [fault.sentence for fault in wrong if fault.harms]
    try:
        facts = on_arch(platform(data["platforms"], platform_key(grains)), release_arch(grains))
        own = given.get("platform")
        unlike = form.unlike(facts, own, ("platform",)) if isinstance(own, dict) else []
        wrong += unlike
        faults += [fault.sentence for fault in unlike]
        settings = deep_merge(defaults(data["schema"]), {"platform": facts, "renamed": notes})
        sound = _without(given, [fault.path for fault in wrong if fault.harms])
        settings = derive(deep_merge(settings, sound), data["releases"], sound, grains, host_id)
    except SettingsError as err:
        raise SettingsError(faults + err.faults) from None
    beside = _placed(rules.faults(settings), options) if check else []
    if faults:  # what stands in for a wrong value says nothing of the others
        keys = [form.key(fault.path) for fault in wrong if fault.harms]
        beside = [fault for fault in beside if not any(key in fault.sentence for key in keys)]
    faults += [fault.sentence for fault in beside if fault.harms]
    if faults:
        raise SettingsError(faults)
    settings["doubts"] = [fault.sentence for fault in [*wrong, *beside]] + (misspelt(options) if check else [])
    return settings


def _placed(faults: list, options: dict) -> list:
    """Return *faults* with the roster's option named in those whose setting comes from there."""
    given = {form.key(place): option for option, place in ROSTER_OPTIONS.items() if place and option in options}
    placed = []
    for fault in faults:
        named = [option for key, option in given.items() if re.search(rf"{key}\b", fault.sentence)]
        where = f" This value comes from {' and '.join(named)} in the roster." if named else ""
        placed.append(fault._replace(sentence=fault.sentence + where))
    return placed


def _without(settings: dict, paths: list[tuple]) -> dict:
    """Return *settings* without the values at *paths*."""
    sound = copy.deepcopy(settings)
    for path in paths:
        section = sound
        for name in path[:-1]:
            section = section.get(name) if isinstance(section, dict) else None
        if isinstance(section, dict) and path:
            section.pop(path[-1], None)
        elif isinstance(section, list):
            section.clear()
    return sound


def derive(settings: dict, releases: dict, given: dict, grains: dict, host_id: str) -> dict:
    """Fill in what follows from other settings. given: what the user set; host_id: the name when none is set."""
    settings["name"] = settings["name"] or host_id
    settings["names"] = list(dict.fromkeys([settings["name"], *settings["additional_names"]]))
    settings["server"]["admin"]["email"] = (
        settings["server"]["admin"]["email"] or settings["email"] or f"admin@{settings['name']}"
    )
    if settings["database"]["password"]:
        settings["database"]["auth"] = "password"
    derive_postgresql(settings)
    derive_archive(settings["release"], releases, given, release_arch(grains))
    settings["nginx"]["body_limit"] = upload_limit(settings["server"])
    # bytes; nginx's own (64) holds names of 46 letters. 0 leaves it, for whoever set it for sites of their own
    settings["nginx"]["names_bucket"] = 512 if max(map(len, settings["names"])) > 46 else 0
    settings["letsencrypt"]["ca_pem"] = ""  # mattermost_settings_data.with_files reads it from ca_file
    derive_certificate_files(settings)
    derive_notifications(settings)
    return settings


def derive_archive(release: dict, releases: dict, given: dict, arch: str) -> None:
    """Fill in where the release's archive is and what its checksum is, and whether the user named the version."""
    release["pinned"] = "version" in given.get("release", {})
    release["arch"] = arch
    if release["edition"] == "enterprise" and "source" not in given.get("release", {}):
        release["source"] = release["source"].replace("mattermost-team-", "mattermost-")
    derive_release(release, releases)


def upload_limit(server: dict) -> int:
    """Return how many bytes nginx lets through: one file of the server's own limit, and the multipart form around it."""
    limit = server["config"].get("FileSettings", {}).get("MaxFileSize", MAX_FILE_SIZE)
    variable = server["environment"].get("MM_FILESETTINGS_MAXFILESIZE", "")
    limit = int(variable) if re.fullmatch("[0-9]+", variable) else limit  # the variable wins, in the server too
    return (limit if isinstance(limit, int) else MAX_FILE_SIZE) + FORM_OVERHEAD


def derive_certificate_files(settings: dict) -> None:
    """Fill in where the certificate and its key are on the host."""
    certificate = settings["certificate"]
    folder = f"{settings['platform']['certbot']['directory']}/live/{settings['name']}"
    if certificate["source"] == "files":
        folder = f"{settings['paths']['settings']}/certificate"
    certificate["chain_file"], certificate["key_file"] = f"{folder}/fullchain.pem", f"{folder}/privkey.pem"


def derive_notifications(settings: dict) -> None:
    """Fill in who sends mail, and who is notified where the settings name nobody."""
    mail = settings["mail"]
    mail["from_address"] = mail["from_address"] or settings["email"]
    notify, of_backups = settings["notify"], settings["backup"]["notify"]
    notify["mail"] = notify["mail"] or settings["email"]
    for channel, to in notify.items():
        of_backups[channel] = of_backups[channel] or to


def derive_release(release: dict, releases: dict) -> None:
    """Fill in which version a line means, what it is proved by, and the addresses of archive and signature.

    ``line`` is "" where a version is named. ``known_by`` is ``sum`` (its SHA-256 is known), ``name`` (a person named it), ``listed``
    (the vendor lists it: a row of the table for another processor, or two of its sources) or "" (nobody says that it exists); without
    a sum the archive needs the vendor's signature. ``addresses`` are those of any version. releases: the table; ``listed`` in it is the newest patch by line that two of the
    vendor's sources list at this moment. Both editions have the same versions, and sums of their own.
    """
    wanted, sums = release["version"], release_facts.sums(releases, release)
    rows = release_facts.listed(releases)
    release["line"] = wanted if release_facts.is_line(wanted) else ""
    if release["line"]:
        known = {version for version in rows if release_facts.of_line(version, wanted)}
        is_one_archive = release["sha256"] or not re.match(r"https?://.*\{version\}", release["source"])
        if not is_one_archive:  # a person's own archive does not become another one when the vendor lists a patch
            known |= {version for version in [releases.get("listed", {}).get(wanted, "")] if version}
        release["version"] = max(known, key=release_facts.numbers, default=f"{wanted}.0")
    version = release["version"]
    release["sha256"] = release["sha256"] or sums.get(version, "")
    is_listed = version in rows or version in releases.get("listed", {}).values()
    release["known_by"] = "sum" if release["sha256"] else "listed" if is_listed else "" if release["line"] else "name"
    release["addresses"] = {
        name: release[name].replace("{source}", release["source"]) for name in ("source", "signature")
    }
    for name, text in release["addresses"].items():
        release[name] = text.replace("{version}", version).replace("{arch}", release["arch"])


def derive_postgresql(settings: dict) -> None:
    """Put PostgreSQL's major into the platform's facts, in place of ``{version}``.

    The facts with the placeholder stay as ``platform.postgresql.template``: a state that finds another major at work needs
    that one's places. Raises SettingsError for a major that cannot be had.
    """
    facts, repositories = settings["platform"]["postgresql"], settings["platform"]["repositories"]
    version = settings["database"]["version"] or facts["version"]
    if version > facts["newest"]:
        raise SettingsError(
            [
                f"mattermost:database:version is {version}, but {facts['newest']} is the newest PostgreSQL known for "
                f"{settings['platform']['name']}. Set a version up to {facts['newest']}, or, if PostgreSQL {version} exists there, set mattermost:platform:postgresql:newest to {version}."
            ]
        )
    known = ("version", "own", "newest")
    template = {name: value for name, value in facts.items() if name not in known}
    settings["platform"]["postgresql"] = with_major(template, version) | {
        "version": version,
        "own": facts["own"],
        "newest": facts["newest"],
        "template": template,
    }
    repositories["vendors"] = with_major(repositories["vendors"], version)
    if repositories["kind"] == "none" and version not in facts["own"]:
        repositories["kind"] = "apt"


def with_major(facts, version: int):
    """Return *facts* with ``{version}`` replaced in every text of it, names of branches too."""
    if isinstance(facts, dict):
        filled: dict = {}
        for name, value in facts.items():  # a branch that the settings name in full lies over ours
            part = {with_major(name, version): with_major(value, version)}
            filled = deep_merge(filled, part)
        return filled
    if isinstance(facts, list):
        return [with_major(value, version) for value in facts]
    return facts.replace("{version}", str(version)) if isinstance(facts, str) else facts
