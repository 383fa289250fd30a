"""The database of backoffice: records, accounts, audit and what else the operators' side keeps.

Each part describes its tables with `metadata`, and makes them in a migration of its own (`migrations/versions/`).
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import MetaData

from parley import database
from parley.database import Database, Home
from parley.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
HOME = Home("backoffice", "PARLEY_BACKOFFICE_DATABASE_URL", MIGRATIONS, lock=7_236_841_906, readers=4, command_s=30.0)

metadata = MetaData()

__all__ = ["HOME", "MIGRATIONS", "Database", "metadata", "open_database"]


async def open_database(settings: Settings, *, beside: bool = False) -> Database:
    """Open and migrate. `beside`: for a command that works beside the service, which may be running.

    Raises Misconfigured: another replica holds the SQLite file, the URL is wrong, or the server does not answer.
    """
    url = settings.backoffice_database_url.get_secret_value()
    return await database.open_database(HOME, url, settings.data_dir, beside=beside)
