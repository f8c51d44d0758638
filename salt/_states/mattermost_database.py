"""PostgreSQL for Mattermost: a cluster that runs with the settings it needs, a role, its database, a proven login.

Six states in this order: `compatible`, `held`, `cluster_runs`, `present`, `access_granted`, `login_works`. Each is true to ``test=True``, on a host without
PostgreSQL too. Not Salt's own postgres states: those put a password's verifier into psql's arguments and fail where psql
is not installed yet. The cores are mattermost_database_{plan,files,scram} (pure) and mattermost_database_{cluster,setup,access}.

In all of them *cluster* is the branch ``platform.postgresql`` of the settings.
"""

from __future__ import annotations

import mattermost_database_access as access
import mattermost_database_cluster as host
import mattermost_database_files as files
import mattermost_database_first_start as first_start
import mattermost_database_major_in_use as majors
import mattermost_database_plan as plan
import mattermost_database_setup as setup
import mattermost_database_tuning as tuning
import mattermost_engine as engine
import mattermost_release_tree as releases
from mattermost_answer import answer as _ret
from mattermost_release_facts import effective

SECRET = "database-password"  # noqa: S105 - a name in the store, no password


def _facts(cluster, database, role):
    facts = cluster.query(plan.facts_query(database, role))
    if plan.needs_contents(facts):
        facts["contents"] = cluster.query(plan.contents_query(), database)
    return facts


def compatible(name, role, release, install, port, cluster, adopt=False, superuser_password="", work=""):
    """Refuse, before anything is changed, a PostgreSQL or a database that cannot be used.

    name: database. role: its owner. release: the settings' branch. install: ``paths.install``. port: TCP port wanted.
    adopt: take over what others made. work: ``paths.work``.
    False for data in another major, for a PostgreSQL older than the release needs, a port that something else holds, a foreign database or role.
    """
    postgresql = host.Cluster(cluster, superuser_password)
    version = effective(release, releases.current(install))
    upgrade = engine.command(engine.POSTGRESQL, __opts__, work)
    fault = plan.too_old(int(cluster["version"]), version, upgrade)
    if not fault and work:
        fault = majors.refusal(int(cluster["version"]), majors.inspect(cluster["template"], work), upgrade)
    running = postgresql.running()
    if not fault and (running is None or running[1] != port) and host.is_taken(port):
        fault = setup.port_is_taken(port)
    if not fault and running:
        try:
            fault = plan.refusal(_facts(postgresql, name, role), name, role, adopt)
        except host.DatabaseError as err:
            return _ret(name, False, _no_entry(postgresql, err))
    if fault:
        return _ret(name, False, fault)
    return _ret(
        name,
        True,
        f"PostgreSQL {cluster['version']} fits Mattermost {version}{', and no database of another installation is in the way' if running else ''}.",
    )


def major_compatible(name, cluster, work):
    """Refuse to go on when the server's data is in another major of PostgreSQL; never changes anything.

    name: only the state's name. work: ``paths.work``.
    """
    upgrade = engine.command(engine.POSTGRESQL, __opts__, work)
    fault = majors.refusal(int(cluster["version"]), majors.inspect(cluster["template"], work), upgrade)
    return _ret(
        name, not fault, fault or f"The server has no data in a version of PostgreSQL other than {cluster['version']}."
    )


def held(name, cluster):
    """Have the package not start the cluster that it makes: `cluster_runs` starts it, with our settings. Nothing once it is installed.

    name: only the state's name. Never reports a change: what it writes is in /run and counts only as long as this run lives.
    """
    if not __opts__["test"]:
        first_start.hold(host.Cluster(cluster))
    return _ret(
        name,
        True,
        "If this run installs PostgreSQL, a new cluster is not started by the package, but by a later step with the settings of this deployment.",
    )


def _no_entry(postgresql, err):
    return (
        f"This run could not query PostgreSQL in {postgresql.data['data_dir']} as its superuser over the socket: {err} Check that "
        "pg_hba.conf has `local all postgres peer` and is reloaded, or set mattermost:database:superuser_password."
    )


def cluster_runs(name, port, max_connections, cluster, superuser_password="", tune=True, settings=None):
    """Have the cluster run, at boot too, with our settings.

    port: TCP port. max_connections: connections.
    tune: set memory, planner and checkpoints by the host's memory and cores. settings: PostgreSQL's own, by name.
    The administrator's own lines and files stay. Restarts only for a setting that needs it, reloads otherwise.
    False, with the old files back, when PostgreSQL does not take the new ones.
    """
    postgresql = host.Cluster(cluster, superuser_password)
    testing = __opts__["test"]
    changes, by_user = {}, settings or {}
    if wrong := tuning.faults(by_user):
        return _ret(name, False, " ".join(wrong))
    wanted = files.settings(port, max_connections, tuning.machine() if tune else None, by_user)
    try:
        if testing and not postgresql.running():
            return _ret(name, None, f"Would start PostgreSQL {cluster['version']} and set it up.", {"cluster": "start"})
        if not postgresql.is_initialised():
            if not cluster["initialise"]:
                raise host.DatabaseError(
                    f"There is no PostgreSQL cluster in {cluster['data_dir']}, and no command is set that creates one. "
                    "Set mattermost:platform:postgresql:initialise, or create the cluster on the host."
                )
            postgresql.initialise(postgresql.data["initialise"])
            changes["cluster"] = f"made in {cluster['data_dir']}"
        boot = setup.not_at_boot(postgresql)  # first: Debian starts no cluster that is disabled
        if boot:
            changes["at boot"] = {"old": boot, "new": "starts"}
            if not testing:
                setup.set_at_boot(postgresql)
        if not postgresql.running():
            written = first_start.start(postgresql, wanted)
            changes |= {"state": "started"} | ({"files": written} if written else {})
        ready = setup.Setup(postgresql, wanted, by_user)
        refusal = ready.refusal()
        if refusal:
            return _ret(name, False, refusal, changes if not testing else {})
        news = dict(ready.differences)
        if ready.texts:
            news["files"] = sorted(ready.texts)
        if testing:
            if ready.is_unread():
                news.setdefault("state", "reload")
            if changes or news:
                return _ret(name, None, "Would change the configuration of PostgreSQL.", changes | news)
        else:
            done = ready.apply()
            changes.update(news)
            if done:
                changes["state"] = done
    except host.DatabaseError as err:
        return _ret(name, False, str(err), changes if not testing else {})
    place = f"PostgreSQL {cluster['version']} answers on port {port} of 127.0.0.1 and on its socket"
    return _ret(name, True, f"{place}.", changes)


def present(name, role, auth, cluster, secrets, password="", superuser_password="", adopt=False):
    """Have the role and its database.

    name: database. auth: peer (the role has no password) or password. secrets: directory of the secret store, where the
    password is born when none is given. superuser_password: for the role postgres; empty leaves it alone.
    adopt: take over a database or role that others made; without it they are refused. Nothing is ever removed.
    """
    postgresql = host.Cluster(cluster, superuser_password)
    testing = __opts__["test"]
    if testing and not (postgresql.is_installed() and postgresql.running()):
        return _ret(
            name, None, f"Would create the role {role} and its database {name}.", {f"database {name}": "create"}
        )
    try:
        if auth == "password" and not password:
            password = __salt__["mattermost_secret.get"](SECRET, secrets)
        facts = _facts(postgresql, name, role)
        refusal = plan.refusal(facts, name, role, adopt)
        if refusal:
            return _ret(name, False, refusal)
        wanted = {
            "database": name,
            "role": role,
            "auth": auth,
            "password": password,
            "superuser_password": superuser_password,
            "locale": cluster["locale"],
        }
        changes = {}
        for subject, phrase, where, sql in plan.steps(facts, wanted):
            if not testing:
                postgresql.psql(sql, where)
            changes.setdefault(subject, []).append(phrase)
    except (host.DatabaseError, ValueError) as err:
        return _ret(name, False, f"The database {name} could not be set up: {err}")
    if not changes:
        return _ret(name, True, f"The database {name} is encoded in UTF8 and belongs to the role {role}.")
    return _ret(name, None if testing else True, plan.in_words(changes, testing), changes)


def access_granted(name, role, auth, os_user, cluster, superuser_password=""):
    """Let the server and the programs of backups, upgrades and restores log in, nobody else as this role, and have that read.

    name: database. role: its owner. auth: peer or password. os_user: the account of the service.
    The administrator's own lines stay. False, with the old files back, when PostgreSQL does not take the new ones.
    """
    postgresql = host.Cluster(cluster, superuser_password)
    granted = f"The server can log in to PostgreSQL as {role}, and so can the account mattermost-sql for backups and upgrades."
    if __opts__["test"] and not postgresql.running():
        return _ret(
            name,
            None,
            f"Would let the server log in to PostgreSQL as {role}, and also the account mattermost-sql for backups and upgrades.",
            {"access": "rules"},
        )
    try:
        rules = access.Access(
            postgresql, files.hba_lines(auth, name, role, os_user), files.ident_lines(auth, role, os_user)
        )
        changes = {"files": sorted(rules.texts)} if rules.texts else {}
        if __opts__["test"]:
            if rules.is_unread():
                changes["state"] = "reload"
            return _ret(
                name,
                None if changes else True,
                "Would change the rules of pg_hba.conf, which say who may log in to PostgreSQL."
                if changes
                else granted,
                changes,
            )
        done = rules.apply()
    except host.DatabaseError as err:
        return _ret(name, False, str(err))
    return _ret(name, True, granted, changes | ({"state": done} if done else {}))


def login_works(name, role, auth, port, os_user, cluster, secrets, password=""):
    """Log in as the server will, and see that it may make its tables; never changes anything.

    name: database. auth: peer (as *os_user* over the socket) or password (over 127.0.0.1).
    False with PostgreSQL's own reason; under ``test=True`` None, since an earlier state may be about to mend it.
    """
    postgresql = host.Cluster(cluster)
    route = (
        f"over the socket in {cluster['socket_dir']}" if auth == "peer" else f"over 127.0.0.1:{port} with its password"
    )
    try:
        if not postgresql.is_installed():
            raise host.DatabaseError("PostgreSQL is not installed yet.")
        if auth == "password" and not password:
            password = __salt__["mattermost_secret.get"](SECRET, secrets)
            if password is None:
                raise host.DatabaseError("the role's password is not generated yet.")
        postgresql.login(os_user, role, name, port, password if auth == "password" else None)
    except (host.DatabaseError, ValueError, KeyError) as err:
        why = f"the account {os_user} does not exist on this host yet." if isinstance(err, KeyError) else str(err)
        if __opts__["test"]:
            return _ret(name, None, f"Would test the login of {role} {route}. At present this login fails: {why}")
        hint = f"Look at the log {cluster['logs']} and at the rules in pg_hba.conf (its path: `SHOW hba_file`)."
        if os_user == files.SQL_ACCOUNT:
            hint = f"Run first: {engine.apply_command('mattermost.deploy.database', __opts__)} (PostgreSQL's log: {cluster['logs']})"
        return _ret(name, False, f"The login of {role} to the database {name} {route} fails: {why} {hint}")
    return _ret(name, True, f"{role} logs in to the database {name} {route}.")
