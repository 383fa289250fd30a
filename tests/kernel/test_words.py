"""Words of every script: what is counted, what is compared, and what a voice says one after the other."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icu4py.breakers import CharacterBreaker, WordBreaker

from parley.text import words
from parley.text.scripts import CLAUSE_ENDS, joined, sentence_ends, spaceless, weight, written

COUNTED = {
    "Your order isn't here, it's late.": ["your", "order", "isn't", "here", "it's", "late"],
    "uh-huh": ["uh", "huh"],
    "Uh, huh.": ["uh", "huh"],
    "I don’t 'quote' rock'n'roll": ["i", "don't", "quote", "rock'n'roll"],
    "it costs 12,345.50 at 4:30": ["it", "costs", "12,345.50", "at", "4", "30"],
    "नमस्ते, आपका ऑर्डर भेज दिया गया है।": ["नमस्ते", "आपका", "ऑर्डर", "भेज", "दिया", "गया", "है"],
    "مرحبا، تم شحن طلبك.": ["مرحبا", "تم", "شحن", "طلبك"],
    "آپ کا آرڈر بھیج دیا گیا ہے۔": ["آپ", "کا", "آرڈر", "بھیج", "دیا", "گیا", "ہے"],
    "می\u200cخواهم بروم": ["میخواهم", "بروم"],
    "您的订单已经发货了。": ["您", "的", "订单", "已经", "发", "货", "了"],
    "はい、コーヒーを人々に。": ["はい", "コーヒー", "を", "人々", "に"],
    "สวัสดีครับ ขอยกเลิกครับ": ["สวัสดี", "ครับ", "ขอ", "ยกเลิก", "ครับ"],
    "ຂອບໃຈຫຼາຍໆ": ["ຂອບ", "ໃຈ", "ຫຼາຍໆ"],
    "អរគុណច្រើន": ["អរគុណ", "ច្រើន"],
    "ကျေးဇူးတင်ပါတယ်": ["ကျေးဇူးတင်", "ပါ", "တယ်"],
    "안녕하세요 주문이요": ["안녕하세요", "주문이요"],
    "Grüße aus Zürich": ["grüsse", "aus", "zürich"],
    "iPhone手机4821号": ["iphone", "手机", "4821", "号"],
    " — … 👍 ⭐ !": [],
    "": [],
}  # fmt: skip

SPOKEN = {
    "a - b!": ["a", "b!"],
    "Hello (world), \"it's\" uh-huh. $5.00 & 50%": ["Hello", "(world),", "\"it's\"", "uh-huh.", "$5.00", "&", "50%"],
    "नमस्ते, ऑर्डर भेज दिया।": ["नमस्ते,", "ऑर्डर", "भेज", "दिया।"],
    "您好。您的订单已经发货了。": ["您好。", "您", "的", "订单", "已经", "发", "货", "了。"],
    "他说：「你好（再见）」吗？": ["他", "说：", "「你好", "（再见）」", "吗？"],
    '说"你好"吗': ["说", '"你好"', "吗"],
    "订单号是4821，价格¥100元，GPT-4模型": [
        "订单", "号", "是", "4821，", "价格", "¥100", "元，", "GPT-4", "模型",
    ],
    "「はい」と言ってコーヒーを": ["「はい」", "と", "言って", "コーヒー", "を"],
    "สวัสดีครับ ขอยกเลิก": ["สวัสดี", "ครับ", "ขอ", "ยกเลิก"],
    "…你好👍了": ["…你好👍", "了"],
    "བཀྲ་ཤིས་བདེ་ལེགས།": ["བཀྲ་", "ཤིས་", "བདེ་", "ལེགས།"],
    " ... — 👍 「」": [],
}  # fmt: skip

LAW = settings(deadline=None)
ANY = st.text(
    st.one_of(
        st.sampled_from("您好订单已经发货了はいコーヒーっ々สวัสดีครับนमस्ते،مرحبا ກ​ a-b'.,:;!?。，「」（）\"$¥"),
        st.sampled_from("#+%4821\n👍🏽‍⭐éあ"),
        st.characters(codec="utf-8"),
    ),
    max_size=60,
)
SPACED = st.text(st.sampled_from("abcXYZ '-_.,:;!?()\"$#%0123456789\n\téüñßжהمनकिम्ा"), max_size=60)


@pytest.mark.parametrize("text", COUNTED, ids=str)
def test_words_are_counted(text: str) -> None:
    assert list(words.words(text)) == COUNTED[text]
    assert words.count(text) == len(COUNTED[text])


@pytest.mark.parametrize("text", SPOKEN, ids=str)
def test_units_are_spoken(text: str) -> None:
    assert [text[begin:end] for begin, end in words.units(text)] == SPOKEN[text]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uh-huh", "Uh, huh."),
        ("don’t", "don't"),
        ("你 好 吗", "你好吗？"),
        ("分かりました", "分 かりました。"),
        ("نَعَم", "نعم"),
        ("ＯＫ", "ok"),
        ("ﾊｲ", "ハイ"),
        ("cafe\u0301", "CAFÉ"),
        ("ขอบคุณ ครับ", "ขอบคุณครับ"),
    ],
)
def test_the_same_words_however_they_are_written(one: str, other: str) -> None:
    assert words.plain(one) == words.plain(other)


@pytest.mark.parametrize(("one", "other"), [("का", "की"), ("กา", "กี"), ("不对", "对"), ("no", "not"), ("ka", "qa")])
def test_other_words_are_not_the_same(one: str, other: str) -> None:
    assert words.plain(one) != words.plain(other)


@LAW
@given(ANY)
def test_units_hold_all_that_sounds_and_no_space(text: str) -> None:
    found = list(words.units(text))
    borders = [place for span in found for place in span]
    assert borders == sorted(borders)
    assert all(0 <= begin < end <= len(text) for begin, end in found)
    assert all(words.has_words(text[begin:end]) and not re.search(r"\s", text[begin:end]) for begin, end in found)
    inside = {place for begin, end in found for place in range(begin, end)}
    assert not any(words.has_words(text[place]) for place in range(len(text)) if place not in inside)


@LAW
@given(ANY)
def test_words_lie_inside_units_in_order(text: str) -> None:
    found = words.spans(text)
    borders = [place for span in found for place in span]
    assert borders == sorted(borders)
    assert all(any(c.isalnum() for c in text[begin:end]) for begin, end in found)
    assert len(words.words(text)) == words.count(text) == len(found)


@LAW
@given(ANY, st.data())
def test_a_part_has_the_units_of_the_whole(text: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    whole = list(words.units(text))
    part = list(words.units(text, begin, end))
    assert [span for span in whole if begin <= span[0] and span[1] <= end] == [span for span in part if span in whole]
    assert all(begin <= a < b <= end for a, b in part)
    assert all(span in whole or begin in span or end in span for span in part)
    at = words.unit_at(text, begin)
    assert at == next((span for span in whole if span[1] > begin), None)
    assert words.whole_until(text, begin) == max([0, *(last for _, last in whole if last <= begin)])


@LAW
@given(SPACED)
def test_between_spaces_units_are_what_stands_there(text: str) -> None:
    runs = [match.span() for match in re.finditer(r"\S+", text) if words.has_words(match.group())]
    assert list(words.units(text)) == runs


@LAW
@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_the_short_way_for_ascii_is_that_of_unicode(text: str) -> None:
    found, at = [], 0
    for segment in WordBreaker(text, "en"):
        end = at + len(segment)
        if any(c.isalnum() for c in segment):
            found.append((at, end))
        at = end
    assert list(words.spans(text)) == found


@LAW
@given(st.lists(ANY, max_size=6))
def test_a_text_that_grows_has_the_same_units_in_the_end(pieces: list[str]) -> None:
    grown = ""
    for piece in pieces:
        grown += piece
        list(words.units(grown))
        words.words(grown)
    assert list(words.units(grown)) == list(words.units("".join(pieces)))
    assert words.words(grown) == words.words("".join(pieces))


@LAW
@given(ANY, st.integers(0, 80))
def test_a_clipped_text_is_a_beginning_and_cuts_no_letter(text: str, most: int) -> None:
    kept = words.clipped(text, most)
    assert text.startswith(kept)
    assert len(kept) <= most
    clusters, at = [0], 0
    for cluster in CharacterBreaker(text, "en"):
        at += len(cluster)
        clusters.append(at)
    longest = max((b - a for a, b in zip(clusters, clusters[1:], strict=False)), default=0)
    if longest < 16:
        assert len(kept) in clusters
        assert len(kept) == len(text) or len(kept) > most - 16


@LAW
@given(ANY, st.integers(0, 200))
def test_clipped_bytes(text: str, most: int) -> None:
    kept = words.clipped_bytes(text, most)
    assert text.startswith(kept)
    assert len(kept.encode()) <= most


@pytest.mark.parametrize("char", "a字😀")
@pytest.mark.parametrize("size", [9, 10, 11])
def test_characters_are_characters_and_bytes_are_bytes(char: str, size: int) -> None:
    assert words.clipped(char * size, 10) == char * min(size, 10)
    room = 10 * len(char.encode())
    assert words.clipped_bytes(char * size, room) == char * min(size, 10)
    assert words.clipped_bytes(char * size, room - 1) == char * 9


def test_an_emoji_of_many_parts_is_kept_whole_or_left_out() -> None:
    family = "👨\u200d👩\u200d👧\u200d👦"
    assert words.clipped(f"abc{family}", 5) == "abc"
    assert words.clipped(f"abc{family}", 3 + len(family)) == f"abc{family}"
    assert words.clipped("cafe\u0301s", 4) == "caf"
    assert words.clipped("a" + "\u0301" * 90, 50) == "a" + "\u0301" * 49


def test_half_a_surrogate_pair_breaks_nothing() -> None:
    assert words.words("好\ud83d了") == ("好", "了")
    assert words.clipped("好\ud83d了" * 9, 10) == ("好\ud83d了" * 9)[:10]
    assert list(words.units("a \ud83d好 b")) == [(0, 1), (2, 4), (5, 6)]


def test_what_has_words() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if not 0xD800 <= code < 0xE000:
            sign = unicodedata.category(char) == "Sc" or char in "%‰+=±×÷≠≤≥√∞&@#§°№℃℉％＋＝＆＠＃"
            letter = char.isalnum() and char not in "ーｰ"  # these lengthen another
            assert words.has_words(char) == (letter or sign), hex(code)
    assert not words.has_words("... — ⭐ 👍 ✓ ⚠️ ™ 「」")
    assert words.has_words("50", 1)
    assert not words.has_words("50 !", 2)


def test_every_letter_of_a_script_without_spaces_is_known_as_one() -> None:
    for text in ("您好訂單", "はいカタカナｶﾅー々", "ครับำๆ", "ຂອບໃຈໆ", "អរគុណ", "ကျေးဇူး", "བཀྲཤིས", "ᨾᩥ᩠", "𠮷"):
        assert all(spaceless(char) for char in text)
    for char in "a1é한हمя。（ ￥฿":
        assert not spaceless(char)
    assert all(not spaceless(mark) for mark in CLAUSE_ENDS)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("hello", "world"), "hello world"),
        (("", " hello ", "", "world"), "hello world"),
        (("我的订单", "在哪里"), "我的订单在哪里"),
        (("您好。", "Hello"), "您好。Hello"),
        (("我的订单号是", "4821"), "我的订单号是 4821"),
        (("はい", "お願いします"), "はいお願いします"),
        (("ขอ", "ยกเลิก"), "ขอยกเลิก"),
        (("नमस्ते", "जी"), "नमस्ते जी"),
        (("안녕하세요", "네"), "안녕하세요 네"),
        (("نعم", "من فضلك"), "نعم من فضلك"),
        ((), ""),
    ],
)
def test_parts_are_joined_as_their_script_is_written(parts: tuple[str, ...], whole: str) -> None:
    assert joined(*parts) == whole


@LAW
@given(st.lists(ANY, max_size=4))
def test_joining_adds_nothing_but_spaces(parts: list[str]) -> None:
    assert re.sub(r"\s", "", joined(*parts)) == re.sub(r"\s", "", "".join(parts))


def test_a_text_takes_as_long_as_its_syllables() -> None:
    assert weight("hello") == 5
    assert weight("您好") == 6
    assert weight("はい") == 4
    assert weight("안녕") == 6
    assert weight("hello 您好はい") == 6 + 6 + 4


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hi there. How are you? \"Fine!\" ok", ["Hi there. ", "How are you? ", "\"Fine!\" ", "ok"]),
        ("version 1.5 is out.", ["version 1.5 is out."]),
        ("您好。「您的订单。」发货了！", ["您好。", "「您的订单。」", "发货了！"]),
        ("नमस्ते। कैसे हैं?", ["नमस्ते। ", "कैसे हैं?"]),
        ("مرحبا. كيف حالك؟ بخير", ["مرحبا. ", "كيف حالك؟ ", "بخير"]),
        ("آرڈر بھیجا۔ شکریہ۔", ["آرڈر بھیجا۔ ", "شکریہ۔"]),
    ],
)  # fmt: skip
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    places = [0, *sentence_ends(text)]
    places += [len(text)] if places[-1] < len(text) else []
    assert [text[a:b] for a, b in zip(places, places[1:], strict=False)] == sentences


@pytest.mark.parametrize(
    ("text", "as_written"),
    [
        ("はい じゃあ 始め ます 。 ちょっと", "はいじゃあ始めます。ちょっと"),
        ("我 的 订单 号 是 4821", "我的订单号是 4821"),
        ("iPhone 手机 OK", "iPhone 手机 OK"),
        ("สวัสดีครับ ขอ ยกเลิก", "สวัสดีครับ ขอ ยกเลิก"),
        ("안녕 하세요", "안녕 하세요"),
        ("where is my order", "where is my order"),
    ],
)
def test_spaces_of_recognisers_that_nobody_writes(text: str, as_written: str) -> None:
    assert written(text) == as_written
    assert words.plain(text) == words.plain(as_written)
