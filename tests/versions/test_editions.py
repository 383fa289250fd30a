"""What is published, as processes have it: real NATS, real files."""

from __future__ import annotations

import asyncio
import base64
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from structlog.testing import capture_logs

from parley.agents.files import load_agent
from parley.bus import Bus, editions, looking, publishing
from parley.bus.editions import Edition
from parley.bus.publishing import AGENT, NUMBERS, Conflict
from parley.errors import Misconfigured, NotFound, Unavailable
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


async def test_a_version_that_cannot_be_served_is_given_to_no_call_unless_there_is_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "PAUSES_S", (0.1,))
    monkeypatch.setattr(editions, "PREPARED_S", 0.1)
    agents, refused, serves = tmp_path / "agents", 0, asyncio.Event()

    async def prepare(edition: Edition) -> None:
        nonlocal refused
        if load_agent(edition.root, "bikes").greeting == "Two." and not serves.is_set():
            refused += 1
            raise Misconfigured("tools.py: line 1: it is broken")

    write(agents, "Two.")
    async with server(tmp_path) as (nats, bus), process(nats, agents, tmp_path / "a", prepare) as here:
        two = (await publish(bus, agents)).current
        await until(lambda: refused)
        assert has(here, "")()  # the first that is published: calls go on with the folder
        async with process(nats, agents, tmp_path / "b", prepare) as anew:
            await until(has(anew, ""))
        async with process(nats, tmp_path / "none", tmp_path / "b", prepare) as elsewhere:
            await until(has(elsewhere, two))  # it has no folder, and answers somehow
        write(agents, "One.")
        one = (await publish(bus, agents)).current
        await until(has(here, one))
        write(agents, "Two.")
        await publish(bus, agents)
        async with process(nats, agents, tmp_path / "c", prepare) as anew:  # it has nothing that was good before
            await until(lambda: ("bikes", one) in anew._ready)
            seen = refused
            await until(lambda: refused > seen + 2)
            assert has(anew, one)()
            assert has(here, one)()
            serves.set()
            await until(has(anew, two))
            await until(has(here, two))


async def test_calls_have_the_folder_until_the_first_version_is_prepared(tmp_path: Path) -> None:
    """Also when that failed at first, in a way that nobody had thought of."""
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def prepare(edition: Edition) -> None:
        if not asked.is_set():
            asked.set()
            raise TimeoutError
        await goes_on.wait()

    write(tmp_path / "agents", "One.")
    async with server(tmp_path) as (nats, bus), process(nats, tmp_path / "agents", tmp_path / "a", prepare) as here:
        one = (await publish(bus, tmp_path / "agents")).current
        async with asyncio.timeout(PATIENCE_S):
            await asked.wait()
        assert has(here, "")()
        goes_on.set()
        await until(has(here, one))


async def test_a_version_that_becomes_current_while_it_is_fetched_for_a_call_is_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call reached another process first, which has put the files on the disk of both."""
    monkeypatch.setattr(looking, "LOOK_S", 3600.0)
    monkeypatch.setattr(looking, "AFTER_S", ())
    agents, fetched, goes_on = tmp_path / "agents", threading.Event(), threading.Event()
    write(agents, "One.")

    def slow(name: str) -> None:
        fetched.set()
        goes_on.wait(PATIENCE_S)

    async with server(tmp_path) as (nats, bus):
        await publish(bus, agents)
        async with process(nats, agents, tmp_path / "a") as here:
            write(agents, "Two.")
            two = (await publish(bus, agents)).current
            async with process(nats, agents, tmp_path / "a") as other:
                await until(has(other, two))
            monkeypatch.setattr(here, "_forget", slow)
            mine = asyncio.ensure_future(here.of("bikes", two))
            await until(fetched.is_set)
            assert here._looking is not None
            here._looking.now()
            await until(lambda: here.versions("bikes").current == two)
            goes_on.set()
            assert (await mine).version == two
            await until(lambda: ("bikes", two) in here._ready)
            assert has(here, two)()


async def test_what_is_current_again_while_another_was_prepared_is_prepared_last(tmp_path: Path) -> None:
    """A service loads a version's data when it prepares it."""
    agents, data = tmp_path / "agents", [""]
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def prepare(edition: Edition) -> None:
        says = load_agent(edition.root, "bikes").greeting
        if says == "Two.":
            asked.set()
            await goes_on.wait()
        data.append(says)

    write(agents, "One.")
    async with server(tmp_path) as (nats, bus), process(nats, agents, tmp_path / "a", prepare) as here:
        one = (await publish(bus, agents)).current
        await until(has(here, one))
        write(agents, "Two.")
        await publish(bus, agents)
        async with asyncio.timeout(PATIENCE_S):
            await asked.wait()
        await publishing.change(bus, AGENT + "bikes", Versions, lambda now: now.rollback())
        await until(lambda: here.versions("bikes").current == one)
        goes_on.set()
        await until(lambda: data[-1] == "One." and "Two." in data)
        assert has(here, one)()


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


async def test_files_of_long_ago_that_are_published_again_are_not_swept_away(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    write(agents, "Two.")
    async with server(tmp_path) as (nats, bus):
        others = await publish(bus, agents)
        write(agents, "One.")
        one = (await publish(bus, agents)).versions[0]
        await aged(bus, one.digest)
        await publish(bus, agents)  # it is what calls have: nothing is written
        assert await publishing.sweep(bus, "bikes", others) == 1  # an old table: it is in nobody's way there
        await publishing.put_bundle(bus, "bikes", packed(contents(agents / "bikes")))
        await aged(bus, one.digest)
        await publishing.put_bundle(bus, "bikes", packed(contents(agents / "bikes")))  # somebody publishes it again
        assert await publishing.sweep(bus, "bikes", others) == 0
        assert await publishing.get_bundle(bus, "bikes", one.digest)


async def aged(bus: Bus, digest: str) -> None:
    """As if it had been stored two hours ago."""
    js, subject = bus.jetstream(), f"$O.agents.M.{base64.urlsafe_b64encode(f'bikes/{digest}'.encode()).decode()}"
    about = orjson.loads((await js.get_last_msg("OBJ_agents", subject)).data or b"")
    about["mtime"] = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    await js.publish(subject, orjson.dumps(about), headers={"Nats-Rollup": "sub"})


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
