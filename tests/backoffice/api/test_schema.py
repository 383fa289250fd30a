"""The API against its own description: whatever is sent, no answer is a fault of ours, and each is as described."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from parley.process.monitor import Monitor
from parley.settings import Settings
from services.backoffice.access.cookies import SESSION
from services.backoffice.access.scopes import SCOPES
from services.backoffice.access.sessions import guard_of
from services.backoffice.app import build
from services.backoffice.wiring import opened
from tests.backoffice.api.conftest import keep, three_calls
from tests.backoffice.test_process import backoffice, ready

EXAMPLES = 10
"""Of each operation; what is sent is made up anew each time."""
FEW = 2
"""Of those that a program has tried already."""
MOST_S, FEWEST_S = 60.0, 20.0
"""For all of them, by a program and by a person: on a slow machine fewer are tried."""
FITS = [status_code_conformance, content_type_conformance, response_schema_conformance]
ELSEWHERE = ("/api/session/oidc", "/api/session/once")
"""They send a browser to another page."""
FOR_PEOPLE = ("/api/session", "/api/users", "/api/keys")
ENDS_IT = "/api/session/leave"
"""What comes after it comes from nobody."""
WITHOUT_NATS = 503
KNOWN = (
    "/api/call-logs",
    "/api/call-logs?agent=desk&min_interruptions=1&q=turns>0",
    "/api/calls/CA1",
    "/api/calls/CA2",
    "/api/calls/CA1/events?limit=3",
    "/api/calls/CA1/replay",
    "/api/stats?from=2026-05-28&to=2026-06-03&by=hour",
    "/api/stats?from=2026-05-28&to=2026-06-03&by=agent",
    "/api/openapi.json",
    "/api/session/me",
    "/api/keys",
    "/api/users",
    "/api/session/mine",
)


@dataclass(frozen=True)
class Office:
    """`described`: what the API says of itself. `program`, `person`: what an admin's key, or browser, sends along."""

    described: Any
    url: str
    program: dict[str, str]
    person: dict[str, str]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """It runs beside, without NATS."""
    settings = Settings.read(data_dir=tmp_path, nats_url="")
    async with opened(settings, Monitor()) as parts:
        key, _ = await parts.access.keys.make("tests", "admin", SCOPES, "tests", None)
        await parts.access.accounts.add("tests", "admin", "four words nobody guesses")
        session = await parts.access.sessions.begin("tests", "person", "admin")
        for recorded in three_calls():
            await keep(parts.database, parts.sealer, recorded.records)
        described = json.loads(json.dumps(build(parts).openapi()))
    environment = {"PARLEY_NATS_URL": "", "PARLEY_LIMIT_LOCAL": "false", "PARLEY_ORCHESTRATOR_ADDRESS": "127.0.0.1:9"}
    async with backoffice(tmp_path, **environment) as (_, url):
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            await ready(client)
        program = {"Authorization": f"Bearer {key}"}
        yield Office(described, url, program, {"Cookie": f"{SESSION}={session}", "X-CSRF-Token": guard_of(session)})


async def test_nothing_that_is_sent_breaks_it_and_every_answer_is_as_described(office: Office) -> None:
    """By a program; then, where a person is asked for, by a browser."""
    await asyncio.to_thread(_try_all, office, office.program, lambda path: EXAMPLES)
    await asyncio.to_thread(
        _try_all, office, office.person, lambda path: EXAMPLES if path.startswith(FOR_PEOPLE) else FEW
    )


def _try_all(office: Office, headers: dict[str, str], examples: Callable[[str], int]) -> None:
    schema, url = schemathesis.openapi.from_dict(office.described), office.url
    known = {200, 403, 404} if headers is office.program else {200, 404}
    until = time.monotonic() + (MOST_S if headers is office.program else FEWEST_S)
    tried = 0
    operations: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    for operation in sorted(operations, key=lambda each: -examples(each.path)):
        if operation.path.startswith(ELSEWHERE) or (operation.path == ENDS_IT and headers is office.person):
            continue

        @seed(1)
        @settings(
            max_examples=examples(operation.path),
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def tries(case: Any) -> None:
            if time.monotonic() > until:
                return
            answer = case.call(base_url=url, headers=headers, timeout=30)
            checks = FITS if answer.status_code == WITHOUT_NATS else [*FITS, not_a_server_error]
            case.validate_response(answer, checks=checks)

        tries()
        tried += 1
    assert tried > 15
    for path in KNOWN:
        answer = httpx.get(url + path, headers=headers, timeout=30, trust_env=False)
        # 403: for people only. 404: its event records are too old to be kept.
        assert answer.status_code in known, (path, answer.text)
        schema[_template(path)]["GET"].validate_response(answer)


def _template(path: str) -> str:
    return path.partition("?")[0].replace("/CA1", "/{call_id}").replace("/CA2", "/{call_id}")


async def test_every_operation_tells_what_it_answers_and_has_an_example(office: Office) -> None:
    described = office.described
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation.get("description") or operation["summary"], where
            bodies = _bodies(operation) if method == "post" else []
            for name in (each["$ref"].split("/")[-1] for each in bodies):
                fields = described["components"]["schemas"][name]["properties"]
                assert any("examples" in field or "enum" in field or "$ref" in field for field in fields.values()), (
                    where
                )
    assert "ProblemBody" in described["components"]["schemas"]


def _bodies(operation: Any) -> list[Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return [content] if "$ref" in content else []
