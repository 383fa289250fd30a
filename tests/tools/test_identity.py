"""Who a caller is, by what they know: found, compared, counted. Calls to the bank of `agents/bank`."""

from __future__ import annotations

import asyncio
import hmac
import json
import sqlite3
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from parley.agents.files import load_agent
from parley.errors import Misconfigured
from parley.text.factors.readings import written
from services.tools.contract import Unsure
from services.tools.database import open_database
from services.tools.discovery import Toolboxes
from services.tools.identity import matching
from services.tools.identity.matching import match
from services.tools.identity.tries import Subject, Tries
from services.tools.tables import identity_tries
from tests.tools.service import AGENTS, STATUS, Desk, serving, settings

ANNA = {"customer_number": "four oh two seven one", "date_of_birth": "the third of march nineteen eighty"}
ANNA_WHOLLY = {**ANNA, "name": "Anna B as in Bravo, r, o, w, n"}
ANNAS_PHONE = "+12125550101"


class Line:
    """Calls to the bank, each intent with the next number."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.intents: Counter[str] = Counter()

    async def does(self, tool: str, call: str = "CA1", **fields: Any) -> Any:
        self.intents[call] += 1
        return await self.desk.execute(tool, self.intents[call], agent="bank", call_id=call, **fields)

    async def verifies(self, said: dict[str, str], call: str = "CA1", caller: str = "") -> Any:
        return await self.does("verify_customer", call, caller=caller, arguments=said)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with serving(settings(tmp_path / "data")) as desk:
        yield Line(desk)


def proven(outcome: Any) -> tuple[int, str]:
    assert outcome.status == STATUS.STATUS_OK, outcome.message
    assert json.loads(outcome.result_json)["verified"] == bool(outcome.level)
    return outcome.level, outcome.customer


def words(outcome: Any) -> str:
    return str(json.loads(outcome.result_json)["summary"])


SAID: list[tuple[dict[str, str], str, tuple[int, str]]] = [
    (ANNA, "", (1, "C1")),
    (ANNA_WHOLLY, "", (2, "C1")),
    ({"date_of_birth": "3/3/80", "name": "anna brown"}, ANNAS_PHONE, (1, "C1")),
    ({"date_of_birth": "3/3/80", "name": "anna brown"}, "sip:2125550101@carrier.example", (1, "C1")),
    ({**ANNA, "name": "Anna Green"}, "", (1, "C1")),
    ({**ANNA, "date_of_birth": "4/3/80"}, "", (0, "")),
    ({"date_of_birth": "3/3/80", "name": "anna brown"}, "", (0, "")),  # nothing said finds her
    ({"date_of_birth": "3/3/80", "name": "anna brown"}, "anonymous", (0, "")),
    ({"customer_number": "99999", "date_of_birth": "3/3/80"}, "", (0, "")),
    ({"customer_number": "double oh two seven two", "name": "jose garcia mueller"}, "", (1, "C2")),
    ({"customer_number": "00272", "name": "José García-Müller", "date_of_birth": "December ninth '75"}, "", (2, "C2")),
    # Somebody else's telephone: the number that is said finds her all the same.
    (ANNA_WHOLLY, "+12125550102", (2, "C1")),
    # Two who share telephone, name and day are not told apart by them.
    ({"date_of_birth": "1990-01-02", "name": "Tom Twin"}, "+12125550103", (0, "")),
    ({"date_of_birth": "1990-01-02", "name": "Tom Twin", "customer_number": "40274"}, "+12125550103", (2, "C4")),
]


async def test_so_many_right_factors_are_a_level(line: Line) -> None:
    for n, (said, caller, expected) in enumerate(SAID):
        assert proven(await line.verifies(said, f"CA{n}", caller)) == expected, (said, caller)


async def test_a_wrong_answer_and_an_unknown_customer_get_the_same_words_that_say_back_nothing(line: Line) -> None:
    wrong = await line.verifies({**ANNA, "date_of_birth": "4/3/80"}, "CA1")
    unknown = await line.verifies({**ANNA, "customer_number": "99999"}, "CA2")
    assert wrong == unknown
    right = await line.verifies(ANNA_WHOLLY, "CA3")
    for outcome in (wrong, unknown, right):
        assert not any(told in outcome.result_json for told in ("40271", "C1", "1980", "Anna", "date", "number"))


def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what is compared, and what is read of records."""
    done: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any) -> Any:
            done[name] += 1
            return function(*args)

        return counting

    real = SimpleNamespace(
        compare_digest=counted("compared", hmac.compare_digest), digest=counted("digests", hmac.digest)
    )
    monkeypatch.setattr(matching, "hmac", real)
    monkeypatch.setattr(matching, "written", counted("read", written))
    return done


def test_it_is_the_same_work_whether_it_is_right_wrong_or_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = load_agent(AGENTS, "bank").identity
    assert identity is not None
    rows = {
        f"C{n}": {"name": f"Anna {'abcdefghijklmnopqrst'[n]}", "born": "1980-03-03", "number": f"4027{n}"}
        for n in range(10)
    }
    done, seen = work(monkeypatch), []
    for number, day, found in (("40271", "3/3/80", 2), ("40271", "4/4/81", 1), ("99999", "3/3/80", 0)):
        done.clear()
        said = {"customer_number": number, "date_of_birth": day}
        assert match(identity, "en", rows, said, "").right == found
        seen.append(dict(done))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0]["compared"] > len(rows)


async def test_after_three_wrong_tries_of_a_call_nothing_helps_in_it(line: Line) -> None:
    wrong = {**ANNA, "date_of_birth": "4/3/80"}
    told = [json.loads((await line.verifies(wrong)).result_json) for _ in range(3)]
    assert [each["locked"] for each in told] == [False, False, True]
    assert told[2]["summary"] == "I could not confirm who you are, so I can not do that here."
    assert proven(await line.verifies(ANNA_WHOLLY)) == (0, "")
    assert proven(await line.verifies(ANNA_WHOLLY, "CA2")) == (2, "C1")


async def test_who_calls_again_and_again_from_one_number_is_stopped_and_others_are_not(line: Line) -> None:
    for n in range(4):
        await line.verifies({"customer_number": f"9999{n}", "name": "x y"}, f"CA{n}", "+1 (212) 555-0107")
    stopped = await line.verifies(ANNA_WHOLLY, "CA8", "12125550107")
    assert proven(stopped) == (0, "")
    assert json.loads(stopped.result_json)["locked"]
    assert proven(await line.verifies(ANNA_WHOLLY, "CA9", "+12125550108")) == (2, "C1")


async def test_a_record_that_many_guess_at_opens_to_nobody_and_says_so_to_nobody(line: Line) -> None:
    guesses = [await line.verifies({**ANNA, "date_of_birth": f"{n}/4/80"}, f"CA{n}") for n in range(1, 6)]
    right = await line.verifies(ANNA_WHOLLY, "CA8")
    assert right == guesses[0], "as if it were wrong"
    assert proven(await line.verifies({"customer_number": "00272", "name": "José García Müller"}, "CA9")) == (1, "C2")


async def test_right_answers_cost_no_try_and_a_right_one_among_wrong_ones_does(line: Line) -> None:
    for _ in range(5):
        assert proven(await line.verifies(ANNA)) == (1, "C1")
    for _ in range(3):
        assert proven(await line.verifies({**ANNA, "name": "Anna Guess"})) == (1, "C1")
    assert proven(await line.verifies(ANNA_WHOLLY)) == (0, ""), "the third factor is not to be guessed at for ever"


async def test_what_can_not_be_compared_costs_no_try(line: Line) -> None:
    for said, told in (
        ({"name": "Anna Brown"}, "it takes 2"),
        ({}, "it takes 2"),
        ({"name": "Anna Brown", "date_of_birth": "I do not know"}, "no date could be read"),
        ({"name": "[given]", "date_of_birth": "[given]", "customer_number": "[given]"}, "in brackets"),
    ):
        outcome = await line.verifies(said)
        assert outcome.status == STATUS.STATUS_FAILED
        assert told in outcome.message
    assert proven(await line.verifies(ANNA)) == (1, "C1")


async def test_the_same_intent_is_one_try_and_its_words_are_not_kept(tmp_path: Path) -> None:
    async with serving(settings(tmp_path / "data")) as desk:
        line = Line(desk)
        first = await line.verifies(ANNA_WHOLLY)
        line.intents["CA1"] = 0
        assert await line.verifies(ANNA_WHOLLY) == first
        (row,) = await desk.settle((1, 2))
        assert row.outcome == first
        assert row.arguments_json == "{}"
    database = await open_database("", tmp_path / "data")
    async with database.transaction() as connection:
        kept = (await connection.execute(text("SELECT arguments_pii, outcome_pii FROM ledger"))).all()
        counted = (await connection.execute(identity_tries.select())).all()
    await database.close()
    assert [row.arguments_pii for row in kept] == ["{}"]
    assert counted == []
    assert not any(told in str(kept) + str(counted) for told in ("40271", "four oh", "1980", "eighty", "Anna", "Bravo"))


async def test_no_log_has_the_words_of_a_check(line: Line, capfd: pytest.CaptureFixture[str]) -> None:
    await line.verifies(ANNA_WHOLLY)
    await line.verifies({**ANNA, "date_of_birth": "I do not know"})
    await line.does("verify_customer", arguments={**ANNA, "pin": "4711"})
    await line.does("verify_customer", arguments='{"name": "Anna Brown", "date_of')
    out = "".join(capfd.readouterr())
    assert not any(told in out for told in ("four oh", "nineteen eighty", "Anna", "Bravo", "4711", "C1"))


async def test_where_nothing_can_be_counted_nobody_is_let_through(tmp_path: Path) -> None:
    async with serving(settings(tmp_path / "data")) as desk:
        with closing(sqlite3.connect(tmp_path / "data" / "tools.db")) as connection:
            connection.execute("DROP TABLE identity_tries")
        with capture_logs() as logs:
            outcome = await Line(desk).verifies(ANNA_WHOLLY, caller=ANNAS_PHONE)
    assert (outcome.status, outcome.level, outcome.customer) == (STATUS.STATUS_FAILED, 0, "")
    out = "".join(text for entry in logs if (e := entry.get("exc_info")) for text in traceback.format_exception(e))
    assert "the tools database failed" in out
    assert "INSERT INTO identity_tries" in out
    assert not any(told in out for told in ("Anna", "nineteen eighty", "2125550101", "C1"))


async def test_tries_count_for_their_window(tmp_path: Path) -> None:
    now = 1_000_000.0
    database = await open_database("", tmp_path)
    tries = Tries(database, "bank", lambda: now)
    anna = Subject("record", "C1")
    assert [(await tries.count([anna], 600, f"k{n}"))[anna] for n in range(3)] == [1, 2, 3]
    assert (await tries.count([anna], 600, "k2"))[anna] == 3, "the same try"
    now += 599
    assert (await tries.count([anna], 600, "k3"))[anna] == 4
    now += 1
    assert (await tries.count([anna], 600, "k4"))[anna] == 1
    assert (await Tries(database, "shop", lambda: now).count([anna], 600, "k5"))[anna] == 1
    await database.close()


async def test_a_right_try_is_done_again_by_another_replica_and_one_ends_in_the_middle_and_neither_counts(
    tmp_path: Path,
) -> None:
    database = await open_database("", tmp_path)
    tries, anna = Tries(database, "bank"), Subject("record", "C1")

    def ended(counts: Mapping[Subject, int]) -> bool:
        raise Unsure(f"{counts[anna]} with this one")

    assert (await tries.count([anna], 600, "wrong1"))[anna] == 1
    for _ in range(2):
        assert (await tries.count([anna], 600, "right", lambda counts: True))[anna] == 2
    with pytest.raises(Unsure, match="2 with this one"):
        await tries.count([anna], 600, "cut off", ended)
    assert (await tries.count([anna], 600, "wrong1"))[anna] == 1, "the same try"
    assert (await tries.count([anna], 600, "wrong2"))[anna] == 2
    await database.close()


async def test_one_customer_in_many_calls_at_once_is_known_in_all_of_them(line: Line) -> None:
    """More than a record has tries: none of them is in another's way, and none is left counted."""
    for _ in range(2):
        outcomes = await asyncio.gather(*(line.verifies(ANNA_WHOLLY, f"CA{n}") for n in range(12)))
        assert [proven(outcome) for outcome in outcomes] == [(2, "C1")] * 12


async def test_many_tries_at_once_are_many(line: Line) -> None:
    wrong = {**ANNA, "date_of_birth": "4/3/80"}
    said = [wrong, wrong, wrong, wrong, wrong, ANNA_WHOLLY]
    outcomes = await asyncio.gather(*(line.verifies(each) for each in said))
    assert sum(not json.loads(each.result_json).get("locked", False) for each in outcomes) <= 3


async def test_a_tool_knows_whose_call_it_is_and_nobody_is_without_a_level(line: Line) -> None:
    assert words(await line.does("read_address", level=1, customer="C2")) == "We have 2 Quay Street for you."
    refused = await line.does("read_balance", level=1, customer="C2")
    assert refused.status == STATUS.STATUS_REFUSED
    claimed = await line.does("claim", level=1, customer="C2")
    assert json.loads(claimed.result_json) == {"customer": "C2", "level": 1, "summary": "That is you."}
    assert (claimed.level, claimed.customer) == (0, "")


async def test_the_tool_is_made_of_the_agent_s_factors(line: Line) -> None:
    tool = (await line.desk.list("bank"))["verify_customer"]
    schema = json.loads(tool.parameters_json)
    assert list(schema["properties"]) == ["customer_number", "date_of_birth", "name"]
    assert schema["required"] == []
    assert tool.level == 0
    assert tool.effects
    assert "What is your date of birth?" in tool.description


async def test_a_tool_of_the_same_name_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    folder.mkdir()
    (folder / "agent.yaml").write_text((AGENTS / "bank" / "agent.yaml").read_text())
    (folder / "tools.py").write_text(
        'from parley.tooling import tool\n@tool\ndef verify_customer() -> str:\n    """X."""\n'
    )
    with pytest.raises(Misconfigured, match="verify_customer: agent.yaml gives the agent one of this name"):
        Toolboxes(tmp_path).now("bank")
