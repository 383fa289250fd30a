"""The page against all services of `parley run`, with the engines that need no vendor."""

from __future__ import annotations

import re
import shutil
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import TimeoutError

from runner.stack import Stack
from testbed.voice import RATE, Voice
from tests.browser.chromium import Chromium, Visit, visiting

pytestmark = [
    pytest.mark.browser,
    pytest.mark.realtime,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="session"),
]

AGENTS = Path(__file__).parents[2] / "agents"
GREETING = "How can I help you?"
"""All that this front desk says first."""
SHOWN_S = 60
"""For words to be shown, also where five others work on the same machine."""


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    """The front desk, with few words of greeting."""
    folder = tmp_path / "agents"
    shutil.copytree(AGENTS / "frontdesk", folder / "frontdesk")
    described = folder / "frontdesk" / "agent.yaml"
    text, changed = re.subn(r"greeting: >-\n  .*\n", f"greeting: {GREETING}\n", described.read_text())
    assert changed
    described.write_text(text)
    return folder


async def shown(visit: Visit, side: str, words: str) -> None:
    """Wait until the page shows these words, heard or recognised."""
    try:
        await visit.page.locator(f".entry.{side} .settled", has_text=words).wait_for(timeout=SHOWN_S * 1000)
    except TimeoutError:
        pytest.fail(f"{words!r} is not among {await visit.entries()}")


async def test_a_question_by_voice_and_one_by_button_are_answered_on_the_page(
    tmp_path: Path, chromium: Chromium, agents: Path
) -> None:
    env = {
        "PARLEY_PROFILE": "local",
        "PARLEY_STT": "local",
        "PARLEY_TTS": "local",
        "PARLEY_AGENTS_DIR": str(agents),
    }
    async with (
        Stack(data_dir=tmp_path / "data", env=env) as stack,
        visiting(chromium, f"{stack.gateway_url}/?raw=1", speaking=True) as visit,
    ):
        await visit.call()
        await shown(visit, "agent", GREETING)
        await visit.say(Voice().say("when are you open on saturday"), RATE)
        await shown(visit, "caller", "when are you open on saturday")
        await shown(visit, "agent", "On Saturday")  # only now the turn is surely over: its words were known before
        await visit.page.get_by_role("switch", name="Walkie-talkie").click()
        await visit.page.keyboard.down(" ")
        await visit.page.locator(".entry.cut .tag", has_text="interrupted here").wait_for(timeout=SHOWN_S * 1000)
        await visit.status("You are on the air", SHOWN_S)
        await visit.say(Voice().say("where is my order one two three four"), RATE)
        # Not until words are shown: a recogniser that is short of time makes no guesses while the button is held.
        await visit.page.keyboard.up(" ")
        await shown(visit, "caller", "where is my order 1234")
        await shown(visit, "agent", "rder one two three four")
        await visit.status("Hold the button to talk", SHOWN_S)
        # Where the machine is slow the bot bridges the time: an entry of its own.
        sides = [side for side, _ in groupby(side for side, _, _ in await visit.entries())]
        assert sides == ["agent", "caller", "agent", "caller", "agent"]
        turns = {turn["turn"]: turn for _, turn in visit.sockets.controls("turn", sent=False)}
        assert [(turn["by"], turn["cut"]) for turn in turns.values()] == [("voice", True), ("button", False)]
        for turn in turns.values():
            stages = [turn[stage] for stage in ("first_token", "words", "audio", "heard", "over")]
            assert stages == sorted(stages)
            assert 0 <= turn["final"] <= turn["ended"] <= turn["audio"]
        rate, samples = await visit.played()
        assert np.count_nonzero(np.abs(samples) > 0.02) / rate > 2, "the greeting and the answers were audible"
        await visit.hang_up()
        await visit.status("You hung up.")
        assert visit.complaints == []
