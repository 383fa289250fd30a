"""The agents' own data: `agents/<name>/data/<collection>.yaml`, kept in the database, loaded again when it changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson
import structlog
import yaml
from sqlalchemy import delete, select

from parley.errors import Misconfigured
from services.tools.database import Database
from services.tools.tables import records, seeds

log = structlog.get_logger()

MAX_FILE_BYTES = 4 << 20


class AgentRecords:
    """Reads the records of one agent; what tools get as `context.records`."""

    def __init__(self, database: Database, agent: str) -> None:
        self._database = database
        self._agent = agent

    async def get(self, collection: str, key: str) -> dict[str, Any] | None:
        query = select(records.c.value_pii).where(
            records.c.agent == self._agent, records.c.collection == collection, records.c.key == key
        )
        async with self._database.transaction() as connection:
            value = (await connection.execute(query)).scalar()
        return None if value is None else orjson.loads(value)

    async def all(self, collection: str) -> dict[str, dict[str, Any]]:
        """In the order of the file."""
        query = (
            select(records.c.key, records.c.value_pii)
            .where(records.c.agent == self._agent, records.c.collection == collection)
            .order_by(records.c.position)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).all()
        return {key: orjson.loads(value) for key, value in rows}


async def load_seeds(database: Database, agents_dir: Path, agent: str) -> None:
    """Bring the agent's collections to what its files say. The same files again change nothing.

    Raises Misconfigured naming the file.
    """
    files = {path.stem: path for path in sorted((agents_dir / agent / "data").glob("*.yaml"))}
    async with database.transaction() as connection:
        query = select(seeds.c.collection, seeds.c.hash).where(seeds.c.agent == agent)
        known = {row.collection: row.hash for row in await connection.execute(query)}
    for collection in known.keys() - files.keys():
        await _replace(database, agent, collection, {}, "")
    for collection, path in files.items():
        source = path.read_bytes()
        digest = hashlib.sha256(source).hexdigest()
        if known.get(collection) != digest:
            await _replace(database, agent, collection, _parse(path, source), digest)
            log.info("records loaded", agent=agent, collection=collection)


def _parse(path: Path, source: bytes) -> dict[str, str]:
    """Key to JSON text."""
    if len(source) > MAX_FILE_BYTES:
        raise Misconfigured(f"{path}: {len(source)} bytes; a seed file may have {MAX_FILE_BYTES}")
    try:
        data = yaml.safe_load(source)
    except yaml.YAMLError as e:
        raise Misconfigured(f"{path}: not valid YAML: {e}") from e
    if not isinstance(data, dict):
        raise Misconfigured(f"{path}: expected a mapping of keys to records")
    parsed = {}
    for key, value in data.items():
        if not isinstance(key, str) or not 0 < len(key) <= 200:
            raise Misconfigured(f"{path}: key {key!r}: write keys as quoted text of at most 200 characters")
        if not isinstance(value, dict):
            raise Misconfigured(f"{path}: {key}: expected a mapping of fields")
        parsed[key] = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    return parsed


async def _replace(database: Database, agent: str, collection: str, values: dict[str, str], digest: str) -> None:
    here = (records.c.agent == agent) & (records.c.collection == collection)
    rows = [
        {"agent": agent, "collection": collection, "key": key, "position": n, "value_pii": value}
        for n, (key, value) in enumerate(values.items())
    ]
    async with database.transaction() as connection:
        # The seed's row is written first: replicas that start together load a collection one after another.
        await connection.execute(delete(seeds).where(seeds.c.agent == agent, seeds.c.collection == collection))
        if digest:
            seed = database.insert(seeds).values(agent=agent, collection=collection, hash=digest)
            written = seed.on_conflict_do_update(index_elements=["agent", "collection"], set_={"hash": digest})
            await connection.execute(written)
        await connection.execute(delete(records).where(here))
        if rows:
            await connection.execute(records.insert(), rows)
