"""Far ends that break the protocol: what becomes of each, and that it is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.gateway.doors import inbox
from services.gateway.metrics import BAD_MESSAGES, REFUSED
from services.gateway.tokens import Claim
from tests.gateway.conftest import House
from tests.gateway.handset import LOUD, Handset
from tests.gateway.organs import audio_of
from tests.gateway.webhook import ask_webhook, stream_of


def count(kind: str) -> float:
    return float(BAD_MESSAGES.labels(kind)._value.get())


def media(payload: Any = "f39/", **more: Any) -> str:
    message = {"event": "media", "streamSid": "MZ1", "media": {"track": "inbound", "payload": payload, **more}}
    return json.dumps(message)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("{", "json"),
        ("", "json"),
        ("[" * 2000, "json"),
        ("[]", "no event"),
        ("{}", "no event"),
        ('{"event":7}', "no event"),
        (b"\x00\x01", "binary"),
        ('{"event":"party"}', "unknown event"),
        ('{"event":"start"}', "second start"),
        (media("not base64!"), "base64"),
        (media("abc"), "base64"),
        (media(7), "media fields"),
        (media(""), "media length"),
        (media("AAAA" * 4000), "media length"),
        (media(track="outbound"), "media track"),
        ('{"event":"media"}', "media fields"),
        ('{"event":"media","media":[]}', "media fields"),
        ('{"event":"mark"}', "mark"),
        ('{"event":"mark","mark":{"name":"9.9"}}', "mark"),
        ('{"event":"dtmf","dtmf":{"digit":"77"}}', "dtmf"),
        ('{"event":"dtmf","dtmf":{"digit":["1"]}}', "dtmf"),
        ('{"event":"dtmf"}', "dtmf"),
    ],
)
async def test_a_bad_message_is_counted_and_the_call_goes_on(house: House, message: str | bytes, kind: str) -> None:
    phone = await Handset().dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    before = count(kind)
    phone.wire.send(message)
    await phone.speak(80)
    await ears.until(lambda: audio_of(ears))
    assert count(kind) == before + 1
    assert audio_of(ears) == LOUD[: len(audio_of(ears))] or audio_of(ears).startswith(LOUD)
    assert not owner.closed
    await phone.hang_up()


async def test_a_far_end_that_goes_on_with_it_is_closed(house: House) -> None:
    phone = await Handset().dial(house.url)
    await house.mind.call()
    for _ in range(60):
        phone.wire.send("{")
    assert await phone.close_code() == 1008
    await phone.close()


async def test_an_oversized_message_closes_the_stream(house: House) -> None:
    phone = await Handset().dial(house.url)
    await house.mind.call()
    before = count("oversized")
    phone.wire.send("x" * 70_000)
    assert await phone.close_code() == 1009
    await phone.close()
    owner = house.mind.talks[0]
    await owner.next("leg")
    assert count("oversized") == before + 1


async def test_sound_before_the_start_is_not_used(house: House) -> None:
    url, given = stream_of(await ask_webhook(house.url))
    phone = Handset()
    await phone.connect(url, {})
    before = count("media before start")
    await phone.speak(100)
    phone.start("CA1", "AC1", given)
    ears = await house.stt.call()
    await phone.speak(80)
    await ears.until(lambda: audio_of(ears))
    assert count("media before start") == before + 5
    assert len(audio_of(ears)) <= 80 * 8
    await phone.hang_up()


async def test_sound_after_the_stop_is_not_used(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    before = count("media after stop")
    phone.wire.send('{"event":"stop","streamSid":"MZ1","stop":{}}')
    await phone.speak(40)
    await owner.next("leg")
    await phone.close_code()
    await phone.close()
    assert count("media after stop") == before + 2


async def test_a_stream_that_does_not_start_is_closed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "START_S", 0.1)
    phone = Handset()
    await phone.connect(house.url.replace("http", "ws") + "/twilio-stream", {})
    assert await phone.close_code() == 1008
    await phone.close()
    assert not house.mind.talks


@pytest.mark.parametrize("case", ["forged", "none", "of another call", "used twice", "of a page"])
async def test_a_wrong_token_lets_nobody_in(house: House, case: str) -> None:
    tokens = house.gateway.tokens
    good = tokens.issue(Claim("CA1", 1, "phone", "frontdesk", True))
    token = {
        "forged": good[:-3] + "AAA",
        "none": "",
        "of another call": tokens.issue(Claim("CA2", 1, "phone", "frontdesk", True)),
        "used twice": good,
        "of a page": tokens.issue(Claim("CA1", 1, "voice", "frontdesk", True)),
    }[case]
    if case == "used twice":
        tokens.redeem(good, "phone")
    before = sum(REFUSED.labels(reason)._value.get() for reason in ("token", "token of another call"))
    phone = Handset()
    await phone.open(house.url.replace("http", "ws") + "/twilio-stream", {}, "CA1", "AC1", {"token": token})
    await phone.speak(40)
    assert await phone.close_code() == 1008
    await phone.close()
    assert sum(REFUSED.labels(reason)._value.get() for reason in ("token", "token of another call")) == before + 1
    assert not house.mind.talks


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (None, 1008),
        ({}, 1008),
        ({"callSid": "CA1", "streamSid": "MZ1"}, 1003),
        ({"callSid": "CA1", "streamSid": "MZ1", "mediaFormat": {"encoding": "audio/L16", "sampleRate": 8000}}, 1003),
        (
            {
                "callSid": "CA1",
                "streamSid": "MZ1",
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
                "customParameters": {"token": 5},
            },
            1008,
        ),
    ],
)
async def test_a_broken_start_is_closed(house: House, start: Any, code: int) -> None:
    phone = Handset()
    await phone.connect(house.url.replace("http", "ws") + "/twilio-stream", {})
    phone.wire.send(json.dumps({"event": "start", "start": start}))
    assert await phone.close_code() == code
    await phone.close()


async def test_an_unknown_path_is_refused(house: House) -> None:
    import websockets

    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(house.url.replace("http", "ws") + "/ws/nothing")
