"""Word times, and going on at a word, in scripts with and without spaces between words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.audio import TELEPHONE
from parley.engines import Engine
from parley.errors import VendorLost
from parley.text.words import units
from services.tts.contract import AudioChunk, TtsConfig, WordTime
from services.tts.local.pieces import MAX_PIECE, pause_ms, pieces
from services.tts.synthesis import Synthesis
from services.tts.words import Aligner, spread
from tests.tts import line
from tests.tts.test_falling_over import WORD_MS, Drone

ANSWERS = {
    "th": "สวัสดีครับ คำสั่งซื้อของคุณถูกส่งแล้ว จะถึงวันศุกร์ครับ",
    "zh": "您好。您的订单4821已经发货了，「星期五」就能送到！",
    "ja": "こんにちは。ご注文のコーヒーは発送されました。金曜日に届きます。",
    "hi": "नमस्ते, आपका ऑर्डर भेज दिया गया है। शुक्रवार को पहुँचेगा।",
    "ar": "مرحبا، تم شحن طلبك. سيصل يوم الجمعة إن شاء الله.",
    "km": "សួស្តី ការបញ្ជាទិញរបស់អ្នកត្រូវបានផ្ញើហើយ។",
}
CHAR_MS = 40.0


def told_in(text: str, messages: list[list[str]]) -> list[WordTime]:
    """What a vendor's characters, in these messages, tell of the words; each character sounds 40 ms."""
    aligner = Aligner()
    aligner.given(text)
    told: list[WordTime] = []
    at = 0.0
    for message in messages:
        starts = [at + n * CHAR_MS for n in range(len(message))]
        at += CHAR_MS * len(message)
        told += aligner.take(message, starts, [start + CHAR_MS for start in starts])
    return told + aligner.rest(at)


@pytest.mark.parametrize("language", ANSWERS)
def test_every_word_has_the_time_of_its_characters(language: str) -> None:
    text = ANSWERS[language]
    told = told_in(text, [list(text)])
    assert [(w.char_start, w.char_end) for w in told] == list(units(text))
    for word in told:
        assert word.start_ms == word.char_start * CHAR_MS
        assert word.start_ms < word.end_ms <= word.char_end * CHAR_MS


@settings(deadline=None)
@given(st.sampled_from(list(ANSWERS.values())), st.data())
def test_it_does_not_matter_how_the_vendor_cuts_it(text: str, data: st.DataObject) -> None:
    chars, messages = list(text), []
    while chars:
        size = data.draw(st.integers(1, len(chars)))
        messages.append(chars[:size])
        chars = chars[size:]
    assert told_in(text, messages) == told_in(text, [list(text)])


def test_a_vendor_may_tell_a_letter_and_its_signs_as_one() -> None:
    text = "ขอยกเลิกครับ"
    told = told_in(text, [["ข", "อ", "ย", "ก", "เ", "ลิ", "ก", "ค", "รั", "บ"]])
    assert [(w.char_start, w.char_end) for w in told] == list(units(text))


def test_without_times_words_share_the_sound_by_how_long_they_take_to_say() -> None:
    text = "iPhone 手机"
    times = spread(text, 0, len(text), 0, 1400)
    assert [text[w.char_start : w.char_end] for w in times] == ["iPhone", "手机"]
    assert [(w.start_ms, w.end_ms) for w in times] == [(0, 700), (700, 1400)]


class Breaking(Drone):
    """Breaks off after so many words."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self._left = words

    async def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncIterator[AudioChunk]:
        async for chunk in super().synthesize(text, config):
            if not self._left:
                raise VendorLost("broke off")
            self._left -= 1
            yield chunk


@pytest.mark.parametrize("language", ANSWERS)
@pytest.mark.parametrize("words", [1, 3, 4])
async def test_another_voice_goes_on_at_the_word_where_the_first_broke_off(language: str, words: int) -> None:
    text = ANSWERS[language]
    all_units = list(units(text))
    first, second = Breaking(words), Drone()

    async def whole() -> AsyncIterator[str]:
        yield text

    heard: list[WordTime] = []
    size = 0
    async for chunk in Synthesis([Engine("a", first), Engine("b", second)]).speak(whole(), TtsConfig()):
        size += len(chunk.data)
        heard += chunk.words
    assert [(w.char_start, w.char_end) for w in heard] == all_units
    assert second.asked.strip() == text[all_units[words - 1][1] :].strip()
    assert size == WORD_MS * len(all_units) * TELEPHONE.bytes_per_ms


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("您好。您的订单已经发货了，谢谢！", ["您好。", "您的订单已经发货了，", "谢谢！"]),
        ("「はい。」と言いました。", ["「はい。」", "と言いました。"]),
        ("नमस्ते। कैसे हैं?", ["नमस्ते।", " कैसे हैं?"]),
        ("مرحبا، كيف حالك؟ بخير", ["مرحبا،", " كيف حالك؟", " بخير"]),
        ("您的订单" * 200, None),
        ("ขอยกเลิกครับ" * 100, None),
    ],
)
def test_a_local_voice_breathes_between_words(text: str, parts: list[str] | None) -> None:
    cut = list(pieces(text))
    assert "".join(part for _, part in cut) == text
    assert all(text.startswith(part, begin) and len(part) <= MAX_PIECE for begin, part in cut)
    assert parts is None or [part for _, part in cut] == parts
    borders = {place for span in units(text) for place in span}
    assert all(begin in borders or text[begin].isspace() for begin, _ in cut)


def test_the_pauses_of_other_scripts() -> None:
    assert pause_ms("您好。") == pause_ms("नमस्ते।") == pause_ms("كيف حالك؟") == pause_ms("Hi.")
    assert pause_ms("您好，") == pause_ms("こんにちは、") == pause_ms("مرحبا،") == pause_ms("Hi,")


@pytest.mark.parametrize(("language", "voice"), [("zh", "cmn"), ("hi", "hi"), ("ar", "ar"), ("ja", "ja")])
async def test_the_voice_of_this_machine_tells_its_words_in_order(language: str, voice: str) -> None:
    text = ANSWERS[language]
    async with line.service(line.settings()) as service:
        heard = await service.say((text,), language=voice)
    assert heard.audio
    assert [(w.char_start, w.char_end) for w in heard.words] == list(units(text))
    times = [(w.start_ms, w.end_ms) for w in heard.words]
    assert times == sorted(times)
    assert times[-1][1] <= TELEPHONE.ms(len(heard.audio)) + 1


async def test_many_pieces_of_a_growing_text_are_told_as_one() -> None:
    text = ANSWERS["zh"]
    drone = Drone()

    async def phrases() -> AsyncIterator[str]:
        for begin in range(0, len(text), 5):
            yield text[begin : begin + 5]
            await asyncio.sleep(0)

    chunks = Synthesis([Engine("a", drone)]).speak(phrases(), TtsConfig())
    heard = [word async for chunk in chunks for word in chunk.words]
    places = [place for word in heard for place in (word.char_start, word.char_end)]
    assert places == sorted(places)
    assert drone.asked == text
