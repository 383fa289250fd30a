"""The database of backoffice: made by its migrations, kept by one replica or shared."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import parley.database
import services.backoffice.app
import services.backoffice.wiring  # noqa: F401 - with both come the tables of all parts
from parley.errors import Misconfigured, Unavailable
from parley.settings import Settings
from services.backoffice.database import HOME, MIGRATIONS, Database, metadata, open_database


def described(name: str | None, kind: str, parents: object) -> bool:
    """The index of words is another in each kind of database: no table describes it."""
    return not (name or "").startswith(("call_words", "call_texts_words"))


async def test_the_migrations_make_the_tables(database: Database) -> None:
    async with database.transaction() as connection:
        changes = await connection.run_sync(
            lambda c: compare_metadata(MigrationContext.configure(c, opts={"include_name": described}), metadata)
        )
    assert changes == []


def test_migrations_stand_in_one_line_and_are_named_by_their_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HOME.newest_revision()


@pytest.mark.postgres
async def test_who_stands_still_in_the_middle_of_writing_keeps_nobody_waiting(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.read(backoffice_database_url=url, data_dir=tmp_path)
    monkeypatch.setattr(parley.database, "STILL_S", 0.3)
    frozen, other = await open_database(settings), await open_database(settings)
    mine = metadata.tables["audit_head"].update().values(hash="mine")

    async def stands_still() -> None:
        async with frozen.transaction() as connection:
            await connection.execute(mine)
            async with other.transaction() as elsewhere:  # waits until that one is ended
                await elsewhere.execute(mine.values(hash="theirs"))
            await connection.execute(mine)

    with pytest.raises(Unavailable):
        await stands_still()
    async with frozen.reading() as connection:  # on another connection
        (row,) = await connection.execute(metadata.tables["audit_head"].select())
    assert row.hash == "theirs"
    await frozen.close()
    await other.close()


async def test_a_second_replica_is_told_what_it_needs_and_a_command_may_work_beside_it(tmp_path: Path) -> None:
    settings = Settings.read(data_dir=tmp_path)
    first = await open_database(settings)
    with pytest.raises(Misconfigured, match="for several, set PARLEY_BACKOFFICE_DATABASE_URL"):
        await open_database(settings)
    await (await open_database(settings, beside=True)).close()
    await first.close()
