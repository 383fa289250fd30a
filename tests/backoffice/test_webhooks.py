"""Webhooks: signed, tried again, given up, and never where they must not go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from parley.aio import background
from parley.errors import BadInput, NotFound
from parley.settings import Settings
from parley.watching import Happening
from services.backoffice.database import Database, open_database
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.webhooks import deliveries as module
from services.backoffice.watchers.webhooks import sender
from services.backoffice.watchers.webhooks.deliveries import Deliveries
from services.backoffice.watchers.webhooks.hooks import Hook, Hooks
from services.backoffice.watchers.webhooks.outside import Inside, checked_url, is_outside, outside
from services.backoffice.watchers.webhooks.payloads import KINDS, message_of
from services.backoffice.watchers.webhooks.sender import Sender
from services.backoffice.watchers.webhooks.signing import headers, new_secret
from testbed.patience import PATIENCE_S
from tests.backoffice.receiver import receiving

STARTED = Happening(
    "CA1/1.1/1/0.0",
    "call.started",
    "CA1",
    1_764_000_000_123,
    {
        "agent": "frontdesk",
        "agent_version": "v1",
        "channel": "phone",
        "direction": "inbound",
        "language": "en",
        "called": "+15550100",
        "caller_pii": "+15550100001",
        "purpose": "",
    },
)
FAILED = Happening(
    "CA1/1.1/3/1.0",
    "tool.failed",
    "CA1",
    1_764_000_001_000,
    {"name": "find", "intent": 1, "status": "failed", "message_pii": "no order of ann@example.com", "then": ""},
)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "LOOK_S", 0.05)


@dataclass
class House:
    """Backoffice's part of it. `late_s`: its clock goes on by so much."""

    hooks: Hooks
    deliveries: Deliveries
    sender: Sender
    gone: list[Hook]
    late_s: Callable[[float], None]


@asynccontextmanager
async def house(database: Database, sealer: Sealer, allow_inside: bool = True) -> AsyncIterator[House]:
    ahead = [0.0]
    hooks = Hooks(database, sealer, allow_inside=True)
    deliveries = Deliveries(database, sealer, lambda: time.time() + ahead[0])
    gone: list[Hook] = []

    async def on_gone(hook: Hook) -> None:
        gone.append(hook)

    async with outside(allow_inside) as way_out:
        sending = Sender(hooks, deliveries, way_out, on_gone)

        def late(s: float) -> None:
            ahead[0] += s
            sending.wake()

        async with background(sending.run()):
            yield House(hooks, deliveries, sending, gone, late)


async def settled(house: House, hook: Hook) -> None:
    """What was under way is written down."""
    async with asyncio.timeout(PATIENCE_S):
        while hook.id in house.sender._busy:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_a_call_is_told_signed_and_once(database: Database, sealer: Sealer) -> None:
    async with receiving() as receiver, house(database, sealer) as h:
        hook = await h.hooks.add(receiver.url)
        assert await h.deliveries.tell(message_of(STARTED)) == 1
        await h.deliveries.tell(message_of(STARTED))
        await h.deliveries.tell(message_of(FAILED))
        h.sender.wake()
        first, second = sorted(await receiver.until(2), key=lambda got: got.json["timestamp"])
        assert first.is_signed_with(hook.secret)
        assert not first.is_signed_with(new_secret())
        assert abs(int(first.headers["webhook-timestamp"]) - time.time()) < PATIENCE_S
        assert first.headers["webhook-id"] == first.json["id"] == message_of(STARTED).id
        assert first.json["type"] == "call.started"
        assert first.json["timestamp"] == "2025-11-24T16:00:00.123Z"
        assert first.json["data"]["caller"] == "***01"
        assert second.json["data"]["message"] == "no order of [email]"
        await settled(h, hook)
        assert len(receiver.got) == 2
        assert await h.deliveries.dead() == []


async def test_one_that_is_away_is_tried_again_under_the_same_id(database: Database, sealer: Sealer) -> None:
    answers = "500 Oops", None, "302 Found\r\nLocation: http://127.0.0.1:1/"
    async with receiving(*answers) as receiver, house(database, sealer) as h:
        hook = await h.hooks.add(receiver.url)
        await h.deliveries.tell(message_of(STARTED))
        for count in (1, 2, 3, 4):
            h.late_s(3700)
            await receiver.until(count)
            await settled(h, hook)
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
        h.late_s(100_000)
        await h.deliveries.tell(message_of(FAILED))
        assert len(await receiver.until(5)) == 5, "what was taken is not sent again"


async def test_after_many_tries_it_is_dead_and_may_be_sent_again_by_hand(database: Database, sealer: Sealer) -> None:
    tries = len(module.BACK_OFF_S) + 1
    async with receiving(*["503 Busy"] * tries) as receiver, house(database, sealer) as h:
        hook = await h.hooks.add(receiver.url)
        await h.deliveries.tell(message_of(STARTED))
        for count in range(1, tries + 1):
            h.late_s(100_000)
            await receiver.until(count)
            await settled(h, hook)
        (dead,) = await h.deliveries.dead()
        assert (dead.tries, dead.error, dead.kind) == (tries, "answered 503", "call.started")
        await h.deliveries.retry(dead.id)
        h.sender.wake()
        await receiver.until(tries + 1)
        assert await h.deliveries.dead() == []
        with pytest.raises(NotFound):
            await h.deliveries.drop(dead.id)


async def test_a_receiver_says_when_to_come_again_and_that_it_is_gone(database: Database, sealer: Sealer) -> None:
    async with receiving("429 Slow\r\nRetry-After: 900", "410 Gone") as receiver, house(database, sealer) as h:
        hook = await h.hooks.add(receiver.url)
        await h.deliveries.tell(message_of(STARTED))
        h.sender.wake()
        await receiver.until(1)
        await settled(h, hook)
        h.late_s(800)
        assert await h.deliveries.take(hook.id, 1) == []
        h.late_s(200)
        await receiver.until(2)
        await settled(h, hook)
        assert [each.id for each in h.gone] == [hook.id]
        assert not (await h.hooks.of(hook.id)).active
        assert await h.deliveries.tell(message_of(FAILED)) == 0
        assert [each.error for each in await h.deliveries.dead()] == ["answered 410"]


async def test_a_sender_that_died_is_followed_by_another(database: Database, sealer: Sealer) -> None:
    now = [1000.0]
    deliveries, hooks = Deliveries(database, sealer, lambda: now[0]), Hooks(database, sealer, allow_inside=True)
    hook = await hooks.add("http://127.0.0.1:1/")
    await deliveries.tell(message_of(STARTED))
    (taken,) = await deliveries.take(hook.id, 5)
    assert await deliveries.take(hook.id, 5) == []
    now[0] += module.LEASE_S + 1
    assert [each.id for each in await deliveries.take(hook.id, 5)] == [taken.id]


async def test_only_what_was_asked_for_is_sent(database: Database, sealer: Sealer) -> None:
    deliveries, hooks = Deliveries(database, sealer), Hooks(database, sealer)
    await hooks.add("https://one.example.com/", ["tool.failed"])
    assert (await hooks.add("https://two.example.com/")).kinds == tuple(KINDS)
    assert await deliveries.tell(message_of(STARTED)) == 1
    assert await deliveries.tell(message_of(FAILED)) == 2


async def test_a_line_that_is_full_takes_no_more(
    database: Database, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 1)
    deliveries, hooks = Deliveries(database, sealer), Hooks(database, sealer)
    await hooks.add("https://one.example.com/")
    await deliveries.tell(message_of(STARTED))
    await deliveries.tell(message_of(FAILED))
    assert [each.error for each in await deliveries.dead()] == ["1 messages were waiting already"]


async def test_it_never_leads_inside_by_any_name(database: Database, sealer: Sealer) -> None:
    async with receiving() as receiver, house(database, sealer, allow_inside=False) as h:
        await h.hooks.add(receiver.url.replace("http://127.0.0.1", "https://localhost"))
        await h.deliveries.tell(message_of(STARTED))
        h.sender.wake()
        async with asyncio.timeout(PATIENCE_S):
            while not (dead := await h.deliveries.dead()):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        assert dead[0].error == "leads into a private network; PARLEY_WEBHOOKS_PRIVATE=true allows that"
        assert receiver.got == []


@pytest.mark.parametrize(
    ("address", "out"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fc00::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::10.0.0.1", False),
        ("2002:0a00:0001::1", False),
        ("not an address", False),
    ],
)
def test_which_addresses_are_outside(address: str, out: bool) -> None:
    assert is_outside(address) is out


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "must begin with https://"),
        ("ftp://example.com/", "must begin with https://"),
        ("https:///path", "name a host"),
        ("https://user:pw@example.com/", "without user and password"),
        ("https://example.com/#x", "fragment"),
        ("https://exämple.com/", "only ASCII"),
        ("https://example.com:99999/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://169.254.169.254/latest", "leads into a private network"),
        ("https://[::ffff:10.0.0.1]/", "leads into a private network"),
        ("https://" + "a" * 2000, "longer than"),
    ],
)
def test_which_urls_are_refused(url: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        checked_url(url, allow_inside=False)


async def test_another_way_to_write_an_address_leads_nowhere_either() -> None:
    async with outside() as way_out:
        for host in ("2130706433", "0x7f.1", "127.1", "localhost"):
            with pytest.raises(Inside):
                await way_out.post(f"https://{host}/", b"", {})


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the standard's own libraries."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    told = headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert told["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_secrets_are_sealed_in_the_database(tmp_path: Path, sealer: Sealer) -> None:
    database = await open_database(Settings.read(data_dir=tmp_path))
    hook = await Hooks(database, sealer).add("https://example.com/", note="crm")
    await database.close()
    files = b"".join(path.read_bytes() for path in tmp_path.glob("backoffice.db*"))  # noqa: ASYNC240
    assert b"example.com" in files
    assert hook.secret.encode() not in files


async def test_the_number_is_kept_where_that_is_wanted() -> None:
    assert message_of(STARTED, keep_pii=True).data["caller"] == "+15550100001"
