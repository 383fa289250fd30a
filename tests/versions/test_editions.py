"""What is published, as processes have it: real NATS, real files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from parley.agents.files import load_agent
from parley.bus import Bus, editions, publishing
from parley.bus.editions import Edition
from parley.bus.publishing import AGENT, NUMBERS, Conflict
from parley.errors import NotFound, Unavailable
from parley.published.bundle import Bundle, contents, packed
from parley.published.numbers import Numbers
from parley.published.versions import Versions
from testbed.patience import PATIENCE_S
from tests.versions.world import connected, has, process, publish, server, until, write


async def test_new_calls_have_what_is_published_and_a_call_keeps_what_it_began_with(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    write(agents, "One.")
    async with server(tmp_path) as (nats, bus), process(nats, agents, tmp_path / "a") as here:
        assert here.chosen("bikes") == Edition(agents, "bikes")
        one = (await publish(bus, agents)).current
        await until(has(here, one))
        write(agents, "Two.")
        assert load_agent(here.chosen("bikes").root, "bikes").greeting == "One."
        two = (await publish(bus, agents)).current
        await until(has(here, two))
        assert load_agent(here.chosen("bikes").root, "bikes").greeting == "Two."
        assert load_agent((await here.of("bikes", one)).root, "bikes").greeting == "One."
        async with process(nats, tmp_path / "none", tmp_path / "b") as elsewhere:  # another machine, without the folder
            assert elsewhere.names() == ["bikes"]
            assert elsewhere.chosen("bikes").version == two
            mine = await elsewhere.of("bikes", one)
            assert (mine.version, load_agent(mine.root, "bikes").greeting) == (one, "One.")
            assert (await elsewhere.of("bikes", "0123456789ab")).version == two  # nobody has that
            assert (await here.of("bikes", "0a1b2c3d.4e5f6071")).root == agents  # it began with the folder
        await publishing.change(bus, AGENT + "bikes", Versions, lambda now: now.rollback())
        await until(has(here, one))
        await publishing.change(bus, AGENT + "bikes", Versions, lambda now: now.unpublish())
        await until(has(here, ""))
        assert here.label("bikes", one) == one
        assert here.label("bikes", two) == "other"
        assert here.label("bikes", "0a1b2c3d.4e5f6071") == "folder"
        with pytest.raises(NotFound, match="no agent 'cars' .* known are bikes"):
            here.chosen("cars")


async def test_a_canary_takes_its_share_and_a_process_without_it_sends_calls_to_the_current_one(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    write(agents, "One.")
    broken = asyncio.Event()

    async def prepare(edition: Edition) -> None:
        if load_agent(edition.root, "bikes").greeting == "Two." and broken.is_set():
            raise Unavailable("its tools are not known here")

    async with server(tmp_path) as (nats, bus):
        one = (await publish(bus, agents)).current
        write(agents, "Two.")
        two = (await publish(bus, agents, percent=30)).canary
        broken.set()
        async with process(nats, agents, tmp_path / "a") as a, process(nats, agents, tmp_path / "b", prepare) as b:
            calls = [f"CA{n}" for n in range(300)]
            mine = next(call for call in calls if a.versions("bikes").of_call(call) == two)
            await until(has(a, two, mine))
            had = [a.chosen("bikes", call).version for call in calls]
            assert 60 <= had.count(two) <= 120
            assert had.count(one) + had.count(two) == 300
            assert {b.chosen("bikes", call).version for call in calls} == {one}
            broken.clear()
            await until(has(b, two, mine))
            assert [b.chosen("bikes", call).version for call in calls] == had


async def test_a_corrupt_bundle_is_refused_and_the_last_good_version_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "PAUSES_S", (0.1,))
    agents = tmp_path / "agents"
    write(agents, "One.")
    async with server(tmp_path) as (nats, bus), process(nats, agents, tmp_path / "a") as here:
        one = (await publish(bus, agents)).current
        await until(has(here, one))
        write(agents, "Two.")
        real = publishing.put_bundle

        async def damaged(bus: Bus, name: str, bundle: Bundle) -> None:
            store = await bus.jetstream().object_store("agents")
            await store.put(f"{name}/{bundle.digest}", bundle.data.replace(b"Two.", b"Bad."))

        monkeypatch.setattr(publishing, "put_bundle", damaged)
        with capture_logs() as logs:
            two = (await publish(bus, agents)).current
            await until(lambda: any("not what was published" in str(log.get("error")) for log in logs))
        assert here.chosen("bikes").version == one
        async with process(nats, tmp_path / "none", tmp_path / "b") as fresh:  # it has the one before instead
            await until(has(fresh, one))
            monkeypatch.setattr(publishing, "put_bundle", real)
            bundle = packed(contents(agents / "bikes"))
            await publishing.put_bundle(bus, "bikes", bundle)  # what is stored is looked at, and mended
            await until(has(fresh, two))
        await until(has(here, two))


async def test_without_nats_things_stay_as_they_were_also_through_a_restart(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    write(agents, "One.")
    async with server(tmp_path) as (nats, bus):
        one = (await publish(bus, agents)).current
        await publishing.change(bus, NUMBERS, Numbers, lambda now: now.set("+1555*", "bikes"))
        async with process(nats, agents, tmp_path / "a") as here:
            assert has(here, one)()
            await nats.kill()
            assert has(here, one)()
            async with process(nats, agents, tmp_path / "a") as restarted:
                await until(has(restarted, one))
                assert restarted.numbers.agent_of("+15551234567") == "bikes"
                async with process(nats, agents, tmp_path / "b") as new:
                    assert has(new, "")()  # it never knew; the folder is all that it has
                    await nats.start()
                    write(agents, "Two.")
                    async with connected(nats) as again:
                        two = (await publish(again, agents)).current
                        for each in (here, restarted, new):
                            await until(has(each, two))


async def test_of_two_who_publish_at_once_one_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = asyncio.Barrier(2)
    real = publishing.put_bundle

    async def together(bus: Bus, name: str, bundle: Bundle) -> None:
        await real(bus, name, bundle)
        async with asyncio.timeout(PATIENCE_S):
            await both.wait()

    monkeypatch.setattr(publishing, "put_bundle", together)
    write(tmp_path / "x", "One.")
    write(tmp_path / "y", "Two.")
    async with server(tmp_path) as (nats, bus), connected(nats) as other:
        results = await asyncio.gather(
            publish(bus, tmp_path / "x"), publish(other, tmp_path / "y"), return_exceptions=True
        )
        (won,) = (each for each in results if isinstance(each, Versions))
        (lost,) = (each for each in results if isinstance(each, Exception))
        assert isinstance(lost, Conflict)
        assert "somebody else changed it" in str(lost)
        now, _ = await publishing.read(bus, AGENT + "bikes", Versions)
        assert (now, len(now.versions)) == (won, 1)
        info = await bus.jetstream().stream_info("OBJ_agents", subjects_filter="$O.agents.M.>")
        assert len(info.state.subjects or {}) == 2
        assert await publishing.sweep(bus, "bikes", now) == 0  # it may still be wanted
        monkeypatch.setattr(publishing, "ORPHAN_S", -1)
        assert await publishing.sweep(bus, "bikes", now) == 1
        assert await publishing.get_bundle(bus, "bikes", now.versions[0].digest)
        assert (await bus.jetstream().stream_info("OBJ_agents")).state.messages == 2


async def test_what_is_published_twice_is_published_once_and_a_broken_table_leaves_what_was(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    write(agents, "One.", knowledge__a="A" * 300_000)
    async with server(tmp_path) as (nats, bus), process(nats, agents, tmp_path / "a") as here:
        one = (await publish(bus, agents)).current
        before = await publishing.newest(bus)
        assert (await publish(bus, agents)).current == one
        assert await publishing.newest(bus) == before
        await until(has(here, one))
        assert len((here.chosen("bikes").root / "bikes/knowledge/a").read_text()) == 300_000
        kv = await bus.jetstream().key_value("agents")
        with capture_logs() as logs:
            await kv.put("agent.bikes", b"{nonsense")
            await until(lambda: any("stays as it is" in log["event"] for log in logs))
        assert has(here, one)()
