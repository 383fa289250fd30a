"""The agents' seeds: `agents/<name>/data/<collection>.yaml`, loaded again when they change.

What tools wrote or deleted since stays as they left it, until `data.version` in agent.yaml is raised.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import structlog
import yaml
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.agents.agent import Agent
from parley.errors import Misconfigured
from parley.field_errors import yaml_told
from services.tools.database import Database
from services.tools.records.rows import MAX_ROWS, BadRow, checked_collection, checked_key, packed
from services.tools.records.store import RecordStore
from services.tools.tables import records, seeds

log = structlog.get_logger()

MAX_FILE_BYTES = 4 << 20
_ALL = ""  # the collection under which `data.version` is kept
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


async def load_seeds(store: RecordStore, agents_dir: Path, agent: Agent, only_new: bool = False) -> None:
    """Bring the agent's collections to what its files say. The same files again change nothing. `only_new`: those
    alone that never had a file.

    Raises Misconfigured naming the file, Unavailable.
    """
    name = agent.name
    files = {path.stem: path for path in sorted((agents_dir / name / "data").glob("*.yaml"))}
    async with store.alone(name) as session:
        async with session.reading() as connection:
            query = select(seeds.c.collection, seeds.c.hash).where(seeds.c.agent == name)
            known = {row.collection: row.hash for row in await connection.execute(query)}
        newer = not only_new and _ALL in known and agent.data.version > int(known[_ALL])
        changed = {}
        for collection, path in files.items():
            if only_new and collection in known:
                continue
            source = _source(path)
            digest = hashlib.sha256(source).hexdigest()
            if newer or known.get(collection) != digest:
                changed[collection] = (await asyncio.to_thread(_parse, path, source), digest)
        gone = set() if only_new else known.keys() - files.keys() - {_ALL}
        if not (changed or gone or newer or _ALL not in known):
            return
        async with session.writing() as connection:
            if newer:
                await connection.execute(delete(records).where(records.c.agent == name))
                log.warning("records begun anew", agent=name, version=agent.data.version)
            for collection in gone:
                await _replace(store.database, connection, name, collection, {}, "")
            for collection, (rows, digest) in changed.items():
                await _replace(store.database, connection, name, collection, rows, digest)
                log.info("records loaded", agent=name, collection=collection)
            if newer or _ALL not in known:
                await _note(store.database, connection, name, _ALL, str(agent.data.version))


def _source(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise Misconfigured(f"{path}: cannot be read: {e.strerror}") from e


def _parse(path: Path, source: bytes) -> dict[str, str]:
    """Key to JSON text."""
    if len(source) > MAX_FILE_BYTES:
        raise Misconfigured(f"{path}: {len(source)} bytes; a seed file may have {MAX_FILE_BYTES}")
    try:
        data = yaml.load(source, _YAML)  # noqa: S506 - a safe loader, in C where there is one
    except yaml.YAMLError as e:
        raise Misconfigured(f"{path}: {yaml_told(e)}") from e
    except UnicodeDecodeError as e:
        raise Misconfigured(f"{path}: not UTF-8 text; save it as UTF-8") from e
    if not isinstance(data, dict):
        raise Misconfigured(f"{path}: expected a mapping of keys to records")
    if len(data) > MAX_ROWS:
        raise Misconfigured(f"{path}: {len(data)} records; a collection may have {MAX_ROWS}")
    try:
        checked_collection(path.stem)
    except BadRow as e:
        raise Misconfigured(f"{path}: {e}") from None
    parsed = {}
    for key, value in data.items():
        if not isinstance(key, str):
            raise Misconfigured(f'{path}: key {key!r}: write keys as quoted text, "{key}"')
        try:
            parsed[checked_key(key)] = packed(value)
        except BadRow as e:
            raise Misconfigured(f"{path}: {key}: {e}") from None
    return parsed


async def _replace(
    database: Database, connection: AsyncConnection, agent: str, collection: str, values: dict[str, str], digest: str
) -> None:
    """What no tool wrote is as the file says; a key that a tool wrote or deleted is the tool's."""
    here = (records.c.agent == agent) & (records.c.collection == collection)
    rows = [
        {"agent": agent, "collection": collection, "key": key, "position": n, "value_pii": value}
        for n, (key, value) in enumerate(values.items())
    ]
    await connection.execute(delete(records).where(here, records.c.written_at.is_(None)))
    if rows:
        await connection.execute(database.insert(records).on_conflict_do_nothing(), rows)
    if digest:
        await _note(database, connection, agent, collection, digest)
    else:
        await connection.execute(delete(seeds).where(seeds.c.agent == agent, seeds.c.collection == collection))


async def _note(database: Database, connection: AsyncConnection, agent: str, collection: str, value: str) -> None:
    seed = database.insert(seeds).values(agent=agent, collection=collection, hash=value)
    await connection.execute(seed.on_conflict_do_update(index_elements=["agent", "collection"], set_={"hash": value}))
