"""The page's sockets: voice and chat."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from parley.errors import Unavailable
from parley.v1 import audio_pb2, call_pb2, conversation_pb2, stt_pb2
from services.gateway.doors import inbox
from services.gateway.metrics import BAD_MESSAGES
from testbed.patience import PATIENCE_S
from tests.gateway.conftest import House, running
from tests.gateway.organs import audio_of

FRAME = b"\x00\x10" * 320


class Page:
    """A page's socket. Returns marks at once when `marks` is set."""

    def __init__(self, socket: ClientConnection, marks: bool = True) -> None:
        self.socket = socket
        self.controls: list[dict[str, Any]] = []
        self.sound = bytearray()
        self._marks = marks
        self._news = asyncio.Event()
        self._reader = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        try:
            async for message in self.socket:
                if isinstance(message, bytes):
                    self.sound += message
                else:
                    control = json.loads(message)
                    self.controls.append(control)
                    if control["type"] == "mark" and self._marks:
                        await self.say(type="mark", name=control["name"])
                self._news.set()
        except websockets.ConnectionClosed:
            pass
        self._news.set()

    async def say(self, **control: Any) -> None:
        await self.socket.send(json.dumps(control))

    async def next(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first control message of this kind with these fields."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for control in self.controls:
                    if control["type"] == kind and all(control.get(k) == v for k, v in fields.items()):
                        return control
                self._news.clear()
                await self._news.wait()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self._news.clear()
                await self._news.wait()

    async def closed(self) -> int | None:
        async with asyncio.timeout(PATIENCE_S):
            await self._reader
        return self.socket.close_code

    async def close(self) -> None:
        await self.socket.close()
        await self._reader


async def session(house: House, door: str = "voice") -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{house.url}/api/session", params={"door": door})
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body: dict[str, Any] = response.json()
    return body


async def visit(house: House, door: str = "voice", token: str | None = None) -> Page:
    page = await unstarted(house, door)
    await page.say(type="start", token=token or (await session(house, door))["token"])
    return page


async def unstarted(house: House, door: str = "voice") -> Page:
    return Page(await websockets.connect(f"{house.url.replace('http', 'ws')}/ws/{door}", compression=None))


async def test_a_page_talks_and_sees_both_sides(house: House) -> None:
    page = await visit(house)
    ready = await page.next("ready")
    owner = await house.mind.call()
    assert owner.open.channel == conversation_pb2.CHANNEL_BROWSER
    assert owner.open.call_id == ready["call_id"]
    assert owner.open.format == audio_pb2.AudioFormat(encoding=audio_pb2.ENCODING_PCM_S16LE, sample_rate_hz=16000)
    owner.say(1, "Hello there")
    await owner.next("heard")
    assert house.voice.heard(bytes(page.sound), 32) == [("Hello", 100), ("there", 100)]
    await page.next("state", state="speaking")
    await page.next("subtitle", side="bot", text="Hello there")
    await page.next("subtitle", side="bot", final=True, heard=11)
    await page.next("state", state="listening")
    ears = await house.stt.call()
    for _ in range(10):
        await page.socket.send(FRAME)
    await ears.until(lambda: len(audio_of(ears)) >= 6 * 640)
    ears.send(stt_pb2.RecognizeEvent(interim=stt_pb2.Interim(text="wher")))
    ears.send(stt_pb2.RecognizeEvent(final=stt_pb2.Final(text="where is it", end_ms=180)))
    ears.send(
        stt_pb2.RecognizeEvent(turn_ended=stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_CONFIRMED, offset_ms=200))
    )
    await page.next("subtitle", side="caller", text="wher", final=False)
    await page.next("subtitle", side="caller", text="where is it", final=True)
    await page.next("state", state="thinking")
    owner.command(1, show=conversation_pb2.Show(name="order", json="{}"))
    assert (await page.next("show"))["name"] == "order"
    await page.say(type="ping", t=7)
    assert (await page.next("pong"))["t"] == 7
    await page.say(type="hang_up")
    assert (await owner.next("leg")).leg.kind == conversation_pb2.Leg.KIND_ENDED
    assert await page.closed() == 1000


async def test_a_card_of_a_turn_that_was_stopped_is_shown_all_the_same(house: House) -> None:
    page = await visit(house)
    owner = await house.mind.call()
    owner.command(3, stop=conversation_pb2.Stop())
    owner.say(2, "Nobody hears this", turn=3)
    owner.command(3, show=conversation_pb2.Show(name="order", json='{"Order":"1234"}'))
    assert await page.next("show") == {"type": "show", "name": "order", "json": '{"Order":"1234"}'}
    owner.command(3, show=conversation_pb2.Show(name="order", json="{}", again=True))
    assert (await page.next("show", again=True))["json"] == "{}"


async def test_the_page_is_told_of_the_wrapper_as_it_is_now_and_of_the_last_good_one(
    house: House, tmp_path: Path
) -> None:
    file = tmp_path / "frontdesk" / "wrapper.json"
    assert (await session(house))["wrapper"]["cards"] == []
    file.write_text(json.dumps({"name": "Bikes", "cards": [{"name": "a", "kind": "facts", "title": "A"}]}))
    wrapper = (await session(house))["wrapper"]
    assert (wrapper["name"], wrapper["cards"][0]) == (
        "Bikes",
        {"name": "a", "title": "A", "open": False, "kind": "facts", "empty": ""},
    )
    file.write_text('{"name": ')
    assert (await session(house))["wrapper"] == wrapper


@pytest.mark.parametrize("door", ["voice", "chat"])
async def test_what_a_page_says_of_its_call_reaches_the_mind_with_its_first_leg(house: House, door: str) -> None:
    page = await unstarted(house, door)
    token = (await session(house, door))["token"]
    for wrong, told in (
        (["x"], "must be an object of texts"),
        ({"n": 1}, "must be an object of texts"),
        ({f"n{n}": "" for n in range(33)}, "may be 32, of 500 characters each"),
        ({"n": "x" * 501}, "may be 32, of 500 characters each"),
        ({"transfer": "busy"}, "'transfer' is no name for one"),
        ({"purpose": "x"}, "'purpose' is no name for one"),
        ({"a name": "x"}, "'a name' is no name for one"),
    ):
        await page.say(type="start", token=token, parameters=wrong)
        await page.until(lambda told=told: any(told in c.get("message", "") for c in page.controls))  # type: ignore[misc]
    await page.say(type="start", token=token, parameters={"customer": "Ann", "order": "1234"})
    owner = await house.mind.call()
    assert dict(owner.open.parameters) == {"customer": "Ann", "order": "1234"}
    assert owner.open.direction == call_pb2.DIRECTION_INBOUND
    await page.close()


async def test_the_button_ends_the_turn_and_typed_words_are_one(house: House) -> None:
    page = await visit(house)
    owner, ears = await house.mind.call(), await house.stt.call()
    await page.say(type="button", pressed=True)
    await page.socket.send(FRAME)
    await page.say(type="button", pressed=False)
    await ears.until(lambda: any(r.HasField("end_of_turn") for r in ears.received))
    assert audio_of(ears).startswith(FRAME)
    await page.say(type="text", text="cancel it")
    await page.say(type="dtmf", digit="#")
    assert (await owner.next("dtmf")).dtmf.digit == "#"
    assert [e.button.pressed for e in owner.events("button")] == [True, False]
    assert owner.events("typed")[0].typed.text == "cancel it"
    await page.close()
    assert (await owner.next("leg")).leg.kind == conversation_pb2.Leg.KIND_LOST


async def test_a_page_that_lost_its_socket_comes_back_to_its_call(house: House) -> None:
    page = await visit(house)
    ready = await page.next("ready")
    await page.close()
    again = await visit(house, token=ready["resume"])
    assert (await again.next("ready"))["leg"] == 2
    owner = await house.mind.call(2)
    assert owner.open.call_id == ready["call_id"]
    assert owner.open.epoch == call_pb2.Epoch(leg=2, open=1)
    await again.close()


async def test_a_token_for_coming_back_that_was_sent_into_nothing_may_be_sent_again(house: House) -> None:
    page = await visit(house)
    resume = (await page.next("ready"))["resume"]
    await page.close()
    for again, leg in ((0, 2), (1, 3), (3, 5)):
        page = await unstarted(house)
        await page.say(type="start", token=resume, again=again)
        assert (await page.next("ready"))["leg"] == leg
        await page.close()
    for wrong in (1, -1, 101, "x", True):
        page = await unstarted(house)
        await page.say(type="start", token=resume, again=wrong)
        assert await page.closed() == 4003
    page = await unstarted(house)
    await page.say(type="start", token=(await session(house))["token"], again=1)
    assert await page.closed() == 4003


async def test_the_question_tells_the_ears_what_kind_of_answer_comes(house: House) -> None:
    page = await visit(house)
    owner, ears = await house.mind.call(), await house.stt.call()
    own = stt_pb2.Endpointing(policy="meaning", max_delay_ms=1600, number_lengths=[4])
    owner.command(0, session=conversation_pb2.Session(language="en", agent="frontdesk", endpointing=own))
    ask = conversation_pb2.Say(utterance=1, text="Your number?", complete=True, expect=call_pb2.EXPECT_DIGITS)
    owner.command(1, say=ask)
    wish = await ears.until(
        lambda: next((r.endpointing for r in ears.received if r.endpointing.expect == call_pb2.EXPECT_DIGITS), None)
    )
    assert (wish.policy, wish.max_delay_ms, list(wish.number_lengths)) == ("meaning", 1600, [4]), "the agent's own"

    def newest() -> int:
        found = [r.endpointing.expect for r in ears.received if r.HasField("endpointing")]
        return int(found[-1])

    owner.command(1, stop=conversation_pb2.Stop())
    owner.command(2, say=conversation_pb2.Say(utterance=2, text="One of two?", expect=call_pb2.EXPECT_CHOICE))
    await ears.until(lambda: newest() == call_pb2.EXPECT_CHOICE)
    owner.command(2, stop=conversation_pb2.Stop(expect=call_pb2.EXPECT_FREE))  # broken off before the question
    await ears.until(lambda: newest() == call_pb2.EXPECT_FREE)
    await page.close()


async def test_a_chat_is_the_same_mind_without_sound(house: House) -> None:
    page = await visit(house, "chat")
    owner = await house.mind.call()
    assert owner.open.channel == conversation_pb2.CHANNEL_CHAT
    assert not owner.open.HasField("format")
    await page.say(type="text", text="where is my order")
    assert (await owner.next("typed")).typed.text == "where is my order"
    owner.say(1, "It shipped ", turn=1, complete=False)
    owner.say(1, "on Monday.", turn=1)
    assert (await owner.next("heard")).heard == conversation_pb2.Heard(
        utterance=1, chars=21, complete=True, text="It shipped on Monday."
    )
    await page.next("say", text="on Monday.", final=True)
    assert [c["text"] for c in page.controls if c["type"] == "say"] == ["It shipped ", "on Monday."]
    owner.say(2, "And then", turn=2, complete=False)
    await page.next("say", utterance=2)
    owner.command(2, stop=conversation_pb2.Stop())
    await page.next("cut", utterance=2)
    owner.command(3, hang_up=conversation_pb2.HangUp(reason="bye"))
    await page.next("ended", reason="bye")
    assert await page.closed() == 1000
    assert not house.stt.talks
    assert not house.voice.talks


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("{", "json"),
        ("[]", "no type"),
        ('{"type":"party"}', "unknown event"),
        ('{"type":"button","pressed":1}', "button"),
        ('{"type":"push_to_talk"}', "push_to_talk"),
        ('{"type":"text","text":""}', "text"),
        ('{"type":"text","text":7}', "text"),
        (json.dumps({"type": "text", "text": "x" * 5000}), "text"),
        ('{"type":"dtmf","digit":[]}', "dtmf"),
        ('{"type":"mark","name":"1.99"}', "mark"),
        (b"\x00", "frame length"),
        (bytes(10_000), "frame length"),
    ],
)
async def test_a_bad_message_is_answered_and_the_call_goes_on(house: House, message: str | bytes, kind: str) -> None:
    page = await visit(house)
    await page.next("ready")
    before = BAD_MESSAGES.labels(kind)._value.get()
    await page.socket.send(message)
    assert (await page.next("error"))["message"]
    assert BAD_MESSAGES.labels(kind)._value.get() == before + 1
    await page.say(type="ping", t=1)
    await page.next("pong")
    await page.close()


async def test_sound_in_a_chat_is_refused_and_too_much_of_it_closes(house: House) -> None:
    page = await visit(house, "chat")
    await page.next("ready")
    for _ in range(60):
        await page.socket.send(FRAME)
    assert await page.closed() == 1008


async def test_a_page_without_a_good_token_is_closed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    page = await visit(house, token="forged.token")
    assert await page.closed() == 4003
    used = (await session(house))["token"]
    first = await visit(house, token=used)
    await first.next("ready")
    second = await visit(house, token=used)
    assert await second.closed() == 4003
    await first.close()
    monkeypatch.setattr(inbox, "START_S", 0.1)
    silent = await unstarted(house)
    await silent.socket.send(FRAME)
    assert await silent.closed() == 1008


async def test_another_site_may_not_use_the_microphone_of_our_callers(house: House) -> None:
    url = house.url.replace("http", "ws")
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(f"{url}/ws/voice", additional_headers={"Origin": "https://evil.example"})
    async with httpx.AsyncClient() as client:
        refused = await client.get(f"{house.url}/api/session", headers={"Origin": "https://evil.example"})
        assert refused.status_code == 403
        assert (await client.get(f"{house.url}/api/session", headers={"Origin": house.url})).status_code == 200


async def test_what_is_wrong_with_an_edit_is_told_before_a_call_on_this_machine_only(house: House) -> None:
    house.mind.problem = "tools.py, line 4: tool book: needs a docstring"
    async with httpx.AsyncClient(base_url=house.url) as client:
        assert (await client.get("/api/agent")).json()["problem"] == house.mind.problem
        elsewhere = await client.get("/api/agent", headers={"x-forwarded-for": "192.0.2.1"})
        assert "problem" not in elsewhere.json()
        house.mind.refuse = Unavailable("away")
        alone = (await client.get("/api/agent")).json()
        assert (alone["company"], alone["problem"]) == ("Bellweather Bikes", "")


async def test_the_console_is_named_on_this_machine_only_and_served_elsewhere(tmp_path: Path) -> None:
    async with (
        running(tmp_path, PARLEY_CONSOLE_URL="http://127.0.0.1:8090/admin") as house,
        httpx.AsyncClient(base_url=house.url) as client,
    ):
        assert (await client.get("/api/agent")).json()["console"] == "http://127.0.0.1:8090/admin"
        elsewhere = await client.get("/api/agent", headers={"x-forwarded-for": "192.0.2.1"})
        assert "console" not in elsewhere.json()
        for path in ("/admin", "/admin/", "/admin/app.js", "/admin/index.html"):
            assert (await client.get(path)).status_code == 404, path
        assert (await client.get("/page.js")).status_code == 200
        pages = [(await client.get(path)).text for path in ("/", "/demo", "/voice-demo")]
        assert pages[0] == pages[1] == pages[2], "one page, which looks at its address"


async def test_the_page_is_told_who_answers(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        assert (await client.get("/api/agent")).json()["company"] == "Bellweather Bikes"
        unknown = await client.get("/api/agent", params={"name": "nobody"})
        assert unknown.status_code == 404
        assert "frontdesk" in unknown.json()["error"]
        assert (await client.get("/api/session", params={"agent": "../x"})).status_code == 404
        assert (await client.get("/api/session", params={"door": "phone"})).status_code == 400
