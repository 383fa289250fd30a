"""What a model gets wrong is told to it, in the next round; what it calls a tool call is nobody's business."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Outcome, ToolUse
from services.orchestrator.mind.bot.unanswered import MAX_EMPTY
from services.orchestrator.mind.effects import Execute, Say, Store, Think
from services.orchestrator.mind.history import call_id, messages
from services.orchestrator.mind.state import Answering, BotLine, Epoch, Line, Listening
from services.orchestrator.wire import codec
from tests.orchestrator.calls import POLICY, Script, of, replayed

ORDER = ToolUse("0", "check_order_status", '{"order_number": "1234"}')
BOOK = ToolUse("0", "book_visit", '{"day": "friday"}')
WHY = 'the arguments are not one JSON object but {"order": 12'
WRONG = ToolUse("", "check_order_status", "{}", outcome=Outcome("refused", message=WHY))


def told(call: Script) -> list[tuple[str, str]]:
    """Which result each call has, by id."""
    return [(m.tool_id, m.text) for m in messages(call.state) if m.role == "tool"]


def test_a_call_that_is_wrong_is_not_done_and_the_model_is_told_at_once() -> None:
    call = Script()
    call.says("where is order 12")
    out = call.finishes(tools=(WRONG,))
    assert not of(Execute, out)
    assert of(Think, out) == [Think(turn=2, tries=0, round=1)]
    assert told(call) == [("c00000001", json.dumps({"status": "refused", "message": WHY}))]
    out = call.finishes(tools=(ORDER,))
    assert of(Execute, out) == [Execute(2, "check_order_status", '{"order_number": "1234"}')]
    call.tool(2, '{"summary": "shipped"}')
    call.finishes("It shipped.")
    assert [say.text for say in call.all_of(Say)][1:] == ["It shipped."]
    assert replayed(call) == call.outputs


def test_good_calls_beside_it_are_done_and_waited_for() -> None:
    call = Script()
    call.says("where is order 12, and book me in")
    out = call.finishes(tools=(WRONG, BOOK, WRONG))
    assert of(Execute, out) == [Execute(2, "book_visit", '{"day": "friday"}')]
    assert not of(Think, out)
    assert of(Think, call.tool(2, '{"summary": "booked"}')) == [Think(turn=2, tries=0, round=1)]
    assert [json.loads(text).get("status", "done") for _, text in told(call)] == ["refused", "done", "refused"]


def test_a_model_that_is_always_wrong_is_heard_out_within_the_rounds_then_the_caller_is_asked_again() -> None:
    call = Script()
    call.says("where is order 12")
    rounds = 0
    while isinstance(call.state.floor, Answering) and call.state.floor.thought is not None:
        rounds += 1
        tools_off = call.thinks().tools_off
        call.finishes(tools=() if tools_off else (WRONG,))
    assert rounds == POLICY.rounds + 1 + MAX_EMPTY, "the one in which it is to speak is asked for again"
    assert [say.text for say in call.all_of(Say)][-1] == POLICY.trouble
    assert not call.all_of(Execute)
    assert replayed(call) == call.outputs


def test_words_beside_it_are_said_and_it_is_written_down_before_them() -> None:
    call = Script()
    call.says("where is order 12")
    out = call.finishes("Let me look.", tools=(WRONG,))
    kinds = [type(effect) for effect in out if isinstance(effect, Store | Say | Think)]
    assert kinds == [Store, Say, Think]


def test_a_caller_who_breaks_in_between_is_answered() -> None:
    call = Script()
    call.says("where is order 12")
    call.finishes("Let me look.", tools=(WRONG,))
    call.sounds(2)
    call.words("never mind what are your hours")
    call.cut(2, 4)
    call.ends("never mind what are your hours")
    call.finishes("Nine to six.")
    assert messages(call.state)[-1].text == "Nine to six."


def test_a_new_owner_does_not_do_it_either() -> None:
    call = Script()
    call.says("where is order 12")
    call.finishes(tools=(WRONG,))
    out = call._feed(events.TakenOver, epoch=Epoch(1, 2), turn=2, utterance=1)
    assert not of(Execute, out)
    assert [think.round for think in of(Think, out)] == [1]
    assert told(call)[0][1] == json.dumps({"status": "refused", "message": WHY})


def test_a_speculation_that_is_wrong_is_told_when_its_turn_is_over() -> None:
    call = Script(replace(POLICY, ahead="eager"))
    call.starts()
    call.words("where is order twelve")
    call.eager("where is order twelve")
    assert not of(Execute, call.finishes(tools=(WRONG,)))
    call.final("where is order twelve")
    call.stops()
    out = call.ends("where is order twelve")
    assert not of(Execute, out)
    assert of(Think, out) == [Think(turn=2, tries=0, round=1)]
    assert call.state.requests.sent == 2


# Ids


def test_two_lookups_with_one_id_in_two_turns_have_each_their_own_result() -> None:
    call = Script()
    for number in (1, 2):
        call.says(f"where is order {number}")
        call.finishes(tools=(replace(ORDER, arguments=f'{{"order_number": "{number}"}}'),))
        call.tool(number, f'{{"order": {number}}}')
        call.hears(call.answers("It shipped."))
    assert told(call) == [("c00000001", '{"order": 1}'), ("c00000002", '{"order": 2}')]
    assert isinstance(call.state.floor, Listening)


def test_two_calls_with_one_id_in_one_round_have_each_their_own_result() -> None:
    call = Script()
    call.says("where are my orders")
    call.finishes(tools=(ORDER, replace(ORDER, arguments='{"order_number": "2"}'), BOOK))
    for intent in (3, 1, 2):
        call.tool(intent, f'{{"of": {intent}}}')
    assert told(call) == [(f"c0000000{n}", f'{{"of": {n}}}') for n in (1, 2, 3)]


def test_a_result_that_comes_late_belongs_to_its_own_call() -> None:
    call = Script(effect_tools=("book_visit",))
    call.says("book me in")
    call.finishes("One moment.", tools=(BOOK,))
    call.sounds(2)
    call.words("actually where is my order")
    call.cut(2, 4)
    call.ends("actually where is my order")
    call.finishes(tools=(ORDER,))
    call.tool(1, '{"summary": "booked"}')
    assert told(call)[0] == ("c00000001", '{"summary": "booked"}')
    assert '"running"' in told(call)[1][1]
    call.tool(2, '{"summary": "shipped"}')
    assert told(call) == [("c00000001", '{"summary": "booked"}'), ("c00000002", '{"summary": "shipped"}')]


def test_what_was_done_never_becomes_refused() -> None:
    """The model calls it the same again, wrongly."""
    call = Script()
    call.says("book me in")
    call.finishes(tools=(BOOK,))
    call.tool(1, '{"summary": "booked"}')
    call.finishes(tools=(replace(WRONG, id="0", name="book_visit"),))
    assert [json.loads(text).get("status", "done") for _, text in told(call)] == ["done", "refused"]


@pytest.mark.parametrize("model_id", ["", "0", "call_abc", "x" * 100])
def test_the_state_of_an_older_version_goes_on(model_id: str) -> None:
    """Its calls have the ids that the model gave them."""
    call = Script()
    call.says("where are my orders")
    call.finishes(tools=(replace(ORDER, id=model_id), replace(BOOK, id=model_id)))
    old: list[Line] = []
    for line in call.state.history:
        if isinstance(line, BotLine):
            line = replace(line, tools=tuple(replace(tool, id=model_id) for tool in line.tools))
        old.append(line)
    call.call = codec.state_from_proto(codec.state_to_proto(replace(call.state, history=tuple(old))))
    call._feed(events.TakenOver, epoch=Epoch(1, 2), turn=2, utterance=1)
    call.tool(2, '{"summary": "booked"}')
    call.tool(1, '{"summary": "shipped"}')
    assert told(call) == [("c00000001", '{"summary": "shipped"}'), ("c00000002", '{"summary": "booked"}')]


def test_ids_have_the_form_that_every_vendor_takes() -> None:
    assert call_id(replace(ORDER, intent=12)) == "c00000012"
    assert len(call_id(replace(ORDER, intent=10**12 + 7))) == 9
