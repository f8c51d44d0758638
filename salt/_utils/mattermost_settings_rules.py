"""Rules between settings: what each may be beside the others. Pure.

A rule is a function of the merged settings that yields a sentence for each fault, with the whole keys; the first line of its docstring
is its row in docs/settings.md (`make docs`). One of HARMFUL is refused everywhere. One of DOUBTFUL is refused before the first deploy and
a warning on a host that was deployed with it.
"""

from __future__ import annotations

import ipaddress
import re

import mattermost_config_core as config
import mattermost_config_from_settings as wants
import mattermost_environment_core as environment
import mattermost_settings_rules_paths as paths
import mattermost_settings_rules_tools as tools
import yaml
from mattermost_lines import lines_of
from mattermost_settings_form import Fault

MAX_UPLOAD = 2**40  # bytes
NGINX_PORTS = (80, 443)
KEYWORDS = "all replication samegroup samerole sameuser".split()  # of pg_hba.conf
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
METRICS = ("MetricsSettings", "ListenAddress")


def server_user_is_an_account_of_its_own(settings):
    """`server:user` is not `root`, `postgres` or `mattermost-sql`. As `mattermost-sql`, programs of this bundle log in to the database."""
    user = settings["server"]["user"]
    if user in ("root", "postgres", "mattermost-sql"):
        yield (
            f"mattermost:server:user is {user}, but the server must never have the privileges of that account. Set an account that only the server uses, such as mattermost."
        )


def server_user_is_no_components(settings):
    """`server:user` is not the account of nginx or of another package that the deploy installs."""
    user, platform = settings["server"]["user"], settings["platform"]
    if user in {platform.get("nginx", {}).get("user"), *platform.get("accounts", {})} - {"postgres"}:
        yield f"mattermost:server:user is {user}, which owns files of another program. Set an account that only the server uses, such as mattermost."


def ports_are_apart(settings):
    """`server:port`, `database:port`, the ports 80 and 443 of nginx and the port of the metrics all differ."""
    server, database = settings["server"]["port"], settings["database"]["port"]
    if server == database:
        yield f"mattermost:server:port and mattermost:database:port are both {server}. Set a separate port for each."
    if database in NGINX_PORTS:
        yield f"mattermost:database:port is {database}, which nginx uses. Set another port, such as 5432."
    metrics = settings["server"]["config"].get("MetricsSettings", {})
    address = str(metrics.get("ListenAddress", "")).rpartition(":")[2]
    if metrics.get("Enable") and address.isdigit():
        taken = {
            server: "mattermost:server:port",
            database: "mattermost:database:port",
            80: "nginx",
            443: "nginx",
        }
        if int(address) in taken:
            yield f"mattermost:server:config:{':'.join(METRICS)} uses port {address}, which is already the port of {taken[int(address)]}. Set another port."


def keys_of_config_are_not_ours(settings):
    """`server:config` sets no key that another setting governs: addresses, the local socket, directories, the database's driver, TLS."""
    ours = wants.place({**settings, "max_connections": settings["database"]["max_connections"]})
    for where, value in config.flatten(settings["server"]["config"]).items():
        reason = environment.OURS.get(environment.variable(where))
        known = environment.NGINXS | {environment.variable(each): wanted for each, wanted in ours.items()}
        if reason and where != wants.SIGN_UP and environment.variable(where) in known:
            if value != known[environment.variable(where)]:
                yield f"mattermost:server:config:{':'.join(where)} must not be set: {reason}."


def variables_are_not_ours(settings):
    """`server:environment` sets no variable of a key that another setting governs."""
    for name in sorted(set(settings["server"]["environment"]) & set(environment.OURS)):
        yield environment.is_ours(name)


def database_is_in_the_environment(settings):
    """`server:config` does not set `SqlSettings:DataSource`, because that key would have no effect."""
    for where in config.flatten(settings["server"]["config"]):
        if environment.variable(where) == "MM_SQLSETTINGS_DATASOURCE":
            yield f"mattermost:server:config:{':'.join(where)} has no effect: {environment.OURS['MM_SQLSETTINGS_DATASOURCE']}."


def _upload_limit(settings) -> tuple[str, int | None]:
    variable = settings["server"]["environment"].get("MM_FILESETTINGS_MAXFILESIZE", "")
    if re.fullmatch("[0-9]+", variable):
        return "mattermost:server:environment:MM_FILESETTINGS_MAXFILESIZE", int(variable)
    limit = settings["server"]["config"].get("FileSettings", {}).get("MaxFileSize")
    return "mattermost:server:config:FileSettings:MaxFileSize", limit if isinstance(limit, int) else None


def uploads_pass_nginx(settings):
    """`server:config:FileSettings:MaxFileSize` is a whole number of bytes, without quotes, and not too large for nginx."""
    where, limit = _upload_limit(settings)
    given = settings["server"]["config"].get("FileSettings", {}).get("MaxFileSize", 1)
    variable = settings["server"]["environment"].get("MM_FILESETTINGS_MAXFILESIZE", "1")
    if type(given) is not int:
        yield "mattermost:server:config:FileSettings:MaxFileSize must be a whole number of bytes, without quotes, such as 209715200."
    if not re.fullmatch("[0-9]+", variable):
        yield "mattermost:server:environment:MM_FILESETTINGS_MAXFILESIZE must be a whole number of bytes, such as 209715200."
    if limit is not None and not 0 < limit < 2**62:
        yield f"{where} is {limit} bytes. Write a number between 1 and {MAX_UPLOAD} (1 TiB)."


def uploads_have_a_limit(settings):
    """`server:config:FileSettings:MaxFileSize` is no more than 1 TiB."""
    where, limit = _upload_limit(settings)
    if limit is not None and MAX_UPLOAD < limit < 2**62:
        yield f"{where} is {limit} bytes, which is too large. Write at most {MAX_UPLOAD} (1 TiB)."


def exempt_addresses_are_addresses(settings):
    """`nginx:limits:exempt` contains only addresses and networks. A network is written with its first address: 192.0.2.0/24, not 192.0.2.7/24."""
    for address in settings["nginx"]["limits"]["exempt"]:
        try:
            ipaddress.ip_network(address)
        except ValueError:
            yield f"mattermost:nginx:limits:exempt contains {address}, which is not an address or a network. Write an address such as 192.0.2.7, or a network such as 192.0.2.0/24."


def metrics_are_not_for_all(settings):
    """In `server:config`, `MetricsSettings:Enable` needs one address in `MetricsSettings:ListenAddress`, not all interfaces. If it is not a loopback address, `firewall:manage` must be on."""
    own, variables = settings["server"]["config"].get("MetricsSettings", {}), settings["server"]["environment"]
    enabled = variables.get("MM_METRICSSETTINGS_ENABLE", own.get("Enable"))
    if str(enabled).lower() not in ("true", "1", "t"):
        return
    address = (
        str(variables.get("MM_METRICSSETTINGS_LISTENADDRESS", own.get("ListenAddress", "")))
        .rpartition(":")[0]
        .strip("[]")
    )
    try:
        named = address == "localhost" or not ipaddress.ip_address(address).is_unspecified
    except ValueError:
        named = False
    if not named:
        yield (
            "mattermost:server:config:MetricsSettings:Enable opens the server's profiler to everybody, without a login."
            " Set mattermost:server:config:MetricsSettings:ListenAddress to one address and a port, such as 127.0.0.1:8067."
        )
    elif (
        not settings["firewall"]["manage"] and address != "localhost" and not ipaddress.ip_address(address).is_loopback
    ):
        yield (
            f"mattermost:server:config:MetricsSettings:Enable opens the server's profiler on {address} to everybody: "
            "mattermost:firewall:manage is off. Set mattermost:firewall:manage to True, or listen on 127.0.0.1."
        )


def database_names_are_free(settings):
    """`database:name` is not `postgres`, `template0` or `template1`, and `database:user` does not begin with `pg_`. Neither is a keyword of PostgreSQL, such as `all`."""
    database = settings["database"]
    for which, words in (("name", KEYWORDS), ("user", [*KEYWORDS, "none", "public"])):
        if database[which] in words:
            yield f"mattermost:database:{which} is {database[which]}, a keyword of PostgreSQL's pg_hba.conf. Set another name, such as mattermost."
    if database["name"] in ("postgres", "template0", "template1"):
        yield f"mattermost:database:name is {database['name']}, one of PostgreSQL's own databases. Set another name, such as mattermost."
    if database["user"].startswith("pg_"):
        yield f"mattermost:database:user is {database['user']}, but PostgreSQL reserves names that begin with pg_. Set another name, such as mattermost."


def administrator_is_not_reserved(settings):
    """`server:admin:username` is not a name that Mattermost reserves for itself, such as `all`."""
    name = settings["server"]["admin"]["username"]
    if name in ("all", "channel", "matterbot", "system"):
        yield f"mattermost:server:admin:username is {name}, which Mattermost reserves for itself. Set another name, such as admin."


def database_role_is_not_the_superuser(settings):
    """`database:user` is not `postgres`."""
    if settings["database"]["user"] == "postgres":
        yield "mattermost:database:user is postgres, which is PostgreSQL's superuser. Set a role that only the server uses, such as mattermost."


def mail_and_push_are_whole(settings):
    """`mail:server` needs a sender address, `mail:username` needs `mail:server`, and `push:service: own` needs `push:url`."""
    yield from wants.faults(settings)


def mail_login_is_whole(settings):
    """`mail:username` and `mail:password` are set together."""
    mail = settings["mail"]
    if mail["username"] and not mail["password"]:
        yield "mattermost:mail:username is set, but mattermost:mail:password is not. Set both or neither."
    if mail["password"] and not mail["username"]:
        yield "mattermost:mail:password is set, but mattermost:mail:username is not, so the server would not log in. Set both or neither."


def mail_server_is_a_host(settings):
    """`mail:server` is a host name without scheme and port."""
    server = settings["mail"]["server"]
    if server and not tools.HOST.fullmatch(server):
        yield f"mattermost:mail:server is {server!r}. Write only the host name there, such as smtp.example.com, and set the port in mattermost:mail:port."


def names_stay_text(settings):
    """`name`, `additional_names`, `server:user`, `database:name` and `database:user` are not names that YAML reads as a number or a truth value, such as `on`."""
    database = settings["database"]
    named = {
        "mattermost:name (or, if it is empty, the roster ID)": settings["name"],
        "mattermost:server:user": settings["server"]["user"],
        "mattermost:database:name": database["name"],
        "mattermost:database:user": database["user"],
        **{f"mattermost:additional_names:{index}": name for index, name in enumerate(settings["additional_names"])},
    }
    for key, name in named.items():
        try:
            is_text = isinstance(yaml.safe_load(name or "x"), str)
        except yaml.YAMLError:
            is_text = False
        if not is_text:
            yield f"{key} is {name}, which YAML reads as a number or a truth value. Set another name."


def round_trip_has_the_socket(settings):
    """`verify:round_trip` needs `server:local_mode`."""
    if settings["verify"]["round_trip"] and not settings["server"]["local_mode"]:
        yield "mattermost:verify:round_trip needs the server's local socket, but mattermost:server:local_mode is False. Set local_mode to True, or round_trip to False."


def names_have_no_signs(settings):
    """`name`, or the roster ID if `name` is empty, consists of letters, digits, dots and hyphens."""
    if not re.fullmatch(r"[\w.:-]+", settings["name"]):
        yield f"mattermost:name (or, if it is empty, the roster ID) is {settings['name']!r}, which is not a DNS name. Set mattermost:name, such as chat.example.com."


def names_are_names(settings):
    """`name` and `additional_names` are DNS names, not addresses: each part between dots has 1 to 63 letters, digits and hyphens, and the whole name at most 253 characters."""
    for name in settings["names"]:
        labels = name.split(".")
        if labels[-1].isdigit() or len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
            yield f"{name} (of mattermost:name, additional_names or the roster ID) is not a DNS name. Write a DNS name, such as chat.example.com."


def unattended_patches_come_from_an_address(settings):
    """With `release:unattended: patches`, `release:source` is an address with `{version}`, which the host itself can fetch."""
    source = settings["release"].get("addresses", settings["release"])["source"]
    if settings["release"]["unattended"] == "patches" and not re.match(r"(https?|file)://.*\{version\}", source):
        yield (
            f"mattermost:release:unattended is patches, but the host cannot download new versions from mattermost:release:source "
            f"({source}). Set an https:// address with {{version}} there, or set unattended to none."
        )


HARMFUL = (
    server_user_is_an_account_of_its_own,
    paths.paths_are_not_the_systems,
    paths.paths_are_no_components,
    paths.paths_are_not_too_long,
    paths.run_is_not_a_programs,
    ports_are_apart,
    keys_of_config_are_not_ours,
    variables_are_not_ours,
    uploads_pass_nginx,
    exempt_addresses_are_addresses,
    metrics_are_not_for_all,
    database_names_are_free,
    names_stay_text,
    names_have_no_signs,
    tools.schedule_is_systemds,
    tools.postgresql_settings_are_not_ours,
    tools.postgresql_memory_is_an_amount,
    tools.storage_login_is_not_ours,
    mail_and_push_are_whole,
    round_trip_has_the_socket,
    unattended_patches_come_from_an_address,
)
DOUBTFUL = (
    server_user_is_no_components,
    paths.paths_are_in_the_users_places,
    paths.paths_are_apart,
    database_is_in_the_environment,
    uploads_have_a_limit,
    database_role_is_not_the_superuser,
    administrator_is_not_reserved,
    mail_login_is_whole,
    mail_server_is_a_host,
    names_are_names,
    tools.storage_has_a_password,
    tools.storage_is_restics,
    tools.storage_has_its_login,
    tools.sources_can_be_filled_in,
    tools.authority_takes_the_address,
    tools.services_have_an_address,
    tools.addresses_can_be_written_to,
)


def faults(settings: dict) -> list[Fault]:
    """Return the faults of the merged *settings* against every rule."""
    return [
        Fault(sentence, harms)
        for harms, rules in ((True, HARMFUL), (False, DOUBTFUL))
        for rule in rules
        for sentence in rule(settings)
    ]


def rows() -> list[tuple[str, str]]:
    """Return what each rule says, and whether a deployed host is refused by it or warned, for the settings page."""
    return [
        (lines_of(rule.__doc__)[0], word)
        for word, rules in (("refused", HARMFUL), ("a warning", DOUBTFUL))
        for rule in rules
    ]
