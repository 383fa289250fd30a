"""The network between carrier and gateway stands still for a while: what was sent meanwhile was not heard."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from parley.aio import background
from services.gateway.mouth import link_stall
from services.gateway.mouth.link_stall import SILENT_MS, STEADY_MS, LinkStall
from testbed.road import road
from tests.gateway.conftest import House
from tests.gateway.handset import SILENCE, Handset
from tests.gateway.webhook import ask_webhook, stream_of

WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


def test_a_line_that_always_gives_sound_and_ceases_stands_still() -> None:
    line = LinkStall()
    assert not any(line.frame(20.0 * n) for n in range(1, 150))
    assert line.stands_still_since(3_000.0) is None
    assert line.stands_still_since(2_980.0 + SILENT_MS + 1) == 2_980.0
    assert line.frame(9_000.0), "it is back"
    assert line.stands_still_since(9_100.0) is None
    assert line.stands_still_since(9_800.0) == 9_000.0


def test_a_line_that_gives_sound_only_at_times_never_does() -> None:
    line = LinkStall()
    for begin in range(1_000, 20_000, 4_000):
        assert not any(line.frame(begin + at) for at in range(0, int(STEADY_MS) - 100, 20))
        assert line.stands_still_since(begin + 3_900.0) is None


async def test_what_waits_on_its_way_is_said_again_and_no_word_is_lost(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_stall, "STEADY_MS", 300.0)
    url, parameters = stream_of(await ask_webhook(house.url))
    here = urlsplit(house.url)
    assert here.hostname is not None
    assert here.port is not None
    async with road((here.hostname, here.port)) as way:
        phone = Handset()
        by_the_road = urlsplit(url)._replace(scheme="ws", netloc=f"127.0.0.1:{way.port}").geturl()
        await phone.open(by_the_road, {}, "CA1", "AC1", parameters)
        owner = await house.mind.call()
        async with background(phone.speak(60_000, SILENCE, paced=True)):
            await asyncio.sleep(0.5)
            owner.say(1, WORDS, turn=1)
            await phone.until(lambda: len(phone.played) > 450 * 8)
            way.stall()
            await asyncio.sleep(2.0)
            played = len(phone.played)
            way.mend()
            assert (await owner.next("heard")).heard.complete
        assert played <= 8 * (450 + 400), "what had arrived"
        assert len(phone.cleared_at) == 1
        words = [word for word, ms in house.voice.heard(phone.played) if ms >= 100]
        assert [word for word, after in zip(words, [*words[1:], ""], strict=True) if word != after] == WORDS.split()
        assert len(words) <= len(WORDS.split()) + 1
        await phone.close()
