"""Puts the rig up: stand-ins, PostgreSQL, two of each service, callers; and takes it down again."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import aiohttp

from parley.aio import background
from parley.process import garbage
from runner.plan import Plan
from runner.stack import Stack
from testbed.chaos import cells, talk
from testbed.chaos.agents import AGENT, name_of, write_agents
from testbed.chaos.bookings import TAKES_S, Bookings
from testbed.chaos.callers import Caller
from testbed.chaos.rig import Rig
from testbed.chaos.scene import fingerprint, scene, sound
from testbed.chaos.succession import chatter
from testbed.chaos.wires import Wires
from testbed.servers import postgres
from testbed.telephone.front import Front
from testbed.telephone.phone import Clock, Phone
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.twilio_rest import TwilioRestSim
from testbed.vendors.vendors import ACCOUNT, Vendors
from testbed.vendors.wordcodec import render

PUBLIC_URL = "https://bikes.example"
TOKEN = "stand-in-key"
APART_S = 0.25
TOKENS_PER_S, VOICE_SPEED = 20.0, 2.0
SCENES = fingerprint(TOKENS_PER_S, VOICE_SPEED, TAKES_S, AGENT)
"""What all waves of the same scenes have in common; others cannot be compared with them."""
REPLICAS = 2
_AHEAD = 10
_AUTOGROUP = Path("/proc/self/autogroup")
"""Where a kernel groups processes by session, priorities count within one only; this is the session's own."""
_REMEMBERED = 8_000
"""Requests that a stand-in remembers: a recogniser's connection may be old when it is hit."""


def stand_ins() -> Vendors:
    """An answer takes a while to be thought and to be spoken: there must be a middle to hit."""
    return Vendors(
        openai=OpenAISim(script=chatter.answer, tokens_per_s=TOKENS_PER_S),
        elevenlabs=ElevenLabsSim(speed=VOICE_SPEED),
        twilio=TwilioRestSim(accept_unknown=True),
    )


def rehearse(questions: int = talk.MARKS) -> None:
    """Make the sounds beforehand: the stand-ins share the callers' process, and must answer at once."""
    for number in range(questions):
        mark, other = talk.mark_of(number), talk.mark_of(number - 1)
        for moment in cells.BASELINE.moments:
            each = scene(moment, mark, other)
            for line in each.lines:
                sound(line.text)
            for text in each.answers:
                render(text)


@asynccontextmanager
async def rig(folder: Path, calls: int, wired: bool) -> AsyncIterator[Rig]:
    """Everything, with `calls` callers on the line. `wired`: services find each other through wires that can be cut.

    Without PostgreSQL on this machine there is one `tools`.
    """
    with ExitStack() as stack:
        database = stack.enter_context(postgres.server()) if postgres.binary("initdb") else ""
        async with (
            stand_ins() as vendors,
            Bookings() as bookings,
            Wires(REPLICAS) as wires,
            aiohttp.ClientSession() as http,
        ):
            for sim in (vendors.deepgram, vendors.openai, vendors.elevenlabs, bookings):
                sim.records = deque(maxlen=_REMEMBERED)
            env = {
                **vendors.environment(),
                "PARLEY_AGENTS_DIR": str(write_agents(folder / "agents", calls, bookings.url, knows=True)),
                "PARLEY_AGENT": name_of(0),
                "PARLEY_PUBLIC_URL": PUBLIC_URL,
                "PARLEY_LOG_LEVEL": "warning",
                "PARLEY_NATS_NODES": "3",
                "PARLEY_MAX_REENTRIES": "100",
                **({"PARLEY_DATABASE_URL": f"{database}/postgres"} if database else {}),
            }
            through = wires.through if wired else _unchanged
            running = Stack(data_dir=folder / "data", env=env, replicas=REPLICAS, rewire=through)
            async with running as services, Clock() as clock:
                garbage.freeze()
                front = Front(services.gateway_urls, PUBLIC_URL)
                callers = [Caller(name, _phone(front, clock, name)) for name in map(name_of, range(calls))]
                dialling = background(*(_late(caller, n * APART_S) for n, caller in enumerate(callers)))
                with _first():
                    async with dialling:
                        yield Rig(services, wires, vendors, bookings, clock, callers, http)


@contextmanager
def _first() -> Iterator[None]:
    """Carrier and vendors have machines of their own: here at least they need not wait, where that is allowed."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        _prefer(usual - _AHEAD, -_AHEAD)
    except PermissionError:
        yield  # without the right to it their clock is late on a busy machine, and the page says how much
        return
    try:
        yield
    finally:
        _prefer(usual, 0)


def _prefer(process: int, session: int) -> None:
    """Raises PermissionError where nobody but root may."""
    os.setpriority(os.PRIO_PROCESS, 0, process)
    with suppress(FileNotFoundError):  # a kernel that does not group
        _AUTOGROUP.write_text(str(session))


def _unchanged(plan: Plan) -> Plan:
    return plan


def _phone(front: Front, clock: Clock, agent: str) -> Phone:
    return Phone(front, clock, agent=agent, auth_token=TOKEN, account_sid=ACCOUNT)


async def _late(caller: Caller, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await caller.run()
