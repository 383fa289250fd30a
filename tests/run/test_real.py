"""The real services under the process runner, over TLS: all come up with no key, answer a call whose certificates are
renewed and whose backoffice is frozen meanwhile, refuse who may not call, one is killed, all stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import grpc
import httpx
import numpy as np
import psutil
import pytest

from parley.audio import mulaw_to_pcm
from parley.rpc.tls import channel
from parley.security.certificates import Certificate, read
from parley.text.phrases import normalise
from parley.v1 import llm_pb2, llm_pb2_grpc
from runner.authority import Authority
from runner.plan import BACKOFFICE, ORGANS
from runner.stack import Stack
from testbed.house import samples
from testbed.patience import PATIENCE_S
from testbed.telephone.phone import Call, Clock, Phone
from testbed.telephone.voice import speak
from tests.run.conftest import gone

ORDER = "Where is my order, one two three four?"
ANSWER = "Order one two three four"


async def a_call(stack: Stack, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """By a caller with a natural voice, as `parley call --say` has one, to the recogniser and the voice of default."""
    (question,) = await speak([ORDER])
    async with Clock() as clock, Phone(stack.gateway_url, clock).dial() as call:
        await call.until_bot_speaks(call.born)
        await call.until_bot_silent(800)
        await meanwhile()
        spoken = await call.say(question)
        async with asyncio.timeout(PATIENCE_S):
            while ANSWER not in await told(stack, call, "say"):  # on a busy machine after a filler  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await call.until_bot_speaks(time.monotonic())
        await call.until_bot_silent(800)
        answer = mulaw_to_pcm(call.heard.mulaw()[round((spoken.end - call.born) * 8000) :])
    assert not call.warnings
    assert len(call.streams) == 1
    heard = await told(stack, call, "final")
    assert normalise(heard).startswith("where is my order"), heard  # "Where's" as well
    assert np.count_nonzero(np.abs(answer.astype(np.int32)) > 500) / 8000 > 1, "seconds of audible speech"


async def told(stack: Stack, call: Call, what: str) -> str:
    """What the gateway's time line has of a call."""
    async with httpx.AsyncClient(trust_env=False) as client:
        entries = (await client.get(f"{stack.gateway_url}/calls/{call.sid}/timeline")).json()["entries"]
    return " ".join(entry["text"] for entry in entries if entry["what"] == what)


async def total(stack: Stack, name: str) -> dict[str, float]:
    """Process -> a counter's value, over all its labels."""
    async with httpx.AsyncClient(trust_env=False) as client:
        found = {process: samples((await client.get(url)).text) for process, url in stack.metrics_urls().items()}
    return {
        process: sum(value for series, value in values.items() if series.startswith(f"{name}{{"))
        for process, values in found.items()
    }


async def renewed(stack: Stack) -> None:
    """Give all processes new certificates, and wait until they show them."""
    stack.renew_certificates()
    async with asyncio.timeout(PATIENCE_S):
        while set((await total(stack, "voice_certificate_renewals_total")).values()) != {1.0}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def frozen_and_renewed(stack: Stack) -> None:
    """Backoffice stands still but for a moment, in which it has its new certificate."""
    (office,) = stack.pids(BACKOFFICE)
    os.kill(office, signal.SIGCONT)
    await renewed(stack)
    os.kill(office, signal.SIGSTOP)


async def on_record(data_dir: Path) -> None:
    """Wait until backoffice, awake again, has the answer: when it was sent, and when it was at the caller's ear."""
    asked = "SELECT sound, heard FROM turns WHERE sound IS NOT NULL"
    async with asyncio.timeout(PATIENCE_S):
        with closing(sqlite3.connect(f"file:{data_dir / 'backoffice.db'}?mode=ro", uri=True)) as database:
            while not (rows := database.execute(asked).fetchall()) or None in rows[-1]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    assert all(sound <= heard < sound + 2_000 for sound, heard in rows if heard is not None), rows


async def refused(stack: Stack, shown: Certificate) -> tuple[grpc.StatusCode, str]:
    """What llm says to somebody who asks it."""
    line = channel(stack.plan.env["PARLEY_LLM_ADDRESS"], "llm", shown, ())
    asked = llm_pb2_grpc.LanguageModelStub(line).Route(llm_pb2.RouteRequest(), timeout=PATIENCE_S)
    said = await asked.code(), await asked.details()
    await line.close()
    return said


@pytest.mark.realtime
async def test_everything_runs_on_this_machine_answers_and_survives_a_kill(tmp_path: Path) -> None:
    env = {"PARLEY_PROFILE": "local", "PARLEY_WORKERS": "1"}
    async with Stack(data_dir=tmp_path / "data", env=env, tls=True, backoffice=True) as stack:
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{stack.gateway_url}/health")).status_code == 200
            for name, url in stack.metrics_urls().items():
                assert "python_info" in (await client.get(url)).text, name
                assert (await client.get(url.replace("/metrics", "/ready"))).status_code == 200, name
        (office,) = stack.pids(BACKOFFICE)
        os.kill(office, signal.SIGSTOP)
        await a_call(stack, lambda: frozen_and_renewed(stack))
        os.kill(office, signal.SIGCONT)
        await on_record(tmp_path / "data")
        assert set((await total(stack, "voice_streams_reopened_total")).values()) == {0.0}, "no stream was lost"

        known = tmp_path / "data" / "run" / "tls" / "tts"
        tts = read(known / "ca.crt", known / "tls.crt", known / "tls.key")
        denied = grpc.StatusCode.PERMISSION_DENIED, "tts may not call llm"
        assert await refused(stack, tts) == denied
        assert (await total(stack, "voice_callers_refused_total"))["llm"] == 1
        issued = Authority(tmp_path / "strangers").issue("orchestrator")
        stranger = replace(read(issued.ca, issued.cert, issued.key), ca=tts.ca)
        assert (await refused(stack, stranger))[0] is grpc.StatusCode.UNAVAILABLE

        (victim,) = stack.pids("orchestrator")
        os.kill(victim, signal.SIGKILL)
        assert await stack.restarted("orchestrator", victim) != victim
        family = [child.pid for child in psutil.Process(stack.all_pids()["supervisord"]).children(recursive=True)]
        assert len(family) >= len(ORGANS) + 2
    await gone(family, 2)
