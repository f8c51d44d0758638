"""A small connection pool on psycopg, with the habits of the real server's driver.

A pooled connection that the database has closed meanwhile is noticed before use and replaced, so that the
first request after a restart of PostgreSQL succeeds.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from . import dsn

DatabaseError = psycopg.Error
UniqueViolation = psycopg.errors.UniqueViolation


class Database:
    """source: the DSN. most: largest number of connections. idle: how many are kept open."""

    def __init__(self, source: str, most: int = 100, idle: int = 50):
        self.source = dsn.for_libpq(source)
        self.most, self.idle = most, idle
        self._free: list[psycopg.AsyncConnection] = []
        self._slots: asyncio.Semaphore | None = None

    async def connect(self) -> psycopg.AsyncConnection:
        """Open a connection outside the pool. Raises psycopg.Error, TimeoutError after ten seconds."""
        return await asyncio.wait_for(
            psycopg.AsyncConnection.connect(self.source, autocommit=True, row_factory=dict_row, prepare_threshold=None),
            10,
        )

    @staticmethod
    def _is_usable(connection: psycopg.AsyncConnection) -> bool:
        """An idle connection with something to read has been told goodbye."""
        if connection.closed or connection.broken:
            return False
        return not select.select([connection.fileno()], [], [], 0)[0]

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        if self._slots is None:
            self._slots = asyncio.Semaphore(self.most)
        async with self._slots:
            connection = None
            while self._free and connection is None:
                candidate = self._free.pop()
                if self._is_usable(candidate):
                    connection = candidate
                else:
                    await candidate.close()
            if connection is None:
                connection = await self.connect()
            try:
                yield connection
            finally:
                idle = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
                if not connection.closed and idle and len(self._free) < self.idle:
                    self._free.append(connection)
                else:
                    await connection.close()

    async def rows(self, query: str, values: Sequence[Any] = ()) -> list[dict]:
        """Run *query* and return its rows as dictionaries."""
        async with self.connection() as connection:
            cursor = await connection.execute(query, values)
            return await cursor.fetchall() if cursor.description else []

    async def row(self, query: str, values: Sequence[Any] = ()) -> dict | None:
        found = await self.rows(query, values)
        return found[0] if found else None

    async def value(self, query: str, values: Sequence[Any] = ()) -> Any:
        found = await self.row(query, values)
        return next(iter(found.values())) if found else None

    async def run(self, query: str, values: Sequence[Any] = ()) -> int:
        """Run *query* and return how many rows it touched."""
        async with self.connection() as connection:
            return (await connection.execute(query, values)).rowcount

    async def close(self) -> None:
        while self._free:
            await self._free.pop().close()
