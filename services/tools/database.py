"""The database of tools: SQLite in the data folder for one replica, PostgreSQL for several. Nobody else opens it."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TextIO

import structlog
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from parley.errors import Misconfigured, Unavailable

log = structlog.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 7_236_841_905  # PostgreSQL advisory lock: replicas that start together migrate one after another


@contextmanager
def translated() -> Iterator[None]:
    """What goes wrong with the database, as Unavailable."""
    try:
        yield
    except (SQLAlchemyError, OSError) as e:
        lost = not isinstance(e, DBAPIError) or e.connection_invalidated
        raise Unavailable(f"the tools database {'is lost' if lost else 'failed'}: {type(e).__name__}") from e


class Database:
    """One open database, migrated. `shared`: other replicas may use it too."""

    def __init__(self, engine: AsyncEngine, lock: TextIO | None, readers: AsyncEngine | None = None) -> None:
        self._engine = engine
        self._readers = readers or engine
        self._lock = lock
        self.shared = lock is None
        self.insert: Any = postgresql.insert if self.shared else sqlite.insert

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed durably when the body ends. Raises Unavailable when the database is not there."""
        with translated():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def held(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that ends as the body says, undone if it says nothing. What the body raises
        is its own: it wraps its statements in `translated()`. Raises Unavailable.
        """
        async with AsyncExitStack() as stack:
            with translated():
                connection = await stack.enter_async_context(self._engine.connect())
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """To read only. SQLite: on connections of its own, so that the ledger does not wait. Raises Unavailable."""
        with translated():
            async with self._readers.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read_only(self, limit_s: float) -> AsyncIterator[AsyncConnection]:
        """The same of at most `limit_s`, and the database itself refuses to write."""
        with translated():
            async with asyncio.timeout(limit_s), self._readers.begin() as connection:
                if self.shared:
                    await connection.execute(text("SET TRANSACTION READ ONLY"))
                    await connection.execute(text(f"SET LOCAL statement_timeout = {int(limit_s * 1000)}"))
                yield connection

    async def connect(self) -> AsyncConnection:
        """A connection to keep, each statement a transaction of its own. Raises SQLAlchemyError, OSError."""
        return await self._engine.execution_options(isolation_level="AUTOCOMMIT").connect()

    async def close(self) -> None:
        await self._readers.dispose()
        await self._engine.dispose()
        if self._lock is not None:
            self._lock.close()


async def open_database(url: str, data_dir: Path) -> Database:
    """Open and migrate. `url` empty: SQLite in `data_dir`.

    Raises Misconfigured: another process holds the SQLite file, the URL is wrong, or the server does not answer.
    """
    database = _postgres(url) if url else _sqlite(data_dir)
    try:
        async with database._engine.begin() as connection:
            if database.shared:
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            await connection.run_sync(_migrate)
    except Exception as e:  # also the driver's and Alembic's own
        await database.close()
        where = "PARLEY_DATABASE_URL" if url else f"PARLEY_DATA_DIR: {data_dir / 'tools.db'}"
        reason = getattr(e, "orig", None) or e
        raise Misconfigured(f"{where}: the database cannot be opened: {reason}") from e
    return database


def newest_revision() -> str:
    """Migrations are named by their revision: `0001_ledger.py`."""
    return max(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*_*.py"))


def _migrate(connection: Connection) -> None:
    """A newer version may have been here before: migrations only add, so that the version before them still works."""
    if inspect(connection).has_table("alembic_version"):
        here = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""
        if here == newest_revision():
            return  # and a restart after a crash is not kept waiting by the import of Alembic
        if here.isdecimal() and here > newest_revision():
            log.warning("the database was migrated by a newer version", here=here, ours=newest_revision())
            return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _postgres(value: str) -> Database:
    try:
        url = make_url(value)
    except ArgumentError:
        raise Misconfigured("PARLEY_DATABASE_URL: not a URL; write postgresql://user:password@host/database") from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise Misconfigured(f"PARLEY_DATABASE_URL: {url.get_backend_name()} is not supported; use postgresql://...")
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    url = url.set(drivername="postgresql+asyncpg", query=query)
    engine = create_async_engine(
        url,
        pool_size=6,  # one is kept, see `Presence`
        max_overflow=5,
        pool_timeout=2,
        pool_pre_ping=True,
        hide_parameters=True,  # an error's text goes to the log
        connect_args={"timeout": 5, "command_timeout": 5},
    )
    return Database(engine, lock=None)


def _sqlite(data_dir: Path) -> Database:
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "tools.db"
    lock = open(f"{path}.lock", "w")  # noqa: SIM115 - held as long as the process lives
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Misconfigured(
            f"another tools process uses {path}, and SQLite is for one replica; for several, set PARLEY_DATABASE_URL to"
            " a PostgreSQL database"
        ) from None
    url, quiet = f"sqlite+aiosqlite:///{path}", {"max_overflow": 0, "pool_timeout": 5, "hide_parameters": True}
    engine = create_async_engine(url, pool_size=1, **quiet)
    event.listen(engine.sync_engine, "connect", _durable)
    readers = create_async_engine(url, pool_size=2, **quiet)
    event.listen(readers.sync_engine, "connect", _reading)
    return Database(engine, lock, readers)


def _durable(connection: Any, _: Any) -> None:
    """FULL: a committed row outlives a power cut, not only a dead process."""
    _pragmas(connection, "journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000")


def _reading(connection: Any, _: Any) -> None:
    _pragmas(connection, "query_only=ON", "busy_timeout=5000")


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
