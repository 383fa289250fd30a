"""Calls of a published agent at the mind: which version a call has, and that it keeps it with another owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from parley.bus import Bus, publishing
from parley.published.versions import Version, Versions
from parley.v1 import conversation_pb2
from testbed.organs import AGENT, House, house, replica
from testbed.patience import PATIENCE_S
from tests.versions.world import connected, publish, until


def edit(h: House, says: str) -> None:
    text = AGENT.replace("Bellweather Bikes, how can I help?", says).replace("You answer", f"{says} You answer")
    (h.settings.agents_dir / "bikes" / "agent.yaml").write_text(text)


@asynccontextmanager
async def published(h: House, *says: str) -> AsyncIterator[tuple[Bus, list[str]]]:
    """These, one after the other; the folder says something else then."""
    async with connected(h.nats) as bus:
        versions = []
        for each in says:
            edit(h, each)
            versions.append((await publish(bus, h.settings.agents_dir)).current)
        edit(h, "Folder.")
        await begins(h, says[-1])
        await until(lambda: ("bikes", versions[-1]) in h.calls._rosters._editions._ready)
        yield bus, versions


async def begins(h: House, says: str) -> None:
    """Until a new call does."""
    async with asyncio.timeout(PATIENCE_S):
        for n in range(10_000):
            g = await h.gateway()
            await g.opens(f"CALL{says.strip('.')}{n}")
            if (await g.said())[1] == says:
                return
            await asyncio.sleep(0.05)


async def test_a_call_goes_on_with_its_version_at_an_owner_that_has_it_from_the_store_only(tmp_path: Path) -> None:
    async with house(tmp_path) as h, published(h, "One.") as (bus, (one,)):
        g = await h.gateway()
        await g.opens("CA1")
        utterance, said = await g.said()
        assert said == "One."
        session = next(c.session for c in g.commands if c.WhichOneof("command") == "session")
        assert session.agent_version == one
        await g.hears(utterance)
        await g.types("hello")
        await g.hears((await g.said())[0])
        state = await g.state(lambda stored: len(stored.state.history) >= 2)
        edit(h, "Two.")
        await publish(bus, h.settings.agents_dir)
        await begins(h, "Two.")
        elsewhere = replace(h, settings=h.settings.model_copy(update={"data_dir": tmp_path / "other"}))
        async with replica(elsewhere) as other:
            await begins(other, "Two.")
            owner = await other.gateway(opened=2)
            owner.seq = g.seq
            await owner.opens("CA1", state=state)
            await owner.types("go on")
            await owner.said()
            asked = h.model.requests[-1]
            assert (asked.agent_version, asked.system.split("\n")[0]) == (one, "One. You answer the phone.")
            (conductor,) = (c for name, c in other.calls._conductors.items() if name == "CA1")
            assert conductor._current().agent_version == one


async def test_an_owner_that_finds_no_state_goes_on_with_the_version_that_the_gateway_was_told(tmp_path: Path) -> None:
    async with house(tmp_path) as h, published(h, "One.", "Two.") as (_, (one, _)):
        g = await h.gateway(opened=2)
        await g.opens("CA1", agent_version=one, mouth=conversation_pb2.Mouth(turn=1, last_utterance=1))
        await g.types("hello")
        await g.said()
        assert (h.model.requests[-1].agent_version, h.model.requests[-1].system[:4]) == (one, "One.")


async def test_a_call_that_began_with_the_folder_goes_on_with_it_and_new_ones_have_what_is_published(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway()
        await g.opens("CA1")
        utterance, said = await g.said()
        assert said == "Bellweather Bikes, how can I help?"
        await g.hears(utterance)
        async with published(h, "One.") as (bus, _):
            await g.types("hello")
            await g.said()
            assert h.model.requests[-1].system.split("\n")[0] == "You answer the phone."
            assert "." in h.model.requests[-1].agent_version
            await publishing.change(bus, "agent.bikes", Versions, Versions.unpublish)
            await begins(h, "Folder.")


async def test_new_calls_wait_with_a_version_until_its_tools_are_known(tmp_path: Path) -> None:
    async with house(tmp_path) as h, published(h, "One.") as (bus, _):
        known = asyncio.Event()
        listing = h.actions.listing

        async def unknown(request: object, context: object) -> object:
            await known.wait()
            h.actions.listing = listing
            return await h.actions.List(request, context)

        h.actions.listing = unknown  # type: ignore[assignment]
        edit(h, "Two.")
        await publish(bus, h.settings.agents_dir)
        async with asyncio.timeout(PATIENCE_S):
            while not h.calls._rosters._editions._here.keys() >= {("bikes", v.id) for v in await all_of(bus)}:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        g = await h.gateway()
        await g.opens("CA1")
        assert (await g.said())[1] == "One."
        known.set()
        await begins(h, "Two.")


async def all_of(bus: Bus) -> tuple[Version, ...]:
    return (await publishing.read(bus, "agent.bikes", Versions))[0].versions
