"""Where the configuration is kept: a file, or two tables of a database when the server is given a DSN."""

from __future__ import annotations

import contextlib
import hashlib
import os

from . import dsn, gojson, ids

IN_DATABASE = ("postgres://", "postgresql://")
TABLES = """
CREATE TABLE IF NOT EXISTS configurations (id varchar(26) PRIMARY KEY, value text NOT NULL, createat bigint NOT NULL,
    active boolean DEFAULT NULL UNIQUE, sha char(64) DEFAULT '');
CREATE TABLE IF NOT EXISTS configurationfiles (name varchar(64) PRIMARY KEY, data text NOT NULL, createat bigint NOT NULL,
    updateat bigint NOT NULL);
CREATE TABLE IF NOT EXISTS db_config_migrations (version bigint PRIMARY KEY, name varchar NOT NULL);
"""


class ConfigError(Exception):
    """The configuration cannot be used; the text is the server's own."""


class PersistError(ConfigError):
    """What was to be kept cannot be written."""


class StoreError(ConfigError):
    """The place itself cannot be used."""


def backing(place: str) -> File | Database:
    """Return what keeps the configuration. place: a path or a DSN. Raises ConfigError."""
    return Database(place) if place.startswith(IN_DATABASE) else File(place)


class File:
    """A file; written in place at every occasion."""

    def __init__(self, path: str):
        self.path = path

    def read(self) -> str:
        """Return the text, "" where there is no file."""
        try:
            with open(self.path, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ConfigError(
                f"failed to load: failed to open {self.path} for reading: open {self.path}: {error.strerror.lower()}"
            ) from None

    def write(self, text: str) -> None:
        """Write in place: same inode, same owner and mode."""
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                os.write(handle, text.encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise PersistError(
                f"failed to persist: failed to write file: open {self.path}: {error.strerror.lower()}"
            ) from None


class Database:
    """The active row of a table; every change makes a new one, and the older ones stay."""

    def __init__(self, source: str):
        self.source = source
        try:
            with self._session() as session:
                session.execute(TABLES)
        except ConfigError as error:
            raise StoreError(f"failed to initialize: {error}") from None

    @contextlib.contextmanager
    def _session(self):
        """A connection whose statements are one transaction. Raises ConfigError in the real server's words."""
        import psycopg

        try:
            with psycopg.connect(dsn.for_libpq(self.source), connect_timeout=10) as session:
                yield session
        except psycopg.Error as error:
            raise ConfigError(dsn.error_text(error)) from None

    def read(self) -> str:
        """Return the text; where there is none yet, the one that names this database as the server's."""
        with self._session() as session:
            row = session.execute("SELECT value FROM configurations WHERE active").fetchone()
        if row:
            return row[0]
        return gojson.dumps({"SqlSettings": {"DriverName": "postgres", "DataSource": self.source}})

    def write(self, text: str) -> None:
        """Make the text the active one, unless it is."""
        sha = hashlib.sha256(text.encode()).hexdigest()
        try:
            with self._session() as session:
                row = session.execute("SELECT sha FROM configurations WHERE active").fetchone()
                if row and row[0].strip() == sha:
                    return
                session.execute("UPDATE configurations SET active = NULL WHERE active")
                values = (ids.new(), text, ids.now(), sha)
                session.execute("INSERT INTO configurations VALUES (%s, %s, %s, TRUE, %s)", values)
        except ConfigError as error:
            raise PersistError(f"failed to persist: {error}") from None
