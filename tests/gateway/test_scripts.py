"""Calls in scripts with and without spaces: what was heard, where the voice goes on, how much may be typed."""

from __future__ import annotations

import json

import pytest

from parley.text.words import units
from parley.v1 import audio_pb2, conversation_pb2, stt_pb2, tts_pb2
from services.gateway.doors import page_socket
from services.gateway.doors.page_wire import PageWire
from services.gateway.doors.websocket import MAX_REASON, WebSocket
from services.gateway.ears.report import Report
from services.gateway.voice.prefetch import MAX_LETTERS
from services.gateway.voice.synthesis import _PIECE, _piece
from services.gateway.watch.subtitles import MAX_TEXT, Subtitles
from tests.gateway.conftest import House
from tests.gateway.handset import LOUD, SILENCE
from tests.gateway.test_barge_in import STARTED, call, until_heard
from tests.gateway.test_page import visit

ANSWERS = {
    "th": "คำสั่งซื้อของคุณถูกส่งแล้วเมื่อวันจันทร์ครับ จะถึงวันศุกร์ครับ มีอะไรให้ช่วยอีกไหมครับ",
    "zh": "您的订单已经发货了，预计星期五送到。请问您还需要别的帮助吗？",
    "ja": "ご注文の自転車は月曜日に発送されました。金曜日に届く予定です。",
    "hi": "आपका ऑर्डर सोमवार को भेज दिया गया है। यह शुक्रवार तक आपके घर पहुँच जाएगा, धन्यवाद।",
    "ar": "تم شحن طلبك يوم الاثنين، وسيصل إليك يوم الجمعة إن شاء الله. هل تحتاج إلى شيء آخر؟",
}


@pytest.mark.parametrize("language", ANSWERS)
async def test_an_answer_that_is_interrupted_was_heard_up_to_a_word(house: House, language: str) -> None:
    text = ANSWERS[language]
    phone, owner, ears = await call(house)
    owner.say(1, text, turn=1)
    await until_heard(phone, 450)
    await phone.speak(60, LOUD, paced=True)
    await owner.next("paused")
    ears.send(STARTED)
    owner.command(1, stop=conversation_pb2.Stop())
    heard = (await owner.next("heard")).heard
    assert heard.cut
    said = [heard.text[begin:end] for begin, end in units(text)]
    whole = [text[begin:end] for begin, end in units(text, 0, heard.chars)]
    assert whole == said[: len(whole)], "no word is cut"
    assert abs(len(whole) - len(house.voice.whole_words(phone.played))) <= 1
    assert 2 < len(whole) < len(said)
    await phone.hang_up()


@pytest.mark.parametrize("language", ANSWERS)
async def test_the_voice_goes_on_at_the_start_of_a_word(house: House, language: str) -> None:
    text = ANSWERS[language]
    phone, owner, _ = await call(house)
    owner.say(1, text, turn=1)
    await until_heard(phone, 320)
    await phone.speak(100, LOUD, paced=True)
    await phone.speak(300, SILENCE, paced=True)
    resumed = (await owner.next("resumed")).resumed
    assert resumed.chars in [begin for begin, _ in units(text)]
    assert (await owner.next("heard")).heard.complete
    told = [text[begin:end] for begin, end in units(text)]
    assert house.voice.whole_words(phone.played) == told
    await phone.hang_up()


def test_the_parts_of_a_turn_are_joined_as_their_script_is_written() -> None:
    def turn(*finals: str) -> str:
        report = Report()
        for n, text in enumerate(finals):
            report.accept(stt_pb2.RecognizeEvent(final=stt_pb2.Final(text=text, start_ms=n, end_ms=n + 1)))
        assert report.said is not None
        return report.said.text

    assert turn("我的订单", "在哪里？") == "我的订单在哪里？"
    assert turn("ขอ", "ยกเลิก") == "ขอยกเลิก"
    assert turn("where is", "my order") == "where is my order"
    assert turn("मेरा ऑर्डर", "कहाँ है") == "मेरा ऑर्डर कहाँ है"


@pytest.mark.parametrize("char", "a字😀", ids=["1 byte", "3 bytes", "4 bytes"])
@pytest.mark.parametrize("escaped", [False, True])
async def test_a_turn_may_be_typed_of_as_many_characters_as_is_said(house: House, char: str, escaped: bool) -> None:
    page = await visit(house, "chat")
    owner = await house.mind.call()
    for number, size in enumerate((page_socket.MAX_TEXT - 1, page_socket.MAX_TEXT), 1):
        await page.socket.send(json.dumps({"type": "text", "text": char * size}, ensure_ascii=escaped))
        assert (await owner.next("typed", number)).typed.text == char * size
    await page.socket.send(
        json.dumps({"type": "text", "text": char * (page_socket.MAX_TEXT + 1)}, ensure_ascii=escaped)
    )
    assert "at most 4,000 characters" in (await page.next("error"))["message"]
    assert len(owner.events("typed")) == 2
    await page.close()


@pytest.mark.parametrize("char", "a字😀")
def test_a_reason_to_close_fits_its_frame(char: str) -> None:
    sent: list[dict[str, object]] = []

    class Step:
        def __await__(self):  # type: ignore[no-untyped-def]
            return iter(())

    async def receive() -> dict[str, object]:
        raise AssertionError

    def send(message: dict[str, object]) -> Step:
        sent.append(message)
        return Step()

    for size in (MAX_REASON - 1, MAX_REASON, MAX_REASON + 1):
        WebSocket({"headers": [], "path": "/", "scheme": "ws"}, receive, send).close(1008, char * size)  # type: ignore[arg-type]
        reason = str(sent[-1]["reason"])
        assert reason == char * min(size, MAX_REASON // len(char.encode()))


@pytest.mark.parametrize(("char", "letters"), [("a", 1), ("か", 2), ("字", 3)])
async def test_what_is_spoken_beforehand_finds_room_in_the_track(house: House, char: str, letters: int) -> None:
    rehearsal = house.gateway.organs.rehearsal
    sound = audio_pb2.AudioFormat(encoding=audio_pb2.ENCODING_MULAW, sample_rate_hz=8000)
    config = tts_pb2.SynthesizeConfig(voice="amy", language="en", format=sound)
    rehearsal.ask(config, [char * (MAX_LETTERS // letters), char * (MAX_LETTERS // letters + 1)])
    assert [len(key.text) for key in rehearsal._due] == [MAX_LETTERS // letters]


@pytest.mark.parametrize("char", "a字😀")
def test_what_is_shown_has_as_many_characters_as_what_is_said(char: str) -> None:
    told: list[dict[str, object]] = []

    class Wire:
        def tell_here(self, message: dict[str, object]) -> None:
            raise AssertionError("a telephone has no page")

        def tell(self, message: dict[str, object]) -> None:
            told.append(message)

    shown = Subtitles(Wire())  # type: ignore[arg-type]
    for text in (char * (MAX_TEXT - 1), char, char):
        shown.command(conversation_pb2.CallCommand(say=conversation_pb2.Say(utterance=1, text=text)))
    heard = conversation_pb2.Heard(utterance=1, chars=5, cut=True)
    shown.event(conversation_pb2.CallEvent(heard=heard))
    assert told[-1]["text"] == char * MAX_TEXT


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("word " * 1_700, 3),
        ("您的订单" * 1_900, 2),
        ("ขอยกเลิกครับ" * 600, 2),
        ("x" * 8_100, 3),
        ("字" * 4_000, 1),
        ("😀" * 4_001, 2),
    ],
)
def test_a_long_text_is_sent_in_whole_words(text: str, pieces: int) -> None:
    borders = {place for span in units(text) for place in span} | {len(text)}
    sent, cuts = 0, []
    while sent < len(text):
        piece = _piece(text[sent : sent + _PIECE + 1])
        assert 0 < len(piece) <= _PIECE
        sent += len(piece)
        cuts.append(sent)
    assert len(cuts) == pieces
    assert all(cut in borders or len(borders) < 4 for cut in cuts)


def test_what_is_wrong_with_an_edit_is_told_to_a_page_on_this_machine_only() -> None:
    command = conversation_pb2.CallCommand(session=conversation_pb2.Session(problem="agent.yaml: line 3"))

    class Socket:
        def __init__(self, peer: str, headers: dict[str, str]) -> None:
            self.peer, self.headers, self.sent = peer, headers, list[str]()

        def post_text(self, text: str) -> None:
            self.sent.append(text)

    for peer, headers, shown in (
        ("127.0.0.1", {}, 1),
        ("127.0.0.1", {"x-forwarded-for": "192.0.2.1"}, 0),
        ("192.0.2.1", {}, 0),
    ):
        socket = Socket(peer, headers)
        Subtitles(PageWire(socket)).command(command)  # type: ignore[arg-type]
        assert [("agent.yaml: line 3" in text) for text in socket.sent] == [True] * shown
