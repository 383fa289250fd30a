"""A consequential tool asks, and is done only with the digest of what was asked."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from parley.agents.foreign.mcp import McpServer
from parley.errors import AlreadyExists, Misconfigured
from parley.tooling import CallContext, Records, tool
from services.tools.asking import TOO_LONG, ask, checked
from services.tools.contract import Intent
from services.tools.execution.threads import Threads
from services.tools.mcp.calls import Caller
from services.tools.mcp.contract import Listed
from services.tools.mcp.listing import tools_of
from services.tools.schema import BadArguments, LoadedTool, load_tool
from tests.tools.service import STATUS, Desk, serving, settings


def cancels(journal: Path, **more: Any) -> dict[str, Any]:
    return {"order": "1234", "day": "2026-12-01", "journal": str(journal), **more}


def done(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


async def test_it_asks_in_words_and_is_done_once_with_the_digest_of_the_question(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with serving(settings(tmp_path)) as desk:
        asked = await desk.execute("cancel_order", 1, arguments=cancels(journal))
        assert asked.status == STATUS.STATUS_ASK
        assert asked.ask.question == "Shall I cancel one two three four on Tuesday, December first, no reason given?"
        assert done(journal) == []
        for _ in range(2):
            outcome = await desk.execute("cancel_order", 2, arguments=cancels(journal), confirmed=asked.ask.digest)
            assert outcome.status == STATUS.STATUS_OK
        assert done(journal) == ["cancelled 1234"]


async def test_another_argument_is_not_what_was_confirmed(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with serving(settings(tmp_path)) as desk:
        asked = await desk.execute("cancel_order", 1, arguments=cancels(journal))
        for digest in (asked.ask.digest, "", "x", asked.ask.digest.upper()):
            other = await desk.execute("cancel_order", 2, arguments=cancels(journal, order="1235"), confirmed=digest)
            assert other.status == STATUS.STATUS_ASK
        other = await desk.execute(
            "scrap_bike", 3, arguments={"frame_number": "1", "journal": str(journal)}, confirmed=asked.ask.digest
        )
        assert other.status == STATUS.STATUS_ASK
        assert done(journal) == []


async def test_spelling_of_the_arguments_is_no_difference(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with serving(settings(tmp_path)) as desk:
        asked = await desk.execute("cancel_order", 1, arguments=cancels(journal))
        other = dict(reversed(cancels(journal).items()))
        outcome = await desk.execute("cancel_order", 2, arguments=other, confirmed=asked.ask.digest)
        assert outcome.status == STATUS.STATUS_OK


async def test_wrong_arguments_are_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    async with serving(settings(tmp_path)) as desk:
        outcome = await desk.execute("cancel_order", 1, arguments={"order": "1234", "day": "soon"})
        assert outcome.status == STATUS.STATUS_REFUSED
        assert "argument day" in outcome.message


async def test_a_function_makes_the_question_and_may_say_that_it_cannot_be_done(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with serving(settings(tmp_path)) as desk:
        arguments = {"to": "Red", "pieces": 3, "journal": str(journal)}
        asked = await desk.execute("move", 1, arguments=arguments, caller="+1555")
        assert asked.ask.question == "Shall I move 3 pieces to the red shelf, for +1555?"
        assert [(choice.argument, list(choice.values)) for choice in asked.ask.choices] == [("to", ["red", "blue"])]
        refused = await desk.execute("move", 2, arguments={**arguments, "pieces": 10})
        assert (refused.status, refused.message) == (STATUS.STATUS_FAILED, "No more than nine can be moved at once.")


async def test_what_the_question_has_made_certain_is_what_is_done(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with serving(settings(tmp_path)) as desk:
        vague = {"day": "tuesday", "journal": str(journal)}
        asked = await desk.execute("book_day", 1, arguments=vague)
        assert asked.ask.question == "Shall I book you in on tuesday, the first?"
        certain = json.loads(asked.ask.arguments_json)
        assert certain == {"day": "2026-12-01", "journal": str(journal)}
        again = await desk.execute("book_day", 2, arguments=vague, confirmed=asked.ask.digest)
        assert again.status == STATUS.STATUS_ASK
        outcome = await desk.execute("book_day", 3, arguments=certain, confirmed=asked.ask.digest)
        assert outcome.status == STATUS.STATUS_OK
        broken = await desk.execute("book_day", 4, arguments={**vague, "day": "never"})
        assert broken.status == STATUS.STATUS_FAILED
    assert done(journal) == ["booked 2026-12-01"]


async def test_a_number_that_was_given_as_text_is_handed_back_as_a_number(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with serving(settings(tmp_path)) as desk:
        given = {"to": "red", "pieces": "3", "journal": str(journal)}
        asked = await desk.execute("move", 1, arguments=given)
        certain = json.loads(asked.ask.arguments_json)
        assert certain["pieces"] == 3
        outcome = await desk.execute("move", 2, arguments=certain, confirmed=asked.ask.digest)
        assert outcome.status == STATUS.STATUS_OK
        plain = await desk.execute("cancel_order", 3, arguments=cancels(journal))
        assert plain.ask.arguments_json == ""  # as they were given


async def test_without_words_of_its_own_it_is_named_with_its_arguments(tmp_path: Path) -> None:
    async with serving(settings(tmp_path)) as desk:
        asked = await desk.execute("scrap_bike", 1, arguments={"frame_number": "WX42", "journal": "j"})
        assert asked.ask.question == "Shall I go ahead with this: scrap bike, w x four two, j?"
        cut = await desk.execute("scrap_bike", 2, arguments={"frame_number": "so " * 200, "journal": "j"})
        assert (cut.status, cut.message) == (STATUS.STATUS_FAILED, TOO_LONG), "nobody agrees to what was not told"


def pays(schema: dict[str, Any]) -> LoadedTool:
    """A tool of a server, by what agent.yaml says of its arguments."""
    marks = {"pay": {"consequential": True, "confirm": "Shall I pay {amount} to {payee}?"}}
    server = McpServer.model_validate({"command": "python", "tools": marks})
    tools = tools_of("crm", server, [Listed("pay", "Pays.", {"type": "object", **schema})], cast(Caller, None))
    return tools["crm_pay"]


async def read_back(paying: LoadedTool, **arguments: Any) -> str:
    given, now = paying.check(arguments), datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
    context = CallContext("CA1", "", "a", "CA1/1", "", now, cast(Records, None))
    intent = Intent("CA1", 1, (1, 1), "a", paying.name, arguments)
    return str((await ask(paying, intent, given, context, "en", Threads())).ask.question)


async def test_nobody_says_yes_to_a_payment_whose_values_were_not_told() -> None:
    """The server calls its arguments otherwise than agent.yaml does, or takes some that it does not describe."""
    amount, text = {"type": "integer"}, {"type": "string"}
    known = pays({"properties": {"amount": amount, "payee": text}})
    assert await read_back(known, amount=900, payee="Ann") == "Shall I pay 900 to Ann?"
    assert await read_back(known, amount=900, payee="") == "Shall I go ahead with this: crm pay, 900?"
    with pytest.raises(BadArguments, match="there is no argument twice"):
        known.check({"amount": 900, "payee": "Ann", "twice": True})
    renamed = pays({"properties": {"sum": amount, "to": text}, "additionalProperties": True})
    told = await read_back(renamed, twice=True, to="Ann", sum=900)
    assert told == "Shall I go ahead with this: crm pay, 900, Ann, yes?"
    either = pays({"anyOf": [{"properties": {"sum": amount}, "required": ["sum"]}, {"required": ["all"]}]})
    assert await read_back(either, sum=900) == "Shall I go ahead with this: crm pay, 900?"


async def test_what_was_done_under_the_intent_counts_though_nobody_confirms_it_again(tmp_path: Path) -> None:
    """A new owner whose state has lost the yes."""
    journal = tmp_path / "journal"
    async with serving(settings(tmp_path)) as desk:
        asked = await desk.execute("cancel_order", 1, arguments=cancels(journal))
        await desk.execute("cancel_order", 2, arguments=cancels(journal), confirmed=asked.ask.digest)
    async with serving(settings(tmp_path)) as desk:
        outcome = await desk.execute("cancel_order", 2, arguments=cancels(journal))
        assert outcome.status == STATUS.STATUS_OK
        with pytest.raises(AlreadyExists):
            await desk.execute("cancel_order", 2, arguments=cancels(journal, order="9"))
    assert done(journal) == ["cancelled 1234"]


async def test_many_at_once_with_one_yes_do_it_once(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with serving(settings(tmp_path)) as desk:
        asked = await desk.execute("cancel_order", 1, arguments=cancels(journal))

        async def one(desk: Desk) -> Any:
            return await desk.execute("cancel_order", 2, arguments=cancels(journal), confirmed=asked.ask.digest)

        outcomes = await asyncio.gather(*(one(desk) for _ in range(10)))
    assert {outcome.status for outcome in outcomes} == {STATUS.STATUS_OK}
    assert done(journal) == ["cancelled 1234"]


async def test_the_model_is_told_that_it_has_effects(tmp_path: Path) -> None:
    async with serving(settings(tmp_path)) as desk:
        info = (await desk.list("workshop"))["cancel_order"]
        assert (info.effects, info.consequential) == (True, True)


async def test_a_yes_is_used_up_and_of_one_call(tmp_path: Path) -> None:
    """An owner who does not know that it was acted on, and another call."""
    journal = tmp_path / "journal"
    async with serving(settings(tmp_path)) as desk:
        asked = await desk.execute("cancel_order", 1, arguments=cancels(journal))
        digest = asked.ask.digest
        first = await desk.execute("cancel_order", 2, arguments=cancels(journal), confirmed=digest)
        again = await desk.execute("cancel_order", 3, arguments=cancels(journal), confirmed=digest)
        assert again == first
        other = await desk.execute("cancel_order", 2, call_id="CA2", arguments=cancels(journal), confirmed=digest)
        assert other.status == STATUS.STATUS_ASK
    async with serving(settings(tmp_path)) as desk:
        again = await desk.execute("cancel_order", 4, arguments=cancels(journal), confirmed=digest)
        assert again == first
        anew = await desk.execute("cancel_order", 5, arguments=cancels(journal))
        await desk.execute("cancel_order", 6, arguments=cancels(journal), confirmed=anew.ask.digest)
    assert done(journal) == ["cancelled 1234"] * 2, "asked anew, and a yes to that"


def test_a_question_that_cannot_be_asked_is_named_with_its_place() -> None:
    @tool(consequential=True, confirm="Shall I book {dy}?")
    def book(day: date) -> str:
        """Book."""
        return ""

    @tool(consequential=True, confirm="Shall I book {day}?")
    def maybe(day: date | None = None) -> str:
        """Book."""
        return ""

    @tool(confirm="Shall I?")
    def plain(day: date) -> str:
        """Book."""
        return ""

    @tool(consequential=True, confirm=lambda dy: "?")
    def made(size: Literal["a", "b"]) -> str:
        """Book."""
        return ""

    for function, words in (
        (book, ": tool book: confirm: there is no parameter {dy}"),
        (maybe, ": tool maybe: confirm: {day} may be missing"),
        (plain, ": tool plain: confirm is for a tool with consequential=True"),
        (made, ": tool made: confirm: dy is no parameter of the tool; it has size"),
    ):
        with pytest.raises(Misconfigured) as error:
            checked(load_tool(function, "tools.py"), "tools.py")
        line = function.__code__.co_firstlineno
        assert f"tools.py, line {line}{words}" in str(error.value)
