"""One caller's speech, from audio to turns, and what happens when a recogniser fails in the middle of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from parley.engines import Engine
from parley.engines.breaker import Breakers
from parley.errors import AtCapacity, BadInput, Misconfigured, TooLate, VendorLost
from parley.telemetry import STT_LATENCY
from services.stt import recognition as module
from services.stt.contract import (
    Endpointing,
    Expect,
    Final,
    Flush,
    Interim,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    SttConfig,
    TurnEnded,
)
from services.stt.recognition import FALLBACKS, LONG_TURNS, EndOfTurn
from services.stt.vad import Detector
from testbed.patience import PATIENCE_S
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.faults import Fault
from testbed.vendors.wordcodec import render
from tests.stt.line import HEARD, ORDER, deepgram, line, silence, spoken


class Scripted:
    """A recogniser that says its script, one event a message of audio, then nothing, and keeps what it was given."""

    def __init__(self, *script: SpeechEvent | Exception | None) -> None:
        self._script = script
        self.configs: list[SttConfig] = []
        self.given: list[bytes | Flush] = []
        self._news = asyncio.Event()

    async def was_given(self, count: int, flushes: int = 0) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.given) < count or self.flushes < flushes:
                self._news.clear()
                await self._news.wait()

    @property
    def flushes(self) -> int:
        return sum(data is Flush.FLUSH for data in self.given)

    async def recognize(self, audio: AsyncIterator[bytes | Flush], config: SttConfig) -> AsyncIterator[SpeechEvent]:
        self.configs.append(config)
        script = iter(self._script)
        async for data in audio:
            if data is Flush.VOICE:
                continue
            self.given.append(data)
            self._news.set()
            event = next(script, None)
            if isinstance(event, Exception):
                raise event
            if event is not None:
                yield event

    async def aclose(self) -> None:
        """Nothing is open."""


async def test_a_caller_asks_and_is_known_to_be_done(sim: DeepgramSim, detector: Detector) -> None:
    told = STT_LATENCY.labels("deepgram")._sum.get()
    async with line(deepgram(sim), detector=detector) as call:
        call.say(spoken(ORDER, after_ms=700, before_ms=400))
        ended = await call.turn()
    assert ended.text == HEARD
    assert 200 < STT_LATENCY.labels("deepgram")._sum.get() - told < 1500
    assert abs(ended.speech_end_ms - 400 - render(ORDER).words[-1].end_ms) < 60
    assert call.kinds()[0] == "SpeechStarted"
    assert call.kinds().count("TurnEnded") == 1


async def test_without_vad_the_recognisers_own_is_used(sim: DeepgramSim) -> None:
    async with line(deepgram(sim)) as call:
        call.say(spoken(ORDER, after_ms=700))
        assert (await call.turn()).text == HEARD
    assert call.kinds()[0] == "SpeechStarted"
    assert call.kinds()[-3:] == ["Final", "SpeechStopped", "TurnEnded"]


async def test_two_questions_are_two_turns(sim: DeepgramSim, detector: Detector) -> None:
    async with line(deepgram(sim), detector=detector) as call:
        call.say(spoken("Hello there", after_ms=800))
        assert (await call.turn()).text == "Hello there."
        call.say(spoken(ORDER, after_ms=800))
        second = await call.turn()
    assert second.text == HEARD
    assert second.offset_ms > 2500
    assert call.kinds().count("TurnEnded") == 2


@pytest.mark.parametrize("turn", [0, 1, 7])
async def test_turns_are_counted_from_the_one_under_way_for_who_asks(
    sim: DeepgramSim, detector: Detector, turn: int
) -> None:
    async with line(deepgram(sim), detector=detector, config=SttConfig(turn=turn)) as call:
        call.say(spoken("Hello there", after_ms=800))
        await call.turn()
        behind = len(call.seen)
        call.say(spoken(ORDER, after_ms=800))
        await call.turn()
    assert {event.turn for event in call.seen[:behind]} == {turn}
    assert {event.turn for event in call.seen[behind:]} == {turn + bool(turn)}


async def test_the_next_recogniser_does_not_tell_the_rest_of_a_word(detector: Detector) -> None:
    first = Scripted(Final("Hello.", 0, 600), VendorLost("gone"))
    second = Scripted(Interim("lo", 600, 690), Final("low", 600, 690), Final("Goodbye.", 900, 1500))
    async with line(Engine("first", first), Engine("second", second), detector=detector) as call:
        call.say(spoken("Hello", after_ms=600 - int(render("Hello").duration_ms)) + spoken("Goodbye", after_ms=900))
        while "Goodbye." not in (await call.turn()).text:
            pass
    assert [e.text for e in call.seen if isinstance(e, Final | Interim)] == ["Hello.", "Goodbye."]


async def test_a_number_read_out_in_groups_is_one_turn(sim: DeepgramSim, detector: Detector) -> None:
    config = SttConfig(endpointing=Endpointing(Expect.DIGITS, max_delay_ms=1500))
    async with line(deepgram(sim), detector=detector, config=config) as call:
        call.say(spoken("1 2", after_ms=900) + spoken("3 4", after_ms=1700))
        ended = await call.turn()
    assert ended.text == "1 2. 3 4."
    assert ended.pauses.count == 1
    assert 700 < ended.pauses.max_ms < 1100


async def test_the_button_ends_the_turn_and_the_audio_may_stop_with_it(sim: DeepgramSim, detector: Detector) -> None:
    config = SttConfig(endpointing=Endpointing(Expect.BUTTON))
    async with line(deepgram(sim), detector=detector, config=config) as call:
        call.say(spoken("Hello there", after_ms=60))
        call.ask(EndOfTurn())
        assert (await call.turn()).text == "Hello there"


async def test_words_the_recogniser_still_holds_are_asked_for_after_the_silence(detector: Detector) -> None:
    engine = Scripted(Interim("hello", 0, 600))
    async with line(Engine("slow", engine), detector=detector) as call:
        call.say(spoken("Hello", after_ms=900))
        await call.until(SpeechStopped)
        await engine.was_given(0, flushes=1)
    assert engine.flushes == 1


async def test_a_microphone_switched_off_in_mid_turn_ends_it(
    sim: DeepgramSim, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WATCH_S", 0.05)
    config = SttConfig(endpointing=Endpointing(max_delay_ms=200, min_delay_ms=200))
    async with line(deepgram(sim), detector=detector, config=config) as call:
        call.say(spoken("Hello there"))
        assert (await call.turn()).text == "Hello there"


async def test_a_process_that_stood_still_does_not_take_that_for_silence(sim: DeepgramSim, detector: Detector) -> None:
    """Audio waits to be read behind a look at the clock that is as late as the audio is."""
    config = SttConfig(endpointing=Endpointing(max_delay_ms=800, min_delay_ms=200))
    whole = spoken("Hello there", after_ms=900)
    half = int(render("Hello there").words[1].start_ms) * 8
    async with line(deepgram(sim), detector=detector, config=config) as call:
        call.say(whole[:half])
        await call.until(Interim)
        asyncio.get_running_loop().call_later(1.1, call.say, whole[half:])
        time.sleep(1.2)  # noqa: ASYNC251 - the loop itself stands still
        assert (await call.turn()).text == "Hello there."


async def test_the_call_that_ends_tells_its_last_words(sim: DeepgramSim, detector: Detector) -> None:
    async with line(deepgram(sim), detector=detector) as call:
        call.say(spoken("Goodbye"))
        call.hang_up()
        events = await call.rest()
    assert isinstance(events[-1], TurnEnded)
    assert events[-1].text == "Goodbye"


async def test_replayed_audio_is_one_turn_as_it_was_the_first_time(sim: DeepgramSim, detector: Detector) -> None:
    config = SttConfig(offset_ms=20_000)
    async with line(deepgram(sim), detector=detector, config=config) as call:
        call.say(spoken(ORDER, after_ms=100, before_ms=200) + silence(2000), frame=8000)
        ended = await call.turn()
    assert ended.text == HEARD
    assert 22_000 < ended.speech_end_ms < 23_500


@pytest.mark.parametrize("error", [VendorLost("gone"), AtCapacity("429"), TooLate("silent"), RuntimeError("bug")])
async def test_the_next_recogniser_hears_what_had_no_final(
    sim: DeepgramSim, detector: Detector, error: Exception
) -> None:
    first, what = Scripted(Final("Hello.", 0, 600), error), type(error).__name__
    async with line(Engine("first", first), deepgram(sim), detector=detector) as call:
        before = FALLBACKS.labels("first", what)._value.get()
        call.say(spoken("Hello", after_ms=600 - int(render("Hello").duration_ms)) + spoken(ORDER, after_ms=700))
        texts: list[str] = []
        while not texts or "1234" not in texts[-1]:
            texts.append((await call.turn()).text)
    finals = [(e.text, e.engine) for e in call.seen if isinstance(e, Final)]
    assert finals == [("Hello.", "first"), (HEARD, "deepgram")]
    assert FALLBACKS.labels("first", what)._value.get() == before + 1
    assert len(first.given) == 2
    assert sim.records[-1].audio_bytes >= len(spoken(ORDER))
    final = next(e for e in call.seen if isinstance(e, Final) and e.text == HEARD)
    assert abs(final.end_ms - 600 - render(ORDER).words[-1].end_ms) < 60


@pytest.mark.parametrize("error", [Misconfigured("key"), AtCapacity("429"), VendorLost("500"), RuntimeError("bug")])
async def test_a_recogniser_that_cannot_begin_is_passed_over(
    sim: DeepgramSim, detector: Detector, error: Exception
) -> None:
    async with line(Engine("first", Scripted(error)), deepgram(sim), detector=detector) as call:
        call.say(spoken("Hello", after_ms=700))
        assert (await call.turn()).text == "Hello."


async def test_two_recognisers_lost_in_one_turn_cost_no_word_and_repeat_none(
    sim: DeepgramSim, detector: Detector
) -> None:
    """The second one dies in the middle of hearing again what the first had not made final."""
    first, second = Scripted(Final("Hello.", 0, 600), VendorLost("gone")), Scripted(None, VendorLost("gone"))
    engines = Engine("first", first), Engine("second", second), deepgram(sim)
    async with line(*engines, detector=detector) as call:
        call.say(spoken("Hello", after_ms=600 - int(render("Hello").duration_ms)) + spoken(ORDER, after_ms=700))
        texts: list[str] = []
        while not texts or "1234" not in texts[-1]:
            texts.append((await call.turn()).text)
    assert [e.text for e in call.seen if isinstance(e, Final)] == ["Hello.", HEARD]
    assert second.configs[0].offset_ms == 600
    assert len(second.given) == 2
    assert sim.records[-1].audio_bytes >= len(spoken(ORDER))


async def test_a_recogniser_is_told_that_somebody_speaks(detector: Detector) -> None:
    class Attentive(Scripted):
        voices = 0

        async def recognize(self, audio: AsyncIterator[bytes | Flush], config: SttConfig) -> AsyncIterator[SpeechEvent]:
            async for data in audio:
                self.voices += data is Flush.VOICE
            yield Final("", 0, 0)

    engine = Attentive()
    async with line(Engine("attentive", engine), detector=detector) as call:
        call.say(silence(1200) + spoken("and then we went and then we saw and then", after_ms=600))
        await call.until(SpeechStopped)
        call.hang_up()
        await call.rest()
    spoken_ms = render("and then we went and then we saw and then").duration_ms
    assert spoken_ms // 500 - 1 <= engine.voices <= spoken_ms // 500 + 2


async def test_a_recogniser_that_fails_three_calls_is_passed_over_by_the_next_and_is_the_last_resort(
    detector: Detector,
) -> None:
    breakers = Breakers("stt")
    first = Scripted(VendorLost("gone"))

    async def call_with(second: Scripted) -> list[str]:
        asked = len(first.configs), len(second.configs)
        engines = Engine("first", first), Engine("second", second)
        async with line(*engines, detector=detector, breakers=breakers) as call:
            call.say(silence(120))
            call.hang_up()
            with suppress(VendorLost):
                await call.rest()
        return ["first"] * (len(first.configs) - asked[0]) + ["second"] * (len(second.configs) - asked[1])

    for _ in range(3):
        assert await call_with(Scripted()) == ["first", "second"]
    assert await call_with(Scripted()) == ["second"]
    assert await call_with(Scripted(VendorLost("gone too"))) == ["first", "second"]


async def test_when_all_recognisers_fail_the_last_failure_is_told(sim: DeepgramSim, detector: Detector) -> None:
    sim.faults.add(Fault("close", after_bytes=960))
    async with line(Engine("first", Scripted(AtCapacity("429"))), deepgram(sim), detector=detector) as call:
        call.say(silence(1000))
        with pytest.raises(VendorLost, match="closed in mid-stream"):
            await call.rest()


async def test_a_request_that_the_vendor_finds_wrong_is_not_tried_elsewhere(detector: Detector) -> None:
    second = Scripted()
    engines = Engine("first", Scripted(BadInput("language"))), Engine("second", second)
    async with line(*engines, detector=detector) as call:
        call.say(silence(100))
        with pytest.raises(BadInput, match="language"):
            await call.rest()
    assert second.configs == []


async def test_a_recogniser_that_ends_before_the_call_is_lost(detector: Detector) -> None:
    class Leaving(Scripted):
        async def recognize(self, audio: AsyncIterator[bytes | Flush], config: SttConfig) -> AsyncIterator[SpeechEvent]:
            yield Interim("bye", 0, 100)

    async with line(Engine("leaving", Leaving()), detector=detector) as call:
        with pytest.raises(VendorLost, match="leaving ended before the audio did"):
            await call.rest()


async def test_silence_is_not_kept_for_the_next_recogniser(detector: Detector) -> None:
    long = 40
    first = Scripted(*[SpeechStarted(0)] * long, VendorLost("gone"))
    second = Scripted()
    async with line(Engine("first", first), Engine("second", second), detector=detector) as call:
        call.say(silence(60))
        rest = asyncio.ensure_future(call.rest())
        await first.was_given(1)
        call.say(silence(60 * (long - 1)))
        await call.listened(60 * long)
        call.say(silence(60 * 20))
        call.hang_up()
        await rest
    assert second.configs[0].offset_ms >= 60 * long - 1100
    assert sum(len(d) for d in second.given if isinstance(d, bytes)) <= (1100 + 60 * 20) * 8


async def test_interims_nobody_has_read_replace_each_other() -> None:
    script = [Interim(f"hello {n}", 0, 500) for n in range(50)]
    engine = Scripted(*script, Final("hello", 0, 500))
    async with line(Engine("scripted", engine)) as call:
        call.say(silence(51 * 60))
        await call.until(SpeechStarted)
        await engine.was_given(51)
        await call.until(Final)
    assert sum(isinstance(e, Interim) for e in call.seen) <= 2


async def test_a_caller_who_never_stops_is_cut_and_counted(detector: Detector) -> None:
    before = LONG_TURNS._value.get()
    script = [Final("and then", n * 5000, n * 5000 + 4900) for n in range(20)]
    async with line(Engine("scripted", Scripted(*script)), detector=detector) as call:
        speech = (spoken("and then we went and then we saw and then", 0) * 60)[: 8000 * 96]
        ended = asyncio.ensure_future(call.turn(20))
        for at in range(0, len(speech), 40_000):
            call.say(speech[at : at + 40_000], frame=40_000)
            await call.listened(min(at + 40_000, len(speech)) // 8)
        await ended
    assert LONG_TURNS._value.get() == before + 1


async def test_a_client_that_does_not_read_is_let_go() -> None:
    engine = Scripted(*[Final(f"word {n}", n * 10, n * 10 + 9) for n in range(1500)])
    async with line(Engine("scripted", engine)) as call:
        call.say(silence(1500 * 20), frame=160)
        await call.until(Final)
        await engine.was_given(1500)
        with pytest.raises(AtCapacity, match="the client does not read"):
            await call.rest()
    assert len(call.seen) < 1100


async def test_spaces_that_a_recogniser_sets_between_the_words_of_its_script_are_not_told(detector: Detector) -> None:
    japanese = Interim("はい じゃあ", 0, 500), Final("はい じゃあ 始め ます 。", 0, 900)
    engine = Scripted(*japanese, Final("ขอ ยกเลิก ครับ", 1000, 1900))
    async with line(Engine("scripted", engine), detector=detector) as call:
        call.say(spoken("Hello there", after_ms=900))
        await call.until(Final)
        texts = [event.text for event in call.seen if isinstance(event, Interim | Final)]
        assert texts[-1] in ("はいじゃあ始めます。", "ขอ ยกเลิก ครับ")
        assert (await call.turn()).text.startswith("はいじゃあ始めます。")
