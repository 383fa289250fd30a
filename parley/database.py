"""The database of one service: SQLite in the data folder for one replica, PostgreSQL for several.

Each service that stores has its own, opened by nobody else; `Home` says which. Migrations only add, so that the version
before them still works.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
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

STILL_S = 15.0
"""PostgreSQL ends a transaction in which a replica stands still for so long: others wait for what it has locked."""


@dataclass(frozen=True)
class Home:
    """Where a service's database is, and how it is made.

    `service`: as in `tools.db`. `variable`: the setting that holds the URL of a PostgreSQL database. `migrations`: a
    folder for Alembic. `lock`: the number of PostgreSQL's advisory lock under which replicas that start together
    migrate one after another. `readers`: connections to SQLite that only read. `command_s`: what a statement to
    PostgreSQL may take.
    """

    service: str
    variable: str
    migrations: Path
    lock: int
    readers: int = 2
    command_s: float = 5.0

    def newest_revision(self) -> str:
        """Migrations are named by their revision: `0001_ledger.py`."""
        return max(path.name.partition("_")[0] for path in self.migrations.glob("versions/[0-9]*_*.py"))


class Database:
    """One open database, migrated. `shared`: other replicas may use it too."""

    def __init__(
        self, engine: AsyncEngine, service: str, lock: TextIO | None = None, readers: AsyncEngine | None = None
    ) -> None:
        self._engine = engine
        self._service = service
        self._readers = readers or engine
        self._lock = lock
        self.shared = engine.dialect.name == "postgresql"
        self.insert: Any = postgresql.insert if self.shared else sqlite.insert

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed durably when the body ends. Raises Unavailable when the database is not there."""
        with self.translated():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def held(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that ends as the body says, undone if it says nothing. What the body raises
        is its own: it wraps its statements in `translated`. Raises Unavailable.
        """
        async with AsyncExitStack() as stack:
            with self.translated():
                connection = await stack.enter_async_context(self._engine.connect())
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """To read only. SQLite: on connections of its own, so that writing does not wait. Raises Unavailable."""
        with self.translated():
            async with self._readers.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read_only(self, limit_s: float) -> AsyncIterator[AsyncConnection]:
        """The same of at most `limit_s`, and the database itself refuses to write."""
        with self.translated():
            async with asyncio.timeout(limit_s), self._readers.begin() as connection:
                if self.shared:
                    await connection.execute(text("SET TRANSACTION READ ONLY"))
                    await connection.execute(text(f"SET LOCAL statement_timeout = {int(limit_s * 1000)}"))
                yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What goes wrong with the database in the body, as Unavailable."""
        try:
            yield
        except (SQLAlchemyError, OSError) as e:
            lost = not isinstance(e, DBAPIError) or e.connection_invalidated
            reason = f"{'is lost' if lost else 'failed'}: {type(e).__name__}"
            raise Unavailable(f"the {self._service} database {reason}") from e

    async def connect(self) -> AsyncConnection:
        """A connection to keep, each statement a transaction of its own. Raises SQLAlchemyError, OSError."""
        return await self._engine.execution_options(isolation_level="AUTOCOMMIT").connect()

    async def close(self) -> None:
        await self._readers.dispose()
        await self._engine.dispose()
        if self._lock is not None:
            self._lock.close()


async def open_database(home: Home, url: str, data_dir: Path, *, beside: bool = False) -> Database:
    """Open and migrate. `url` empty: SQLite in `data_dir`. `beside`: for a command that works beside the service, which
    may be running.

    Raises Misconfigured: another process holds the SQLite file, the URL is wrong, or the server does not answer.
    """
    database = _postgres(home, url) if url else _sqlite(home, data_dir, beside)
    try:
        async with AsyncExitStack() as stack:
            if not database.shared:
                await stack.enter_async_context(_migrating(data_dir / f"{home.service}.db"))
            connection = await stack.enter_async_context(database._engine.begin())
            if database.shared:
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({home.lock})"))
            await connection.run_sync(_migrate, home)
    except Exception as e:  # also the driver's and Alembic's own
        await database.close()
        where = home.variable if url else f"PARLEY_DATA_DIR: {data_dir / home.service}.db"
        reason = getattr(e, "orig", None) or e
        raise Misconfigured(f"{where}: the database cannot be opened: {reason}") from e
    return database


@asynccontextmanager
async def _migrating(path: Path) -> AsyncIterator[None]:
    """Of the processes that open a SQLite file, a service and commands beside it, one migrates."""
    with open(f"{path}.migrating", "w") as lock:  # noqa: ASYNC230 - at a start, and nothing is read
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield


def _migrate(connection: Connection, home: Home) -> None:
    """A newer version may have been here before."""
    if inspect(connection).has_table("alembic_version"):
        here = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""
        ours = home.newest_revision()
        if here == ours:
            return  # and a restart after a crash is not kept waiting by the import of Alembic
        if here.isdecimal() and here > ours:
            log.warning("the database was migrated by a newer version", here=here, ours=ours)
            return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(home.migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _postgres(home: Home, value: str) -> Database:
    try:
        url = make_url(value)
    except ArgumentError:
        raise Misconfigured(f"{home.variable}: not a URL; write postgresql://user:password@host/database") from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise Misconfigured(f"{home.variable}: {url.get_backend_name()} is not supported; use postgresql://...")
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    url = url.set(drivername="postgresql+asyncpg", query=query)
    engine = create_async_engine(
        url,
        pool_size=6,  # one may be kept
        max_overflow=5,
        pool_timeout=2,
        pool_pre_ping=True,
        hide_parameters=True,  # an error's text goes to the log
        connect_args={"timeout": 5, "command_timeout": home.command_s},
    )
    event.listen(engine.sync_engine, "connect", _impatient)
    return Database(engine, home.service)


def _sqlite(home: Home, data_dir: Path, beside: bool) -> Database:
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / f"{home.service}.db"
    lock = None if beside else _held(home, path)
    url, quiet = f"sqlite+aiosqlite:///{path}", {"max_overflow": 0, "pool_timeout": 5, "hide_parameters": True}
    engine = create_async_engine(url, pool_size=1, **quiet)
    event.listen(engine.sync_engine, "connect", _durable)
    readers = create_async_engine(url, pool_size=home.readers, **quiet)
    event.listen(readers.sync_engine, "connect", _reading)
    return Database(engine, home.service, lock, readers)


def _held(home: Home, path: Path) -> TextIO:
    """Held as long as the process lives."""
    lock = open(f"{path}.lock", "w")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Misconfigured(
            f"another {home.service} process uses {path}, and SQLite is for one replica; for several, set"
            f" {home.variable} to a PostgreSQL database"
        ) from None
    return lock


def _impatient(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = {int(STILL_S * 1000)}")
    cursor.close()
    connection.commit()


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
