"""The real services under the process runner: all come up with no key, answer a call, one is killed, all stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from parley.audio import mulaw_to_pcm
from parley.text.phrases import normalise
from runner.plan import ORGANS
from runner.stack import Stack
from testbed.telephone.phone import Clock, Phone
from testbed.telephone.voice import speak
from tests.run.conftest import gone

ORDER = "Where is my order, one two three four?"


async def a_call(stack: Stack) -> None:
    """By a caller with a natural voice, as `parley call --say` has one, to the recogniser and the voice of default."""
    (question,) = await speak([ORDER])
    async with Clock() as clock, Phone(stack.gateway_url, clock).dial() as call:
        await call.until_bot_speaks(call.born)
        await call.until_bot_silent(800)
        spoken = await call.say(question)
        await call.until_bot_speaks(spoken.end)
        await call.until_bot_silent(800)
        answer = mulaw_to_pcm(call.heard.mulaw()[round((spoken.end - call.born) * 8000) :])
    assert not call.warnings
    async with httpx.AsyncClient(trust_env=False) as client:
        entries = (await client.get(f"{stack.gateway_url}/calls/{call.sid}/timeline")).json()["entries"]
    heard, said = (" ".join(e["text"] for e in entries if e["what"] == what) for what in ("final", "say"))
    assert normalise(heard).startswith("where is my order"), heard  # "Where's" as well
    assert "Order one two three four" in said, (heard, said)
    assert np.count_nonzero(np.abs(answer.astype(np.int32)) > 500) / 8000 > 1, "seconds of audible speech"


@pytest.mark.realtime
async def test_everything_runs_on_this_machine_answers_and_survives_a_kill(tmp_path: Path) -> None:
    async with Stack(data_dir=tmp_path, env={"PARLEY_PROFILE": "local", "PARLEY_WORKERS": "1"}) as stack:
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{stack.gateway_url}/health")).status_code == 200
            for name, url in stack.metrics_urls().items():
                assert "python_info" in (await client.get(url)).text, name
                assert (await client.get(url.replace("/metrics", "/ready"))).status_code == 200, name
        await a_call(stack)
        (victim,) = stack.pids("orchestrator")
        os.kill(victim, signal.SIGKILL)
        assert await stack.restarted("orchestrator", victim) != victim
        family = [child.pid for child in psutil.Process(stack.all_pids()["supervisord"]).children(recursive=True)]
        assert len(family) >= len(ORGANS) + 2
    await gone(family, 2)
