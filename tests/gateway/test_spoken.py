"""Sentences that are spoken once for all callers: greetings, fillers, notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from parley.errors import Unavailable
from parley.v1 import conversation_pb2, tts_pb2
from services.gateway.mouth.track import Word
from services.gateway.voice import prefetch
from services.gateway.voice.phrase_cache import KEPT_S, Key, PhraseCache, Sound
from testbed.patience import PATIENCE_S
from tests.gateway.conftest import House, running
from tests.gateway.handset import Handset
from tests.gateway.organs import Owner

Say = conversation_pb2.Say
HELLO = "hello this is the shop"
MOMENT = "one moment please"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "AFTER_S", 0.0)


def says(
    owner: Owner,
    utterance: int,
    text: str,
    kind: Say.Kind.ValueType = Say.KIND_NOTICE,
    turn: int = 1,
    once: bool = False,
) -> None:
    say = Say(utterance=utterance, kind=kind, interruptible=True, text=text, complete=True, once=once)
    owner.command(turn, say=say)


def has_ready(owner: Owner, *sentences: str) -> None:
    """The session names the agent's sentences."""
    owner.command(session=conversation_pb2.Session(voice="amy", language="en", agent="frontdesk", sentences=sentences))


def count(name: str, outcome: str) -> float:
    return REGISTRY.get_sample_value(f"voice_{name}_total", {"outcome": outcome}) or 0.0


async def rehearsed(house: House, number: int = 1) -> None:
    """`number` sentences are kept."""
    async with asyncio.timeout(PATIENCE_S):
        while len(house.gateway.organs.rehearsal.spoken._kept) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def spoke(house: House, number: int = 1) -> tuple[Handset, Owner]:
    """The `number`-th caller of the house."""
    phone = await Handset().dial(house.url, call_sid=f"CA{number}")
    owner = await house.mind.call(number)
    has_ready(owner)
    return phone, owner


async def test_a_greeting_is_made_once_for_all_callers(house: House) -> None:
    for number in (1, 2):
        phone, owner = await spoke(house, number)
        says(owner, 1, HELLO)
        heard = (await owner.next("heard")).heard
        assert (heard.complete, heard.chars) == (True, len(HELLO))
        assert house.voice.heard(phone.played) == [(word, 100) for word in HELLO.split()]
        await phone.close()
    assert len(house.voice.talks) == 1


@pytest.mark.parametrize(("kind", "once"), [(Say.KIND_ANSWER, False), (Say.KIND_FILLER, True), (Say.KIND_NOTICE, True)])
async def test_what_is_somebodys_is_made_anew(house: House, kind: Say.Kind.ValueType, once: bool) -> None:
    for number in (1, 2):
        phone, owner = await spoke(house, number)
        says(owner, 1, HELLO, kind, once=once)
        await owner.next("heard")
        await phone.close()
    assert len(house.voice.talks) == 2


async def test_a_sentence_over_which_the_call_was_handed_on_is_kept_in_the_voice_that_said_it(house: House) -> None:
    def has_voice(owner: Owner, voice: str) -> None:
        owner.command(session=conversation_pb2.Session(voice=voice, language="en", agent="frontdesk"))

    phone, owner = await spoke(house)
    owner.command(1, say=Say(utterance=1, kind=Say.KIND_NOTICE, text="hello this is"))
    await owner.next("utterance_started")
    has_voice(owner, "bob")
    owner.command(1, say=Say(utterance=1, kind=Say.KIND_NOTICE, text=" the shop", complete=True))
    await owner.next("heard")
    for number, voice in enumerate(("bob", "amy"), 2):
        has_voice(owner, voice)
        says(owner, number, HELLO, turn=number)
        await owner.next("heard", number)
    assert [talk.received[0].config.voice for talk in house.voice.talks] == ["amy", "bob"]
    await phone.close()


async def test_breaking_into_a_kept_sentence_is_heard_to_the_word(house: House) -> None:
    phone, owner = await spoke(house, 1)
    says(owner, 1, HELLO)
    await owner.next("heard")
    says(owner, 2, HELLO, turn=2)
    await owner.until(lambda: len(owner.events("utterance_started")) == 2)
    started = len(phone.played)
    await phone.until(lambda: len(phone.played) - started > 250 * 8)
    owner.command(2, stop=conversation_pb2.Stop())
    heard = (await owner.next("heard", 2)).heard
    assert heard.cut
    assert HELLO[: heard.chars].split() == HELLO.split()[: len(HELLO[: heard.chars].split())]
    sounded = len(house.voice.heard(phone.played[started:]))
    assert abs(len(HELLO[: heard.chars].split()) - sounded) <= 1
    assert len(house.voice.talks) == 1
    await phone.close()


async def test_fillers_are_spoken_before_anybody_waits_for_one(house: House) -> None:
    phone, owner = await spoke(house)
    has_ready(owner, MOMENT, "let me see")
    await rehearsed(house, 2)
    house.voice.refuse = Unavailable("no voice to be had")
    says(owner, 1, MOMENT, Say.KIND_FILLER)
    assert (await owner.next("heard")).heard.complete
    assert house.voice.heard(phone.played) == [(word, 100) for word in MOMENT.split()]
    await phone.close()


async def test_a_kept_sentence_begins_at_once_and_the_answer_follows_behind(house: House) -> None:
    phone, owner = await spoke(house)
    has_ready(owner, MOMENT)
    await rehearsed(house)
    says(owner, 1, MOMENT, Say.KIND_FILLER)
    says(owner, 2, "it is here", Say.KIND_ANSWER)
    await owner.next("heard", 2)
    assert house.voice.heard(phone.played) == [(word, 100) for word in f"{MOMENT} it is here".split()]
    await phone.close()


async def test_a_voice_that_is_away_is_asked_again_with_the_next_call(house: House) -> None:
    failed = count("rehearsals", "failed")
    house.voice.refuse = Unavailable("no voice to be had")
    phone, owner = await spoke(house, 1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(prefetch, "LIMIT_S", 0.1)
        has_ready(owner, MOMENT)
        async with asyncio.timeout(PATIENCE_S):
            while count("rehearsals", "failed") == failed:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    house.voice.refuse = None
    says(owner, 1, MOMENT, Say.KIND_FILLER)
    assert (await owner.next("heard")).heard.complete, "made like any other"
    has_ready(owner, "let me see")
    await rehearsed(house, 2)
    await phone.close()


async def test_what_broke_off_in_the_middle_is_not_kept(house: House) -> None:
    house.voice.break_after, house.voice.broken = 2, Unavailable("gone")
    phone, owner = await spoke(house)
    says(owner, 1, HELLO)
    assert (await owner.next("heard")).heard.complete
    assert not house.gateway.organs.rehearsal.spoken._kept
    await phone.close()


async def test_a_gateway_may_keep_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, PARLEY_SPOKEN_CACHE_MB=0) as house:
        phone, owner = await spoke(house)
        for utterance in (1, 2):
            says(owner, utterance, HELLO)
            await owner.next("heard", utterance)
        assert len(house.voice.talks) == 2
        await phone.close()


@pytest.mark.parametrize("kind", [Say.KIND_FILLER, Say.KIND_NOTICE])
async def test_a_new_owner_is_told_of_the_unfinished_answer_behind_others(
    house: House, kind: Say.Kind.ValueType
) -> None:
    """It would keep what the new owner says waiting for ever."""
    phone, owner = await spoke(house)
    says(owner, 1, MOMENT, kind, turn=2)
    owner.say(2, "it is", turn=2, complete=False)
    await owner.next("utterance_started")
    owner.fail(Unavailable("gone"))
    second = await house.mind.call(2)
    mouth = second.open.mouth
    assert (mouth.utterance, mouth.text, mouth.complete, mouth.heard_chars) == (2, "it is", False, 0)
    await phone.close()


# The cache by itself

SOUND = Sound(b"\x10" * 1000, (Word(0, 5, 0, 100),))  # 1,100 bytes with its word


def key(text: str) -> Key:
    return Key("amy", "en", 1.0, 1, 8000, text)


def at(times: list[float]) -> Callable[[], float]:
    return lambda: times[0]


def test_the_room_is_bounded_and_what_is_not_wanted_goes_first() -> None:
    spoken = PhraseCache(5_000)
    for text in "abcd":
        spoken.keep(key(text), SOUND)
    assert spoken.find(key("a")) is SOUND
    spoken.keep(key("e"), SOUND)
    assert [text for text in "abcde" if key(text) in spoken] == list("acde")
    assert REGISTRY.get_sample_value("voice_spoken_cache_bytes") == 4_400
    spoken.keep(key("e"), SOUND)
    assert REGISTRY.get_sample_value("voice_spoken_cache_bytes") == 4_400, "not counted twice"


def test_another_voice_format_or_speed_is_another_sound() -> None:
    spoken = PhraseCache(100_000)
    spoken.keep(key("a"), SOUND)
    for other in (
        {"voice": "bob"},
        {"rate": 16000},
        {"encoding": 2},
        {"speed": 1.2},
        {"language": "de"},
        {"text": "b"},
    ):
        assert spoken.find(key("a")._replace(**other)) is None


def test_one_too_large_or_empty_is_not_kept() -> None:
    spoken = PhraseCache(5_000)
    spoken.keep(key("long"), Sound(b"\x10" * 2_000, ()))
    spoken.keep(key("silent"), Sound(b"", ()))
    assert key("long") not in spoken
    assert key("silent") not in spoken


def test_a_sentence_in_a_voice_that_only_stood_in_does_not_stay_for_ever() -> None:
    now = [0.0]
    spoken = PhraseCache(5_000, at(now))
    spoken.keep(key("a"), SOUND)
    now[0] = KEPT_S - 1
    assert spoken.find(key("a")) is SOUND
    now[0] = KEPT_S
    assert spoken.find(key("a")) is None


async def test_more_than_can_be_rehearsed_is_left_to_its_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "MAX_DUE", 2)
    monkeypatch.setattr(prefetch, "AFTER_S", 60.0)
    left_out = count("rehearsals", "left out")
    rehearsing = prefetch.Prefetch(None, PhraseCache(5_000))  # type: ignore[arg-type]
    rehearsing.ask(tts_pb2.SynthesizeConfig(voice="amy"), ["a", "b", "a", "c", "x" * 201])
    assert count("rehearsals", "left out") == left_out + 2
    await rehearsing.close()
