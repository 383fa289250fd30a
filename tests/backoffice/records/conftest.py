from __future__ import annotations

import pytest

from services.backoffice.database import Database
from services.backoffice.sealing import Sealer
from tests.backoffice.records.desk import Desk


@pytest.fixture
async def desk(database: Database, sealer: Sealer) -> Desk:
    """With each kind of database."""
    return await Desk(database, sealer).started()
