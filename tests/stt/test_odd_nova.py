"""What Deepgram's `/v1/listen` may send that is not as documented: nothing of it costs a word or the stream.

Kinds that people have reported: deepgram-python-sdk #512 (null where text should be), deepgram-python-captions #15 and
livekit-agents #931, jambonz-feature-server #998, #1088, #1368 (finals without words, ends before their words), anarlog
#6352 (all times zero), pipecat #5113 (streams opened again and again).
"""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from parley.errors import AtCapacity, Misconfigured, ParleyError, VendorLost
from services.stt.contract import Final, Interim, SpeechStarted, TurnEnded
from services.stt.providers import deepgram_line as module
from testbed.vendors.deepgram.sim import DeepgramSim
from tests.stt.line import silence
from tests.stt.odd import Heard, best, but, hear, listening, results, timed, without

NAN = float("nan")
HELLO = results("Hello there.", 0.0, 1.0, over=True)
ORDER = results("my order", 1.0, 2.0, over=True)

OF_NO_USE: dict[str, tuple[Any, str]] = {
    "no alternatives": (results("x", final=False, channel={"alternatives": []}), "half"),
    "alternatives null": (results("x", final=False, channel={"alternatives": None}), "half"),
    "an alternative null": (results("x", final=False, channel={"alternatives": [None]}), "half"),
    "an alternative of another kind": (results("x", final=False, channel={"alternatives": ["x"]}), "half"),
    "an alternative without anything": (results("x", final=False, channel={"alternatives": [{}]}), "half"),
    "channel null": (results("x", final=False, channel=None), "half"),
    "channel empty": (results("x", final=False, channel={}), "half"),
    "channel a list": (results("x", final=False, channel=[]), "half"),
    "channel missing": ({"type": "Results", "is_final": False}, "half"),
    "transcript null": (best(results("x", final=False), transcript=None, words=None), "half"),
    "transcript missing": (best(results("x", final=False), transcript=..., words=...), "half"),
    "transcript a number": (best(results("x", final=False), transcript=5, words=[]), "half"),
    "no type": ({"foo": "bar"}, "no_type"),
    "type null": ({"type": None, "transcript": "x"}, "no_type"),
    "type unknown": ({"type": "Sentiment", "channel": {"alternatives": [{"transcript": "x"}]}}, "unknown_type"),
    "type a number": ({"type": 7}, "unknown_type"),
    "type a list": ({"type": ["Results"]}, "unknown_type"),
    "type in other letters": ({"type": "results"}, "unknown_type"),
    "type of Flux": ({"type": "TurnInfo", "event": "Update", "transcript": "x"}, "unknown_type"),
    "a list": ([1, 2], "not_object"),
    "a list of messages": ([results("x")], "not_object"),
    "a number": (5, "not_object"),
    "a text": ("hello", "not_object"),
    "null": (None, "not_object"),
    "true": (True, "not_object"),
    "an object without anything": ({}, "no_type"),
    "no JSON": ({"text": "<html>502</html>"}, "not_json"),
    "half JSON": ({"text": '{"type": "Results", "channel": {"altern'}, "not_json"),
    "two messages in one": ({"text": '{"type":"Metadata"}{"type":"Metadata"}'}, "not_json"),
    "deep JSON": ({"text": "[" * 100_000}, "not_json"),
    "an empty text": ({"text": ""}, "empty"),
    "blanks": ({"text": " \n"}, "empty"),
    "an empty frame": ({"binary": b""}, "empty"),
    "binary": ({"binary": b"\x00\xff\x80sound"}, "binary"),
    "the second channel": (results("x", channel_index=[1, 2]), "other_channel"),
    "the second channel as a number": (results("x", channel_index=1), "other_channel"),
    "a sound in the second channel": ({"type": "SpeechStarted", "channel": [1, 2], "timestamp": 0.1}, "other_channel"),
    "an end in the second channel": ({"type": "UtteranceEnd", "channel": [1, 2], "last_word_end": 1}, "other_channel"),
    "an error without anything": ({"type": "Error"}, "half"),
    "an error of nulls": ({"type": "Error", "variant": None, "description": None, "message": None}, "half"),
    "one of our messages not understood": (
        {"type": "Error", "variant": "SchemaError", "description": "unknown variant", "message": "{}"},
        "our_message",
    ),
}


@pytest.mark.parametrize("name", OF_NO_USE)
async def test_what_is_of_no_use_is_skipped_and_counted(sim: DeepgramSim, name: str) -> None:
    odd, kind = OF_NO_USE[name]
    heard = await hear(sim, "deepgram", odd, HELLO, odd, ORDER)
    assert heard.error is None
    assert heard.texts == ["Hello there.", "my order"]
    assert heard.confirmed == 2
    assert heard.skipped == {kind: 2}
    assert heard.connections == 1


@pytest.mark.parametrize(
    "known",
    [
        {"type": "Metadata", "request_id": "r", "duration": 0, "channels": 0},
        {"type": "Metadata"},
        {"type": "ConfigureSuccess", "keyterms": None},
        {"type": "ConfigureFailure", "code": "CONFIGURE_ALREADY_PENDING"},
        {"type": "Warning"},
        {"type": "Connected", "sequence_id": None},
        results(""),
        results("", over=True),
    ],
)
async def test_what_says_nothing_at_odd_moments_is_not_even_counted(sim: DeepgramSim, known: Any) -> None:
    heard = await hear(sim, "deepgram", known, HELLO, known, ORDER, known)
    assert (heard.texts, heard.skipped, heard.error) == (["Hello there.", "my order"], {}, None)


THE_WORDS = "Where is my order"
SAID: dict[str, Any] = {
    "words null": best(results(THE_WORDS), words=None),
    "words missing": best(results(THE_WORDS), words=...),
    "words empty": best(results(THE_WORDS), words=[]),
    "words a mapping": best(results(THE_WORDS), words={"0": "Where"}),
    "words of null": best(results(THE_WORDS), words=[None, None]),
    "words as texts": best(results(THE_WORDS), words=THE_WORDS.split()),
    "no times": timed(results(THE_WORDS), start=None, end=None),
    "times missing": timed(results(THE_WORDS), start=..., end=...),
    "times as text": timed(results(THE_WORDS), start="0.1", end="0.9"),
    "times not numbers": timed(results(THE_WORDS), start="soon", end=[]),
    "times negative": timed(results(THE_WORDS), start=-1, end=-0.5),
    "times NaN": timed(results(THE_WORDS), start=NAN, end=NAN),
    "times infinite": timed(results(THE_WORDS), start=float("inf"), end=float("inf")),
    "times absurd": timed(results(THE_WORDS), start=1e12, end=1e300),
    "times huge integers": timed(results(THE_WORDS), start=10**40, end=10**400 // 10**60),
    "times all zero": timed(results(THE_WORDS), start=0, end=0),
    "ends before starts": timed(results(THE_WORDS), start=0.9, end=0.1),
    "confidence null": timed(best(results(THE_WORDS), confidence=None), confidence=None),
    "confidence odd": timed(best(results(THE_WORDS), confidence="high"), confidence=7),
    "punctuated_word null": timed(results(THE_WORDS), punctuated_word=None),
    "word null": timed(results(THE_WORDS), word=None),
    "start and duration null": but(timed(results(THE_WORDS), start=None, end=None), start=None, duration=None),
    "start and duration missing": without(timed(results(THE_WORDS, duration=...), start=None)),
    "start and duration as text": but(results(THE_WORDS), start="0.0", duration="1.0"),
    "duration negative": results(THE_WORDS, duration=-3),
    "start NaN": but(results(THE_WORDS), start=NAN, duration=NAN),
    "transcript missing, words there": best(results(THE_WORDS), transcript=...),
    "transcript null, words there": best(results(THE_WORDS), transcript=None),
    "transcript empty, words there": best(results(THE_WORDS), transcript=""),
    "blanks around": best(results(THE_WORDS), transcript=f"  {THE_WORDS}\n"),
    "nothing visible around": best(results(THE_WORDS), transcript=f"\u200b{THE_WORDS}\ufeff"),
    "a second alternative": results(
        THE_WORDS, channel={"alternatives": [None, results(THE_WORDS)["channel"]["alternatives"][0]]}
    ),
    "the alternative bare": results(
        THE_WORDS, channel={"alternatives": results(THE_WORDS)["channel"]["alternatives"][0]}
    ),
    "no type": but(results(THE_WORDS), type=...),
    "type null": results(THE_WORDS, type=None),
    "channel_index null": results(THE_WORDS, channel_index=None),
    "channel_index empty": results(THE_WORDS, channel_index=[]),
    "channel_index text": results(THE_WORDS, channel_index="0"),
    "metadata null": results(THE_WORDS, metadata=None),
    "fields nobody knows": results(THE_WORDS, entities=None, mood={"a": [1]}, is_final="true"),
    "is_final missing, speech_final": but(results(THE_WORDS, over=True), is_final=...),
    "is_final missing, from_finalize": but(results(THE_WORDS, finalize=True), is_final=...),
    "flags as text": results(THE_WORDS, is_final="True", speech_final="false", from_finalize="false"),
    "in a binary frame": {"binary": json.dumps(results(THE_WORDS)).encode()},
}


@pytest.mark.parametrize("name", SAID)
async def test_the_words_that_are_there_are_used_with_the_best_times_known(sim: DeepgramSim, name: str) -> None:
    heard = await hear(sim, "deepgram", SAID[name], results("and then", 1.0, 2.0))
    assert heard.error is None
    assert heard.texts == [THE_WORDS, "and then"]
    assert heard.connections == 1
    assert "unreadable" not in heard.skipped
    _in_order(heard)


def _in_order(heard: Heard) -> None:
    at = 0
    for final in heard.finals:
        assert 0 <= final.start_ms <= final.end_ms <= 6_000
        assert final.start_ms >= at
        assert final.end_ms > at
        at = final.end_ms
        assert 0 <= final.confidence <= 1
        edges = [ms for word in final.words for ms in (word.start_ms, word.end_ms)]
        assert edges == sorted(edges)
        assert all(final.start_ms <= ms <= final.end_ms for ms in edges)


async def test_without_word_times_the_messages_own_are_the_finals(sim: DeepgramSim) -> None:
    heard = await hear(sim, "deepgram", timed(results("Hello", 2.0, 3.5), start=None, end=None))
    assert (heard.finals[0].start_ms, heard.finals[0].end_ms, heard.finals[0].words) == (2000, 3500, ())


async def test_a_word_without_times_stands_between_its_neighbours(sim: DeepgramSim) -> None:
    message = results("one two three", 0.0, 1.0)
    message["channel"]["alternatives"][0]["words"][1].update(start=None, end=None)
    (final,) = (await hear(sim, "deepgram", message)).finals
    first, second, third = final.words
    assert second.text == "two"
    assert first.end_ms <= second.start_ms <= second.end_ms <= third.start_ms


AGAIN: dict[str, tuple[list[Any], list[str]]] = {
    "a final twice": ([HELLO, HELLO, ORDER], ["Hello there.", "my order"]),
    "a final twice, later": ([HELLO, ORDER, HELLO], ["Hello there.", "my order"]),
    "first is_final, then speech_final": ([{**HELLO, "speech_final": False}, HELLO], ["Hello there."]),
    "a final twice, the second when asked": (
        [HELLO, {**HELLO, "from_finalize": True}, ORDER],
        ["Hello there.", "my order"],
    ),
    "twice, without any time": (
        [timed({**HELLO, "start": None, "duration": None}, start=None, end=None)] * 2,
        ["Hello there."],
    ),
    "from_finalize twice": (
        [{**ORDER, "from_finalize": True}, results("", 2.0, 2.0, finalize=True), results("", 2.0, 2.0, finalize=True)],
        ["my order"],
    ),
    "an interim after its final": (
        [HELLO, {**HELLO, "is_final": False, "speech_final": False}, ORDER],
        ["Hello there.", "my order"],
    ),
    "what was told and more": (
        [
            results("where is", 0, 1),
            best(
                results("where is my order", 0, 2),
                words=[
                    *results("where is", 0, 1)["channel"]["alternatives"][0]["words"],
                    *results("my order", 1, 2)["channel"]["alternatives"][0]["words"],
                ],
            ),
        ],
        ["where is", "my order"],
    ),
    "the second segment first": ([ORDER, HELLO], ["my order", "Hello there."]),
    "a guess after the next final": (
        [results("Hello", 0, 1, final=False), HELLO, ORDER, results("my", 1, 1.5, final=False)],
        ["Hello there.", "my order"],
    ),
}


@pytest.mark.parametrize("name", AGAIN)
async def test_nothing_is_told_twice_and_nothing_is_left_out(sim: DeepgramSim, name: str) -> None:
    steps, expected = AGAIN[name]
    heard = await hear(sim, "deepgram", *steps)
    assert heard.texts == expected
    assert heard.error is None
    _in_order(heard)


async def test_the_same_words_said_again_are_told_again(sim: DeepgramSim) -> None:
    yes = results("Yes.", 0.0, 1.0, over=True)
    later = [results("Yes.", 2.0, 3.0, final=False), results("Yes.", 2.0, 3.0, over=True)]
    assert (await hear(sim, "deepgram", yes, *later)).texts == ["Yes.", "Yes."]


async def test_the_same_words_from_a_clock_that_begins_anew_are_told_again(sim: DeepgramSim) -> None:
    """As servers that imitate Deepgram send them: each utterance from 0 on."""
    longer, yes = results("Where is my order?", 0.0, 2.0, over=True), results("Yes.", 0.0, 1.0, finalize=True)
    sim.scripts.add({"audio_ms": 2000}, longer, {"audio_ms": 4000}, yes, {"audio_ms": 7000}, yes)
    finals = []
    async with listening(sim, "deepgram") as ear:
        for ms in (2000, 2000, 3000):
            ear.say(silence(ms))
            finals.append(await ear.until(Final))
    assert [final.text for final in finals] == ["Where is my order?", "Yes.", "Yes."]
    assert [final.end_ms for final in finals] == [1900, 4000, 7000]


@pytest.mark.parametrize(
    "final",
    [
        results("x", channel={"alternatives": []}, over=True),
        results("x", channel=None, over=True),
        best(results("x", over=True), transcript=None, words=None),
    ],
)
async def test_a_final_that_does_not_say_what_was_said_stands_for_the_guess(sim: DeepgramSim, final: Any) -> None:
    heard = await hear(sim, "deepgram", results("where is my order", final=False), final, results("thanks", 1, 2))
    assert heard.texts == ["where is my order", "thanks"]
    assert heard.skipped == {"half": 1}
    heard = await hear(sim, "deepgram", results("where is my", final=False), final, results("Where is my order."))
    assert heard.texts == ["Where is my order."]
    for nothing in (results("", 1, 2), results("", 1, 1, finalize=True), {"type": "UtteranceEnd"}):
        heard = await hear(sim, "deepgram", results("where is my order", final=False), final, nothing)
        assert heard.texts == ["where is my order"]


async def test_a_guess_whose_final_never_comes_stands_when_others_follow(sim: DeepgramSim) -> None:
    heard = await hear(sim, "deepgram", results("where is", final=False), results("my order", 1, 2, final=False), ORDER)
    assert heard.texts == ["where is", "my order"]


async def test_a_final_that_says_that_nothing_was_said_takes_the_guess_back(sim: DeepgramSim) -> None:
    heard = await hear(sim, "deepgram", results("uh", final=False), results("", over=True))
    assert heard.texts == []
    assert [e.text for e in heard.events if isinstance(e, Interim)] == ["uh", ""]


@pytest.mark.parametrize("text", [".", "...", "—", "?!", " ", "\u200b", "。", "…", "-", '""', "\u0301"])
async def test_what_has_no_word_in_it_is_an_empty_final(sim: DeepgramSim, text: str) -> None:
    heard = await hear(sim, "deepgram", results(text, final=False), results(text, over=True))
    assert heard.texts == []
    assert [e for e in heard.events if isinstance(e, Interim) and e.text] == []
    assert heard.error is None


@pytest.mark.parametrize(
    "text",
    [
        "Ünïcödé",
        "您好。您的订单已经发货了。",
        "नमस्ते, आप कैसे हैं?",
        "שלום, מה שלומך?",
        "مرحبا كيف حالك؟",
        "نمی\u200cخواهم",
        "👍🏽 👨\u200d👩\u200d👧",
        "$5",
        "a" * 3_000,
        "12:30–13:00 (CET)",
        "tab\tand\nline",
    ],
)
async def test_whatever_is_said_passes(sim: DeepgramSim, text: str) -> None:
    heard = await hear(sim, "deepgram", best(results("x", over=True), transcript=text, words=[]))
    assert heard.texts == [text.replace("\t", " ").replace("\n", " ")]


async def test_half_a_character_is_told_as_a_sign_for_it(sim: DeepgramSim) -> None:
    heard = await hear(sim, "deepgram", best(results("x"), transcript="so \ud83d sad", words=[]))
    assert heard.texts == ["so \ufffd sad"]


async def test_a_sound_without_a_time_began_now(sim: DeepgramSim) -> None:
    for odd in (None, -1, NAN, "x"):
        heard = await hear(sim, "deepgram", {"type": "SpeechStarted", "channel": [0, 1], "timestamp": odd}, HELLO)
        started = [e for e in heard.events if isinstance(e, SpeechStarted)]
        assert [e.offset_ms for e in started] == [5000]
        assert heard.texts == ["Hello there."]


@pytest.mark.parametrize("last", [-1, None, 0.9, "x", NAN, ...])
async def test_an_end_of_the_utterance_ends_the_words_before_it(sim: DeepgramSim, last: Any) -> None:
    end = without({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last})
    heard = await hear(sim, "deepgram", results("Hello there", 0, 1), end, end)
    assert heard.confirmed == 1


async def test_an_end_that_is_older_than_the_last_words_ends_nothing(sim: DeepgramSim) -> None:
    end = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 0.9}
    heard = await hear(sim, "deepgram", results("Hello there", 0, 1), results("and then", 1, 2), end)
    assert (heard.confirmed, heard.skipped) == (0, {"again": 1})


async def test_an_end_before_its_words_are_final_takes_no_word_back(sim: DeepgramSim) -> None:
    end = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 0.9}
    heard = await hear(sim, "deepgram", results("Hello there", 0, 1, final=False), end, results("Hello there.", 0, 1))
    assert heard.texts == ["Hello there."]
    assert not [e for e in heard.events if isinstance(e, Interim) and not e.text]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"variant": "InternalError", "description": "out of luck"}, VendorLost),
        ({"description": "something broke"}, VendorLost),
        ({"code": "INTERNAL_SERVER_ERROR", "description": None}, VendorLost),
        ({"code": 500, "description": "Invalid state inside"}, VendorLost),
        ({"variant": "TimeoutError", "description": "x" * 10_000}, VendorLost),
        ({"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}, Misconfigured),
        ({"code": "403", "description": "x"}, Misconfigured),
        ({"code": 400, "description": "x"}, Misconfigured),
        ({"variant": "BadRequest", "description": "x"}, Misconfigured),
        ({"variant": "UnsupportedLanguage", "description": "x"}, Misconfigured),
        ({"description": "Bad Request: no such model"}, Misconfigured),
        ({"variant": "DecodeError", "description": "see https://dpgr.am/data0000"}, Misconfigured),
        ({"code": 429, "description": "x"}, AtCapacity),
        ({"variant": "TooManyRequests", "description": "x"}, AtCapacity),
    ],
)
async def test_an_error_is_told_by_what_it_says(sim: DeepgramSim, error: Any, kind: type[ParleyError]) -> None:
    heard = await hear(sim, "deepgram", HELLO, {"type": "Error", **error})
    assert type(heard.error) is kind
    assert len(str(heard.error)) < 300
    assert heard.texts == ["Hello there."]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (0, "", VendorLost),
        (1000, "", VendorLost),
        (1001, "going away", VendorLost),
        (1011, "Deepgram did not receive audio data or a text message. See https://dpgr.am/net0001", VendorLost),
        (1011, "Deepgram did not provide a response message. See https://dpgr.am/net0000", VendorLost),
        (1012, "restart", VendorLost),
        (1011, "The payload cannot be decoded. See https://dpgr.am/data0000", Misconfigured),
        (1002, "DATA-0000", Misconfigured),
        (1003, "", Misconfigured),
        (1008, "DATA-0000", Misconfigured),
        (1008, "", Misconfigured),
        (1013, "try again later", AtCapacity),
        (4000, "whatever", VendorLost),
    ],
)
async def test_a_close_in_mid_stream_is_told_by_its_code(
    sim: DeepgramSim, code: int, reason: str, kind: type[ParleyError]
) -> None:
    sim.scripts.add({"audio_ms": 500}, HELLO, {"close": code, "reason": reason})
    async with listening(sim, "deepgram") as ear:
        ear.say(silence(500))
        await ear.until(TurnEnded)
        with pytest.raises(kind) as failure:
            await ear.rest()
    assert type(failure.value) is kind


@pytest.mark.parametrize(
    ("status", "kind"), [(404, Misconfigured), (405, Misconfigured), (408, VendorLost), (503, VendorLost)]
)
async def test_what_is_no_deepgram_is_not_an_outage(sim: DeepgramSim, status: int, kind: type[ParleyError]) -> None:
    from testbed.vendors.faults import Fault

    sim.faults.add(Fault("refuse", status=status, times=1))
    async with listening(sim, "deepgram") as ear:
        with pytest.raises(kind):
            await ear.rest()


async def test_a_message_beyond_all_bounds_ends_the_stream(sim: DeepgramSim) -> None:
    heard = await hear(sim, "deepgram", HELLO, {"text": " " * (module.MAX_MESSAGE + 1)})
    assert isinstance(heard.error, VendorLost)
    assert "breaks the rules (1009)" in str(heard.error)


async def test_a_message_within_them_is_read(sim: DeepgramSim) -> None:
    heard = await hear(sim, "deepgram", HELLO, {"text": " " * (module.MAX_MESSAGE - 1)}, ORDER)
    assert heard.texts == ["Hello there.", "my order"]


async def test_a_flood_of_messages_costs_neither_words_nor_memory(sim: DeepgramSim) -> None:
    flood = [{"type": "Noise", "n": n, "filling": "x" * 1000} for n in range(5_000)]
    tracemalloc.start()
    heard = await hear(sim, "deepgram", HELLO, *flood, ORDER)
    ours = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/services/stt/*")])
    tracemalloc.stop()
    assert heard.texts == ["Hello there.", "my order"]
    assert heard.skipped == {"unknown_type": 5_000}
    assert sum(stat.size for stat in ours.statistics("filename")) < 500_000
