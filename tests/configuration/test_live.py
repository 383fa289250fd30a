"""A process follows the live configuration through a real NATS: what it takes, what it refuses, what it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from parley.bus import Bus, configuring
from parley.bus.live import Live
from parley.bus.presence import present
from parley.configuration.history import undone_by
from parley.configuration.sealing import is_sealed
from parley.configuration.table import of_stage
from parley.errors import Misconfigured, Unavailable
from parley.settings import Settings
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd
from tests.configuration.world import KEY, operated, until


@asynccontextmanager
async def process(nats: Natsd, data: Path, opens: frozenset[str] = frozenset(), **own: Any) -> AsyncIterator[Live]:
    settings = Settings.read(nats_url=nats.url, data_dir=data, **own)
    async with Bus(settings, "tts") as bus, Live(settings, bus, "tts", opens).kept() as live, present(bus, live):
        yield live


async def test_a_change_reaches_a_process_and_what_its_environment_sets_stays(tmp_path: Path) -> None:
    async with operated(tmp_path) as operator, process(operator.nats, tmp_path / "a", capacity=7) as live:
        seen = list[Settings]()

        async def take(now: Settings) -> None:
            seen.append(now)

        await live.part(("PARLEY_AGENT", "PARLEY_CAPACITY"), take)
        changed = await operator.set(PARLEY_AGENT="bank", PARLEY_CAPACITY="9", PARLEY_LOG_LEVEL="debug")
        told = await operator.taken("tts", changed)
        assert (seen[-1].agent, seen[-1].capacity) == ("bank", 7)
        assert (told.locked, told.refused, told.settings) == (
            ("PARLEY_CAPACITY",),
            {},
            ("PARLEY_AGENT", "PARLEY_CAPACITY"),
        )
        times = len(seen)
        await operator.taken("tts", await operator.set(PARLEY_LOG_LEVEL="error"))
        assert len(seen) == times, "what it does not use, it does not hear of"
        undone = await configuring.change(operator.bus, lambda now: now.set({"PARLEY_AGENT": None}, None, "bo", 2.0))  # type: ignore[arg-type]
        await operator.taken("tts", undone)
        assert seen[-1].agent == "frontdesk"


async def test_what_cannot_be_taken_is_told_and_what_it_had_stays(tmp_path: Path) -> None:
    async with operated(tmp_path) as operator, process(operator.nats, tmp_path / "a") as live:
        has = list[str]()

        async def take(now: Settings) -> None:
            if now.agent == "nobody":
                raise Misconfigured("PARLEY_AGENT: there is no such agent")
            has.append(now.agent)

        await live.part(("PARLEY_AGENT",), take)
        changed = await operator.set(PARLEY_AGENT="nobody")
        told = await operator.taken("tts", changed)
        assert told.refused == {"PARLEY_AGENT": "PARLEY_AGENT: there is no such agent"}
        assert has == ["frontdesk"]
        told = await operator.taken("tts", await operator.set(PARLEY_AGENT="bank"))
        assert (told.refused, has) == ({}, ["frontdesk", "bank"])
        await operator.set(PARLEY_AGENT="nobody")
        await operator.told("tts", lambda process: process.refused)
        told = await operator.taken("tts", await operator.set(PARLEY_AGENT="bank"))
        assert (told.refused, has[-1]) == ({}, "bank"), "back to what it has"


async def test_what_may_pass_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parley.bus.live.AGAIN_S", 0.1)
    async with operated(tmp_path) as operator, process(operator.nats, tmp_path / "a") as live:
        away = [True]

        async def take(now: Settings) -> None:
            if now.agent == "bank" and away:
                raise Unavailable("its files are not here yet")

        await live.part(("PARLEY_AGENT",), take)
        await operator.set(PARLEY_AGENT="bank")
        await operator.told("tts", lambda process: process.refused)
        away.clear()
        await operator.told("tts", lambda process: not process.refused)


async def test_a_process_begins_with_what_is_configured_and_a_bad_value_does_not_keep_it_down(tmp_path: Path) -> None:
    async with operated(tmp_path) as operator:
        await operator.set(PARLEY_AGENT="nobody", PARLEY_CAPACITY="3")
        async with process(operator.nats, tmp_path / "a") as live:
            has = list[Settings]()

            async def take(now: Settings) -> None:
                if now.agent == "nobody":
                    raise Misconfigured("no such agent")
                has.append(now)

            async def admit(now: Settings) -> None:
                has.append(now)

            await live.part(("PARLEY_AGENT",), take)
            assert has[-1].agent == "frontdesk"
            await live.part(("PARLEY_CAPACITY",), admit)
            assert has[-1].capacity == 3
            assert live.refused == {"PARLEY_AGENT": "no such agent"}


async def test_what_the_environment_says_wrongly_is_no_refusal_but_an_error(tmp_path: Path) -> None:
    async def take(now: Settings) -> None:
        raise Misconfigured("PARLEY_AGENT: there is no such agent")

    async with operated(tmp_path) as operator, process(operator.nats, tmp_path / "a") as live:
        with pytest.raises(Misconfigured, match="no such agent"):
            await live.part(("PARLEY_AGENT",), take)


async def test_a_secret_is_opened_by_who_uses_it_and_by_nobody_else(tmp_path: Path) -> None:
    keys = of_stage("tts")
    async with operated(tmp_path) as operator:
        stored = await operator.set(ELEVENLABS_API_KEY="sk-eleven-0123456789")
        assert is_sealed(stored.configuration.values["ELEVENLABS_API_KEY"])
        got = dict[str, str]()

        def takes(who: str) -> Any:
            async def take(now: Settings) -> None:
                vendor = now.vendor("elevenlabs", "tts")
                assert vendor is not None
                got[who] = vendor.api_key.get_secret_value()

            return take

        async with process(operator.nats, tmp_path / "a", keys, config_key=KEY) as live:
            await live.part(keys, takes("tts"))
            assert live.settings.engines("tts") == ["elevenlabs"]
        async with process(operator.nats, tmp_path / "b", config_key=KEY) as live:
            await live.part(keys, takes("gateway"))
            assert live.settings.engines("tts") == ["elevenlabs"], "that there is a key is enough to know"
        async with process(operator.nats, tmp_path / "c", keys) as live:
            await live.part(keys, takes("keyless"))
            assert "PARLEY_CONFIG_KEY: is not set here" in live.refused["ELEVENLABS_API_KEY"]
        assert got == {"tts": "sk-eleven-0123456789", "gateway": "sk-…6789", "keyless": ""}
        assert not any("0123456789" in (tmp_path / who / "configuration.json").read_text() for who in "abc")


async def test_without_nats_things_stay_as_they_were_last_known_also_after_a_restart(tmp_path: Path) -> None:
    async with operated(tmp_path) as operator:
        has = list[str]()

        async def take(now: Settings) -> None:
            has.append(now.agent)

        async with process(operator.nats, tmp_path / "a") as live:
            await live.part(("PARLEY_AGENT",), take)
            await operator.taken("tts", await operator.set(PARLEY_AGENT="bank"))
            await operator.nats.kill()
            await live.look()
            assert (has, live.refused) == (["frontdesk", "bank"], {})
        async with process(operator.nats, tmp_path / "a") as live:
            await live.part(("PARLEY_AGENT",), take)
            assert has[-1] == "bank"
            await operator.nats.start()
            assert await operator.bus.ready(PATIENCE_S)
            await until(lambda: operator.bus.connected)
            await operator.set(PARLEY_AGENT="support")
            await until(lambda: has[-1] == "support")


async def test_two_who_change_at_once_both_do_and_all_of_it_is_history(tmp_path: Path) -> None:
    async with operated(tmp_path) as operator:
        assert await configuring.history(operator.bus) == []
        await asyncio.gather(operator.set(PARLEY_AGENT="bank"), operator.set(PARLEY_CAPACITY="5"))
        now = await configuring.read(operator.bus)
        assert now.configuration.values == {"PARLEY_AGENT": "bank", "PARLEY_CAPACITY": "5"}
        history = await configuring.history(operator.bus)
        assert [each.revision for each in history] == [2, 1]
        assert {each.configuration.changed for each in history} == {("PARLEY_AGENT",), ("PARLEY_CAPACITY",)}
        back = await configuring.change(operator.bus, lambda it: it.put_back(*undone_by(history, 1), "bo", 3.0))
        assert back.configuration.undoes == 1
        assert len(back.configuration.values) == 1


async def test_of_many_changes_the_newest_sixty_four_are_kept(tmp_path: Path) -> None:
    async with operated(tmp_path) as operator:
        for n in range(configuring.KEPT + 3):
            await operator.set(PARLEY_CAPACITY=str(n + 1))
        history = await configuring.history(operator.bus)
        assert [each.revision for each in history] == list(range(configuring.KEPT + 3, 3, -1))
