"""Faults in quick succession: callers talk all the time, and before what fell is back the next falls."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from parley.aio import background
from testbed.chaos.callers import Caller
from testbed.chaos.evidence import said_to
from testbed.chaos.rig import Rig
from testbed.chaos.succession.account import Account, judge
from testbed.chaos.succession.blows import Blows, Fell, blows
from testbed.chaos.succession.chatter import topic
from testbed.chaos.succession.exchange import Exchange, exchange
from testbed.letters import LETTERS
from testbed.vendors.recorder import heard_words

_APART_S = 0.7
_PAUSE_S = (0.2, 1.2)
"""Of a caller, between two exchanges."""
BACK_S = 20.0
"""A call that was lost is dialled again within so long."""


@dataclass
class Succession:
    """One run. `accounts`: of each exchange; `lost`: calls that ended by themselves."""

    seed: int
    seconds: float
    calls: int
    began: float
    fell: list[Fell] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    late_ms: float = 0.0

    def misses(self) -> list[str]:
        """Each with what fell while it came about, so that it can be looked for in another run of the same seed."""
        told = [f"seed {self.seed}: {lost}" for lost in self.lost]
        for account in self.accounts:
            for wrong in account.wrong:
                fell = [f.told(self.began) for f in self.fell if account.began - 3.0 <= f.at <= account.ended]
                at_s = account.began - self.began
                told.append(
                    f"seed {self.seed}, {at_s:.1f} to {account.ended - self.began:.1f} s, {account.caller}, "
                    f"{account.kind}: {wrong}; heard: {account.heard}; fell: {', '.join(fell) or 'nothing'}"
                )
        return told


async def succession(
    rig: Rig, seconds: float, seed: int, pool: Executor | None = None, spares: bool = False
) -> Succession:
    """For so long processes fall; then those who talk may finish. `pool`: where words are looked for in sound;
    `spares`: see `Blows`.
    """
    await asyncio.gather(*(caller.ready() for caller in rig.callers))
    rig.clock.late_s.clear()
    began = time.monotonic()
    run = Succession(seed, seconds, len(rig.callers), began)
    dealt = Blows(rig.stack, rig.vendors, rig.http, began, spares)
    planned = list(blows(seed, seconds, len(rig.stack.plan.names("nats"))))
    losses = [len(caller.losses) for caller in rig.callers]
    talkers = [_talks(rig, n, began + seconds, dealt, run, pool) for n in range(len(rig.callers))]
    try:
        async with background(dealt.deal(planned)):
            talked = await asyncio.gather(*talkers)
    finally:
        dealt.thaw()
    run.fell, run.late_ms = dealt.fell, max(rig.clock.late_s, default=0.0) * 1000
    for caller, before in zip(rig.callers, losses, strict=True):
        run.lost += [f"{caller.name}: {loss}" for loss in caller.losses[before:]]
    for exchanges in talked:
        run.accounts += [await _account(rig, each, pool) for each in exchanges]
    await asyncio.gather(*(caller.ready() for caller in rig.callers))
    return run


async def _talks(
    rig: Rig, number: int, until: float, dealt: Blows, run: Succession, pool: Executor | None
) -> Sequence[Exchange]:
    """One caller, exchange after exchange. Who was cut off dials again."""
    caller, talked = rig.callers[number], list[Exchange]()
    dice = random.Random(f"caller {run.seed} {number}")
    await asyncio.sleep(number * _APART_S)
    while time.monotonic() < until:
        await caller.ready(BACK_S)
        assert caller.call is not None
        call, (mark, other) = caller.call, next_marks(rig)
        talked.append(await exchange(caller.name, call, topic(dice, mark, other), dealt, pool))
        if talked[-1].lost:
            await _other(caller, call)
        await asyncio.sleep(dice.uniform(*_PAUSE_S))
    return talked


async def _other(caller: Caller, gone: object) -> None:
    """Until the caller has another call."""
    async with asyncio.timeout(BACK_S):
        while caller.call is None or caller.call is gone:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)


def next_marks(rig: Rig) -> tuple[str, str]:
    """Of a question, and of one that breaks into its answer. They share no word: who says what the bot says, together
    with it, is taken for its echo."""
    rig.asked += 1
    half = len(LETTERS) // 2
    first, second = rig.asked // half % half, rig.asked % half
    return f"{LETTERS[first]} {LETTERS[second]}", f"{LETTERS[half + first]} {LETTERS[half + second]}"


async def _account(rig: Rig, each: Exchange, pool: Executor | None) -> Account:
    found = await asyncio.get_running_loop().run_in_executor(pool, heard_words, each.sound(each.began))
    requests = said_to(rig.vendors.openai.records, each.caller, each.began, each.ended)
    mine = [b for b in rig.bookings.records if b.agent == each.caller and b.mark == each.topic.mark]
    return judge(each, found, requests, sum(b.at >= each.began for b in mine))
