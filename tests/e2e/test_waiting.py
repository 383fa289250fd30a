"""What a caller waits for, and what he hears meanwhile."""

from __future__ import annotations

from testbed.house import House, answer, ask, bot_lines, same
from testbed.vendors.faults import Fault
from tests.e2e.together import on_the_line

GREEN = "the bicycle is green"


@on_the_line.one
async def test_a_caller_who_waits_is_told_so_and_the_answer_follows(house: House) -> None:
    """Each time in other words; the model never learns of them, and they wait for no voice."""
    house.vendors.openai.faults.add(Fault("slow", after_ms=2000, only="slow"))
    first, second = ("please what color is it", "one moment please"), ("and what color is it now", "let me see now")
    for questions in ((first, second), (first,)):
        async with house.phone("slow").dial() as call:
            await answer(call, call.born)
            for question, filler in questions:
                assert same(call, await ask(call, question, quiet_ms=1800), f"{filler} {GREEN}")
    for asked in house.asked("and what color is it now"):
        assert not [line for line in bot_lines(asked) if "moment" in line]
    assert await house.count("voice_fillers_total") >= 3
    assert await house.count("voice_spoken_cache_total", outcome="hit") >= 3


@on_the_line.one
async def test_the_model_has_begun_when_the_caller_has_finished(house: House) -> None:
    async with house.phone("early").dial() as call:
        await answer(call, call.born)
        assert same(call, await ask(call, "please what color is it"), GREEN)
        assert same(call, await ask(call, "and what color is it now"), GREEN)
    assert await house.count("voice_speculations_total", outcome="confirmed") > 0
