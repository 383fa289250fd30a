"""The webhook, signatures, tokens, admission: who gets in, and what the others are told."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import httpx
import pytest
from twilio.request_validator import RequestValidator

from parley.errors import Misconfigured, NotAllowed, Unavailable
from parley.settings import Settings
from parley.v1 import call_pb2, conversation_pb2
from services.gateway.carriers.reentry import Entry
from services.gateway.carriers.twilio.stream import REMEDIES
from services.gateway.doors.websocket import MAX_REASON
from services.gateway.recent_calls import RecentCalls
from services.gateway.server import listening
from services.gateway.tokens import Claim, Tokens
from tests.gateway.conftest import House, running
from tests.gateway.handset import Handset
from tests.gateway.webhook import ask_webhook, stream_of, words

CLAIM = Claim("CA1", 1, "phone", "frontdesk", True)


def test_a_token_is_good_once() -> None:
    tokens = Tokens("secret")
    token = tokens.issue(CLAIM)
    assert len(token) < 400
    assert tokens.redeem(token, "phone") == CLAIM
    with pytest.raises(NotAllowed, match="used before"):
        tokens.redeem(token, "phone")


def test_a_token_of_another_gateway_with_the_same_secret_is_good() -> None:
    assert Tokens("secret").redeem(Tokens("secret").issue(CLAIM), "phone") == CLAIM


@pytest.mark.parametrize("forged", ["", ".", "abc", "a.b", "a.b.c", "é.é", "x" * 10_000])
def test_a_forged_token_is_refused(forged: str) -> None:
    with pytest.raises(NotAllowed, match="forged"):
        Tokens("secret").redeem(forged, "phone")


def test_a_token_of_another_key_door_or_time_is_refused() -> None:
    now = 1000.0
    tokens = Tokens("secret", lambda: now)
    with pytest.raises(NotAllowed, match="forged"):
        tokens.redeem(Tokens("other").issue(CLAIM), "phone")
    with pytest.raises(NotAllowed, match="not for chat"):
        tokens.redeem(tokens.issue(CLAIM), "chat")
    token = tokens.issue(CLAIM)
    now = 1061.0
    with pytest.raises(NotAllowed, match="too old"):
        tokens.redeem(token, "phone")


def test_ended_calls_are_forgotten_after_an_hour() -> None:
    now = 0.0
    calls = RecentCalls(lambda: now)
    assert calls.add("CA1") == 1
    assert calls.add("CA1") == 2
    now = 3601.0
    assert calls.count("CA1") == 0


async def test_the_webhook_connects_the_call_and_says_how_to_come_back(house: House) -> None:
    twiml = await ask_webhook(house.url)
    assert words(twiml) == ["Connect", "Redirect"]
    url, given = stream_of(twiml)
    assert url == house.url.replace("http://", "ws://") + "/twilio-stream"
    assert {given[k] for k in ("leg", "from", "to", "agent")} == {"1", "+15550100", "+15550199", "frontdesk"}
    redirect = ElementTree.fromstring(twiml).find("Redirect")
    assert redirect is not None
    assert (redirect.text or "").startswith("/twilio-webhook?leg=2&agent=frontdesk&since=")
    assert redirect.attrib["method"] == "POST"


async def test_a_call_that_comes_back_is_the_next_leg(house: House) -> None:
    phone = await Handset().dial(house.url)
    await house.mind.call()
    await phone.close()
    phone = await Handset().dial(house.url, query="?leg=2&agent=frontdesk")
    owner = await house.mind.call(2)
    assert (owner.open.epoch.leg, owner.open.epoch.open) == (2, 1)
    await phone.hang_up()


async def test_a_call_the_bot_ended_is_hung_up(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.command(1, hang_up=conversation_pb2.HangUp(reason="done"))
    assert await phone.close_code() == 1000
    await phone.close()
    assert words(await ask_webhook(house.url, query="?leg=2")) == ["Hangup"]


async def test_a_call_ended_elsewhere_is_known_by_its_state(tmp_path: Path) -> None:
    asked: list[str] = []

    async def ended(call_id: str) -> bool:
        asked.append(call_id)
        if len(asked) == 1:
            raise Unavailable("electing")
        return call_id == "CA7"

    async with running(tmp_path, ended=ended) as house:
        assert words(await ask_webhook(house.url, "CA7", "?leg=2")) == ["Hangup"]
        assert asked == ["CA7", "CA7"]
        assert words(await ask_webhook(house.url, "CA8", "?leg=2")) == ["Connect", "Redirect"]


async def test_a_transfer_nobody_took_comes_back_to_the_bot(house: House) -> None:
    _, given = stream_of(await ask_webhook(house.url, query="?leg=2", DialCallStatus="busy"))
    assert given["transfer"] == "busy"
    assert words(await ask_webhook(house.url, query="?leg=2", DialCallStatus="completed")) == ["Hangup"]


async def test_what_the_numbers_url_says_of_its_calls_reaches_the_mind_and_nothing_of_ours_is_taken(
    house: House,
) -> None:
    own = "&transfer=busy&token=x&back=%2Fx&direction=outbound"
    query = f"?campaign=spring&customer=Ann+M%C3%BCller&purpose=A+reminder{own}"
    phone = await Handset().dial(house.url, query=query)
    owner = await house.mind.call()
    assert dict(owner.open.parameters) == {"campaign": "spring", "customer": "Ann M\u00fcller"}
    assert (owner.open.purpose, owner.open.direction) == ("A reminder", call_pb2.DIRECTION_INBOUND)
    await phone.hang_up()


async def test_a_call_that_we_placed_is_known_as_one(house: House) -> None:
    _, given = stream_of(await ask_webhook(house.url, Direction="outbound-api"))
    assert given["direction"] == "outbound"
    _, given = stream_of(await ask_webhook(house.url, Direction="inbound"))
    assert "direction" not in given


async def test_whoever_called_whom_the_caller_is_who_talks_to_the_bot(house: House) -> None:
    phone = await Handset().dial(house.url, From="+15550100199", To="+15550100142", Direction="outbound-api")
    owner = await house.mind.call()
    assert owner.open.direction == call_pb2.DIRECTION_OUTBOUND
    assert (owner.open.caller, owner.open.called) == ("+15550100142", "+15550100199")
    await phone.hang_up()


def test_what_is_known_of_a_call_is_not_lost_while_there_is_no_room_for_it() -> None:
    query = {"agent": "a", "customer": "Ann", "no-name": "x"}
    path = Entry.of("/door", query, "frontdesk", 1000).once_more()
    again = Entry.of("/door", dict(parse_qsl(urlsplit(path).query)), "frontdesk", 1000)
    assert again.known == {"customer": "Ann"}


async def test_a_wrong_agent_is_said_politely(house: House) -> None:
    assert words(await ask_webhook(house.url, query="?agent=nobody")) == ["Say", "Hangup"]


@pytest.mark.parametrize(
    ("query", "body", "says"),
    [
        ("?leg=x", b"CallSid=CA1", "leg must be a number of at most 4 digits, not 'x'; leave it out"),
        ("?leg=0", b"CallSid=CA1", "leg must be 1 or more; leave it out"),
        ("?leg=99999", b"CallSid=CA1", "leg must be"),
        ("?leg=2&since=soon", b"CallSid=CA1", "since must be"),
        ("?leg=2&short=-1", b"CallSid=CA1", "short must be"),
        ("", b"", "CallSid: missing or malformed; it is 1 to 64 letters"),
        ("", b"CallSid=%00", "name /twilio-webhook as the number's voice webhook, with POST"),
        ("", b"\xff\xfe", "body: no form; send it as application/x-www-form-urlencoded"),
        ("", b"CallSid=CA1&x=" + b"y" * 70_000, "body: longer than 65536 bytes; send the carrier's own fields only"),
        ("", b"&".join(b"a=1" for _ in range(300)), "with 200 fields at most"),
    ],
)
async def test_a_form_that_is_no_call_is_answered_with_the_field_and_the_remedy(
    house: House, query: str, body: bytes, says: str
) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.post(f"{house.url}/twilio-webhook{query}", content=body)
    assert response.status_code == 400
    assert says in response.text


def test_why_a_stream_is_refused_fits_its_close_frame_whole() -> None:
    assert {len(f"{reason}: {remedy}".encode()) <= MAX_REASON for reason, remedy in REMEDIES.items()} == {True}


async def test_signatures_of_both_tokens_are_taken_and_no_other(tmp_path: Path) -> None:
    public = "https://bot.example.com"
    async with running(tmp_path, TWILIO_AUTH_TOKEN="old,new", PARLEY_PUBLIC_URL=public) as house:
        form = {"CallSid": "CA1", "From": "", "To": "+1"}
        async with httpx.AsyncClient() as client:
            for token, url, status in [
                ("old", f"{public}/twilio-webhook?leg=1", 200),
                ("new", f"{public}/twilio-webhook?leg=1", 200),
                ("forged", f"{public}/twilio-webhook?leg=1", 403),
                ("old", f"{house.url}/twilio-webhook?leg=1", 403),
            ]:
                signature = RequestValidator(token).compute_signature(url, form)
                headers = {"X-Twilio-Signature": signature}
                response = await client.post(f"{house.url}/twilio-webhook?leg=1", data=form, headers=headers)
                assert response.status_code == status, (token, url)
                if status == 200:
                    assert "wss://bot.example.com/twilio-stream" in response.text
            response = await client.post(f"{house.url}/twilio-webhook?leg=1", data=form)
            assert response.status_code == 403


async def test_the_upgrade_is_signed_too(tmp_path: Path) -> None:
    async with running(tmp_path, TWILIO_AUTH_TOKEN="token", PARLEY_PUBLIC_URL="https://bot.example.com") as house:
        url = house.url.replace("http", "ws") + "/twilio-stream"
        for headers in ({}, {"X-Twilio-Signature": "forged"}):
            with pytest.raises(Unavailable, match="refused with status 403"):
                await Handset().connect(url, headers)
        signature = RequestValidator("token").compute_signature("wss://bot.example.com/twilio-stream", {})
        phone = Handset()
        token = house.gateway.tokens.issue(CLAIM)
        await phone.open(url, {"X-Twilio-Signature": signature}, "CA1", "AC1", {"token": token})
        await house.mind.call()
        await phone.hang_up()


async def test_without_a_token_forwarded_calls_are_not_taken(house: House) -> None:
    async with httpx.AsyncClient() as client:
        headers = {"X-Forwarded-For": "203.0.113.9"}
        response = await client.post(f"{house.url}/twilio-webhook", data={"CallSid": "CA1"}, headers=headers)
    assert response.status_code == 403


async def test_a_full_house_keeps_room_for_calls_that_come_back(tmp_path: Path) -> None:
    async with running(tmp_path, PARLEY_CAPACITY=2) as house:
        url, given = stream_of(await ask_webhook(house.url, "CA2"))
        first = await Handset().dial(house.url, "CA1")
        await house.mind.call()
        assert words(await ask_webhook(house.url, "CA3")) == ["Pause", "Redirect"]
        assert words(await ask_webhook(house.url, "CA3", "?try=3")) == ["Say", "Hangup"]
        second = Handset()
        await second.open(url, {}, "CA2", "AC1", given)
        assert await second.close_code() == 1013
        await second.close()
        back = await Handset().dial(house.url, "CA4", "?leg=2")
        await house.mind.call(2)
        await back.hang_up()
        await first.hang_up()


async def test_health_readiness_and_metrics(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.get("/ready")).status_code == 200
        house.gateway.house.admission.draining = True
        assert (await client.get("/ready")).status_code == 503
        assert (await client.get("/health")).status_code == 200
        metrics = (await client.get("/metrics")).text
    for name in ("voice_calls_total", "voice_calls_active", "voice_barge_in_total", "voice_bad_messages_total"):
        assert name in metrics


def test_a_taken_port_is_named() -> None:
    with listening(Settings.read(PARLEY_GATEWAY_PORT=0)) as bound:
        bound.listen()
        with pytest.raises(Misconfigured, match="PARLEY_GATEWAY_PORT"):
            listening(Settings.read(PARLEY_GATEWAY_PORT=bound.getsockname()[1]))
