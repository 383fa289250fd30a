"""Vendors that refuse, are slow, send garbage, break off or stall: what the caller hears, and that it is counted."""

from __future__ import annotations

from testbed.house import House, answer, ask, ends, same, speech, words
from testbed.patience import PATIENCE_S
from tests.e2e.agents import PLAIN
from tests.e2e.failures import LISTENING, SPEAKING, THINKING
from tests.e2e.together import on_the_line

GREETING, GREEN = words(PLAIN["greeting"]), "the bicycle is green"
TROUBLE, UNAVAILABLE = words(PLAIN["sentences"]["trouble"]), words(PLAIN["sentences"]["unavailable"])

COUNTED = {
    "stt-refuses": ("voice_stt_failures_total", {"error": "Misconfigured"}),
    "stt-garbage": ("voice_stt_skipped_messages_total", {"engine": "deepgram", "kind": "not_json"}),
    "stt-closes": ("voice_streams_reopened_total", {"peer": "stt"}),
    "llm-refuses": ("voice_llm_failures_total", {"error": "Misconfigured", "stage": "before"}),
    "llm-busy": ("voice_llm_failures_total", {"error": "AtCapacity", "stage": "before"}),
    "llm-garbage": ("voice_llm_skipped_total", {"what": "line"}),
    "llm-stalls": ("voice_llm_failures_total", {"error": "TooLate", "stage": "after"}),
    "tts-refuses": ("voice_tts_engine_failures_total", {"error": "Misconfigured"}),
    "tts-garbage": ("voice_tts_skipped_messages_total", {"why": "unknown"}),
}
"""The counter that tells of a failure, as an operator would look for it."""

RECOVER = [
    name
    for name in (*LISTENING, *THINKING, *SPEAKING)
    if name not in ("stt-refuses", "llm-refuses", "llm-stalls", "tts-refuses")
]


async def counted(house: House, case: str) -> bool:
    if case not in COUNTED:
        return True
    name, labels = COUNTED[case]
    return await house.count(name, **labels) > 0


@on_the_line.each(RECOVER)
async def test_a_failure_that_passes_costs_the_caller_time_and_no_words(house: House, case: str) -> None:
    async with house.phone(case).dial() as call:
        quiet_ms = 5000 if case == "tts-stalls" else 500
        assert same(call, await answer(call, call.born, quiet_ms), GREETING)
        assert same(call, await ask(call, "please what color is it"), GREEN)
        assert same(call, await ask(call, "and what color is it now"), GREEN)
    assert await counted(house, case)


@on_the_line.each(["stt-refuses"])
async def test_without_ears_the_caller_is_told_and_the_call_ends(house: House, case: str) -> None:
    async with house.phone(case).dial() as call:
        house.carry_out(call)
        call.speak(b"\xff" * 16000 + speech("please what color is it"))
        await call.until_over()
        assert call.heard.first_audible(call.born) is not None
        assert ends(call, await answer(call, call.born), UNAVAILABLE)
    assert call.ended_by in ("rest", "bot")
    assert await counted(house, case)
    assert await house.count("voice_troubles_total", organ="ears") > 0


@on_the_line.each(["llm-refuses", "llm-stalls"])
async def test_without_an_answer_the_caller_is_asked_again(house: House, case: str) -> None:
    async with house.phone(case).dial() as call:
        assert same(call, await answer(call, call.born), GREETING)
        assert ends(call, await ask(call, "please what color is it", timeout_s=PATIENCE_S), TROUBLE)
    assert await counted(house, case)


@on_the_line.one
async def test_a_mind_that_never_answers_ends_the_call_politely(house: House) -> None:
    async with house.phone("llm-refuses").dial() as call:
        house.carry_out(call)
        await answer(call, call.born)
        assert same(call, await ask(call, "please what color is it"), TROUBLE)
        assert same(call, await ask(call, "and what color is it now"), TROUBLE)
        assert same(call, await ask(call, "the color please"), UNAVAILABLE)
        await call.until_over()
    assert call.ended_by in ("rest", "bot")


@on_the_line.one
async def test_without_a_voice_the_call_ends_and_is_not_left_in_silence(house: House) -> None:
    async with house.phone("tts-refuses").dial() as call:
        house.carry_out(call)
        await call.until_over()
        assert call.heard.first_audible(call.born) is None
    assert call.ended_by in ("rest", "bot")
    assert await counted(house, "tts-refuses")
    assert await house.count("voice_troubles_total", organ="mouth") > 0


@on_the_line.one
async def test_a_carrier_that_does_not_hand_the_caller_on_is_told(house: House) -> None:
    """The REST API refuses the transfer: the caller hears that, and the call goes on."""
    async with house.phone("frontdesk").dial() as call:
        house.refuse_rest(call)
        await answer(call, call.born)
        said = await ask(call, "can i talk to a person", quiet_ms=1500)
        assert "nobody could take your call" in said
        assert same(call, await ask(call, "what color is it"), GREEN)
    assert await house.count("voice_carrier_requests_total", request="transfer", outcome="failed") > 0
