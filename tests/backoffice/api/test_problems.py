"""Each error is told as a problem that names the field and what to do."""

from __future__ import annotations

from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel

from parley.errors import AtCapacity, BadInput, Misconfigured, NotAllowed, NotFound, ParleyError
from services.backoffice.api.requests import problems
from services.backoffice.api.requests.problems import Problem


class Body(BaseModel, extra="forbid"):
    to: str


def app() -> FastAPI:
    made = FastAPI()
    problems.install(made)

    @made.get("/limited")
    async def limited(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> int:
        return limit

    @made.post("/body")
    async def body(body: Body) -> Body:
        return body

    @made.get("/ours")
    async def ours() -> None:
        raise Problem(409, "the call is over", remedy="look at /api/calls/CA1", field="path.call_id")

    @made.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the caller said 4111 1111")

    return made


async def asked(method: str, path: str, **more: object) -> httpx.Response:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://backoffice") as client:
        response = await client.request(method, path, **more)  # type: ignore[arg-type]
    assert response.headers["content-type"] == problems.KIND
    assert set(response.json()) == {"type", "title", "status", "detail", "field", "remedy"}
    assert response.json()["status"] == response.status_code
    return response


async def test_a_value_out_of_bounds_is_named_with_its_bounds() -> None:
    told = (await asked("GET", "/limited?limit=900")).json()
    assert told["status"] == 422
    assert told["field"] == "query.limit"
    assert told["remedy"] == "allowed: le 200"
    assert told["type"].endswith("/bad-input")


async def test_what_a_body_lacks_and_what_it_has_too_much_is_named() -> None:
    told = (await asked("POST", "/body", json={"too": "x"})).json()
    assert (told["field"], told["remedy"]) == ("body.to", "give it")
    assert told["detail"].endswith("(1 more)")
    told = (await asked("POST", "/body", json={"to": "x", "too": "x"})).json()
    assert (told["field"], told["remedy"]) == ("body.too", "leave it out")
    sent: dict[str, Any]
    for sent in ({"content": b"{"}, {"content": b"{", "headers": {"Content-Type": "application/json"}}, {"json": []}):
        told = (await asked("POST", "/body", **sent)).json()
        assert told["remedy"] == "send a body of JSON, as application/json"


async def test_unknown_paths_and_methods_are_problems_too() -> None:
    assert (await asked("GET", "/nowhere")).json()["type"].endswith("/not-found")
    refused = await asked("DELETE", "/ours")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


async def test_an_error_nobody_foresaw_tells_nothing_of_itself() -> None:
    told = await asked("GET", "/broken")
    assert told.status_code == 500
    assert "4111" not in told.text


async def test_a_problem_of_our_own_is_told_as_it_is() -> None:
    told = (await asked("GET", "/ours")).json()
    assert (told["status"], told["detail"], told["field"]) == (409, "the call is over", "path.call_id")


@pytest.mark.parametrize(
    ("error", "status", "field", "detail", "remedy"),
    [
        (BadInput("words: too many; give 20"), 422, "words", "too many", "give 20"),
        (NotFound("there is no call CA1; it may be too old"), 404, "", "there is no call CA1", "it may be too old"),
        (NotAllowed("numbers are not for viewers"), 403, "", "numbers are not for viewers", ""),
        (AtCapacity("100 clients watch here"), 503, "", "100 clients watch here", ""),
        (Misconfigured("PARLEY_X: must be set"), 500, "PARLEY_X", "must be set", ""),
    ],
)
def test_our_own_errors_have_their_status_field_and_remedy(
    error: ParleyError, status: int, field: str, detail: str, remedy: str
) -> None:
    told = problems.of_error(error)
    assert (told.status, told.field, told.detail, told.remedy) == (status, field, detail, remedy)
