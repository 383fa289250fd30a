"""A caller waits and no words come: from the model, from a tool, or since there is no voice. Somebody owns the turn."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from services.orchestrator.mind import events, history
from services.orchestrator.mind.actions import Notice, Outcome, Then, ToolUse
from services.orchestrator.mind.bot.unanswered import MAX_SUMMARY, MAX_VOICELESS, due
from services.orchestrator.mind.effects import CloseThink, Execute, HangUp, Say, SpeculationOver, Stop, Think, Transfer
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Answering, Epoch, Listening
from tests.orchestrator.calls import POLICY, Script, of, replayed

FIND = ToolUse("c1", "find_order", '{"order": "1234"}')
BOOK = ToolUse("c2", "book_visit", '{"day": "friday"}')
SILENT = ["", "...", "\u2014", "?!", "\U0001f642", "***", " \n", "[]"]
DONE = json.dumps({"order": "1234", "summary": "Your order ships on Friday."})


def asks(policy: Any = POLICY, **opened: Any) -> Script:
    call = Script(policy, **opened)
    call.says("where is my order")
    return call


def looks_up(policy: Any = POLICY, words: str = "", result: str = DONE, **more: Any) -> Script:
    """The model calls a tool, which has ended; the round behind it runs."""
    call = asks(policy)
    call.finishes(words, (FIND,))
    if words:
        call.hears(call.state.utterance)
    call.feed(events.ToolEnded(at_ms=call.at, intent=1, outcome=Outcome("ok", result, **more)))
    return call


def said(call: Script) -> list[str]:
    return [say.text for say in call.all_of(Say) if say.text]


def no_voice(call: Script, utterance: int = 0, chars: int = 0, told: bool = True) -> list[Any]:
    """The gateway finds no voice for an utterance. `told`: also by the message that is not sent again."""
    utterance = utterance or call.state.utterance
    out = list(call._feed(events.OrganFailed, organ="mouth", utterance=utterance, message="away")) if told else []
    return out + call._feed(events.Heard, seq=True, utterance=utterance, chars=chars, cut=True, failed=True)


def vars_of(policy: Policy) -> dict[str, Any]:
    return {each.name: getattr(policy, each.name) for each in fields(policy)}


# No words from the model


@pytest.mark.parametrize("silent", SILENT)
def test_an_answer_without_a_sound_is_asked_for_once_more(silent: str) -> None:
    call = asks()
    assert of(Think, call.finishes(silent)) == [Think(2, 1, 0, empty=True)]
    assert said(call) == [POLICY.greeting], "nothing of it is said"
    call.hears(call.answers("It ships on Friday."))
    assert isinstance(call.state.floor, Listening)
    assert [m.text for m in messages(call.state)][1:] == ["where is my order", "It ships on Friday."]
    assert replayed(call) == call.outputs


@pytest.mark.parametrize("silent", SILENT)
def test_as_phrases_too(silent: str) -> None:
    call = asks()
    call.phrase(silent)
    assert of(Think, call.finishes(silent)) == [Think(2, 1, 0, empty=True)]
    call.phrase(silent)
    assert of(Say, call.finishes(silent))[0].text == POLICY.trouble


def test_what_makes_no_sound_before_the_words_or_behind_them_does_no_harm() -> None:
    call = asks()
    call.phrase("... ")
    call.phrase("It ships ")
    call.phrase("\u2014 ")
    call.hears(call.answers("on Friday."))
    assert messages(call.state)[-1].text == "It ships \u2014 on Friday."


def test_three_such_turns_in_a_row_end_the_call_politely() -> None:
    call = Script()
    for _ in range(2):
        call.says("where is my order")
        call.finishes("")
        call.finishes("...")
        call.hears(call.state.utterance)
        assert isinstance(call.state.floor, Listening)
    call.says("where is my order")
    call.finishes("")
    assert of(Say, call.finishes(""))[0].text == POLICY.unavailable
    assert of(HangUp, call.hears(call.state.utterance))
    assert len(call.all_of(Think)) == 6


def test_an_answer_that_is_heard_in_between_begins_the_count_anew() -> None:
    call = Script()
    for _ in range(4):
        call.says("where is my order")
        call.finishes("")
        call.finishes("")
        call.hears(call.state.utterance)
        call.says("where is my order")
        call.hears(call.answers("It ships on Friday."))
    assert not call.all_of(HangUp)


def test_one_that_the_caller_breaks_into_was_an_answer_too() -> None:
    call = Script()
    for _ in range(4):
        call.says("where is my order")
        call.finishes("")
        call.finishes("")
        call.hears(call.state.utterance)
        call.says("where is my order")
        utterance = call.answers("It ships on Friday, as far as I can see.")
        call.words("wait a moment")
        call.cut(utterance, 20)
        call.final("wait a moment")
        call.ends("wait a moment")
    assert not call.all_of(HangUp)


def test_an_empty_round_that_fails_the_second_time_is_tried_like_any_other() -> None:
    call = asks(replace(POLICY, retry_ms=5000))
    call.finishes("")
    assert of(Think, call.finishes(error="UNAVAILABLE")) == [Think(2, 2, 0, empty=True)]
    call.hears(call.answers("It ships on Friday."))
    assert isinstance(call.state.floor, Listening)


def test_who_breaks_in_meanwhile_is_answered_on_that() -> None:
    call = asks()
    call.finishes("")
    assert of(CloseThink, call.words("never mind"))
    call.final("never mind")
    assert of(Think, call.ends("never mind")) == [Think(3, 0, 0)]
    assert of(Think, call.finishes("")) == [Think(3, 1, 0, empty=True)], "each turn has its own second try"


def test_what_was_thought_ahead_and_is_empty_is_left_to_the_real_round() -> None:
    call = Script(replace(POLICY, ahead="eager"))
    call.starts()
    call.words("where is my order please")
    assert of(Think, call.eager("where is my order please"))
    (over,) = of(SpeculationOver, call.finishes("..."))
    assert over.outcome == "failed"
    call.final("where is my order please")
    call.stops()
    (think,) = of(Think, call.ends("where is my order please"))
    assert not think.speculative
    assert of(Think, call.finishes(""))
    assert of(Say, call.finishes(""))[0].text == POLICY.trouble


def test_the_model_is_told_that_it_said_nothing() -> None:
    from parley.agents.agent import Agent
    from services.orchestrator.run import prompt

    call = asks()
    call.finishes("")
    agent = Agent(name="bikes", company="B", greeting="Hello", prompt="Be kind.", version="1")
    request = prompt.request(call.state, agent, "openai", [], call.thinks(), "")
    assert [m.text for m in request.messages][-2:] == ["where is my order", prompt.NO_WORDS]


# Behind tools


@pytest.mark.parametrize("silent", SILENT)
def test_an_empty_answer_behind_a_tool_is_asked_for_again_then_the_tool_speaks_for_itself(silent: str) -> None:
    call = looks_up()
    assert of(Think, call.finishes(silent)) == [Think(2, 1, 1, empty=True)]
    (say,) = of(Say, call.finishes(silent))
    assert (say.text, say.kind) == ("Your order ships on Friday.", "notice")
    call.hears(say.utterance)
    assert isinstance(call.state.floor, Listening)
    assert call.state.failures == 0
    assert messages(call.state)[-1].text == "Your order ships on Friday."
    assert len(call.all_of(Execute)) == 1
    assert replayed(call) == call.outputs


@pytest.mark.parametrize("name", ["summary", "message", "say"])
def test_a_result_speaks_by_whichever_sentence_it_has(name: str) -> None:
    call = looks_up(result=json.dumps({"n": 1, name: " Two \n are left. "}))
    call.finishes("")
    assert of(Say, call.finishes(""))[0].text == "Two are left."


@pytest.mark.parametrize(
    "result", ["", "{}", "[]", "null", "7", "no JSON", '{"summary": "..."}', '{"summary": 5}', '{"rows": [1]}']
)
def test_a_result_without_a_sentence_is_trouble(result: str) -> None:
    call = looks_up(result=result)
    call.finishes("")
    assert of(Say, call.finishes(""))[0].text == POLICY.trouble


@pytest.mark.parametrize("status", ["failed", "unknown", "refused"])
def test_nor_does_a_tool_that_did_nothing_speak_for_itself(status: str) -> None:
    call = asks()
    call.finishes("", (FIND,))
    call.feed(events.ToolEnded(at_ms=call.at, intent=1, outcome=Outcome(status, DONE, "ask for another day")))
    call.finishes("")
    assert of(Say, call.finishes(""))[0].text == POLICY.trouble


def test_words_before_the_tool_are_no_answer() -> None:
    call = looks_up(words="Let me look that up.")
    assert of(Think, call.finishes(""))
    assert of(Say, call.finishes(""))[0].text == "Your order ships on Friday."


def test_of_two_tools_both_speak_and_what_was_told_does_not() -> None:
    call = asks()
    call.finishes("", (FIND, BOOK))
    call.tool(1, json.dumps({"summary": "It is here."}))
    call.tool(2, json.dumps({"summary": "You are booked."}))
    call.finishes("It is here. Now I book again.", (replace(BOOK, arguments='{"day": "monday"}'),))
    call.hears(call.state.utterance)
    call.tool(3, json.dumps({"summary": "Booked again."}))
    call.finishes("")
    assert of(Say, call.finishes(""))[0].text == "Booked again."
    call.hears(call.state.utterance)
    call.says("and both")
    call.finishes("", (FIND, BOOK))
    call.tool(4, json.dumps({"summary": "It is here."}))
    call.tool(5, json.dumps({"summary": "You are booked."}))
    call.finishes("")
    assert of(Say, call.finishes(""))[0].text == "It is here. You are booked."


@pytest.mark.parametrize("word", ["word ", "\u5b57", "\U0001d400 "])
def test_a_long_sentence_of_a_tool_is_said_from_its_start(word: str) -> None:
    call = looks_up(result=json.dumps({"summary": word * 1_500}, ensure_ascii=False))
    call.finishes("")
    (say,) = of(Say, call.finishes(""))
    assert MAX_SUMMARY - 10 < len(say.text) <= MAX_SUMMARY
    assert say.text.split(" ")[-1] in (word.strip(), word * MAX_SUMMARY)


def test_a_model_that_only_calls_tools_at_the_last_round_is_silent_too() -> None:
    """Its last round has its tools off: what it gives then is nothing."""
    call = asks(replace(POLICY, rounds=1))
    call.finishes("", (FIND,))
    (think,) = of(Think, call.tool(1, DONE))
    assert think.tools_off
    call.finishes("")
    assert of(Say, call.finishes(""))[0].text == "Your order ships on Friday."


def test_a_model_that_is_away_behind_a_tool_leaves_the_word_to_the_tool() -> None:
    call = looks_up()
    assert of(Say, call.finishes(error="FAILED_PRECONDITION"))[0].text == "Your order ships on Friday."


def test_a_tool_whose_notice_was_said_needs_no_apology_behind_it() -> None:
    call = looks_up(result="{}", say=Notice("Your visit is booked."))
    call.hears(call.state.utterance)
    assert of(Think, call.finishes("")) == [Think(2, 1, 1, continuing=True, empty=True)]
    assert not of(Say, call.finishes(""))
    assert isinstance(call.state.floor, Listening)
    assert said(call)[-1] == "Your visit is booked."


@pytest.mark.parametrize("silent", SILENT)
def test_a_notice_that_makes_no_sound_is_none(silent: str) -> None:
    call = asks()
    call.finishes("", (FIND,))
    outcome = Outcome("ok", DONE, say=Notice(silent))
    out = call.feed(events.ToolEnded(at_ms=call.at, intent=1, outcome=outcome))
    assert of(Think, out) == [Think(2, 0, 1)]
    assert not of(Say, out)


def test_an_effect_that_ended_while_the_caller_had_the_floor_is_told_whatever_the_model_says() -> None:
    call = asks(effect_tools=("book_visit",))
    call.finishes("One moment.", (BOOK,))
    call.hears(call.state.utterance)
    call.words("by the way")
    call.stops()
    call.final("by the way")
    call.ends("by the way")
    call.hears(call.answers("Yes?"))
    assert of(Think, call.tool(1, json.dumps({"summary": "You are booked."})))
    call.finishes("")
    assert of(Say, call.finishes(""))[0].text == "You are booked."


def test_a_new_owner_asks_again_and_then_lets_the_tool_speak() -> None:
    call = looks_up()
    call.finishes("")
    call._feed(events.TakenOver, epoch=Epoch(1, 2), turn=2, utterance=1)
    assert isinstance(call.state.floor, Answering)
    assert of(Say, call.finishes(""))[0].text == "Your order ships on Friday."


def test_an_answer_that_broke_off_and_had_no_more_to_say_is_whole() -> None:
    call = asks()
    call.phrase("It ships on Friday.")
    call.finishes(error="UNAVAILABLE")
    assert not of(Think, call.finishes(""))
    call.hears(2)
    assert isinstance(call.state.floor, Listening)
    assert said(call)[-1] == "It ships on Friday."


# Goodbyes


def ends_call(words: str = "", **policy: Any) -> Script:
    call = asks(replace(POLICY, **policy))
    call.finishes(words, (FIND,))
    if words:
        call.hears(call.state.utterance)
    call.tool(1, "{}", then=Then("hang_up", reason="done"))
    return call


def test_a_goodbye_that_was_said_needs_no_other() -> None:
    call = ends_call("Goodbye!")
    out = call.finishes("")
    assert of(HangUp, out) == [HangUp("done")]
    assert not of(Think, out)


def test_an_end_without_a_word_is_asked_for_one_and_else_the_agent_says_its_own() -> None:
    call = ends_call()
    assert of(Think, call.finishes(""))
    (say,) = of(Say, call.finishes(""))
    assert say.text == POLICY.goodbye
    assert of(HangUp, call.hears(say.utterance))


def test_an_agent_without_a_goodbye_hangs_up() -> None:
    call = ends_call(goodbye="")
    call.finishes("")
    assert of(HangUp, call.finishes(""))


def test_a_transfer_without_a_word_is_a_transfer() -> None:
    call = asks()
    call.finishes("", (FIND,))
    call.tool(1, "{}", then=Then("transfer", "+15550100"))
    assert of(Think, call.finishes(""))
    assert of(Transfer, call.finishes("")) == [Transfer("+15550100")]


@pytest.mark.parametrize("field", ["trouble", "unavailable", "time_is_up", "goodbye", "greeting"])
def test_a_sentence_that_is_empty_or_makes_no_sound_holds_nothing_up(field: str) -> None:
    for text in ("", "..."):
        policy = Policy(**{**vars_of(POLICY), field: text})
        call = Script(policy, greet=field != "greeting")
        for _ in range(3):
            call.says("where is my order")
            call.finishes("")
            call.finishes("")
            for line in history.unheard(call.state):
                call.hears(line.utterance)
        call.wait(POLICY.call_ms + 60_000)
        assert call.all_of(HangUp)
        assert text not in said(call)


# No voice


@pytest.mark.parametrize("told", [True, False])
def test_words_that_no_voice_could_say_were_not_heard_and_the_caller_is_asked_again(told: bool) -> None:
    call = asks()
    call.finishes("It ships on Friday.")
    (say,) = of(Say, no_voice(call, told=told))
    assert say.text == POLICY.trouble
    call.hears(say.utterance)
    assert isinstance(call.state.floor, Listening)
    assert [m.text for m in messages(call.state)][1:] == ["where is my order", POLICY.trouble]
    assert not call.all_of(HangUp)
    assert replayed(call) == call.outputs


def test_only_what_sounded_of_a_voice_that_was_lost_was_heard() -> None:
    call = asks()
    call.finishes("It ships on Friday, at noon.")
    call.sounds(2)
    no_voice(call, chars=9)
    message = next(m for m in messages(call.state) if m.text.startswith("It"))
    assert (message.text, message.interrupted) == ("It ships", True)
    assert said(call)[-1] == POLICY.trouble


def test_a_voice_that_only_lacks_the_full_stop_has_said_it_all() -> None:
    call = asks()
    call.finishes("It ships on Friday. ")
    assert not of(Say, no_voice(call, chars=19))
    assert isinstance(call.state.floor, Listening)


def test_the_model_talks_no_longer_to_a_voice_that_is_gone() -> None:
    call = asks()
    call.phrase("It ships ")
    out = no_voice(call)
    assert of(CloseThink, out)
    assert of(Say, out)[0].text == POLICY.trouble
    assert not call.finishes("on Friday."), "late words are nobody's"


def test_a_tool_that_runs_goes_on_and_its_result_is_the_answer() -> None:
    call = asks()
    call.finishes("Let me look that up.", (FIND,))
    assert not of(Say, no_voice(call))
    assert of(Think, call.tool(1, DONE))
    call.hears(call.answers("It ships on Friday."))
    assert isinstance(call.state.floor, Listening)
    assert POLICY.trouble not in said(call)


def test_a_filler_without_a_voice_is_no_trouble() -> None:
    call = asks(replace(POLICY, filler_ms=500, fillers=("One moment.",)))
    call.wait(500)
    assert not of(Say, no_voice(call))
    call.hears(call.answers("It ships on Friday."))
    assert isinstance(call.state.floor, Listening)


def test_a_greeting_without_a_voice_is_followed_by_another_try() -> None:
    call = Script(greet=False)
    assert of(Say, no_voice(call, 1))[0].text == POLICY.trouble


def test_when_nothing_can_be_spoken_any_more_the_call_ends() -> None:
    call = asks()
    call.finishes("It ships on Friday.")
    for _ in range(MAX_VOICELESS - 1):
        assert not of(HangUp, no_voice(call))
    out = no_voice(call)
    assert of(HangUp, out) == [HangUp("no voice")]
    assert not of(Say, out)
    call.wait(20_000)
    assert call.state.floor.reason == "hung up"  # type: ignore[union-attr]


def test_over_several_turns_too() -> None:
    call = Script(replace(POLICY, trouble=""))
    for _ in range(MAX_VOICELESS):
        assert not call.all_of(HangUp)
        call.says("where is my order")
        call.finishes("It ships on Friday.")
        no_voice(call)
    assert call.all_of(HangUp)


def test_one_utterance_that_is_heard_begins_the_count_anew() -> None:
    call = asks()
    for _ in range(5):
        call.finishes("It ships on Friday.")
        no_voice(call)
        call.hears(call.state.utterance)
        call.says("where is my order")
        call.hears(call.answers("It ships on Friday."))
        call.says("where is my order")
    assert not call.all_of(HangUp)


def test_answers_that_never_sound_end_the_call_though_its_fixed_sentences_do() -> None:
    """Those may have been kept from before."""
    call = Script()
    for _ in range(3):
        call.says("where is my order")
        call.finishes("It ships on Friday.")
        no_voice(call)
        out = call.hears(call.state.utterance)
    assert said(call)[-1] == POLICY.unavailable
    assert of(HangUp, out)


def test_a_voice_lost_for_a_turn_that_is_over_is_nobodys_trouble() -> None:
    call = asks()
    utterance = call.answers("It ships on Friday.")
    assert of(Stop, call.words("never mind"))
    assert not of(Say, no_voice(call, utterance))


def test_a_leg_that_is_lost_is_no_voice_that_fails() -> None:
    call = asks()
    utterance = call.answers("It ships on Friday.")
    assert not of(Say, call.cut(utterance, 3))


def test_a_goodbye_without_a_voice_still_ends_the_call() -> None:
    call = asks()
    call.finishes("", (FIND,))
    call.tool(1, "{}", then=Then("hang_up"))
    call.finishes("Goodbye.")
    assert of(HangUp, no_voice(call))


# Who is at turn


def test_words_are_due_from_the_end_of_the_turn_until_all_of_them_were_given() -> None:
    call = Script()
    assert not due(call.state)
    call.says("where is my order")
    assert due(call.state)
    call.phrase("Let me look. ")
    assert due(call.state)
    call.finishes("", (FIND,))
    assert due(call.state)
    call.hears(2)
    call.tool(1, DONE)
    assert due(call.state)
    utterance = call.answers("It ships on Friday.")
    assert not due(call.state), "the gateway has them all"
    call.hears(utterance)
    assert not due(call.state)


def test_words_are_due_while_a_failed_round_waits_and_not_behind_the_apology() -> None:
    call = asks()
    call.finishes("")
    assert due(call.state)
    call.finishes("")
    assert not due(call.state)


def test_a_turn_that_waits_behind_words_is_owed_its_answer() -> None:
    call = Script(replace(POLICY, must_hear=("greeting",)), greet=False)
    call.sounds(1)
    call.types("where is my order")
    assert due(call.state)


SCRIPT = "I can not reach our booking system right now."
DOWN = Outcome("failed", message="no answer", down=True)


def test_a_backend_that_is_down_is_told_in_the_agents_words_without_the_model() -> None:
    call = Script(replace(POLICY, backend_down=SCRIPT))
    call.says("book me in")
    call.finishes("", (FIND, BOOK))
    assert not call._feed(events.ToolEnded, intent=1, outcome=DOWN) or not of(Say, call.last)
    out = call._feed(events.ToolEnded, intent=2, outcome=DOWN)
    assert [say.text for say in of(Say, out)] == [SCRIPT]
    assert not of(Think, out)
    call._feed(events.TakenOver, epoch=Epoch(1, 2), utterance=call.state.utterance, turn=call.state.turn)
    assert not of(Say, call.last), "once"
    call.hears(call.state.utterance)
    assert isinstance(call.state.floor, Listening)


def test_of_two_the_one_that_answered_is_the_models_to_tell() -> None:
    call = Script(replace(POLICY, backend_down=SCRIPT))
    call.says("book me in")
    call.finishes("", (FIND, BOOK))
    call._feed(events.ToolEnded, intent=1, outcome=DOWN)
    assert of(Think, call.tool(2, "{}"))


def test_an_effect_that_may_be_done_is_not_told_as_out_of_reach() -> None:
    call = Script(replace(POLICY, backend_down=SCRIPT), effect_tools=(BOOK.name,))
    call.says("book me in")
    call.finishes("", (BOOK,))
    assert of(Think, call._feed(events.ToolEnded, intent=1, outcome=Outcome("unknown", message="?", down=True)))
