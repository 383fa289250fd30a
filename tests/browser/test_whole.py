"""The page against all services of `parley run`, with the engines that need no vendor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli.stack import Stack
from tests.browser.chromium import visiting, write_wav
from tests.stt_local.voice import RATE, Voice, silence

pytestmark = [pytest.mark.browser, pytest.mark.realtime, pytest.mark.timeout(180)]

GREETING_S = 8.0
"""The caller waits for the greeting to end."""


@pytest.fixture
def question(tmp_path: Path) -> Path:
    words = Voice().say("when are you open on saturday")
    return write_wav(tmp_path / "question.wav", np.concatenate([silence(GREETING_S), words, silence(20)]), RATE)


async def test_a_spoken_question_is_answered_on_the_page(tmp_path: Path, chromium_path: str, question: Path) -> None:
    async with (
        Stack(data_dir=tmp_path / "data", env={"PARLEY_PROFILE": "local"}) as stack,
        visiting(chromium_path, f"{stack.gateway_url}/?raw=1", microphone=question) as visit,
    ):
        await visit.call()
        await visit.page.locator(".entry.agent .settled", has_text="How can I help you?").wait_for(timeout=20_000)
        await visit.page.locator(".entry.caller .settled", has_text="when are you open on saturday").wait_for(
            timeout=20_000
        )
        answer = visit.page.locator(
            ".entry.agent .settled", has_text="On Saturday we are open from nine in the morning"
        )
        await answer.wait_for(timeout=15_000)
        await visit.status("Listening to you", timeout_s=20)
        sides = [side for side, _, _ in await visit.entries()]
        assert sides == ["agent", "caller", "agent"]
        rate, samples = await visit.played()
        assert np.count_nonzero(np.abs(samples) > 0.02) / rate > 2, "the greeting and the answer were audible"
        await visit.hang_up()
        await visit.status("You hung up.")
        assert visit.complaints == []
