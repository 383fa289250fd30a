"""Watchers on a real NATS: what they are told, how often, and what becomes of what they cannot take."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from parley.aio import background
from parley.bus import Bus, make_events_stream
from parley.bus.streams.dead_letters import DeadLetters, Letter, make_dead_letter_streams
from parley.errors import BadInput, NotFound, Unavailable
from parley.settings import Settings
from parley.watching import Happening, Watcher, Watching, watcher
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd, nats_server
from tests.watching.calls import opened, record, stored, turn

SOON_S = 1.0


class Told:
    """A watcher's function. `fails`: texts that it raises this for; `only`: so many times."""

    def __init__(self, fails: dict[str, Exception] | None = None, only: int = 1000) -> None:
        self.texts: list[str] = []
        self.tries: list[str] = []
        self._news = asyncio.Event()
        self._fails, self._only = fails or {}, only

    async def __call__(self, happening: Happening) -> None:
        text = str(happening.detail.get("text_pii", happening.kind))
        self.tries.append(text)
        self._news.set()
        if (error := self._fails.get(text)) is not None and self.tries.count(text) <= self._only:
            raise error
        self.texts.append(text)

    async def until(self, *texts: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not set(texts) <= set(self.texts):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[tuple[Natsd, Bus]]:
    async with nats_server(folder) as server, connected(server) as bus:
        yield server, bus


@asynccontextmanager
async def connected(server: Natsd) -> AsyncIterator[Bus]:
    bus = Bus(Settings.read(nats_url=server.url), "test")

    async def prepare(bus: Bus) -> None:
        await make_events_stream(bus, 1)
        await make_dead_letter_streams(bus, 1)

    bus.on_connect(prepare)
    async with bus:
        assert await bus.ready(PATIENCE_S)
        yield bus


def watching(bus: Bus, *watchers: Watcher) -> Watching:
    return Watching(bus, watchers, ack_wait_s=SOON_S)


async def letters_of(bus: Bus, count: int) -> list[Letter]:
    async with asyncio.timeout(PATIENCE_S):
        while len(found := await DeadLetters(bus).page()) < count:  # noqa: ASYNC110 - nats tells nobody
            await asyncio.sleep(0.05)
    return found


async def settled(bus: Bus, name: str) -> None:
    """All is acknowledged, as NATS sees it."""
    async with asyncio.timeout(PATIENCE_S):
        while (await bus.jetstream().consumer_info("CALL_EVENTS", f"watch-{name}")).num_ack_pending:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_events_are_told_in_the_order_of_each_call_and_not_again_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as (server, bus):
        first = Told()
        await stored(bus, record("CA1", 1, opened("CA1")), *(record("CA1", n, turn(f"t{n}")) for n in range(2, 9)))
        async with background(watching(bus, watcher({"turn"}, name="w", since="all")(first)).run()):
            await first.until("t8")
            await settled(bus, "w")
        assert first.texts == [f"t{n}" for n in range(2, 9)]
        await stored(bus, record("CA1", 9, turn("while it was away")))
        second = Told()
        w = watcher({"turn"}, name="w", since="all")(second)
        async with connected(server) as other, background(watching(other, w).run()):
            await second.until("while it was away")
        assert second.texts == ["while it was away"]


async def test_a_new_watcher_begins_with_what_comes(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, bus):
        await stored(bus, record("CA1", 1, turn("long ago")))
        told = Told()
        async with background(watching(bus, watcher(name="w")(told)).run()):
            async with asyncio.timeout(PATIENCE_S):
                while not [c for c in await bus.jetstream().consumers_info("CALL_EVENTS") if c.name == "watch-w"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await stored(bus, record("CA1", 2, turn("now")))
            await told.until("now")
        assert told.texts == ["now"]


async def test_a_poison_event_becomes_a_dead_letter_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, bus):
        told = Told({"poison": ValueError("no such day")})
        w = watcher({"turn"}, name="w", since="all", tries=3, back_off_s=(0.05,))(told)
        await stored(bus, *(record("CA1", n, turn(text)) for n, text in enumerate(["a", "poison", "b"], 1)))
        async with background(watching(bus, w).run()):
            (letter,) = await letters_of(bus, 1)
            await told.until("a", "b")
            await settled(bus, "w")
        assert told.tries.count("poison") == 3
        assert told.tries.count("a") == told.tries.count("b") == 1
        assert (letter.watcher, letter.call_id, letter.kinds, letter.tries) == ("w", "CA1", ("turn",), 3)
        assert letter.error == "ValueError: no such day"
        assert letter.record_id == "CA1/1.1/2"
        assert await DeadLetters(bus).counts() == {"w": 1}


async def test_a_dead_letter_is_tried_again_when_told_or_dropped(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, bus):
        told = Told({"bad": ValueError("x"), "worse": ValueError("y")}, only=1)
        letters = DeadLetters(bus)
        w = watcher({"turn"}, name="w", since="all", tries=1)(told)
        await stored(bus, record("CA1", 1, turn("bad")), record("CA2", 1, turn("worse")))
        async with background(watching(bus, w).run()):
            first, second = await letters_of(bus, 2)
            await letters.retry(first.id)
            await told.until("bad")
            await letters.drop(second.id)
        assert await letters.page() == []
        with pytest.raises(NotFound, match="there is no dead letter"):
            await letters.retry(second.id)
        with pytest.raises(NotFound):
            await letters.drop(second.id)


async def test_letters_of_a_call_are_forgotten_with_it(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, bus):
        letters = DeadLetters(bus)
        for n, call_id in enumerate(["CA1", "CA2", "CA1"]):
            await letters.put(Letter("w", f"{call_id}/1.1/1", call_id, (), "x", 1, 0, b""), f"w/{n}")
        assert await letters.forget({"CA1"}) == 2
        assert [each.call_id for each in await letters.page()] == ["CA2"]


async def test_an_outage_holds_the_event_and_loses_no_try(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, bus):
        told = Told({"hello": Unavailable("the database is lost")}, only=4)
        await stored(bus, record("CA1", 1, turn("hello")))
        w = watcher({"turn"}, name="w", since="all", tries=1, back_off_s=(0.01,))(told)
        async with background(watching(bus, w).run()):
            await told.until("hello")
        assert told.tries == ["hello"] * 5
        assert await DeadLetters(bus).page() == []


async def test_one_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, bus):

        @watcher({"turn"}, name="w", since="all", tries=1, timeout_s=0.05)
        async def hangs(happening: Happening) -> None:
            await asyncio.Event().wait()

        await stored(bus, record("CA1", 1, turn("hello")))
        async with background(watching(bus, hangs).run()):
            (letter,) = await letters_of(bus, 1)
        assert letter.error == "it took longer than 0.05 s"


async def test_what_is_no_record_is_a_dead_letter(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, bus):
        await bus.jetstream().publish("call.CA1.event", b"\xff\xff")
        await stored(bus, record("CA1", 1, turn("fine")))
        told = Told()
        async with background(watching(bus, watcher({"turn"}, name="w", since="all")(told)).run()):
            await told.until("fine")
            (letter,) = await letters_of(bus, 1)
        assert letter.error == "this is no event record"


async def test_together_a_list_is_told_and_one_bad_record_does_not_take_the_others_along(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, bus):
        lists: list[list[str]] = []
        fine = asyncio.Event()

        async def act(happenings: list[Happening]) -> None:
            texts = [str(each.detail["text_pii"]) for each in happenings]
            if "poison" in texts:
                raise ValueError(texts)
            lists.append(texts)
            if "end" in texts:
                fine.set()

        await stored(bus, *(record("CA1", n, turn(t)) for n, t in enumerate(["a", "poison", "b", "end"], 1)))
        w = watcher({"turn"}, name="w", since="all", together=10, tries=2, back_off_s=(0.05,))(act)
        async with background(watching(bus, w).run()):
            async with asyncio.timeout(PATIENCE_S):
                await fine.wait()
            (letter,) = await letters_of(bus, 1)
        assert lists == [["a"], ["b"], ["end"]]
        assert letter.record_id == "CA1/1.1/2"


async def test_nats_may_die_and_come_back(tmp_path: Path) -> None:
    async with house(tmp_path) as (server, bus):
        told = Told()
        async with background(watching(bus, watcher({"turn"}, name="w", since="all")(told)).run()):
            await stored(bus, record("CA1", 1, turn("before")))
            await told.until("before")
            await settled(bus, "w")
            await server.kill()
            await server.start()
            await stored(bus, record("CA1", 2, turn("after")))
            await told.until("after")
        assert set(told.texts) == {"before", "after"}, "a server that is killed may forget the last acknowledgement"


async def test_two_watchers_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="w is there twice"):
        Watching(Bus(Settings.read(), "test"), [watcher(name="w")(Told()), watcher(name="w")(Told())])


PROGRAM = """
import asyncio, sys
from parley.bus import Bus
from parley.settings import Settings
from parley.watching import Watching, watcher

@watcher({"turn"}, name="w", since="all", at_once=1)
async def note(happening):
    text = happening.detail["text_pii"]
    if text == "slow" and sys.argv[2] == "hangs":
        print("told: at it", flush=True)
        await asyncio.Event().wait()
    print("told: " + text, flush=True)

async def main():
    async with Bus(Settings.read(nats_url=sys.argv[1]), "watcher") as bus:
        await Watching(bus, [note], ack_wait_s=1.0).run()

asyncio.run(main())
"""


@asynccontextmanager
async def program(server: Natsd, how: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, server.url, how, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()


async def lines(process: asyncio.subprocess.Process, last: str) -> list[str]:
    assert process.stdout is not None
    found: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while not found or found[-1] != last:
            line = (await process.stdout.readline()).decode().strip()
            if line.startswith("told: "):  # else it is of the log
                found.append(line.removeprefix("told: "))
    return found


async def test_a_watcher_that_is_killed_at_work_loses_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as (server, bus):
        await stored(bus, *(record("CA1", n, turn(t)) for n, t in enumerate(["a", "b", "slow", "c"], 1)))
        async with program(server, "hangs") as first:
            assert await lines(first, "at it") == ["a", "b", "at it"]
            os.kill(first.pid, signal.SIGKILL)
        async with program(server, "works") as second:
            told = await lines(second, "slow")
            told += await lines(second, "c") if "c" not in told else []
        assert sorted(told) == ["c", "slow"], "what was done is not done twice"
