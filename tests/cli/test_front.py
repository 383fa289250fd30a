"""What stands before several gateways: who is sent where, and how often the gateways are asked."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from parley.errors import Unavailable
from testbed.telephone.front import Front


async def test_calls_that_come_back_together_ask_the_gateways_once() -> None:
    asked: Counter[str] = Counter()
    ready = {"here": False, "there": True}

    async def answer(request: httpx.Request) -> httpx.Response:
        asked[request.url.host] += 1
        await asyncio.sleep(0)
        return httpx.Response(200 if ready[request.url.host] else 503)

    front = Front(["http://here", "http://there"], "https://bikes.example")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        found = await asyncio.gather(*(front.route("https://bikes.example/twilio", client) for _ in range(40)))
        assert set(found) == {"http://there/twilio"}
        assert asked["here"] == asked["there"] <= 2
        ready["here"] = True
        assert await front.route("wss://bikes.example/stream", client) == "ws://here/stream"
        ready.update(here=False, there=False)
        with pytest.raises(Unavailable, match="none of 2 gateways"):
            await front.route("https://bikes.example/twilio", client)
