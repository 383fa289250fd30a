"""The database of tools: the ledger, and the agents' records."""

from __future__ import annotations

from pathlib import Path

from parley import database
from parley.database import Database, Home

MIGRATIONS = Path(__file__).parent / "migrations"
HOME = Home("tools", "PARLEY_DATABASE_URL", MIGRATIONS, lock=7_236_841_905)

__all__ = ["HOME", "MIGRATIONS", "Database", "open_database"]


async def open_database(url: str, data_dir: Path) -> Database:
    """Open and migrate. `url` empty: SQLite in `data_dir`. Raises Misconfigured."""
    return await database.open_database(HOME, url, data_dir)
