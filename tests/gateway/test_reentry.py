"""Calls that come back: as often as they are moved, but not for ever."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace
from urllib.parse import parse_qsl

import pytest

from services.gateway.carriers import reentry
from services.gateway.carriers.reentry import Entry
from services.gateway.carriers.twilio import webhook
from tests.gateway.conftest import House
from tests.gateway.webhook import ask_webhook, stream_of, way_back, words


async def test_a_call_that_keeps_coming_back_is_ended(house: House) -> None:
    query = ""
    for _ in range(6):
        twiml = await ask_webhook(house.url, query=query)
        assert words(twiml) == ["Connect", "Redirect"]
        query = way_back(twiml)
    assert words(await ask_webhook(house.url, query=query)) == ["Say", "Hangup"]


async def test_a_call_is_moved_by_any_number_of_rolling_deploys(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    now, query = time.time(), ""
    monkeypatch.setattr(webhook, "time", SimpleNamespace(time=lambda: now))
    for leg in range(1, 41):
        twiml = await ask_webhook(house.url, query=query)
        assert words(twiml) == ["Connect", "Redirect"], leg
        assert stream_of(twiml)[1]["leg"] == str(leg)
        query = way_back(twiml)
        now += 2 if leg % 4 else 20  # three gateways go at once, then there is a talk
    for _ in range(6):
        query = way_back(await ask_webhook(house.url, query=query))
        now += 11  # nobody thinks: the leg is given up
    assert words(await ask_webhook(house.url, query=query)) == ["Say", "Hangup"]


def came(path: str, now: float) -> Entry:
    return Entry.of("/door", dict(parse_qsl(path.partition("?")[2])), "frontdesk", now)


def test_legs_without_a_talk_are_counted_and_one_with_a_talk_clears_the_count() -> None:
    entry = came("/twilio-webhook", 1000)
    assert (entry.leg, entry.short, entry.agent) == (1, 0, "frontdesk")
    for n in range(1, 4):
        entry = came(entry.next_leg(1000 + n), 1000 + n + reentry.SHORT_S - 0.5)
        assert (entry.leg, entry.short) == (1 + n, n)
    assert entry.loops(2)
    assert not entry.loops(3)
    entry = came(entry.next_leg(2000), 2000 + reentry.SHORT_S)
    assert (entry.leg, entry.short) == (5, 0)


def test_a_leg_that_finds_no_room_is_counted_once_however_often_it_tries() -> None:
    entry = came(came("/twilio-webhook?agent=a%26b", 1000).next_leg(1000), 1001)
    again = came(entry.once_more(), 1003)
    again = came(again.once_more(), 1005)
    assert again == Entry("a&b", leg=2, tries=2, short=1, last_short=0, since=1000, door="/door")
    assert came(came("", 1000).once_more(), 1001) == Entry("frontdesk", tries=1, door="/door")


def test_gateways_whose_clocks_differ_end_a_loop_all_the_same() -> None:
    entry, now = came("", 1000), 1000
    for ahead in itertools.cycle((0, 60)):  # two gateways, a minute apart
        entry, now = came(entry.next_leg(now + ahead), now + 1 + 60 - ahead), now + 1
        if entry.loops(5):
            break
    assert entry.leg <= reentry.MAX_LEGS + 1
    behind = came(came("", 1000).next_leg(1060), 1000)
    assert behind.short == 1, "a leg that is yet to begin was short"


async def test_a_way_back_of_an_older_version_is_taken_and_one_that_is_none_is_not(house: House) -> None:
    assert words(await ask_webhook(house.url, query="?leg=7&agent=frontdesk")) == ["Connect", "Redirect"]
    assert words(await ask_webhook(house.url, query=f"?leg={reentry.MAX_LEGS + 1}")) == ["Say", "Hangup"]
