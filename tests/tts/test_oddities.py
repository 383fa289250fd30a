"""A voice with oddities, through the whole service: every word is heard, and nobody is asked without an end."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from parley.audio import TELEPHONE, AudioFormat
from parley.engines import Engine
from parley.errors import Misconfigured, NoSound, Unavailable, VendorLost
from services.tts.contract import AudioChunk, TtsConfig, WordTime
from services.tts.providers.elevenlabs_socket import SKIPPED
from services.tts.synthesis import Synthesis
from testbed.patience import PATIENCE_S
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.elevenlabs.socket import Received
from testbed.vendors.faults import Fault
from testbed.vendors.wordcodec import words_of
from tests.tts.line import ANSWER, Heard, config, service, settings, text
from tests.tts.test_falling_over import Drone

WORDS = words_of("".join(ANSWER))
Message = dict[str, Any]
FIRST = 1
CHUNK_MS = 240


class Odd:
    """What the vendor sends in place of its messages. `streams`: so many of them are odd, from the first on."""

    def __init__(self, sim: ElevenLabsSim, change: Callable[[int, Message], list[Any]], streams: int = 100) -> None:
        self._sim, self._change, self._streams = sim, change, streams
        sim.twist = self

    def __call__(self, seen: Received, message: Message) -> list[Any]:
        sockets = [each for each in self._sim.records if each.path.endswith("stream-input")]
        if sockets.index(seen) >= self._streams:
            return [message]
        return self._change(seen.audio_chunks, message)


def alignment(message: Message) -> Message:
    return dict(message["alignment"] or {})


def timed(message: Message, **changed: Any) -> Message:
    """The same message with another alignment."""
    return {**message, "alignment": {**alignment(message), **changed}} if message["audio"] else message


def starts(message: Message) -> list[Any]:
    return list(alignment(message)["charStartTimesMs"])


def shifted(message: Message, ms: float) -> Message:
    return timed(message, charStartTimesMs=[start + ms for start in starts(message)]) if message["audio"] else message


def chars_of(message: Message) -> list[str]:
    return list(alignment(message).get("chars", []))


HARMLESS: dict[str, Callable[[int, Message], list[Any]]] = {
    "words that are no JSON": lambda n, m: ["hello", m],
    "half of a message": lambda n, m: ['{"audio": "AAAA', m],
    "a list": lambda n, m: ["[1, 2]", m],
    "a number": lambda n, m: ["7", m],
    "null": lambda n, m: ["null", m],
    "binary": lambda n, m: [b"\x00\x01\xff", m],
    "binary JSON": lambda n, m: [json.dumps(m).encode()],
    "of an unknown kind": lambda n, m: [{"type": "flush_done", "context_id": "x"}, m],
    "empty": lambda n, m: [{}, m],
    "a remark": lambda n, m: [{"message": "the voice is warm"}, m],
    "no audio": lambda n, m: [{"audio": None, "isFinal": None, "alignment": None}, m],
    "empty audio": lambda n, m: [{"audio": "", "alignment": {"chars": []}}, m],
    "audio that is none": lambda n, m: [{"audio": "!!!", "alignment": None}, m],
    "padding without characters": lambda n, m: [
        m,
        {"audio": base64.b64encode(b"\xff" * 160).decode(), "alignment": {"chars": []}},
    ],
    "everything twice": lambda n, m: [m, m] if "".join(chars_of(m)).strip(" .,") else [m],
    "times that count from the start": lambda n, m: [shifted(m, CHUNK_MS * (n - 1))],
    "the last message first": lambda n, m: [{"audio": None, "isFinal": True}, m] if n == FIRST else [m],
    "the last message each time": lambda n, m: [{**m, "isFinal": True}],
    "snake case": lambda n, m: [{"audio": m["audio"], "is_final": m["isFinal"], "alignment": m["alignment"]}],
    "the other spelling": lambda n, m: [
        timed(
            {**m, "alignment": {"chars": chars_of(m)}},
            charsStartTimesMs=starts(m),
            charsDurationsMs=alignment(m)["charDurationsMs"],
        )
        if m["audio"]
        else m
    ],
    "a name for the context": lambda n, m: [{**m, "contextId": "7"}],
    "the other name for the context": lambda n, m: [{**m, "context_id": "7"}],
    "no times": lambda n, m: [{**m, "alignment": None, "normalizedAlignment": None}],
    "times of the text as read only": lambda n, m: [{**m, "alignment": None}],
    "no lengths": lambda n, m: [timed(m, charDurationsMs=[])],
    "fewer times than characters": lambda n, m: [timed(m, charStartTimesMs=starts(m)[:-2])] if m["audio"] else [m],
    "more times than characters": lambda n, m: [timed(m, charStartTimesMs=[*starts(m), 5, 6])] if m["audio"] else [m],
    "times that are null": lambda n, m: [timed(m, charStartTimesMs=[None] * 400)],
    "some times that are null": lambda n, m: [timed(m, charStartTimesMs=[None, *starts(m)[1:]])] if m["audio"] else [m],
    "times below zero": lambda n, m: [timed(m, charStartTimesMs=[-500, *starts(m)[1:]])] if m["audio"] else [m],
    "times that do not move": lambda n, m: [timed(m, charStartTimesMs=[3] * 400, charDurationsMs=[0] * 400)],
    "times backwards": lambda n, m: [timed(m, charStartTimesMs=starts(m)[::-1])] if m["audio"] else [m],
    "times far beyond the sound": lambda n, m: [shifted(m, 5_000)],
    "times absurdly far beyond it": lambda n, m: [shifted(m, 1e12)],
    "other characters than the text's": lambda n, m: (
        [timed(m, chars=["\u00df"] * len(chars_of(m)))] if m["audio"] else [m]
    ),
    "characters that are none": lambda n, m: [timed(m, chars=[None] * len(chars_of(m)))] if m["audio"] else [m],
    "an alignment that is a number": lambda n, m: [{**m, "alignment": 5}],
}


@pytest.mark.parametrize("case", HARMLESS)
async def test_a_message_that_is_odd_costs_nothing(case: str) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, HARMLESS[case])
        heard = await line.say()
        assert heard.spoken == WORDS
        heard.assert_times_are_sound()
        assert len(sim.records) == 1, "nobody is asked a second time"
        assert not line.synthesis.breakers.of("elevenlabs").is_open


async def test_what_was_skipped_is_counted() -> None:
    unknown = SKIPPED.labels("elevenlabs", "unknown")
    before = unknown._value.get()
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, lambda n, m: ["hello", m] if n == FIRST else [m])
        await line.say()
    assert unknown._value.get() == before + 1


SILENT: dict[str, Callable[[int, Message], list[Any]]] = {
    "nothing": lambda n, m: [],
    "the last message only": lambda n, m: [] if m["audio"] else [m],
    "times and no sound": lambda n, m: [{**m, "audio": None}],
    "times and empty sound": lambda n, m: [{**m, "audio": ""}],
    "an error": lambda n, m: [{"message": "sorry", "error": "internal_error", "code": 1011}],
}


@pytest.mark.parametrize("case", SILENT)
async def test_a_lone_voice_that_gives_no_sound_is_asked_once_more(case: str) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim), stall_s=1) as line:
        Odd(sim, SILENT[case], streams=1)
        heard = await line.say(("Thank you for calling.",))
        assert heard.spoken == words_of("Thank you for calling.")
        heard.assert_times_are_sound()
        assert len(sim.records) == 2


@pytest.mark.parametrize("case", SILENT)
async def test_where_there_is_another_voice_it_says_the_words(case: str) -> None:
    drone = Drone()
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, SILENT[case])
        line.synthesis.engines.append(Engine("local", drone))
        await line.say(("Thank you for calling.",))
        assert drone.asked == "Thank you for calling."
        assert len(sim.records) == 1


@pytest.mark.parametrize("case", ["the last message only", "times and no sound"])
async def test_a_voice_that_never_gives_sound_is_told_of_after_two_tries(case: str) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, SILENT[case])
        with pytest.raises(NoSound, match="no sound came"):
            await line.say(("Thank you for calling.",))
        assert len(sim.records) == 2


async def test_sound_that_stops_in_the_middle_is_asked_for_again_from_the_next_word() -> None:
    """The vendor ends politely; its times speak of all the text, its sound is a part of it."""
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, lambda n, m: [m] if n <= 4 or not m["audio"] else [{**m, "audio": None}], streams=1)
        heard = await line.say()
        first, second = sim.records
        rest = words_of("".join(second.spoken))
        assert 0 < len(rest) < len(WORDS)
        assert heard.spoken[-len(rest) :] == rest == WORDS[-len(rest) :]
        heard.assert_times_are_sound()


async def test_so_it_is_when_the_times_stop_with_the_sound() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, lambda n, m: [m] if n <= 4 or not m["audio"] else [], streams=1)
        heard = await line.say()
        rest = words_of("".join(sim.records[1].spoken))
        assert 0 < len(rest) < len(WORDS)
        heard.assert_times_are_sound()


async def test_without_any_times_nobody_knows_how_far_the_sound_goes() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        untimed: Message = {"alignment": None, "normalizedAlignment": None}
        Odd(sim, lambda n, m: [{**m, **untimed}] if n <= 2 or not m["audio"] else [])
        heard = await line.say()
        heard.assert_times_are_sound()
        assert len(sim.records) == 1


async def test_sound_that_cannot_be_read_in_place_of_words_is_asked_for_again() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, lambda n, m: [{**m, "audio": "!!!"}] if n == 3 else [m], streams=1)
        heard = await line.say()
        assert len(sim.records) == 2
        assert [word for word in WORDS if word not in heard.spoken] == []
        heard.assert_times_are_sound()


async def test_a_voice_that_says_a_little_each_time_is_heard_out_within_a_bound() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, lambda n, m: [m] if n <= 4 or not m["audio"] else [])
        heard = await line.say(ANSWER[1:])
        assert heard.told == words_of("".join(ANSWER[1:]))
        assert 1 < len(sim.records) <= 6


async def test_a_voice_that_never_comes_to_the_end_is_left_after_a_bound() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, lambda n, m: [m] if n <= 2 or not m["audio"] else [])
        with pytest.raises(NoSound):
            await line.say(ANSWER * 4)
        assert len(sim.records) <= 6


async def test_words_without_sound_do_not_keep_a_voice_waiting_for() -> None:
    """Messages keep coming, so that none is long awaited; sound does not."""

    class Mumbler(Drone):
        async def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncIterator[AudioChunk]:
            n = 0
            while True:
                n += 1
                await asyncio.sleep(0.01)
                yield AudioChunk(b"", (WordTime(0, 4, 0, 100 * n),))

    drone = Drone()
    synthesis = Synthesis([Engine("mumbler", Mumbler()), Engine("drone", drone)], stall_s=0.2)

    async def phrases() -> AsyncIterator[str]:
        for phrase in ANSWER:
            yield phrase

    async with asyncio.timeout(PATIENCE_S):
        [_ async for _ in synthesis.speak(phrases(), TtsConfig())]
    assert words_of(drone.asked) == WORDS


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Your quota is used up.", "error": "quota_exceeded", "code": 1008}, Misconfigured),
        ({"message": "no such voice", "error": "voice_not_found"}, Misconfigured),
        ({"message": "boom", "error": "internal_error", "code": 1011}, VendorLost),
    ],
)
async def test_only_what_the_vendor_is_to_blame_for_counts_against_it(error: Message, kind: type[Exception]) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, lambda n, m: [error])
        for _ in range(3):
            with pytest.raises(kind if kind is Misconfigured else Exception, match=error["message"]):
                await line.say(("Thank you for calling.",))
        refused = kind is Misconfigured
        assert len(sim.records) == (3 if refused else 6), "what is refused is not asked again as it was"
        assert line.synthesis.breakers.of("elevenlabs").is_open is not refused


async def test_a_voice_whose_connection_says_why_it_was_closed_is_believed() -> None:
    for code in (1002, 1008):
        async with ElevenLabsSim() as sim, service(settings(sim)) as line:
            sim.faults.add(Fault("close", code=code, message="This request exceeds your quota limit."))
            with pytest.raises(Misconfigured, match="quota"):
                await line.refused(config(), text("Hello. "))
            assert len(sim.records) == 1


async def test_a_voice_that_closes_politely_after_each_phrase_is_opened_for_the_next() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line, await line.open() as stream:
        sim.faults.add(Fault("close", code=1000, after_items=6, times=2))
        await stream.write(config())
        await stream.write(text("One moment please. "))
        heard = Heard("One moment please. Here it is.", AudioFormat("mulaw", 8000))
        while len(heard.words) < 3:
            event = await stream.read()
            heard.audio += event.audio.data
            heard.words += event.audio.words
        await stream.write(text("Here it is."))
        await stream.done_writing()
        async for event in stream:
            heard.audio += event.audio.data
            heard.words += event.audio.words
        heard.assert_times_are_sound()


async def test_what_makes_no_sound_is_not_sent_to_the_vendor_alone() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line, await line.open() as stream:
        await stream.write(config())
        await sim.until(lambda: sim.open_connections == 1)
        for piece in ("... ", "\u2014", "Hello. "):
            await stream.write(text(piece))
        heard = (await stream.read()).audio.data
        (seen,) = sim.records
        for piece in ("\U0001f642", "?! "):
            await stream.write(text(piece))
        await stream.write(text("Bye"))
        await sim.until(lambda: "Bye" in seen.text)
        await stream.write(text(" ***"))
        await stream.done_writing()
        heard += b"".join([event.audio.data async for event in stream])
        assert Heard("", TELEPHONE, heard).spoken == ["hello", "bye"]
        assert [words_of(message["text"]) for message in seen.messages[1:-1]] == [["hello"], ["bye"]]


@pytest.mark.parametrize("silent", ["...", "\u2014", "?!", "\U0001f642", "***", " \n", "", "\u200b\u00a0"])
async def test_a_text_that_makes_no_sound_is_said_whatever_the_voice_does(silent: str) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("error"))
        heard = await line.say((silent,))
        assert heard.audio == b""
        assert len(sim.records) <= 1


@pytest.mark.parametrize("cut", [1, 3, 5])
async def test_samples_are_whole_however_the_bytes_are_cut(cut: int) -> None:
    audio = AudioFormat("pcm_s16le", 8000)

    def odd(n: int, message: Message) -> list[Any]:
        if not message["audio"]:
            return [message]
        data = base64.b64decode(message["audio"])
        parts = [data[:cut], data[cut : cut * 4], data[cut * 4 :]]
        return [{**message, "audio": base64.b64encode(part).decode(), "alignment": None} for part in parts]

    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        Odd(sim, odd)
        heard = await line.say(audio=audio)
        assert heard.spoken == WORDS
        assert all(size % 2 == 0 for size in heard.sizes)
        assert len(sim.records) == 1


# By HTTP, line by line

BY_HTTP: dict[str, Callable[[int, Message], list[Any]]] = {
    "no JSON": lambda n, m: ["hello", m],
    "a list": lambda n, m: ["[1]", m],
    "null": lambda n, m: ["null", m],
    "nothing": lambda n, m: ["", m],
    "unknown": lambda n, m: [{"type": "warning"}, m],
    "no audio": lambda n, m: [{"audio_base64": None, "alignment": None}, m],
    "audio that is none": lambda n, m: [{"audio_base64": "!!", "alignment": None}, m],
    "no times": lambda n, m: [{**m, "alignment": None, "normalized_alignment": None}],
    "times of the text as read only": lambda n, m: [{**m, "alignment": None}],
    "times that are null": lambda n, m: [seconds(m, [None] * 400)],
    "times below zero": lambda n, m: [seconds(m, [-1.0, *m["alignment"]["character_start_times_seconds"][1:]])],
    "times that are far off": lambda n, m: [seconds(m, [1e9] * 400)],
    "an alignment that is a list": lambda n, m: [{**m, "alignment": [], "normalized_alignment": None}],
}


def seconds(message: Message, values: list[Any]) -> Message:
    times = {**message["alignment"], "character_start_times_seconds": values}
    return {**message, "alignment": times, "normalized_alignment": None}


@pytest.mark.parametrize("case", BY_HTTP)
async def test_a_line_that_is_odd_costs_nothing_either(case: str) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("refuse", status=403, only="stream-input"))
        sim.twist = lambda seen, message: BY_HTTP[case](0, message)
        heard = await line.say()
        assert heard.spoken == WORDS
        heard.assert_times_are_sound()
        assert not line.synthesis.breakers.of("elevenlabs").is_open


@pytest.mark.parametrize(
    ("line_of", "kind", "why"),
    [
        ({"detail": {"status": "quota_exceeded", "message": "used up"}}, Misconfigured, "used up"),
        ({"error": "internal_error", "message": "boom"}, VendorLost, "boom"),
    ],
)
async def test_an_error_in_a_line_is_one(line_of: Message, kind: type[Exception], why: str) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("refuse", status=403, only="stream-input"))
        sim.twist = lambda seen, message: [line_of]
        with pytest.raises(kind if kind is Misconfigured else Unavailable, match=why):
            await line.say()


@pytest.mark.parametrize("lost", ["all of them", "what is in one"])
async def test_lines_that_are_missing_are_asked_for_again(lost: str) -> None:
    odd: list[Message] = []

    def twist(seen: Received, message: Message) -> list[Message]:
        letters = sum(char.isalpha() for char in message["alignment"]["characters"])
        if len(sim.records) > 1 or (lost != "all of them" and (odd or seen.audio_chunks < 3 or letters < 3)):
            return [message]
        odd.append(message)
        return [{**message, "audio_base64": "!!"}] if lost == "what is in one" else []

    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("refuse", status=403, only="stream-input"))
        sim.twist = twist
        heard = await line.say()
        assert len(sim.records) == 2
        assert [word for word in WORDS if word not in heard.spoken] == []
        heard.assert_times_are_sound()
