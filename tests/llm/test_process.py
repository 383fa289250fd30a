"""`python -m services.llm` as it runs in production."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from parley.rpc import Peers
from parley.v1 import llm_pb2, llm_pb2_grpc
from testbed.patience import PATIENCE_S
from testbed.vendors.openai.sim import OpenAISim

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def process(**env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PARLEY_", "OPENAI_", "OTEL_"))}
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.llm", cwd=ROOT, env={**clean, **env}, stdout=-1, stderr=-1
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def test_it_serves_answers_and_drains(tmp_path: Path) -> None:
    async with OpenAISim() as sim:
        env = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": sim.url, "PARLEY_METRICS_PORT": "-1"}
        async with process(**env) as llm:
            assert llm.stdout is not None
            while (line := json.loads(await llm.stdout.readline()))["event"] != "serving":
                pass
            async with Peers("llm", [f"127.0.0.1:{line['port']}"]) as peers:
                assert await peers.ready(PATIENCE_S)
                user = llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text="hello")
                request = llm_pb2.ChatRequest(messages=[user])
                stream = await peers.open(llm_pb2_grpc.LanguageModelStub, "Chat", request=request)
                events = [event async for event in stream]
            assert "You said: hello." in "".join(event.text_delta for event in events)
            llm.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(llm.wait(), PATIENCE_S) == 0


async def test_a_wrong_engine_is_one_clear_line() -> None:
    async with process(PARLEY_LLM="gpt") as llm:
        out, err = await llm.communicate()
        assert llm.returncode == 2
        said = err.decode().strip()
        assert said == "parley llm: PARLEY_LLM: there is no engine 'gpt'; known are local, openai"
        assert b"Traceback" not in out
