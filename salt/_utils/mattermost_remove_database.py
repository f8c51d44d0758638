"""Mattermost's databases, their owner and our lines in PostgreSQL's files: left to a later deploy, or taken away."""

from __future__ import annotations

import os
import time

import mattermost_database_cluster as host
import mattermost_database_files as files
import mattermost_database_owned_files as owned_files
import mattermost_database_plan as plan

INCLUDE = "include_dir = 'conf.d'  # added by mattermost.deploy.database"
DATABASES = """SELECT coalesce(json_object_agg(datname, coalesce(shobj_description(oid, 'pg_database'), '')), '{}')
 FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres';"""
COUNTS = "SELECT json_build_object('users', (SELECT count(*) FROM users), 'posts', (SELECT count(*) FROM posts));"


class Remains:
    """What of ours a cluster has. data: ``platform.postgresql``; name, role: of the database; password: the superuser's."""

    def __init__(self, data: dict, name: str, role: str, password: str = ""):
        self.data, self.name, self.role = data, name, role
        self.cluster = host.Cluster(data, password)

    def ours(self) -> list[str]:
        """Return the databases with our mark, or the mark of the program that keeps copies of it."""
        return [name for name, comment in self._databases().items() if plan.is_ours({"comment": comment})]

    def foreign(self) -> list[str]:
        """Return the databases that others made in this cluster, and other clusters of the host (Debian's folders)."""
        found = [name for name, comment in self._databases().items() if not plan.is_ours({"comment": comment})]
        return found + self.other_clusters()

    def other_clusters(self) -> list[str]:
        """Return the folders of other clusters of the same programs; what removes those would remove them too."""
        above = os.path.dirname(self.data["data_dir"])
        try:
            beside = [os.path.join(above, each) for each in sorted(os.listdir(above))]
        except FileNotFoundError:
            return []
        return [
            each
            for each in beside
            if each != self.data["data_dir"] and os.path.exists(os.path.join(each, "PG_VERSION"))
        ]

    def _databases(self) -> dict:
        return self.cluster.query(DATABASES) if self.cluster.running() else {}

    def counts(self) -> dict:
        """Return how many accounts and messages there are: empty without the database, ``posts`` None when that cannot be asked."""
        unknown = {"posts": None} if self.cluster.is_initialised() else {}
        try:
            if not self.cluster.running():
                return unknown
            if self.name not in self.ours():
                return {}
            found = self.cluster.as_role(COUNTS, self.role, self.name)
            return {subject: found[subject] for subject in ("users", "posts") if isinstance(found[subject], int)}
        except (host.DatabaseError, KeyError, TypeError):
            return unknown

    def start(self) -> bool:
        """Have the cluster run, for what can only be asked and done then; say whether it does."""
        return bool(self.cluster.running()) or (self.cluster.is_initialised() and self.cluster.systemctl("restart"))

    def drop_sql(self) -> dict[str, str]:
        """Return ``{subject: statements}`` to destroy our databases and the role; others' are never among them."""
        todo = {
            f"database {name}": "".join(
                f"{statement};\n"
                for statement in (
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {plan.literal(name)}",  # noqa: S608
                    f"DROP DATABASE {plan.identifier(name)}",
                )
            )
            for name in self.ours()
        }
        facts = self.cluster.query(plan.facts_query(self.name, self.role))
        if facts["role"] and plan.is_ours(facts["role"]):
            todo[f"role {self.role}"] = f"DROP ROLE {plan.identifier(self.role)};"
        return todo

    def end_sessions(self) -> None:
        """End what our databases are used for. Raises DatabaseError.

        A query that looks at no signal, as XPath, is killed, as the host programs do it: PostgreSQL's stop would wait for it.
        """
        ours = ", ".join(plan.literal(name) for name in self.ours()) or "NULL"
        sessions = f"FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IN ({ours})"
        told = self.cluster.query(
            f"SELECT coalesce(json_agg(json_build_array(pid, pg_terminate_backend(pid))), '[]') {sessions};"
        )  # noqa: S608
        pids = ", ".join(str(int(pid)) for pid, _ in told) or "NULL"
        deadline = time.monotonic() + host.PATIENCE
        while left := self.cluster.query(f"SELECT coalesce(json_agg(pid), '[]') {sessions} AND pid IN ({pids});"):  # noqa: S608
            if time.monotonic() > deadline:
                self.cluster.kill(left)
                return
            time.sleep(0.2)

    def texts(self) -> dict[str, str | None]:
        """Return ``{path: text}`` of the configuration without our lines, None for our own file; only what differs."""
        folder = self.data["config_dir"]
        wanted = {}
        drop_in = os.path.join(folder, "conf.d", "mattermost.conf")
        if (owned_files.read(drop_in) or "").startswith(files.HEADER):
            wanted[drop_in] = None
        main = os.path.join(folder, "postgresql.conf")
        text = owned_files.read(main)
        if text and INCLUDE in text:
            wanted[main] = text.replace(f"\n\n{INCLUDE}", "").replace(f"{INCLUDE}\n", "")
        for name in ("pg_hba.conf", "pg_ident.conf"):
            text = owned_files.read(os.path.join(folder, name))
            if text and files.with_block(text, []) != text:
                wanted[os.path.join(folder, name)] = files.with_block(text, [])
        return wanted

    def awaits_restart(self) -> bool:
        """Say whether settings that PostgreSQL takes up only when it starts are no longer those of the files."""
        sql = "SELECT json_build_object('n', count(*)) FROM pg_settings WHERE pending_restart;"
        return bool(self.cluster.query(sql)["n"])
