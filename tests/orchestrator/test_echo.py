"""The bot's words come back by a speakerphone; callers say the bot's words again: told apart by text and time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.orchestrator.mind import events, fitting
from services.orchestrator.mind.bot import voice
from services.orchestrator.mind.bot.voice import KEPT_MS, MAX_TOLD, SLACK_MS
from services.orchestrator.mind.caller.echo import LATEST_MS
from services.orchestrator.mind.effects import BargeIn, Resume, Stop, Think
from services.orchestrator.mind.state import Listening
from tests.orchestrator.calls import POLICY, Script, of, replayed, spoken

SHIPPED = "Your order is on its way and will arrive on Monday."
CHAR_MS = 70
"""Of a voice of which nobody told when its words sound."""


def said_at(text: str, words: str) -> int:
    """When these words of the bot begin to sound, in ms from the start of its utterance, at its usual pace."""
    return text.lower().index(words.split(",")[0].lower()) * CHAR_MS


def over(text: str, bot_word: str, heard: str, delay: int = 200, length: int = 0) -> Script:
    """The caller's side gives `heard`, beginning `delay` ms after the bot began to say `bot_word`."""
    call = Script()
    call.says("where is my order")
    call.answers(text)
    begun = call.at
    call.at = begun + said_at(text, bot_word) + delay
    call.starts()
    length = length or CHAR_MS * len(heard)
    call.at += length + 50
    call.words(heard, since=length + 50)
    return call


@pytest.mark.parametrize(
    ("bot_word", "heard"),
    [
        ("your order", "your"),
        ("your order", "your ord"),
        ("your order", "your order is"),
        ("order is", "order is on its way"),
        ("order is", "Order is on his way"),
        ("on its", "on the way"),
        ("will arrive", "will a rive on monday"),
        ("arrive", "arrived on Monday"),
        ("monday", "monday"),
    ],
)
def test_an_echo_is_no_interruption(bot_word: str, heard: str) -> None:
    call = over(SHIPPED, bot_word, heard)
    assert not call.all_of(Stop)


@pytest.mark.parametrize("delay", [0, 100, 250, 450])
def test_an_echo_comes_back_within_half_a_second(delay: int) -> None:
    assert not over(SHIPPED, "order is", "order is on its way", delay).all_of(Stop)


@pytest.mark.parametrize(
    ("text", "bot_word", "heard", "delay"),
    [
        (SHIPPED, "order is", "stop", 200),
        (SHIPPED, "order is", "what color", 200),
        (SHIPPED, "your order", "monday", 200),  # before the bot has said it
        (SHIPPED, "your order", "your order", 1500),  # said again, later than an echo
        (SHIPPED, "on its", "is it in the shop", 200),
        ("Is it four two seven nine, or another?", "four two", "four two seven nine", 2200),
    ],
)
def test_the_callers_own_words_are_one(text: str, bot_word: str, heard: str, delay: int) -> None:
    assert over(text, bot_word, heard, delay).all_of(Stop)


def test_an_echo_leaves_no_trace_and_the_bot_goes_on() -> None:
    call = over(SHIPPED, "your order", "your order is on")
    call.pauses(2, 18)
    call.final("your order is on", since=1100)
    call.stops()
    call.wait(400)
    assert call.all_of(Resume)
    assert not of(Think, call.ends("your order is on"))
    call.hears(2)
    assert call.turns == ["where is my order"]
    assert [effect.outcome for effect in call.all_of(BargeIn)] == ["echo"]
    assert isinstance(call.state.floor, Listening)
    assert replayed(call) == call.outputs


def test_real_words_behind_an_echo_are_the_turn() -> None:
    heard = "your order is on its way sorry what color"
    call = over(SHIPPED, "your order", heard)
    assert call.all_of(Stop)
    call.cut(2, 25)
    call.final(heard, since=CHAR_MS * len(heard) + 50)
    call.stops()
    call.ends(heard)
    assert call.turns[-1] == "sorry what color"


def test_real_words_before_an_echo_are_the_turn() -> None:
    call = over(SHIPPED, "way and", "wait a moment", length=700)
    assert call.all_of(Stop)
    call.final("wait a moment and will arrive", since=900)
    call.stops()
    call.ends("wait a moment and will arrive")
    assert call.turns[-1].startswith("wait a moment")


def test_the_last_words_come_back_after_the_bot_is_done() -> None:
    call = Script()
    call.says("where is my order")
    call.answers(SHIPPED)
    call.at += CHAR_MS * len(SHIPPED)
    call.hears(2)
    call.at += 50
    call.starts()
    call.at += 300
    call.words("on monday", since=700)
    call.final("on monday", since=700)
    call.stops()
    assert not of(Think, call.ends("on monday"))
    assert call.turns == ["where is my order"]
    call.wait(POLICY.away_ms)
    assert "Are you still there?" in call.bot_said


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Would you like the green one, or the blue one?", "the blue one"),
        ("Would you like the green one, or the blue one?", "blue"),
        ("Is that right, yes or no?", "no"),
        ("Do you mean Monday?", "monday"),
    ],
)
def test_the_words_of_a_question_are_its_answer(question: str, answer: str) -> None:
    call = Script()
    call.says("a bike please")
    call.answers(question)
    call.at += CHAR_MS * len(question)
    call.hears(2)
    call.wait(250)
    call.starts()
    call.at += 500
    call.words(answer, since=500)
    call.final(answer, since=500)
    call.stops()
    assert of(Think, call.ends(answer))
    assert call.turns[-1] == answer


TIMES = (0, 310, 480, 1_650, 1_900, 2_020, 2_600, 2_690, 2_800, 3_500, 3_620, 4_900)
"""When each word of SHIPPED sounds, and its end: a voice that hesitates and hurries."""


def timed(times: tuple[int, ...] = TIMES, since_ms: int = 0) -> list[tuple[int, int]]:
    begins = [at for at, _ in spoken(SHIPPED, 1)]
    return [(char, at - since_ms) for char, at in zip(begins, times, strict=True)]


def over_told(bot_word: str, heard: str, delay: int, begun_ms: int = 250) -> Script:
    """As `over`, of a voice whose words' times the mouth told, when it had spoken for `begun_ms`."""
    call = Script()
    call.says("where is my order")
    call.answers(SHIPPED)
    begun = call.at
    call.at = begun + begun_ms
    call.tells(2, *timed(since_ms=begun_ms))
    word = len(SHIPPED[: SHIPPED.lower().index(bot_word)].split())
    call.at = begun + TIMES[word] + delay
    call.starts()
    call.at += 550
    call.words(heard, since=550)
    return call


@pytest.mark.parametrize(
    ("bot_word", "heard"), [("order", "order"), ("its", "its way"), ("will", "will arrive"), ("on monday", "on monday")]
)
@pytest.mark.parametrize("delay", [-SLACK_MS, 60, 600, LATEST_MS + SLACK_MS])
def test_an_echo_comes_when_its_words_sound(bot_word: str, heard: str, delay: int) -> None:
    assert not over_told(bot_word, heard, delay).all_of(Stop)


@pytest.mark.parametrize(("bot_word", "heard"), [("order", "order"), ("its", "its way"), ("arrive", "arrive")])
@pytest.mark.parametrize("delay", [-SLACK_MS - 10, LATEST_MS + SLACK_MS + 10])
def test_the_same_words_at_another_time_are_the_callers(bot_word: str, heard: str, delay: int) -> None:
    """However long the voice has spoken: nothing is learned, and nothing drifts."""
    assert over_told(bot_word, heard, delay).all_of(Stop)


def test_words_whose_time_has_changed_count_where_they_sound_now() -> None:
    call = Script()
    call.says("where is my order")
    call.answers(SHIPPED)
    begun = call.at
    call.at += 250
    call.tells(2, *timed(since_ms=250))
    call.at = begun + 1_000
    late = [(char, at + 1_200 - 1_000) for char, at in timed()[3:]]  # its sound came late from "on its way" on
    call.tells(2, *late)
    call.at = begun + TIMES[4] + 1_200 + 300
    call.starts()
    call.at += 500
    assert not of(Stop, call.words("its way", since=500))
    call.at = begun + TIMES[8] + 1_200 - 400
    assert of(Stop, call.words("arrive", since=500)), "which it would have said by now"


def test_a_voice_is_known_for_fifteen_seconds_and_a_second_and_a_half_ahead_however_long_it_speaks() -> None:
    call = Script()
    call.says("tell me all")
    text = "one two three four five six seven eight nine ten " * 30
    call.answers(text)
    begun, places = call.at, spoken(text.rstrip(), 60)
    for ms in (250, *range(1_000, 60_000, 1_000)):
        call.at = begun + ms
        call.tells(2, *((char, at - ms) for char, at in places if -1_000 < at - ms < 1_500))
        stretch = call.state.voice[-1]
        assert stretch.told[0].at_ms >= call.at - KEPT_MS
        assert len(stretch.told) <= MAX_TOLD
    call.at = begun + 60_000
    exact = {begun + at for _, at in places}
    heard = voice.words(call.state, call.at - 10_000, call.at)
    assert len(heard) > 30
    assert {word.at_ms for word in heard} <= exact
    assert fitting.size(call.state) < 6_000
    assert replayed(call) == call.outputs


def test_without_times_of_words_the_last_second_counts() -> None:
    call = Script(replace(POLICY, interrupt_words=1))
    call.says("where is my order")
    call.answers(SHIPPED)
    call.at += 1200
    call.starts()
    call.at += 300
    assert not of(Stop, call.words("is on"))
    assert of(Stop, call.words("is on no wait"))


def test_an_echo_after_a_pause_and_on_again_is_known() -> None:
    call = Script()
    call.says("where is my order")
    call.answers(SHIPPED)
    call.at += 700
    call.starts()
    call.pauses(2, 9)
    call.stops()
    call.wait(400)
    call.lapses(2, 5)
    call.at += 700
    call.starts()
    call.at += 400
    assert not of(Stop, call.words("order is", since=800))


def test_words_that_the_bot_says_again_after_a_pause_are_an_echo_once() -> None:
    call = Script()
    call.says("where is my order")
    call.answers("Hello, this is the desk of the shop.")
    call.at += 250
    call.starts()
    call.at += 570
    call.pauses(2, 12)
    call.at += 200
    call.lapses(2, 7)
    call.at += 1_000
    assert not of(Stop, call.words("hello this is the", since=1_900))


def test_a_voice_does_not_speak_evenly() -> None:
    """Words in the middle of a long stretch sounded sooner than its average pace would tell."""
    text = "The shop was founded long ago by two sisters who loved old bicycles and wide roads and more."
    call = Script()
    call.says("tell me the story")
    call.answers(text)
    begun = call.at
    call.at = begun + 6_940
    call.tells(2, *spoken(text, 90, 6_940))
    call.starts()
    call.pauses(2, text.index("wide"))
    call.at = begun + 7_280
    heard = "old bicycles and sorry what"
    assert of(Stop, call.words(heard, since=2_230))
    call.cut(2, text.index("wide"))
    call.final(heard, since=2_230)
    call.stops()
    call.ends(heard)
    assert call.turns[-1] == "sorry what"


@pytest.mark.parametrize(("pause", "turn"), [(20, "sorry what"), (900, "on sorry what")])
def test_an_echo_that_goes_on_begins_with_any_word(pause: int, turn: str) -> None:
    """The recogniser may end its words in the middle of an echo: a short one then stands before the caller's own."""
    call = over(SHIPPED, "your order", "your order is", length=1_000)
    call.final("your order is", since=1_050)
    call.at += pause
    begun = call.at - 50
    call.at += 900
    since = call.at - begun
    assert of(Stop, call.words("on sorry what", since=since))
    call.cut(2, (since + 1_200) // CHAR_MS)
    call.final("on sorry what", since=since)
    call.stops()
    call.ends("on sorry what")
    assert call.turns[-1] == turn


def beside(call: Script, text: str, span: tuple[int, int], own: tuple[int, int], words: tuple[int, ...] = ()) -> None:
    """A final beside an echo: `span`, `own` and begin and end of each word, ms from when the bot began to speak."""
    at = call.at
    call._feed(
        events.Final,
        text=text,
        start_ms=span[0] + 1,
        end_ms=span[1],
        leg_ms=span[1],
        beside_echo=True,
        own_from_ms=own[0],
        own_to_ms=own[1],
        words_ms=words,
    )
    assert call.at == at


@pytest.mark.parametrize("heard", ["paper hat", "yourorder", "won tender light mode", "or der is"])
def test_words_where_nobody_was_louder_than_the_echo_are_its_own(heard: str) -> None:
    call = over(SHIPPED, "your order", "", 0, 10)
    beside(call, heard, (100, 1_000), (0, 0))
    assert not call.all_of(Stop)


def test_words_where_somebody_was_louder_are_the_turn() -> None:
    call = over(SHIPPED, "your order", "", 0, 10)
    beside(call, "paper hat stop", (100, 1_300), (900, 1_300), (100, 400, 400, 800, 920, 1_280))
    assert call.all_of(Stop)
    assert call.state.hearing.finals == "stop"


def test_of_guessed_times_all_words_count_that_may_lie_there() -> None:
    call = over(SHIPPED, "your order", "", 0, 10)
    beside(call, "old no", (100, 1_800), (1_400, 1_800))
    assert call.state.hearing.finals == "no"


@pytest.mark.parametrize(("bot_word", "heard"), [("arrive on", "arriveon monday"), ("will arrive", "will arr ive on")])
def test_two_words_heard_as_one_and_one_as_two_are_an_echo(bot_word: str, heard: str) -> None:
    assert not over(SHIPPED, bot_word, heard).all_of(Stop)
