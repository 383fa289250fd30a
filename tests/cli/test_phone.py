"""The phone against a gateway that follows a script: what a carrier does, message by message."""

from __future__ import annotations

import asyncio
import base64
import time
from itertools import pairwise

import pytest
from twilio.request_validator import RequestValidator

from parley.errors import BadInput, Unavailable
from testbed.patience import PATIENCE_S
from testbed.telephone.phone import CallOver, Clock, Conditions, Phone
from tests.cli.gateway import HANGUP, FakeGateway, Line, called, connect, fake_gateway, tone

DIAL = '<Response><Dial action="/twilio-webhook?leg=2"><Number>+15550199</Number></Dial></Response>'


async def nothing(line: Line) -> None:
    """A bot that waits for the caller to hang up."""
    await line.until("stop")


async def test_a_stream_begins_with_connected_and_start() -> None:
    async with Clock() as clock, fake_gateway(nothing, lambda g, *_: connect(g.stream_url, leg="1")) as gateway:
        async with Phone(gateway.url, clock, from_="+15550123", agent="frontdesk").dial() as call:
            await gateway.lines[0].until("media", 2)
        line = gateway.lines[0]
    path, form, _ = gateway.asked[0]
    assert path == "/twilio-webhook?agent=frontdesk"
    assert (form["CallSid"], form["From"], form["CallStatus"]) == (call.sid, "+15550123", "ringing")
    assert form["CallerCity"] == ""
    (_, first), (_, second), (_, third) = line.messages[:3]
    assert first == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert second["sequenceNumber"] == "1"
    assert second["start"]["customParameters"] == {"leg": "1"}
    assert second["start"]["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    assert third["sequenceNumber"] == "2"
    assert third["media"]["chunk"] == "1"
    assert third["media"]["timestamp"] == "0"
    assert base64.b64decode(third["media"]["payload"]) == b"\xff" * 160
    assert line.messages[-1][1]["event"] == "stop"
    assert call.ended_by == "caller"
    assert call.warnings == []


class Metronome:
    """Counts the ticks of a clock."""

    def __init__(self, enough: int) -> None:
        self.ticks: list[float] = []
        self.over = asyncio.Event()
        self._enough = enough

    def tick(self, now: float) -> None:
        self.ticks.append(now)
        if len(self.ticks) == self._enough:
            self.over.set()


async def test_frames_leave_every_20_ms_on_one_schedule() -> None:
    """However late the machine is: what was late is followed by what is due."""
    metronome = Metronome(30)
    async with Clock() as clock:
        clock.join(metronome)
        await metronome.over.wait()
        due = [at - late for at, late in zip(metronome.ticks, clock.late_s, strict=True)]
    assert [b - a for a, b in pairwise(due)] == pytest.approx([0.020] * 29, abs=1e-6)


async def test_all_that_is_said_leaves_in_frames() -> None:
    async with called(nothing) as (gateway, call):
        spoken = await call.say(tone(600))
    assert spoken.end > spoken.start
    sent = b"".join(base64.b64decode(m["media"]["payload"]) for _, m in gateway.lines[0].of("media"))
    assert tone(600) in sent


async def test_marks_come_back_when_their_audio_was_played() -> None:
    marks = []

    async def bot(line: Line) -> None:
        await line.mark("empty")
        await line.until("mark", 1)
        await line.media(tone(200))
        began = time.monotonic()
        await line.mark("played")
        marks.append((await line.until("mark", 2))[0] - began)

    async with called(bot) as (gateway, call):
        await call.until_over()
    assert [m["mark"]["name"] for _, m in gateway.lines[0].of("mark")] == ["empty", "played"]
    assert marks[0] == pytest.approx(0.2, abs=0.1)
    assert call.warnings == []


async def test_a_clear_empties_the_buffer_and_returns_all_marks_at_once() -> None:
    took = []

    async def bot(line: Line) -> None:
        for name in "abc":
            await line.media(tone(1000))
            await line.mark(name)
        await line.until("media", 10)
        began = time.monotonic()
        await line.clear()
        took.append((await line.until("mark", 3))[0] - began)
        await line.media(tone(100))
        await line.mark("after")
        await line.until("mark", 4)

    async with called(bot) as (gateway, call):
        await call.until_over()
    assert took[0] < 0.3
    assert [mark.cleared for mark in call.streams[0].marks] == [True, True, True, False]
    cleared = call.heard.clears[0]
    assert cleared.dropped_ms == pytest.approx(2800, abs=300)
    first, last = call.heard.pieces[0], call.heard.pieces[-1]
    assert first.end == pytest.approx(cleared.at, abs=0.001)
    assert last.start >= cleared.at
    whole = call.heard.mulaw()
    assert len(whole) == pytest.approx((last.end - call.born) * 8000, abs=2)


async def test_late_audio_leaves_a_gap_in_the_recording() -> None:
    async def bot(line: Line) -> None:
        await line.media(tone(60))
        await line.until("media", 6)
        await line.media(tone(60))
        await line.mark("end")
        await line.until("mark")

    async with called(bot) as (gateway, call):
        await call.until_over()
    (begun, length), *more = call.heard.gaps()
    assert not more
    assert 20 <= length < 120
    hole = call.heard.mulaw()[round((begun - call.born) * 8000) :][: int(length * 8) - 1]
    assert set(hole) == {0xFF}


async def test_a_closed_stream_is_taken_up_by_the_redirect() -> None:
    def twiml(gateway: FakeGateway, form: dict[str, str], count: int) -> str:
        if count == 3:
            return HANGUP
        return connect(gateway.stream_url, f'<Redirect method="POST">/twilio-webhook?leg={count + 1}</Redirect>')

    async def bot(line: Line) -> None:
        await line.until("media", 2)

    async with called(bot, twiml) as (gateway, call):
        await call.until_over()
    assert [path for path, _, _ in gateway.asked] == [
        "/twilio-webhook",
        "/twilio-webhook?leg=2",
        "/twilio-webhook?leg=3",
    ]
    assert {form["CallSid"] for _, form, _ in gateway.asked} == {call.sid}
    assert [form["CallStatus"] for _, form, _ in gateway.asked] == ["ringing", "in-progress", "in-progress"]
    assert len({line.sid for line in gateway.lines}) == 2
    assert [line.of("media")[0][1]["media"]["chunk"] for line in gateway.lines] == ["1", "1"]
    assert call.ended_by == "bot"
    with pytest.raises(CallOver, match="keys"):
        call.dtmf("1")


async def test_a_cut_connection_comes_back_without_a_stop() -> None:
    async def bot(line: Line) -> None:
        if line.start["customParameters"]["leg"] == "1":
            await line.until("never")
        else:
            await line.media(tone(100))
            await line.until("stop")

    def twiml(gateway: FakeGateway, form: dict[str, str], count: int) -> str:
        return connect(gateway.stream_url, "<Redirect>/twilio-webhook</Redirect>", leg=str(count))

    async with called(bot, twiml) as (gateway, call):
        await gateway.lines[0].until("media", 3)
        call.cut()
        await call.until_bot_speaks()
    assert gateway.lines[0].of("stop") == []
    assert len(call.streams) == 2


async def test_keys_are_sent_as_the_carrier_sends_them() -> None:
    async with called(nothing) as (gateway, call):
        call.dtmf("4#")
        _, second = await gateway.lines[0].until("dtmf", 2)
    assert second["dtmf"] == {"track": "inbound_track", "digit": "#"}


async def test_webhook_and_upgrade_are_signed() -> None:
    validator = RequestValidator("secret")
    async with Clock() as clock, fake_gateway(nothing) as gateway:
        public = "https://bot.example"
        gateway.twiml = lambda *_: connect("wss://bot.example/twilio-stream")
        async with Phone(gateway.url, clock, auth_token="secret", public_url=public).dial():
            await gateway.lines[0].until("start")
    path, form, headers = gateway.asked[0]
    assert validator.validate(public + path, form, headers["X-Twilio-Signature"])
    upgrade = gateway.lines[0].headers["X-Twilio-Signature"]
    assert validator.validate("wss://bot.example/twilio-stream", {}, upgrade)


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ('{"event":"media","streamSid":"SID","media":{"payload":"AA==","track":"outbound"}}', 31951, "nothing else"),
        ('{"event":"media","streamSid":"SID","media":{"payload":"*"}}', 31951, "not base64"),
        ('{"event":"media","streamSid":"SID","media":{"payload":"AA=="},"x":1}', 31951, "fields"),
        ('{"event":"media","streamSid":"MZ0","media":{"payload":"AA=="}}', 31951, "another stream"),
        ('{"event":"mark","streamSid":"SID"}', 31951, "fields"),
        ('{"event":"mark","streamSid":"SID","mark":{"name":7}}', 31951, "nothing else"),
        ('{"event":"stop","streamSid":"SID"}', 31951, "unknown event"),
        ("{", 31951, "not JSON"),
    ],
)
async def test_the_carrier_complains_once_about_what_breaks_the_protocol(message: str, code: int, words: str) -> None:
    async def bot(line: Line) -> None:
        for _ in range(2):
            await line.socket.send_str(message.replace("SID", line.sid))
        await line.mark("after")
        await line.until("mark")

    async with called(bot) as (gateway, call):
        await call.until_over()
    (warned,) = call.warnings
    assert warned.code == code
    assert words in warned.text
    assert call.heard.pieces == []


async def test_a_binary_message_is_warning_31950() -> None:
    async def bot(line: Line) -> None:
        await line.socket.send_bytes(b"\xff" * 160)
        await line.until("media", 2)

    async with called(bot) as (gateway, call):
        await call.until_over()
    assert [warned.code for warned in call.warnings] == [31950]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (connect("ws://bot.example/twilio-stream"), 31922),
        (connect("wss://127.0.0.1:1/twilio-stream"), 31920),
        ("<Response><Gather/></Response>", 12200),
        ("<Response>", 12100),
    ],
)
async def test_twiml_that_leads_nowhere_is_warned_about(document: str, code: int) -> None:
    async with called(nothing, lambda *_: document) as (_, call):
        await call.until_over()
    assert [warned.code for warned in call.warnings] == [code]
    assert call.streams == []


async def test_a_webhook_that_answers_no_xml_fails_the_call() -> None:
    async with Clock() as clock, fake_gateway(nothing) as gateway:
        with pytest.raises(Unavailable, match="404"):
            async with Phone(f"{gateway.url}/elsewhere", clock).dial():
                pass
    async with Clock() as clock:
        with pytest.raises(Unavailable, match="cannot be reached"):
            async with Phone("http://127.0.0.1:1", clock).dial():
                pass


async def test_the_rest_api_replaces_the_running_document() -> None:
    def twiml(gateway: FakeGateway, form: dict[str, str], count: int) -> str:
        return connect(gateway.stream_url) if count == 1 else HANGUP

    async with called(nothing, twiml, dial_status="busy", dial_s=0) as (gateway, call):
        await gateway.lines[0].until("media", 2)
        call.update(
            document='<Response><Dial action="/twilio-webhook?leg=2"><Number>+15550199</Number></Dial></Response>'
        )
        await call.until_over()
    assert gateway.lines[0].of("stop")
    assert call.dialled == ["+15550199"]
    assert gateway.asked[1][1]["DialCallStatus"] == "busy"
    with pytest.raises(BadInput, match="not XML"):
        call.update(document="<Response")


async def test_the_rest_api_ends_the_call_and_waiting_for_the_bot_ends_too() -> None:
    async with called(nothing) as (gateway, call):
        asyncio.get_running_loop().call_later(0.1, lambda: call.update(status="completed"))
        with pytest.raises(CallOver):
            await call.until_bot_speaks()
        with pytest.raises(CallOver):
            await call.say(tone(100))
    assert call.ended_by == "rest"


async def test_marks_may_come_late_or_never() -> None:
    back = []

    async def bot(line: Line) -> None:
        began = time.monotonic()
        await line.mark("a")
        await line.until("media", 10)
        back.append([at - began for at, _ in line.of("mark")])

    async with Clock() as clock, fake_gateway(bot) as gateway:
        for conditions in (Conditions(mark_delay_ms=100), Conditions(marks=False)):
            async with Phone(gateway.url, clock, conditions=conditions).dial() as call:
                await call.until_over()
    late, never = back
    assert late == [pytest.approx(0.1, abs=0.08)]
    assert never == []


async def test_jitter_keeps_the_order() -> None:
    async def bot(line: Line) -> None:
        for n in range(20):
            await line.media(bytes([n]) * 80)
        await line.until("media", 20)

    async with called(bot, conditions=Conditions(jitter_ms=40)) as (gateway, call):
        await call.until_over()
    assert [piece.data[0] for piece in call.heard.pieces] == list(range(20))
    sequence = [int(m["sequenceNumber"]) for _, m in gateway.lines[0].messages if "sequenceNumber" in m]
    assert sequence == list(range(1, len(sequence) + 1))
    gaps = [b[0] - a[0] for a, b in zip(gateway.lines[0].of("media"), gateway.lines[0].of("media")[1:], strict=False)]
    assert max(gaps) > 0.024


async def test_the_caller_may_fall_silent_in_the_middle() -> None:
    async with called(nothing) as (gateway, call):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await call.say(tone(5000))
        spoken = call.spoken[0]
        assert 0 < spoken.sent < 2000
        await call.say(tone(40))
    assert spoken.sent < 2000


async def test_a_call_whose_gateway_goes_away_comes_back_to_another() -> None:
    """Both stand behind the first one's address: the webhook of the next leg and its stream go to the one ready."""

    def twiml(gateway: FakeGateway, form: dict[str, str], count: int) -> str:
        host = gateway.asked[-1][2]["Host"]
        return connect(f"ws://{host}/twilio-stream", "<Redirect>/twilio-webhook?leg=2</Redirect>")

    async def goes_away(line: Line) -> None:
        await line.until("media", 5)
        here.ready = False

    async with Clock() as clock, fake_gateway(goes_away, twiml) as here, fake_gateway(nothing, twiml) as there:
        async with Phone([here.url, there.url], clock).dial() as call:
            async with asyncio.timeout(PATIENCE_S):
                while len(call.streams) < 2:  # noqa: ASYNC110 - the exchange tells nobody
                    await asyncio.sleep(0.01)
        assert [path for path, _, _ in here.asked] == ["/twilio-webhook"]
        assert [path for path, _, _ in there.asked] == ["/twilio-webhook?leg=2"]
        assert {form["CallSid"] for _, form, _ in (*here.asked, *there.asked)} == {call.sid}
        assert (len(here.lines), len(there.lines)) == (1, 1)


async def test_without_a_ready_gateway_the_call_fails() -> None:
    async with Clock() as clock, fake_gateway(nothing) as here, fake_gateway(nothing) as there:
        here.ready = there.ready = False
        with pytest.raises(Unavailable, match="none of 2 gateways is ready"):
            async with Phone([here.url, there.url], clock).dial():
                pass
