"""A cursor goes on where the page before it ended, in the same search only; whatever else it says is refused."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.backoffice.api.requests import pages
from services.backoffice.api.requests.problems import Problem

SEARCH = {"agent": "bank", "words": "", "tool_failed": False}
ROWS = [{"id": n} for n in range(5)]


def page(rows: list[dict[str, int]], limit: int) -> dict[str, object]:
    return pages.page(rows, limit, SEARCH, [(1_700_000_000_000, str(row["id"])) for row in rows])


def test_a_page_goes_on_where_the_one_before_it_ended_and_the_last_says_so() -> None:
    first = page(ROWS[:3], 2)
    assert first["items"] == ROWS[:2]
    assert pages.place(str(first["next"]), SEARCH, (int, str)) == (1_700_000_000_000, "1")
    assert page(ROWS[:2], 2)["next"] is None
    assert page([], 2) == {"items": [], "next": None}


def test_filters_that_are_not_set_are_no_other_search_and_others_are_refused() -> None:
    given = pages.cursor((1, "a"), SEARCH)
    assert pages.place(given, {"agent": "bank"}, (int, str)) == (1, "a")
    with pytest.raises(Problem, match="another search") as refused:
        pages.place(given, {"agent": "desk"}, (int, str))
    assert refused.value.field == "query.cursor"


@pytest.mark.parametrize("made", [[], {}, ["x"], ["x", "a", 1], ["x", 1, 2], ["x", True, "a"], ["x", 2**70, "a"]])
def test_a_cursor_of_another_shape_is_refused(made: object) -> None:
    text = base64.urlsafe_b64encode(json.dumps(made).encode()).decode()
    with pytest.raises(Problem, match="no cursor"):
        pages.place(text, {}, (int, str))


@given(st.text(min_size=1, max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    with pytest.raises(Problem):
        pages.place(text, {}, (int, str))
