"""Fixtures for tests of what a service keeps: SQLite and PostgreSQL, one after the other."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-untyped]
import pytest

from testbed.servers import postgres

POSTGRES = pytest.param(
    "postgres",
    marks=[pytest.mark.postgres, pytest.mark.skipif(postgres.binary("postgres") is None, reason=postgres.INSTALL)],
)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server, as `postgresql://...` without a database."""
    with postgres.server() as url:
        yield url


@asynccontextmanager
async def fresh_database(server: str, test: str) -> AsyncIterator[str]:
    """The URL of a database of a test's own."""
    connection = await asyncpg.connect(f"{server}/postgres")
    name = f"t{zlib.crc32(test.encode())}"
    await connection.execute(f"CREATE DATABASE {name}")
    yield f"{server}/{name}"
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def url(server: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A PostgreSQL database of its own for each test."""
    async with fresh_database(server, request.node.nodeid) as url:
        yield url
