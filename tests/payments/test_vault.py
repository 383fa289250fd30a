"""Numbers that were kept, and the tools that are given them: over gRPC, on a real database."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from parley.errors import AtCapacity, BadInput, Misconfigured
from parley.rpc import call
from parley.tooling import Secret, tool
from parley.v1 import tools_pb2, tools_pb2_grpc
from services.tools.database import Database, open_database
from services.tools.schema import load_tool
from services.tools.tables import vault as table
from services.tools.vault.vault import MAX_OF_CALL, NotKept, Vault
from testbed.patience import PATIENCE_S
from tests.tools.service import STATUS, Desk, process, serving, settings

AGENTS = Path(__file__).parent / "agents"
VISA, DECLINED = "4242424242424242", "4000000000000341"
KIND = tools_pb2.KeepRequest


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(settings(tmp_path / "data", AGENTS, "till")) as served:
        yield served


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database("", tmp_path / "own")
    yield opened
    await opened.close()


async def keep(desk: Desk, token: str, digits: str, call_id: str = "CA1") -> None:
    kind = KIND.KIND_CARD if token.startswith("card") else KIND.KIND_CODE
    request = tools_pb2.KeepRequest(call_id=call_id, token=token, kind=kind, digits=digits)
    await call(desk.peers, tools_pb2_grpc.ToolsStub, "Keep", request, timeout_s=PATIENCE_S)


async def pays(desk: Desk, intent: int = 1, **arguments: str) -> Any:
    return await desk.execute("pay", intent, agent="till", arguments=arguments)


def proof(card: str, code: str = "") -> str:
    return hashlib.sha256(f"{card}/{code}".encode()).hexdigest()


async def test_a_tool_is_given_the_digits_and_tells_none_of_them(desk: Desk) -> None:
    await keep(desk, "card-kwtm", VISA)
    await keep(desk, "code-bdfg", "737")
    outcome = await pays(desk, card="[card-kwtm]", code="[code-bdfg]")
    assert outcome.status == STATUS.STATUS_OK
    assert proof(VISA, "737") in outcome.result_json
    assert VISA not in outcome.result_json
    assert "[card-kwtm]" in outcome.result_json


async def test_a_code_is_used_once_and_a_card_may_be_tried_again(desk: Desk) -> None:
    await keep(desk, "card-kwtm", VISA)
    await keep(desk, "code-bdfg", "737")
    assert (await pays(desk, 1, card="[card-kwtm]", code="code-bdfg")).status == STATUS.STATUS_OK
    again = await pays(desk, 2, card="[card-kwtm]", code="code-bdfg")
    assert again.status == STATUS.STATUS_REFUSED
    assert "Ask the caller for it again" in again.message
    assert (await pays(desk, 3, card="the card [card-kwtm]")).status == STATUS.STATUS_OK


async def test_what_a_tool_says_of_a_declined_card_has_no_number(desk: Desk) -> None:
    await keep(desk, "card-kwtm", DECLINED)
    outcome = await pays(desk, card="[card-kwtm]")
    assert (outcome.status, outcome.message) == (STATUS.STATUS_FAILED, "The card [card-kwtm] was declined.")


@pytest.mark.parametrize("given", [VISA, "the visa", "[part of a number]", "[code-kwtm]"])
async def test_what_is_no_token_of_a_card_is_refused_with_the_way_to_get_one(desk: Desk, given: str) -> None:
    outcome = await pays(desk, card=given)
    assert outcome.status == STATUS.STATUS_REFUSED
    assert "ask the caller for" in outcome.message.lower()
    assert VISA not in outcome.message


async def test_a_token_of_another_call_opens_nothing(desk: Desk) -> None:
    await keep(desk, "card-kwtm", VISA, call_id="CA2")
    outcome = await pays(desk, card="[card-kwtm]")
    assert outcome.status == STATUS.STATUS_REFUSED


async def test_a_number_that_is_a_moment_late_is_waited_for(desk: Desk) -> None:
    paying = asyncio.ensure_future(pays(desk, card="[card-kwtm]"))
    await asyncio.sleep(0)
    await keep(desk, "card-kwtm", VISA)
    assert (await paying).status == STATUS.STATUS_OK


async def test_a_question_before_the_payment_says_no_token(desk: Desk) -> None:
    await keep(desk, "card-kwtm", VISA)
    known = {"agent": "till", "arguments": {"card": "[card-kwtm]", "amount": 20}}
    asked = await desk.execute("pay_all", 1, **known)
    assert asked.status == STATUS.STATUS_ASK
    assert "your card" in asked.ask.question
    assert "kwtm" not in asked.ask.question
    done = await desk.execute("pay_all", 2, confirmed=asked.ask.digest, **known)
    assert done.status == STATUS.STATUS_OK
    nothing = await desk.execute("pay_all", 3, agent="till", arguments={"card": "[card-zzzz]", "amount": 20})
    assert nothing.status == STATUS.STATUS_REFUSED, "nobody is asked for a yes to what cannot be done"


async def test_models_are_told_to_pass_tokens(desk: Desk) -> None:
    tools = await desk.list("till")
    assert "[card-kwtm]; never digits" in tools["pay"].parameters_json


async def test_nothing_that_is_stored_can_be_read_and_a_killed_process_means_asking_again(tmp_path: Path) -> None:
    """The key dies with a process that was given none."""
    async with process(tmp_path, agents_dir=AGENTS, agent="till") as service:
        await keep(service.desk, "card-kwtm", VISA)
        await service.kill()
    stored = await asyncio.to_thread(everything_in, tmp_path)
    assert b"card-kwtm" in stored
    assert VISA.encode() not in stored
    async with process(tmp_path, agents_dir=AGENTS, agent="till") as service:
        outcome = await pays(service.desk, card="[card-kwtm]")
    assert outcome.status == STATUS.STATUS_REFUSED
    assert "Ask the caller for the whole number again" in outcome.message


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_replicas_with_one_key_find_each_others_numbers(database: Database) -> None:
    await Vault(database, "one key").keep("CA1", "card-kwtm", "card", VISA)
    assert await Vault(database, "one key").filled("CA1", {"card": "card"}, {"card": "[card-kwtm]"}) == {"card": VISA}


async def test_what_was_kept_is_gone_after_a_quarter_of_an_hour(database: Database) -> None:
    vault = Vault(database)
    await vault.keep("CA1", "card-kwtm", "card", VISA)
    async with database.transaction() as connection:
        await connection.execute(update(table).values(kept_at=datetime.now(UTC) - timedelta(minutes=16)))
    with pytest.raises(NotKept):
        await vault.filled("CA1", {"card": "card"}, {"card": "[card-kwtm]"})
    await vault.keep("CA2", "card-kwtn", "card", VISA)
    async with database.transaction() as connection:
        assert [row.call_id for row in (await connection.execute(select(table))).all()] == ["CA2"]


async def test_the_same_token_again_replaces_what_was_kept(database: Database) -> None:
    vault = Vault(database)
    await vault.keep("CA1", "card-kwtm", "card", DECLINED)
    await vault.keep("CA1", "card-kwtm", "card", VISA)
    assert (await vault.filled("CA1", {"card": "card"}, {"card": "card-kwtm"}))["card"] == VISA


async def test_there_is_an_end_to_what_one_call_may_keep(database: Database) -> None:
    vault = Vault(database)
    for letter in "bcdfghjkmnpqrstv"[:MAX_OF_CALL]:
        await vault.keep("CA1", f"card-aaa{letter}", "card", VISA)
    with pytest.raises(AtCapacity):
        await vault.keep("CA1", "card-zzzz", "card", VISA)
    await vault.keep("CA1", "card-aaab", "card", VISA)


@pytest.mark.parametrize(
    ("token", "kind", "digits"),
    [("card-kwtm", "code", "737"), ("card-1234", "card", VISA), ("x", "card", VISA), ("card-kwtm", "card", "4242")],
)
async def test_what_is_no_number_is_not_kept(database: Database, token: str, kind: str, digits: str) -> None:
    with pytest.raises(BadInput):
        await Vault(database).keep("CA1", token, kind, digits)


def test_a_secret_is_a_text() -> None:
    from typing import Annotated

    @tool
    def pay(card: Annotated[int, Secret("card")]) -> str:
        """Pay."""
        return ""

    pay.__annotations__["card"] = Annotated[int, Secret("card")]
    with pytest.raises(Misconfigured, match="parameter card: write Annotated"):
        load_tool(pay, "tools.py")
