"""All stand-ins as one process, as the bench and the end-to-end tests run them."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
import openai
import pytest

from testbed.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]


async def test_one_process_serves_all_and_fails_on_demand(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps([{"heard": "hours", "say": "We are open from nine to five."}]))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "testbed.vendors", "--openai-rules", str(rules), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
        urls = json.loads(line)
        assert set(urls) == {"deepgram", "openai", "elevenlabs", "twilio", "environment"}
        assert urls["environment"]["OPENAI_BASE_URL"] == urls["openai"]
        client = openai.AsyncOpenAI(api_key="k", base_url=urls["openai"], max_retries=0)
        question = "What are your hours?"
        answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": question}])
        assert answer.choices[0].message.content == "We are open from nine to five."
        control = urls["openai"].removesuffix("/v1")
        async with aiohttp.ClientSession() as http:
            wrong = await http.post(f"{control}/_sim/faults", json={"kind": "explode"})
            assert "explode" in (await wrong.json())["error"]
            await http.post(f"{control}/_sim/faults", json={"kind": "refuse", "status": 429})
            with pytest.raises(openai.RateLimitError):
                await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
            seen = await (await http.get(f"{control}/_sim/records")).json()
            assert seen[0]["body"]["messages"][0]["content"] == question
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
