"""`parley eval --voice`: conversations as calls with sound, on a house of their own, judged by what was recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.agents.conversations.conversation import Conversation
from testbed.eval.processes.voice_house import voice_house
from testbed.eval.trials import trials
from testbed.voice import KLATT
from tests.eval.conftest import shop

pytestmark = [pytest.mark.realtime, pytest.mark.soak, pytest.mark.asyncio(loop_scope="session")]
LOCAL = {"PARLEY_PROFILE": "local", "PARLEY_STT": "local", "PARLEY_TTS": "local"}
ROSES = {"caller": "red roses please", "tools": {"order_roses": {"color": "red"}}, "says": "order number one"}


async def test_calls_aloud_in_noise_each_with_nothing_sold_before(tmp_path: Path) -> None:
    source = shop(tmp_path / "shop")
    (source / "tools.py").write_text(
        (source / "tools.py").read_text().replace("{len(sold)}", "{['one'][len(sold) - 1]}")
    )
    scripts = [
        {"name": "a day", "at": "2026-03-02 11:00", "turns": [ROSES, {"caller": "what day is it", "says": "Monday"}]},
        {"name": "another", "turns": [ROSES, "let me talk to a person"], "expect": {"outcome": "transferred"}},
    ]
    conversations = [Conversation.model_validate(script) for script in scripts]
    async with voice_house("shop", source, LOCAL, noise_db=-55.0, voice=KLATT) as house:
        found = await trials(house, conversations, 1)
    assert [trial.failures or trial.error for trial in found] == ["", ""], found
    assert all(exchange.first_word_ms for trial in found for exchange in trial.course.exchanges[1:])
