from __future__ import annotations

from typing import Any

import pytest

from tests.oddities.rows import Row


@pytest.fixture(scope="module")
def chosen(request: pytest.FixtureRequest) -> list[Row]:
    """The rows of this file that are to be tested now: with `-k` not all of them are played."""
    params: list[dict[str, Any]] = [
        item.callspec.params
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec")
    ]
    return list(dict.fromkeys(each["row"] for each in params if "row" in each))
