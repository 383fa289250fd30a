"""How a file is cut: headings, paragraphs, sentences, words; nothing is lost."""

from __future__ import annotations

import pytest

from parley.text.words import count as count_words
from services.rag import words as sparse
from services.rag.passages import Passage, split


def words(text: str) -> int:
    return len(text.split())


def test_headings_are_kept_apart_from_what_is_said() -> None:
    text = "Before all.\n\n# Shop\nWe sell ferns.\n\n## Care\nWater them.\n\n# Team\nWe are two."
    assert split(text, words).passages == (
        Passage("", "Before all."),
        Passage("Shop", "We sell ferns."),
        Passage("Shop > Care", "Water them."),
        Passage("Team", "We are two."),
    )


def test_paragraphs_share_a_passage_while_they_fit() -> None:
    passages = split("One two.\n\nThree four.\n\nFive six.", words, most=4).passages
    assert [passage.text for passage in passages] == ["One two.\n\nThree four.", "Five six."]


def test_a_long_paragraph_is_cut_between_sentences_and_a_long_sentence_between_words() -> None:
    passages = split("A b. C d? E f g h i j k.", words, most=4).passages
    assert [passage.text for passage in passages] == ["A b. C d?", "E f g h", "i j k."]


def test_nothing_is_dropped() -> None:
    text = "\n".join(f"Line {n} of a long list without an end or a full stop" for n in range(200))
    joined = " ".join(passage.text for passage in split(text, words, most=30).passages)
    assert joined.split() == text.split()
    assert all(words(passage.text) <= 30 for passage in split(text, words, most=30).passages)


def test_fields_at_the_top_are_for_filters() -> None:
    document = split('---\ntopic: "refunds"\nNot a field\n---\nText.', words)
    assert document.meta == {"topic": "refunds"}
    assert document.passages == (Passage("", "Text."),)


def test_a_rule_that_is_no_end_of_fields_stays_text() -> None:
    assert split("---\nText.", words).passages == (Passage("", "---\nText."),)
    assert split("", words).passages == ()


@pytest.mark.parametrize(
    ("text", "most", "passages"),
    [
        ("您好。您的订单已经发货了。谢谢！", 10, ["您好。", "您的订单已经发货了。", "谢谢！"]),
        ("您的订单已经发货了预计星期五送到", 4, ["您的订单", "已经发货", "了预计", "星期五", "送到"]),
        ("สวัสดีครับ ขอยกเลิกครับ", 3, ["สวัสดีครับ ขอ", "ยกเลิกครับ"]),
        ("नमस्ते। आपका ऑर्डर गया।", 2, ["नमस्ते।", "आपका ऑर्डर", "गया।"]),
    ],
)
def test_any_script_is_cut_between_sentences_and_words(text: str, most: int, passages: list[str]) -> None:
    count = count_words if " " in text or "ค" in text else len
    assert [passage.text for passage in split(text, count, most=most).passages] == passages


@pytest.mark.parametrize(
    "sentence", ["您的订单已经发货了，", "ขอยกเลิกครับ ", "आपका ऑर्डर भेज दिया। ", "It is — well, 👍 so. "]
)
def test_nothing_is_dropped_in_any_script(sentence: str) -> None:
    passages = split(sentence * 50, count_words, most=30).passages
    assert "".join(passage.text for passage in passages).replace(" ", "") == (sentence * 50).replace(" ", "")
    assert all(count_words(passage.text) <= 30 for passage in passages)


@pytest.mark.parametrize(
    ("language", "text", "question", "other"),
    [
        ("zh", "自行车的退货政策是三十天。", "退货政策是什么", "今天天气很好"),
        ("ja", "返品は三十日以内にお願いします。", "返品について", "天気がいい"),
        ("th", "คืนสินค้าได้ภายในสามสิบวัน", "คืนสินค้าอย่างไร", "อากาศดีมาก"),
        ("hi", "सामान तीस दिन में वापस करें।", "वापस कैसे करें", "मौसम अच्छा है"),
    ],
)
def test_a_question_shares_words_with_its_passage(language: str, text: str, question: str, other: str) -> None:
    passage = set(sparse.of_passage(text, language).indices)
    assert passage & set(sparse.of_question(question, language).indices)
    assert not passage & set(sparse.of_question(other, language).indices)
