"""Between stop and resume: phone calls as tables, one line of the caller's side at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.orchestrator.mind import events
from services.orchestrator.mind.caller.interruption import WORDLESS_SLACK_MS, wordless_ms
from services.orchestrator.mind.effects import BargeIn, Resume, Say, Stop, Think
from services.orchestrator.mind.state import Epoch, Listening
from tests.orchestrator.calls import POLICY, Script, of, replayed

HOURS = "We are open from nine in the morning until six in the evening."
LASTING = replace(POLICY, interrupt_ms=250, interrupt_words=3)


def play(call: Script, lines: str) -> None:
    """Lines of a call, by time since the first: `at 300 words what color`. Timers in between fire when they are due."""
    begun = call.at
    for line in filter(None, map(str.strip, lines.splitlines())):
        _, at, what, *rest = line.split(" ", 3)
        text = rest[0] if rest else ""
        call.wait(max(0, begun + int(at) - call.at))
        utterance = call.state.utterance
        act: dict[str, Callable[[], object]] = {
            "starts": call.starts,
            "stops": call.stops,
            "words": lambda said=text: call.words(said),  # type: ignore[misc]
            "final": lambda said=text: call.final(said),  # type: ignore[misc]
            "ends": lambda said=text: call.ends(said),  # type: ignore[misc]
            "paused": lambda chars=text, u=utterance: call.pauses(u, int(chars)),  # type: ignore[misc]
            "lapses": lambda chars=text, u=utterance: call.lapses(u, int(chars)),  # type: ignore[misc]
            "cut": lambda chars=text, u=utterance: call.cut(u, int(chars)),  # type: ignore[misc]
            "heard": lambda u=utterance: call.hears(u),  # type: ignore[misc]
            "key": lambda digit=text: call.presses(digit),  # type: ignore[misc]
            "wait": lambda: None,
        }
        act[what]()


def answering(text: str = HOURS, policy: object = POLICY) -> Script:
    """A call in which the bot answers, and its answer sounds."""
    call = Script(policy)  # type: ignore[arg-type]
    call.says("what are your hours")
    call.answers(text)
    return call


# What the caller does over the bot's voice, what became of the answer, and as what it was counted.
OVER_THE_VOICE = {
    "a word": ("at 0 starts\nat 60 paused 12\nat 350 words wait", "stop", ["stopped"]),
    "the first word of the bot": ("at 0 starts\nat 40 paused 0\nat 300 words no", "stop", ["stopped"]),
    "a cough of 250 ms": ("at 0 starts\nat 60 paused 12\nat 250 stops\nat 900 wait", "resume", ["noise"]),
    "a cough taken for a word and taken back": (
        "at 0 starts\nat 60 paused 12\nat 200 words\nat 250 stops\nat 900 wait",
        "resume",
        ["noise"],
    ),
    "a cough the recogniser answers for": (
        "at 0 starts\nat 60 paused 12\nat 250 stops\nat 270 final",
        "resume",
        ["noise"],
    ),
    "talk in the room": ("at 0 starts\nat 60 paused 12\nat 2500 stops\nat 3000 wait", "resume", ["noise"]),
    "a laugh, then a word": (
        "at 0 starts\nat 60 paused 12\nat 1300 lapses 12\nat 1500 words no stop",
        "stop",
        ["noise", "stopped"],
    ),
    "uh-huh": (
        "at 0 starts\nat 60 paused 12\nat 300 words uh huh\nat 400 stops\nat 900 wait",
        "resume",
        ["backchannel"],
    ),
    "uh-huh, told in full later": (
        "at 0 starts\nat 60 paused 12\nat 300 words Uh-huh.\nat 400 stops\nat 900 final Uh-huh.\nat 1300 ends Uh-huh.",
        "resume",
        ["backchannel"],
    ),
    "uh-huh, and its end after the answer was heard": (
        "at 0 starts\nat 60 paused 12\nat 300 final uh-huh\nat 400 stops\nat 800 heard\nat 900 ends uh-huh",
        "resume",
        ["backchannel"],
    ),
    "uh-huh to a bot that does not pause any more": (
        "at 0 starts\nat 300 words uh-huh\nat 400 stops\nat 500 final uh-huh\nat 900 ends uh-huh",
        "nothing",
        ["backchannel"],
    ),
    "yeah but": (
        "at 0 starts\nat 60 paused 12\nat 300 words yeah\nat 600 words yeah but",
        "stop",
        ["stopped"],
    ),
    "a word after the sound": ("at 0 starts\nat 60 paused 12\nat 300 stops\nat 500 words no", "stop", ["stopped"]),
    "a word after the bot went on": (
        "at 0 starts\nat 60 paused 12\nat 300 stops\nat 900 wait\nat 1000 final no",
        "stop",
        ["noise", "stopped"],
    ),
    "only a final, no interim": (
        "at 0 starts\nat 60 paused 12\nat 800 stops\nat 900 final no thanks",
        "stop",
        ["stopped"],
    ),
    "a word while the lease runs out": (
        "at 0 starts\nat 60 paused 12\nat 1000 lapses 12\nat 1010 words no",
        "stop",
        ["stopped"],
    ),
    "no sound told, only words": ("at 0 words stop it", "stop", ["stopped"]),
    "keys": ("at 0 key 1", "stop", ["stopped"]),
}


@pytest.mark.parametrize("name", OVER_THE_VOICE)
def test_over_the_voice(name: str) -> None:
    lines, became, counted = OVER_THE_VOICE[name]
    call = answering()
    play(call, lines)
    assert bool(call.all_of(Stop)) == (became == "stop")
    if became != "stop":
        assert bool(call.all_of(Resume)) == (became == "resume")
        assert call.turns == ["what are your hours"]
    assert [effect.outcome for effect in call.all_of(BargeIn)] == counted
    assert replayed(call) == call.outputs


@pytest.mark.parametrize(
    ("lines", "stopped_at"),
    [
        ("at 0 starts\nat 200 words wait\nat 900 wait", 250),
        ("at 0 starts\nat 400 words wait\nat 900 wait", 400),
        ("at 0 starts\nat 200 words wait\nat 220 stops\nat 900 wait", None),
        ("at 0 starts\nat 200 words okay\nat 900 wait", None),
        ("at 0 starts\nat 100 words wait a moment", 100),
    ],
)
def test_few_words_interrupt_once_the_voice_lasts(lines: str, stopped_at: int | None) -> None:
    call = answering(policy=LASTING)
    begun = call.at
    play(call, lines)
    stops = [event.at_ms - begun for event, out in zip(call.inputs, call.outputs, strict=True) if of(Stop, out)]
    assert stops == ([] if stopped_at is None else [stopped_at])


def test_too_few_words_are_left_to_the_end_of_the_turn() -> None:
    call = answering(policy=LASTING)
    play(call, "at 0 starts\nat 50 paused 12\nat 150 words stop\nat 200 stops\nat 800 final stop\nat 900 wait")
    assert not call.all_of(Resume)
    assert of(Stop, call.ends("stop"))
    assert call.turns[-1] == "stop"


def test_a_policy_without_words_and_without_time_is_interrupted_by_whole_turns_only() -> None:
    call = answering(policy=replace(POLICY, interrupt_ms=0, interrupt_words=0))
    play(call, "at 0 starts\nat 400 words what color is it\nat 2000 final what color is it")
    assert not call.all_of(Stop)
    assert of(Stop, call.ends("what color is it"))


def test_twice_in_a_row() -> None:
    call = answering()
    play(call, "at 0 starts\nat 60 paused 7\nat 300 words what\nat 320 cut 7\nat 900 final what color\nat 950 stops")
    call.ends("what color")
    call.answers("It is green, as the picture shows.")
    play(call, "at 0 starts\nat 60 paused 5\nat 300 words no\nat 320 cut 5\nat 500 final no what size\nat 550 stops")
    call.ends("no what size")
    assert call.turns == ["what are your hours", "what color", "no what size"]
    assert call.bot_said[1:] == ["We are", "It is"]
    assert len(call.all_of(Stop)) == 2


def test_the_second_interruption_comes_before_the_first_is_known_to_be_heard() -> None:
    call = answering()
    first = call.state.utterance
    call.words("what color")
    call.ends("what color")
    call.wait(250)
    second = call.answers("It is green.")
    call.words("no wait")
    call.cut(first, 7)
    call.cut(second, 2)
    call.ends("no wait")
    assert call.bot_said[1:] == ["We are", "It"]
    assert [effect.outcome for effect in call.all_of(BargeIn)] == ["stopped", "stopped"]


def test_the_last_word_was_heard_but_its_mark_is_not_back() -> None:
    call = answering()
    call.starts()
    call.words("thanks and on sunday")
    call.cut(call.state.utterance, len(HOURS))
    call.ends("thanks and on sunday")
    assert call.bot_said[-1] == HOURS
    assert call.turns[-1] == "thanks and on sunday"


def test_breaking_in_before_a_sound_of_the_answer() -> None:
    call = Script()
    call.says("what are your hours")
    call.starts()
    out = call.words("on sundays i mean")
    assert of(Stop, out)
    assert not call.all_of(BargeIn)
    call.ends("on sundays i mean")
    assert call.turns == ["what are your hours", "on sundays i mean"]


def test_both_begin_at_once() -> None:
    call = Script()
    call.says("what are your hours")
    call.starts()
    call.phrase("We are open all day.")
    call.sounds(2)
    call.pauses(2, 0)
    call.wait(300)
    assert of(Stop, call.words("and on sunday"))


@pytest.mark.parametrize("late", ["words", "final", "ends"])
def test_what_is_told_of_a_turn_that_was_taken_is_nothing(late: str) -> None:
    call = Script()
    call.says("what are your hours")
    before = call.state
    call.wait(100)
    call.turn = 1
    assert getattr(call, late)("what are your hours") == []
    assert replace(call.state, seen_seq=0) == replace(before, seen_seq=0)
    call.turn = 2
    assert of(Think, call.says("and on sunday"))
    assert call.turns == ["what are your hours", "and on sunday"]


@pytest.mark.parametrize("counted", [True, False])
def test_who_says_no_and_no_again_has_said_it_twice(counted: bool) -> None:
    """Whoever it was told by: ears that count, or those of the version before."""
    call = Script()
    call.turn = int(counted)
    call.says("cancel it")
    call.answers("You want me to cancel the order?")
    call.hears(call.state.utterance)
    assert of(Think, call.says("no"))
    call.wait(300)
    call.starts()
    assert of(Stop, call.words("no"))
    call.final("no")
    call.stops()
    assert of(Think, call.ends("no"))
    assert call.turns[-2:] == ["no", "no"]
    assert call.state.over_turn == 3 * counted
    replayed(call)


def test_a_new_leg_has_ears_that_count_from_one() -> None:
    call = answering()
    call._feed(events.TakenOver, epoch=Epoch(2, 1), new_leg=True)
    call.seq, call.turn = 0, 1
    call.says("and on sunday")
    call.wait(250)
    assert of(Think, call.last)


def test_the_same_question_again_is_a_turn() -> None:
    call = answering()
    call.starts()
    call.words("what are your hours")
    assert call.all_of(Stop)


def test_a_pause_told_after_the_stop_is_not_waited_for() -> None:
    call = answering()
    call.starts()
    call.words("never mind")
    call.pauses(call.state.utterance, 3)
    assert not call.state.paused
    call.cut(call.state.utterance, 3)
    call.ends("never mind")
    call.answers("All right.")
    assert not call.all_of(Resume)


def test_the_mouth_goes_on_by_itself_and_is_then_stopped() -> None:
    call = answering()
    utterance = call.state.utterance
    call.starts()
    call.pauses(utterance, 11)
    call.lapses(utterance, 7)
    call.words("never mind")
    call.cut(utterance, 16)
    call.ends("never mind")
    assert call.bot_said[-1] == "We are open from"


def test_okay_while_the_bot_waits_for_an_answer_is_one() -> None:
    call = answering("It takes two days.")
    call.hears(2)
    call.wait(300)
    assert of(Think, call.says("okay"))


def test_okay_at_the_end_of_a_statement_is_no_turn() -> None:
    call = answering("It takes two days.")
    play(call, "at 0 starts\nat 300 final okay\nat 350 stops\nat 400 heard\nat 700 ends okay")
    assert isinstance(call.state.floor, Listening)
    assert call.turns == ["what are your hours"]
    call.wait(POLICY.away_ms)
    assert "Are you still there?" in call.bot_said


@pytest.mark.parametrize(("said_at", "answered"), [(5, False), (60, True)])
def test_yeah_counts_over_the_question_not_over_what_comes_before_it(said_at: int, answered: bool) -> None:
    text = "The service is eighty dollars and takes two days. Shall I book it?"
    call = answering(text)
    call.starts()
    call.pauses(2, said_at)
    call.words("yeah")
    call.final("yeah")
    call.stops()
    call.ends("yeah")
    assert bool(of(Think, call.cut(2, said_at))) == answered


def test_yeah_behind_a_question_whose_end_was_heard_meanwhile() -> None:
    call = answering("Shall I book it?")
    play(call, "at 900 starts\nat 1000 heard\nat 1100 final yeah\nat 1150 stops")
    assert of(Think, call.ends("yeah"))


def test_typed_words_are_a_turn_whatever_they_are() -> None:
    call = answering()
    assert of(Stop, call.types("okay"))
    assert call.turns[-1] == "okay"


def test_a_voice_that_never_ends_does_not_hold_the_answer_for_ever() -> None:
    call = answering()
    call.starts()
    call.pauses(2, 5)
    call.wait(POLICY.wordless_ms)
    assert call.all_of(Resume)


def test_a_recogniser_without_interims_is_waited_for() -> None:
    call = Script()
    call.starts()
    call.final("what are your hours")
    call.stops()
    call.ends("what are your hours")
    call.answers(HOURS)
    play(call, "at 0 starts\nat 50 paused 12\nat 2500 wait")
    assert not call.all_of(Resume)
    play(call, "at 0 stops\nat 100 final no i mean on sundays")
    assert call.all_of(Stop)


def thinking() -> Script:
    """The caller's turn is over, and the model has not said a word."""
    call = Script()
    call.says("what are your hours")
    call.at += 100
    return call


def test_the_bot_does_not_begin_into_the_callers_voice() -> None:
    call = thinking()
    call.starts()
    call.wait(50)
    assert not of(Say, call.phrase("We are open "))
    assert not of(Say, call.finishes("all day."))
    call.wait(200)
    (say,) = of(Say, call.stops())
    assert (say.utterance, say.text, say.complete) == (2, "We are open all day.", True)
    call.hears(2)
    assert isinstance(call.state.floor, Listening)
    assert replayed(call) == call.outputs


def test_what_waited_and_was_never_said_is_not_remembered() -> None:
    call = thinking()
    call.starts()
    call.phrase("We are open all day.")
    call.words("on sundays i mean")
    call.final("on sundays i mean")
    call.stops()
    assert not call.all_of(Say)[1:]
    call.ends("on sundays i mean")
    assert of(Say, call.phrase("On sundays we are closed."))
    assert call.bot_said[1:] == ["On sundays we are closed."]


def test_a_voice_without_words_is_not_waited_for_for_ever() -> None:
    call = thinking()
    call.starts()
    call.finishes("We are open all day.")
    call.wait(POLICY.wordless_ms)
    (say,) = call.all_of(Say)[1:]
    assert say.text == "We are open all day."


def test_words_begun_before_the_voice_go_on() -> None:
    call = thinking()
    call.phrase("We are open ")
    call.starts()
    (rest,) = of(Say, call.finishes("all day."))
    assert rest.text == "all day."


def test_a_sound_that_goes_on_behind_the_turn_does_not_hold_the_answer() -> None:
    call = Script()
    call.starts()
    call.final("what are your hours")
    call.at += 10
    call.ends("what are your hours")
    assert of(Say, call.phrase("We are open."))


def test_a_new_owner_says_what_waited() -> None:
    call = thinking()
    call.starts()
    call.finishes("We are open all day.")
    out = call.feed(events.TakenOver(at_ms=call.at, epoch=Epoch(1, 2), turn=2, utterance=1))
    (say,) = of(Say, out)
    assert (say.utterance, say.text, say.complete) == (2, "We are open all day.", True)


def test_two_coughs_are_two() -> None:
    call = answering()
    play(
        call,
        "at 0 starts\nat 60 paused 12\nat 250 stops\nat 1500 starts\nat 1560 paused 20\nat 1700 stops\nat 2200 wait",
    )
    assert [effect.outcome for effect in call.all_of(BargeIn)] == ["noise", "noise"]
    assert len(call.all_of(Resume)) == 2


@pytest.mark.parametrize(("paused", "told"), [(11, "We are open"), (None, "We are open")])
def test_until_it_is_told_what_was_heard_is_the_best_guess(paused: int | None, told: str) -> None:
    call = answering()
    call.at += 15 * 70
    if paused is not None:
        call.pauses(2, paused)
    call.words("and on sundays")
    call.ends("and on sundays")
    assert call.bot_said[-1] == told
    call.cut(2, 20)
    assert call.bot_said[-1] == HOURS[:20].rstrip()


def test_a_voice_is_waited_for_as_long_as_this_recogniser_has_needed_for_a_word() -> None:
    call = Script()
    assert wordless_ms(call.state) == call.state.policy.wordless_ms
    call.starts()
    call.wait(600)
    call.words("where is")
    assert call.state.words_ms == 600
    assert wordless_ms(call.state) == 600 + WORDLESS_SLACK_MS
    call.final("where is my order")
    call.stops()
    call.ends("where is my order")
    utterance = call.answers("Your order is on its way and will arrive on Monday.")
    call.starts()
    call.pauses(utterance, 11)
    call.wait(700)
    assert not call.all_of(Resume)
    call.wait(60)
    assert len(call.all_of(Resume)) == 1, "no word: it is nobody who talks to the bot"
    assert call.words("no wait")
    assert call.all_of(Stop), "and taken back when it is"


def test_what_only_says_i_am_listening_is_forgiven_while_it_sounds_and_taken_back_when_more_follows() -> None:
    call = Script()
    call.says("what are your hours")
    utterance = call.answers("We are open from nine to six.")
    call.starts()
    call.pauses(utterance, 12)
    call.words("okay")
    assert len(call.all_of(Resume)) == 1
    call.lapses(utterance, 8)
    call.words("okay but what color is it")
    assert call.all_of(Stop)
