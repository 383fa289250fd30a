"""A caller whose leg is lost and who comes back on another: what he missed is made up for, and nothing more."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any

from services.orchestrator.mind import effects, events
from services.orchestrator.mind.actions import Outcome, ToolUse
from services.orchestrator.mind.effects import Execute, HangUp, Say, Think
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.state import Epoch, Listening
from tests.orchestrator.calls import POLICY, Script, of, replayed, spoken

OWN = replace(POLICY, cut_off="Sorry, we were cut off.")


def lost(call: Script) -> None:
    call._feed(events.LegLost, reason="the gateway's stream ended")


def back(call: Script, **values: Any) -> list[effects.Effect]:
    """On the next leg, where the mouth knows nothing."""
    out = call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True, **values)
    call.seq = 0
    assert replayed(call) == call.outputs
    return out


def said(out: list[effects.Effect]) -> list[str]:
    return [say.text for say in of(Say, out)]


def test_an_answer_that_broke_off_is_apologised_for_and_said_from_the_sentence_on_in_which_it_did() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    utterance = call.answers("We are open all week. On Sundays we open at ten.")
    call.tells(utterance, (0, 0), (3, 400), (7, 500), (12, 600), (16, 2_000), (22, 3_000), (25, 3_300), (33, 3_400))
    call.at += 3_350
    lost(call)
    out = back(call)
    assert said(out) == ["Sorry, we were cut off.", "On Sundays we open at ten."]
    assert not of(Think, out)
    call.hears(3)
    call.hears(4)
    assert isinstance(call.state.floor, Listening)
    answers = ["We are open all week. On", "Sorry, we were cut off.", "On Sundays we open at ten."]
    assert [m.text for m in messages(call.state)[2:]] == answers


def test_an_answer_cut_by_the_end_of_the_leg_is_made_up_for_all_the_same() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    utterance = call.answers("We are open all week. On Sundays we open at ten.")
    call.cut(utterance, 27)
    lost(call)
    assert said(back(call)) == ["Sorry, we were cut off.", "On Sundays we open at ten."]


STORY = "this is the story of a bicycle that was made by two sisters and since then half of the town has learnt to ride"


def told(call: Script) -> list[str]:
    """What the model is told that it said, after the greeting."""
    return call.bot_said[1:]


def test_who_broke_in_when_the_leg_was_lost_has_heard_what_had_sounded() -> None:
    call = Script(OWN)
    call.says("tell me a story")
    utterance = call.answers(STORY)
    call.at += 600
    call.pauses(utterance, 8)
    call.starts()
    call.at += 300
    lost(call)
    call.at += 200
    back(call)
    call.says("is new of it")
    assert told(call) == ["this is"]
    call.cut(utterance + 1, 0)
    call.cut(utterance + 2, 0)
    assert told(call) == ["this is"]


def test_how_much_was_heard_is_reckoned_from_the_words_times() -> None:
    """Whatever the voice: here each word lasts as long as the dice say, and a pause may follow."""
    for seed in range(3):
        dice, places, at = random.Random(seed), [], 0
        for word in re.finditer(r"\S+", STORY):
            places.append((word.start(), at))
            at += dice.randrange(80, 900)
            if dice.random() < 0.3:
                places.append((word.end(), at))
                at += dice.randrange(150, 1_500)
        for lost_ms in range(300, 6_000, 170):
            call = Script(OWN)
            call.says("tell me a story")
            utterance, began = call.answers(STORY), call.at
            for ms in (250, *range(800, lost_ms, 1_000)):
                call.at = began + ms
                told_now = [(char, when - ms) for char, when in places if -1_000 < when - ms < 1_500]
                call.tells(utterance, *told_now)
            call.at = began + lost_ms
            lost(call)
            back(call)
            n = sum(when <= lost_ms for _, when in places)
            (char, when), (after, over_ms) = places[n - 1], places[n]
            nearly = STORY[: after if lost_ms - when > (over_ms - when) // 2 else char]  # but for its last letter
            heard = "" if told(call)[0] == OWN.cut_off else told(call)[0]
            assert heard in (STORY[:char].rstrip(), nearly.rstrip()), (seed, lost_ms)


def test_a_loss_that_is_noticed_late_does_not_make_the_caller_hear_more() -> None:
    call = Script(OWN)
    call.says("tell me a story")
    utterance = call.answers(STORY)
    call.at += 1000
    call.tells(utterance, *(place for place in spoken(STORY, OWN_PACE, 1_000) if place[1] < 1_500))
    call.at += 8000
    lost(call)
    back(call)
    assert told(call)[0] == "this is the story of a bicycle", "what was told to sound"


def test_an_older_gateway_tells_only_where_the_voice_is() -> None:
    call = Script(OWN)
    call.says("tell me a story")
    utterance = call.answers(STORY)
    call.at += 1000
    call.reaches(utterance, 14)
    call.at += 900
    lost(call)
    back(call)
    assert told(call)[0] == "this is the"


def test_a_loss_told_twice_is_the_same_loss() -> None:
    call = Script(OWN)
    call.says("tell me a story")
    utterance = call.answers(STORY)
    call.at += 800
    call.tells(utterance, *spoken(STORY, OWN_PACE, 800))
    lost(call)
    call.at += 700
    lost(call)
    back(call)
    assert told(call)[0] == "this is the"


def test_where_the_voice_was_told_too_late_changes_nothing() -> None:
    call = Script(OWN)
    call.says("tell me a story")
    utterance = call.answers(STORY)
    call.at += 600
    call.pauses(utterance, 8)
    call.tells(utterance, (8, 0), (12, 200), (18, 600))  # on its way when it fell silent
    call.starts()
    call.words("wait")
    call.cut(utterance, 8)
    call.tells(utterance, (8, 0), (12, 200), (18, 600))
    call.tells(99, (4, 0))
    lost(call)
    assert told(call) == ["this is"]
    assert replayed(call) == call.outputs


def test_an_answer_is_made_up_for_once_for_each_leg_that_is_lost() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    utterance = call.answers("We are open all week. On Sundays we open at ten.")
    call.pauses(utterance, 25)
    lost(call)
    assert said(back(call)) == ["Sorry, we were cut off.", "On Sundays we open at ten."]
    call.hears(utterance + 1)
    call.sounds(utterance + 2)
    call.at += 300
    call.pauses(utterance + 2, 3)
    lost(call)
    out = call._feed(events.TakenOver, epoch=Epoch(3, 1), new_leg=True)
    assert said(out) == ["Sorry, we were cut off.", "On Sundays we open at ten."]
    assert told(call)[:3] == ["We are open all week. On", "Sorry, we were cut off.", "On"]


def test_an_answer_that_was_still_being_made_is_continued_by_the_model() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    call.phrase("We are open all week. ")
    call.sounds(2)
    call.tells(2, *spoken("We are open all week.", OWN_PACE))
    call.at += 21 * OWN_PACE
    lost(call)
    out = back(call)
    assert said(out) == ["Sorry, we were cut off."]
    (think,) = of(Think, out)
    assert think.continuing


def test_who_missed_nothing_is_told_nothing() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    call.hears(call.answers("We are open all week."))
    lost(call)
    assert not of(Say, back(call))
    assert isinstance(call.state.floor, Listening)


def test_who_waits_for_an_answer_gets_it_without_an_apology() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    lost(call)
    out = back(call)
    assert not of(Say, out)
    assert [think.continuing for think in of(Think, out)] == [False]


def test_an_answer_of_which_no_word_had_sounded_is_said_without_an_apology() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    lost(call)
    call.finishes("We are open all week.")
    assert said(back(call)) == ["We are open all week."]


def test_who_was_speaking_is_asked_to_say_it_again_and_what_was_final_is_kept() -> None:
    call = Script(OWN)
    call.starts()
    call.final("where is my order")
    call.words("number four")
    lost(call)
    assert said(back(call)) == [OWN.not_heard]
    call.hears(call.state.utterance)
    call.says("number four two")
    assert call.turns == ["where is my order number four two"]


def test_what_was_said_whole_is_answered_though_nobody_told_that_the_turn_was_over() -> None:
    call = Script(OWN)
    call.starts()
    call.final("where is my order")
    call.stops()
    lost(call)
    assert of(Think, back(call))
    assert call.turns == ["where is my order"]


def test_who_has_hung_up_is_not_greeted_again() -> None:
    call = Script(OWN)
    call.says("what are your hours")
    call.answers("We are open all week.")
    call.hangs_up()
    out = back(call)
    assert [type(effect) for effect in out] == [HangUp]


def test_an_action_of_a_turn_that_was_interrupted_goes_on_after_a_change_of_owner() -> None:
    call = Script(OWN, effect_tools=("book_visit",))
    call.says("book me in")
    call.finishes("One moment.", tools=(ToolUse("c2", "book_visit", "{}"),))
    call.sounds(2)
    call.words("no wait a moment")
    call.cut(2, 4)
    call.ends("no wait a moment")
    call.hears(call.answers("Yes?"))
    out = call._feed(events.TakenOver, epoch=Epoch(1, 2), turn=call.state.turn, utterance=call.state.utterance)
    assert [e.intent for e in of(Execute, out)] == [1]


def test_until_the_ledger_tells_rounds_have_no_tools_and_nothing_is_done() -> None:
    call = Script(OWN)
    call.says("book me in")
    call.finishes(tools=(ToolUse("c2", "book_visit", "{}"),))
    values: dict[str, Any] = {"turn": call.state.turn, "utterance": call.state.utterance}
    out = call._feed(events.TakenOver, epoch=Epoch(1, 2), unsettled=True, **values)
    assert not of(Execute, out)
    out = call.says("hello")
    assert not of(Execute, out)
    assert [think.tools_off for think in of(Think, out)] == [True]
    row = ToolUse("", "book_visit", "{}", 1, Outcome("ok", '{"summary": "booked"}'))
    out = call._feed(events.Settled, settled=(row,))
    assert not of(Execute, out)
    assert not call.state.unsettled
    assert replayed(call) == call.outputs


OWN_PACE = 70  # ms per character, of a voice not heard before
