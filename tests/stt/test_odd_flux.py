"""What Flux, `/v2/listen`, may send that is not as documented: nothing of it costs a word or the stream.

Kinds that people have reported: deepgram-python-sdk #668, #693, #736 (fields that an SDK did not know), and servers
that do not know `ForceEndTurn` and hang up.
"""

from __future__ import annotations

from typing import Any

import pytest

from parley.errors import AtCapacity, Misconfigured, ParleyError, VendorLost
from services.stt.contract import Final, Flush, Interim
from services.stt.providers import deepgram_line as module
from services.stt.providers.flux import Flux
from testbed.vendors.deepgram.sim import DeepgramSim
from tests.stt.line import settings, silence
from tests.stt.odd import CONFIG, hear, turn
from tests.stt.test_deepgram import Ear

NAN = float("nan")
HELLO = [
    turn("StartOfTurn", "Hello", 0, 0.5),
    turn("Update", "Hello there", 0, 0.8),
    turn("EndOfTurn", "Hello there", 0, 1.0, trigger="model"),
]
ORDER = [
    turn("StartOfTurn", "my", 1.2, 1.5, 1),
    turn("EagerEndOfTurn", "my order", 1.2, 2.0, 1),
    turn("EndOfTurn", "my order", 1.2, 2.2, 1, trigger="timeout"),
]
BOTH = ["Hello there", "my order"]

OF_NO_USE: dict[str, tuple[Any, str]] = {
    "an event nobody knows": (turn("Sigh", "", 0, 0.1), "unknown_type"),
    "no event, no words": (turn("Update", "", event=...), "unknown_type"),
    "event null": (turn("Update", "", event=None), "unknown_type"),
    "event a list": (turn("Update", "", event=[]), "unknown_type"),
    "neither transcript nor words": (turn("Update", "", transcript=..., words=...), "half"),
    "transcript null, words null": (turn("Update", "", transcript=None, words=None), "half"),
    "transcript a number": (turn("Update", "", transcript=7, words=None), "half"),
    "no type": ({"sequence_id": 3}, "no_type"),
    "type null": ({"type": None}, "no_type"),
    "type unknown": ({"type": "TurnForecast", "transcript": "x"}, "unknown_type"),
    "type of Nova": ({"type": "Results", "channel": {"alternatives": [{"transcript": "x"}]}}, "unknown_type"),
    "a list": ([1], "not_object"),
    "null": (None, "not_object"),
    "no JSON": ({"text": "oops"}, "not_json"),
    "binary": ({"binary": b"\x00\xff"}, "binary"),
    "an empty frame": ({"binary": b""}, "empty"),
    "an error without anything": ({"type": "Error"}, "half"),
}


@pytest.mark.parametrize("name", OF_NO_USE)
async def test_what_is_of_no_use_is_skipped_and_counted(sim: DeepgramSim, name: str) -> None:
    odd, kind = OF_NO_USE[name]
    heard = await hear(sim, "flux", *(each for good in HELLO + ORDER for each in (odd, good)), odd)
    assert heard.error is None
    assert heard.texts == BOTH
    assert heard.ends == ["confirmed", "eager", "confirmed"]
    assert heard.skipped == {kind: 7}
    assert heard.connections == 1


@pytest.mark.parametrize(
    "known",
    [
        {"type": "Connected", "request_id": "r", "sequence_id": 0},
        {"type": "Warning", "code": "LOW_VOLUME", "description": "speak up"},
        {"type": "Warning", "code": None},
        {"type": "ConfigureSuccess", "thresholds": None},
        {"type": "ConfigureFailure", "code": "INVALID_THRESHOLDS"},
        {"type": "ConfigureFailure"},
        turn("Update", "", 0, 0.2),
        turn("EagerEndOfTurn", "", 0, 0.2),
    ],
)
async def test_what_says_nothing_of_words_costs_none(sim: DeepgramSim, known: Any) -> None:
    heard = await hear(sim, "flux", known, *HELLO, known, *ORDER, known)
    assert (heard.texts, heard.error) == (BOTH, None)


def told(**odd: Any) -> list[Any]:
    return [turn("StartOfTurn", "where", 0, 0.5, **odd), turn("EndOfTurn", "where is my order", 0, 1.5, **odd)]


ODD: dict[str, list[Any]] = {
    "words missing": told(words=...),
    "words null": told(words=None),
    "words empty": told(words=[]),
    "words of null": told(words=[None]),
    "words without times, as older servers": told(
        words=[{"word": w, "confidence": 1} for w in ["where", "is", "my", "order"]]
    ),
    "times null": told(words=[{"word": "where", "start": None, "end": None}]),
    "times NaN": told(words=[{"word": "where", "start": NAN, "end": NAN, "confidence": NAN}]),
    "times negative": told(words=[{"word": "where", "start": -1, "end": -2}]),
    "times as text": told(words=[{"word": "where", "start": "0.1", "end": "0.5"}]),
    "no window": told(audio_window_start=..., audio_window_end=...),
    "window null": told(audio_window_start=None, audio_window_end=None),
    "window as text": told(audio_window_start="0", audio_window_end="1.5"),
    "window negative": told(audio_window_start=-1, audio_window_end=-5),
    "window absurd": told(audio_window_end=1e15),
    "confidence null": told(end_of_turn_confidence=None),
    "confidence missing": told(end_of_turn_confidence=...),
    "confidence odd": told(end_of_turn_confidence="sure"),
    "no index": told(turn_index=...),
    "index null": told(turn_index=None),
    "index as text": told(turn_index="0"),
    "trigger nobody knows": told(trigger="telepathy"),
    "trigger null": told(trigger=None),
    "fields nobody knows": told(languages=["en"], mood=[1], sequence_id=None),
    "no type": told(type=...),
    "an end without a start": [turn("EndOfTurn", "where is my order", 0, 1.5)],
    "only updates and an end": [turn("Update", "where", 0, 0.5), turn("EndOfTurn", "where is my order", 0, 1.5)],
    "an event nobody knows, with words": [
        turn("Murmur", "where", 0, 0.5),
        turn("EndOfTurn", "where is my order", 0, 1.5),
    ],
    "a start twice": [turn("StartOfTurn", "where", 0, 0.5)] * 2 + [turn("EndOfTurn", "where is my order", 0, 1.5)],
    "an end twice": [turn("EndOfTurn", "where is my order", 0, 1.5)] * 2,
    "an old update after the end": [*told(), turn("Update", "where is", 0, 0.9)],
    "a start after the end": [*told(), turn("StartOfTurn", "where", 0, 0.5)],
    "an end that does not say what": [
        turn("Update", "where is my order", 0, 1.2),
        turn("EndOfTurn", "", 0, 1.5, transcript=None, words=None),
    ],
    "words and no transcript": told(transcript=...),
    "the index jumps back within the turn": [
        turn("StartOfTurn", "where", 0, 0.5, 5),
        turn("Update", "where is", 0, 0.9, 0),
        turn("EndOfTurn", "where is my order", 0, 1.5, 3),
    ],
    "an early end without words": [
        turn("Update", "where is my order", 0, 1.2),
        turn("EagerEndOfTurn", "", 0, 1.3),
        turn("EndOfTurn", "where is my order", 0, 1.5),
    ],
}


@pytest.mark.parametrize("name", ODD)
async def test_the_words_that_are_there_are_told_once(sim: DeepgramSim, name: str) -> None:
    after = [turn("StartOfTurn", "and", 2, 2.3, 9), turn("EndOfTurn", "and then", 2, 3, 9)]
    heard = await hear(sim, "flux", *ODD[name], *after)
    assert heard.error is None
    assert heard.texts == ["where is my order", "and then"]
    assert heard.confirmed == 2
    assert "unreadable" not in heard.skipped
    at = 0
    for final in heard.finals:
        assert at <= final.start_ms <= final.end_ms <= 6_000
        assert final.end_ms > at
        at = final.end_ms


async def test_a_turn_without_an_end_ends_when_the_next_begins(sim: DeepgramSim) -> None:
    heard = await hear(sim, "flux", *HELLO[:2], *ORDER)
    assert heard.texts == BOTH


async def test_the_same_words_in_the_next_turn_are_told_again(sim: DeepgramSim) -> None:
    again = [
        {**each, "turn_index": 1, "audio_window_start": 1.2, "audio_window_end": 2.0 + n, "words": []}
        for n, each in enumerate(HELLO)
    ]
    assert (await hear(sim, "flux", *HELLO, *again)).texts == ["Hello there"] * 2


async def test_an_end_that_says_that_nothing_was_said_takes_the_words_back(sim: DeepgramSim) -> None:
    heard = await hear(sim, "flux", turn("StartOfTurn", "uh", 0, 0.4), turn("EndOfTurn", "", 0, 1))
    assert (heard.texts, heard.confirmed) == ([], 1)


@pytest.mark.parametrize("text", ["...", " ", "—", "\u200b"])
async def test_a_turn_without_a_word_has_no_final(sim: DeepgramSim, text: str) -> None:
    heard = await hear(sim, "flux", turn("StartOfTurn", text, 0, 0.4), turn("EndOfTurn", text, 0, 1))
    assert heard.texts == []
    assert not [e for e in heard.events if isinstance(e, Interim) and e.text]


async def test_words_without_times_ended_where_they_were_told_first(sim: DeepgramSim) -> None:
    """The end of the window is later: it holds the silence that was waited for."""
    heard = await hear(
        sim, "flux", turn("Update", "hello", 0, 0.6, words=[]), turn("EndOfTurn", "hello", 0, 1.4, words=[])
    )
    assert (heard.finals[0].start_ms, heard.finals[0].end_ms) == (0, 600)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "INTERNAL_SERVER_ERROR", "description": "x"}, VendorLost),
        ({"code": None, "description": "x"}, VendorLost),
        ({"code": "UNPARSABLE_CLIENT_MESSAGE", "description": "x"}, VendorLost),
        ({"code": "INVALID_MODEL", "description": "x"}, Misconfigured),
        ({"code": "UNAUTHORIZED"}, Misconfigured),
        ({"code": "TOO_MANY_REQUESTS"}, AtCapacity),
    ],
)
async def test_an_error_is_told_by_what_it_says(sim: DeepgramSim, error: Any, kind: type[ParleyError]) -> None:
    heard = await hear(sim, "flux", *HELLO, {"type": "Error", "sequence_id": 9, **error})
    assert type(heard.error) is kind
    assert heard.texts == ["Hello there"]


async def test_a_server_that_does_not_know_force_end_turn_is_asked_for_it_once(sim: DeepgramSim) -> None:
    """It hangs up for it. The next stream lets Flux end the turn by itself."""
    unknown = {"type": "Error", "code": "UNPARSABLE_CLIENT_MESSAGE", "description": "no such message"}
    sim.scripts.add(HELLO[1], {"await": "ForceEndTurn"}, unknown, {"close": 1011})
    sim.scripts.add(*HELLO[:2], {"await": "Configure"}, {"type": "ConfigureSuccess"}, HELLO[2])
    provider = Flux(settings(sim))
    for n in range(2):
        ear = Ear(provider, CONFIG)  # type: ignore[arg-type]
        ear.say(silence(3000))
        ear.audio.put_nowait(Flush.FLUSH)
        if n == 0:
            with pytest.raises(VendorLost, match="does not know"):
                await ear.until(Final)
        else:
            assert (await ear.until(Final)).text == "Hello there"
        await ear.events.aclose()  # type: ignore[attr-defined]
    assert [any("ForceEndTurn" in said for said in seen.controls) for seen in sim.records] == [True, False]


async def test_a_flux_that_lives_and_does_not_end_the_turn_is_taken_at_its_word(
    sim: DeepgramSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.05)
    monkeypatch.setattr(module, "ANSWER_S", 0.4)
    late = [turn("Update", "Hello there", 0, 0.9), HELLO[2], *ORDER]
    sim.scripts.add(*HELLO[:2], {"await": "Configure"}, {"type": "ConfigureSuccess"}, {"audio_ms": 6000}, *late)
    ear = Ear(Flux(settings(sim)), CONFIG)  # type: ignore[arg-type]
    ear.say(silence(3000))
    ear.audio.put_nowait(Flush.FLUSH)
    assert (await ear.until(Final)).text == "Hello there"
    ear.say(silence(3000))
    ear.audio.put_nowait(None)
    assert [e.text for e in await ear.rest() if isinstance(e, Final)] == ["my order"]
