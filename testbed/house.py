"""A whole running house with the vendors' stand-ins behind it, and what a test asks of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx
from nats import connect
from nats.js.errors import NoKeysError
from prometheus_client.parser import text_string_to_metric_families

from parley.audio import pcm_to_mulaw
from runner.stack import Stack
from testbed.chaos.bookings import Bookings
from testbed.patience import PATIENCE_S
from testbed.telephone.phone import Call, Clock, Phone
from testbed.vendors.faults import Fault
from testbed.vendors.openai.script import last_heard, lines_of
from testbed.vendors.openai.sim import Asked
from testbed.vendors.recorder import heard_words
from testbed.vendors.twilio_rest import Call as CarrierCall
from testbed.vendors.vendors import ACCOUNT, Vendors
from testbed.vendors.wordcodec import render, words_of

TOKEN = "stand-in-key"
BACK_S = 15.0
PUBLIC_URL = "https://bikes.example"


@lru_cache(maxsize=512)
def speech(text: str) -> bytes:
    """The sound of a caller's words, as the stand-ins understand them."""
    return pcm_to_mulaw(render(text).pcm)


@dataclass
class House:
    """`vendors` and the callers run in this process, the services in theirs. `bookings`: where effects are counted."""

    stack: Stack
    vendors: Vendors
    clock: Clock
    bookings: Bookings

    def phone(self, agent: str = "", **more: Any) -> Phone:
        """A telephone at a carrier with the house's account, which reaches any gateway that is ready."""
        known = {"auth_token": TOKEN, "account_sid": ACCOUNT, "public_url": PUBLIC_URL, **more}
        return Phone(known.pop("gateways", self.stack.gateway_urls), self.clock, agent=agent, **known)

    @property
    def stream_url(self) -> str:
        return self.stack.gateway_url.replace("http", "ws", 1) + "/twilio-stream"

    def carry_out(self, call: Call) -> None:
        """The carrier does with this call what its REST API is told."""
        _CALLS[call.sid] = call

    def refuse_rest(self, call: Call) -> None:
        """The carrier's REST API has trouble with this call."""
        self.vendors.twilio.faults.add(Fault("refuse", status=503, only=call.sid))

    def asked(self, said: str) -> list[Asked]:
        """The model requests in which the caller's last words hold `said`, in order."""
        return [each for each in self.vendors.openai.records if said in words(last_caller(each))]

    async def metrics(self, service: str = "") -> dict[str, dict[str, float]]:
        """Process name -> sample with its labels, as `name{a=b}` -> value; of one service, or of all."""
        found = {}
        async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
            for process, url in self.stack.metrics_urls().items():
                if process.startswith(service):
                    found[process] = samples((await _get(client, url)).text)
        return found

    async def gauge(self, name: str, service: str = "") -> dict[str, float]:
        """Process name -> value of a metric without labels."""
        found = await self.metrics(service)
        return {process: values[f"{name}{{}}"] for process, values in found.items() if f"{name}{{}}" in values}

    async def count(self, name: str, **labels: str) -> float:
        """The sum of a counter over all processes, of those series that have these labels."""
        wanted = [f"{key}={value}" for key, value in labels.items()]
        return sum(
            value
            for process in (await self.metrics()).values()
            for series, value in process.items()
            if series.startswith(f"{name}{{") and all(label in series for label in wanted)
        )

    async def states(self) -> list[str]:
        """Calls whose state is stored in NATS."""
        env = self.stack.plan.env
        (user,) = (dict(process.env) for process in self.stack.plan.processes if process.name == "orchestrator-1")
        name, password = user["PARLEY_NATS_USER"], user["PARLEY_NATS_PASSWORD"]
        nats = await connect(
            env["PARLEY_NATS_URL"].split(","), user=name, password=password, inbox_prefix=f"_INBOX_{name}".encode()
        )
        try:
            return list(await (await nats.jetstream().key_value("calls")).keys())
        except NoKeysError:
            return []
        finally:
            await nats.close()

    async def timeline(self, call: Call) -> list[dict[str, Any]]:
        """The gateways' own account of a call."""
        entries: list[dict[str, Any]] = []
        async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
            for gateway in self.stack.gateway_urls:
                answer = await _get(client, f"{gateway}/calls/{call.sid}/timeline")
                entries += answer.json().get("entries", [])
        return entries


async def _get(client: httpx.AsyncClient, url: str) -> httpx.Response:
    """Another test may have killed this process: it is back soon."""
    async with asyncio.timeout(BACK_S):
        while True:
            try:
                return await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.2)


_CALLS: dict[str, Call] = {}


async def told_by_rest(told: CarrierCall) -> None:
    """The REST API of the carrier passes on what it was told to the call, if it is one of ours."""
    if (call := _CALLS.get(told.sid)) is not None:
        call.update(status=told.status, document=told.twiml)


def samples(text: str) -> dict[str, float]:
    """Prometheus text as `name{a=b,c=d}` -> value."""
    return {
        f"{sample.name}{{{','.join(f'{key}={value}' for key, value in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def last_caller(asked: Asked) -> str:
    """The caller's last words in a model request."""
    return last_heard(asked.body["messages"])


def bot_lines(asked: Asked) -> list[str]:
    """What a model request says that the bot has said so far."""
    return lines_of(asked.body["messages"])


def heard(call: Call, since: float | None = None, until: float | None = None) -> str:
    """The words the caller heard between two times of `time.monotonic()`, recovered from the sound."""
    end = time.monotonic() if until is None else until
    return " ".join(word.text for word in heard_words(call.heard.mulaw(end, since)))


def words(text: str) -> str:
    """A text as `heard` would give it."""
    return " ".join(words_of(text))


def same(call: Call, said: str, expected: str) -> bool:
    """Whether the caller heard these words. One word in which sound came late, a hole, may be unreadable."""
    if said == expected:
        return True
    got, left = said.split(), expected.split()
    missing = [word for word in left if not (got and got[0] == word and got.pop(0))]
    return not got and len(missing) <= min(1, len(call.heard.gaps()))


def ends(call: Call, said: str, expected: str) -> bool:
    """Whether these are the last words the caller heard, by the measure of `same`."""
    got, wanted = said.split(), len(expected.split())
    return any(same(call, " ".join(got[-count:]), expected) for count in (wanted, wanted - 1))


async def answer(call: Call, since: float, quiet_ms: float = 500, timeout_s: float = PATIENCE_S) -> str:
    """Wait for the bot's next words after `since` and their end; the words."""
    began = await call.until_bot_speaks(since, timeout_s)
    ended = await call.until_bot_silent(quiet_ms)
    return heard(call, began - 0.05, ended + 0.05)


async def ask(call: Call, text: str, quiet_ms: float = 500, timeout_s: float = PATIENCE_S) -> str:
    """Say something, and return what the bot answers."""
    spoken = await call.say(speech(text))
    return await answer(call, spoken.end, quiet_ms, timeout_s)
