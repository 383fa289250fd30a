"""What tools show, through the pure core: to the page at once, again to a page or an owner that comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parley.bus.callstate import MAX_BYTES
from services.orchestrator.mind import events, fitting
from services.orchestrator.mind.actions import Outcome, Shown, ToolUse
from services.orchestrator.mind.bot.showing import MAX_KEPT_BYTES, size_of
from services.orchestrator.mind.effects import Show
from services.orchestrator.mind.state import Epoch
from services.orchestrator.wire import codec
from tests.orchestrator.calls import Script, of, replayed

CHECK = ToolUse("c1", "check_line", "{}")


def checking(channel: str = "browser", **opened: Any) -> Script:
    call = Script(channel=channel, **opened)
    call.says("my internet is slow")
    call.finishes("Let me look.", tools=(CHECK,))
    return call


def shows(call: Script, name: str, value: object, intent: int = 1) -> list[tuple[str, Any]]:
    text = json.dumps(value)
    call.feed(events.ToolShow(at_ms=call.at, intent=intent, name=name, value_pii=text))
    return shown(call)


def shown(call: Script) -> list[tuple[str, Any]]:
    return [(show.name, json.loads(show.value_pii)) for show in of(Show, call.last)]


def ends(call: Script, **shows: object) -> list[tuple[str, Any]]:
    cards = tuple(Shown(name, json.dumps(value)) for name, value in shows.items())
    call.feed(events.ToolEnded(at_ms=call.at, intent=1, outcome=Outcome("ok", '{"summary": "Fine."}', shows=cards)))
    return shown(call)


def taken_over(call: Script, new_leg: bool = False, **more: Any) -> list[tuple[str, Any]]:
    epoch = Epoch(2, 1) if new_leg else Epoch(1, 2)
    call.feed(events.TakenOver(at_ms=call.at, epoch=epoch, new_leg=new_leg, turn=call.state.turn, **more))
    return shown(call)


def test_a_card_is_filled_while_the_tool_works_and_with_its_result() -> None:
    call = checking()
    assert shows(call, "checks", {"percent": 10}) == [("checks", {"percent": 10})]
    assert shows(call, "checks", {"percent": 90}) == [("checks", {"percent": 90})]
    assert ends(call, order={"Order": 1}) == [("order", {"Order": 1})]
    assert [each.name for each in call.state.shown] == ["checks", "order"]
    assert "Order" not in str(call.state.history), "the model is told of results only"
    assert replayed(call) == call.outputs


def test_on_the_telephone_nothing_is_shown_or_kept() -> None:
    call = checking("phone")
    assert shows(call, "checks", {"percent": 10}) == []
    assert ends(call, order={"Order": 1}) == []
    assert call.state.shown == ()
    assert taken_over(call) == []


def test_what_was_shown_stays_though_the_turn_is_interrupted_and_so_does_what_comes_later() -> None:
    call = checking()
    shows(call, "checks", {"percent": 10})
    call.starts()
    call.words("wait stop")
    call.wait(600)
    assert shows(call, "checks", {"percent": 50}) == [("checks", {"percent": 50})]
    assert ends(call, order={"Order": 1}) == [("order", {"Order": 1})]


def test_a_tool_that_nobody_knows_shows_nothing() -> None:
    assert shows(checking(), "checks", {"percent": 10}, intent=9) == []


@pytest.mark.parametrize("new_leg", [False, True])
def test_a_new_owner_and_a_new_leg_show_the_newest_again(new_leg: bool) -> None:
    call = checking()
    shows(call, "checks", {"percent": 10})
    shows(call, "order", {"Order": 1})
    shows(call, "checks", {"percent": 20})
    call.call = codec.state_from_proto(codec.state_to_proto(call.state))
    assert taken_over(call, new_leg) == [("order", {"Order": 1}), ("checks", {"percent": 20})]
    assert all(show.again for show in of(Show, call.last)), "a form that was sent is not to be filled in again"
    shows(call, "order", {"Order": 1})
    assert not any(show.again for show in of(Show, call.last)), "a tool that shows it again means it"


def test_a_card_that_went_away_does_not_come_back() -> None:
    call = checking()
    shows(call, "checks", {"percent": 10})
    assert shows(call, "checks", None) == [("checks", None)]
    assert taken_over(call, new_leg=True) == [("checks", None)]


def test_what_a_tool_showed_when_its_owner_was_lost_is_shown_by_the_next() -> None:
    call = checking()
    shows(call, "checks", {"percent": 10})
    done = Outcome("ok", '{"summary": "Fine."}', shows=(Shown("checks", '{"percent": 100}'),))
    told = taken_over(call, settled=(ToolUse("", "check_line", "{}", 1, done),))
    assert told[-1] == ("checks", {"percent": 100})
    assert taken_over(call, settled=(ToolUse("", "check_line", "{}", 1, done),)) == [("checks", {"percent": 100})]


def test_when_the_ledger_tells_late_it_is_shown_then() -> None:
    call = checking()
    taken_over(call, unsettled=True)
    done = Outcome("ok", '{"summary": "Fine."}', shows=(Shown("order", "{}"),))
    call.feed(events.Settled(at_ms=call.at, settled=(ToolUse("", "check_line", "{}", 1, done),)))
    assert shown(call) == [("order", {})]


def test_small_values_are_kept_the_newest_first_and_large_ones_are_not() -> None:
    call = checking()
    for number in range(12):
        shows(call, f"card_{number}", "x" * 400)
    assert [each.name for each in call.state.shown] == [f"card_{number}" for number in (7, 8, 9, 10, 11)]
    assert sum(map(size_of, call.state.shown)) <= MAX_KEPT_BYTES
    shows(call, "card_9", "x" * 4000)
    assert "card_9" not in [each.name for each in call.state.shown], "nor what it was before"


def test_a_full_state_gives_up_the_cards_before_the_words() -> None:
    call = checking()
    shows(call, "order", {"Order": "x" * 1900})
    before = fitting.size(call.state)
    assert before > 1900
    room, fitting.ROOM = fitting.ROOM, before + 500
    try:
        call.says("x" * 1500)
    finally:
        fitting.ROOM = room
    assert call.state.shown == ()
    assert call.turns[-1] == "x" * 1500
    assert codec.state_to_proto(call.state).ByteSize() < MAX_BYTES
