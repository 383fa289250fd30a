from __future__ import annotations

import random
import re

import pytest

from parley.errors import BadInput
from parley.text.phrases import NUMBER_RUN, normalise, parse, slot_values, spoken_digits, words_to_digits

ORDER = "where is my [order|package|] {order_number}"


def test_expansions_are_what_callers_say() -> None:
    assert parse(ORDER).expansions(10) == [
        "where is my order {order_number}",
        "where is my package {order_number}",
        "where is my {order_number}",
    ]


def test_alternatives_nest_and_glue_to_words() -> None:
    phrase = parse("[[I would|I'd] like|] order[s|] please")
    assert phrase.expansions(10) == [
        "i would like orders please", "i would like order please", "i'd like orders please",
        "i'd like order please", "orders please", "order please",
    ]  # fmt: skip
    assert phrase.words() == {"i", "would", "i'd", "like", "order", "orders", "please"}


def test_expansions_of_a_large_phrase_are_few_and_spread() -> None:
    phrase = parse(" ".join(f"[a{i}|b{i}|c{i}]" for i in range(40)))
    some = phrase.expansions(9)
    assert len(some) == 9
    for place in (0, 20, 39):
        assert len({text.split()[place] for text in some}) == 3


def test_a_sample_is_one_of_the_sentences_with_its_slots_filled() -> None:
    phrase, rng = parse(ORDER), random.Random(1)
    said = {phrase.sample(rng, lambda name: "one two") for _ in range(50)}
    assert said == {"where is my order one two", "where is my package one two", "where is my one two"}


@pytest.mark.parametrize(
    ("heard", "number"),
    [
        ("Where is my order 1234?", "1234"),
        ("hi, where's my package one two three four please", "one two three four"),
        ("where is my 12 34", "12 34"),
    ],
)
def test_a_heard_sentence_is_matched_and_its_slot_read(heard: str, number: str) -> None:
    found = parse(ORDER).regex(lambda _: NUMBER_RUN).search(normalise(heard))
    assert found is not None
    assert slot_values(found) == {"order_number": number}


@pytest.mark.parametrize(
    "heard", ["where is my border 1", "whereis my order 1", "where is my order", "where is my orders 1"]
)
def test_other_sentences_are_not_matched(heard: str) -> None:
    assert parse(ORDER).regex(lambda _: NUMBER_RUN).search(normalise(heard)) is None


def test_the_same_slot_may_stand_in_two_alternatives() -> None:
    regex = parse("[order {n}|{n} is my order]").regex(lambda _: NUMBER_RUN)
    for text in ("order 5", "5 is my order"):
        found = regex.fullmatch(text)
        assert found is not None
        assert slot_values(found) == {"n": "5"}


def test_contractions_in_template_and_speech_meet() -> None:
    regex = parse("what's [not|] open").regex(lambda _: "")
    assert regex.fullmatch(normalise("What is open?"))
    assert regex.fullmatch(normalise("whats open"))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("where [is|are my", r"'where \[is\|are my': column 7: '\[' is never closed"),
        ("where is] my", r"column 9: '\]' without a '\[' before it"),
        ("a | b", r"column 3: '\|' without"),
        ("order {number", r"column 7: '{' without its other half"),
        ("order {my number}", r"column 7: 'my number' is no slot name"),
        ("order {}", r"column 7: '' is no slot name"),
        ("[hello|] [there|]", "everything in it may be left out"),
        ("  ", "everything in it may be left out"),
    ],
)
def test_a_wrong_template_is_named_with_the_column(template: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse(template)


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("one two double four oh", "12440"), ("one two three four", "1234"), ("1234", "1234"), ("12 34", "1234"),
        ("twelve thirty four", "1234"), ("ten forty-two", "1042"), ("triple seven", "777"), ("twenty", "20"),
        ("one thousand forty two", "1042"), ("three hundred and five", "305"), ("twelve hundred", "1200"),
        ("one thousand two hundred thirty four", "1234"), ("1,234", "1234"), ("double", ""), ("one apple", ""),
        ("double twelve", ""), ("", ""), ("double 591", "5591"), ("triple 7", "777"), ("8 double 5 1", "8551"),
    ],
)  # fmt: skip
def test_digits_as_they_are_read_out(said: str, digits: str) -> None:
    assert words_to_digits(said) == digits
    if digits:
        assert re.fullmatch(NUMBER_RUN, normalise(said))


def test_digits_are_spoken_one_by_one() -> None:
    assert spoken_digits("1234") == "one two three four"
    assert spoken_digits("B-10") == "b one zero"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Where's my order?!", "where is my order"), ("I can't -- don't, won\u2019t", "i cannot do not will not"),
        ("can not", "cannot"), ("the shop's hours", "the shops hours"), ("#1234.", "1234"), ("OK", "okay"), ("'", ""),
    ],
)  # fmt: skip
def test_normalised_text_has_one_spelling(text: str, plain: str) -> None:
    assert normalise(text) == plain
