"""Tests that are telephone calls in real time: all of them are on the line at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest

from testbed import machine
from testbed.house import House
from testbed.telephone.phone import CallOver

Begin = Callable[[House], Awaitable[None]]
LONGEST_S = 100.0
APART_S = 0.3
AT_ONCE = 18
"""The stand-ins and the callers share this process: more of them would be late, and lateness is a hole in a word."""
AGAIN = 4
"""So often a call is played again that went wrong while the machine had no time for it."""


class Together:
    """Its methods are decorators. When pytest comes to the first of their tests, all that it will run begin."""

    def __init__(self) -> None:
        self._stories: dict[str, Begin] = {}
        self._running: dict[str, asyncio.Future[None]] = {}

    def one(self, story: Begin) -> Any:
        """A test that is one call."""
        name = story.__name__
        self._stories[name] = story

        async def test(house: House, request: pytest.FixtureRequest) -> None:
            await self._outcome(name, house, request)

        return _as(test, story)

    def each(self, cases: Iterable[str]) -> Callable[[Callable[[House, str], Awaitable[None]]], Any]:
        """A test that is one call for each case."""

        def decorate(story: Callable[[House, str], Awaitable[None]]) -> Any:
            for case in cases:
                self._stories[f"{story.__name__}[{case}]"] = _bound(story, case)

            async def test(house: House, request: pytest.FixtureRequest, case: str) -> None:
                await self._outcome(f"{story.__name__}[{case}]", house, request)

            return pytest.mark.parametrize("case", cases)(_as(test, story))

        return decorate

    async def _outcome(self, name: str, house: House, request: pytest.FixtureRequest) -> None:
        if not self._running:
            wanted = {item.name for item in request.session.items}
            lines = asyncio.Semaphore(AT_ONCE)
            for place, other in enumerate(other for other in self._stories if other in wanted):
                begun = _tell(self._stories[other], house, lines, place * APART_S)
                self._running[other] = asyncio.ensure_future(begun)
        await self._running[name]


on_the_line = Together()


def _bound(story: Callable[[House, str], Awaitable[None]], case: str) -> Begin:
    return lambda house: story(house, case)


def _as(test: Any, story: Any) -> Any:
    test.__name__, test.__doc__, test.__module__ = story.__name__, story.__doc__, story.__module__
    test = pytest.mark.timeout(900)(test)
    return pytest.mark.on_the_line(pytest.mark.realtime(pytest.mark.asyncio(loop_scope="session")(test)))


async def _tell(begin: Begin, house: House, lines: asyncio.Semaphore, after_s: float) -> None:
    await asyncio.sleep(after_s)
    pids = [os.getpid(), *house.stack.all_pids().values()]
    for again in range(AGAIN + 1):
        before, began = machine.waits(pids), time.monotonic()
        try:
            async with lines, asyncio.timeout(LONGEST_S):
                await begin(house)
            return
        except (AssertionError, CallOver, TimeoutError):
            share = machine.waited(before, machine.waits(pids), time.monotonic() - began)
            if again == AGAIN or share <= machine.WAITED:
                raise
