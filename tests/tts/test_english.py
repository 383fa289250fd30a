"""How written English is said: what is a code, and where each run of the text is in what is said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tts.english.reading import reading


def said(text: str) -> str:
    return " ".join(run.spoken for run in reading(text) if run.spoken)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Your order 4421 has shipped.", "Your order four, four two one has shipped."),
        ("Order number: 1234.", "Order number: one two three four."),
        ("4821", "four eight two one"),
        ("Is it 4821?", "Is it four eight two one?"),
        ("Your PIN is 482.", "Your PIN is four eight two."),
        ("card ending in 0042", "card ending in zero, zero four two"),
        ("****4421 or xxxx-4421", "four, four two one or four, four two one"),
        ("The code is 2024.", "The code is two zero two four."),
        ("zip 90210", "zip nine zero two one zero"),
        ("account 12345678", "account one two three four, five six seven eight"),
        ("#4812", "number four eight one two"),
        ("BW-1042", "‹B› ‹W›, one zero four two"),
        ("4F7K2", "four ‹F› seven ‹K› two"),
        ("booking UA432", "booking ‹U› ‹A› four three two"),
        ("S-M-I-T-H", "‹S› ‹M› ‹I› ‹T› ‹H›"),
        ("J A N E, plan A", "‹J› ‹A› ‹N› ‹E›, plan ‹A›"),
        ("555-123-4567", "five, five, five, one two three, four five six seven"),
        ("(555) 123-4567", "five, five, five, one two three, four five six seven"),
        ("+44 20 7946 0958", "plus four, four, two zero, seven nine four six, zero nine five eight"),
        ("1-800-FLOWERS", "one, eight zero, zero, flowers"),
        ("4242 4242 4242 4242", "four two four two, four two four two, four two four two, four two four two"),
        ("dial 911", "dial nine one, one"),
        ("example.com/track", "example dot com slash track"),
        ("https://www.example.com.", "‹W›, ‹W›, ‹W› dot example dot com."),
        ("john_doe@example.co.uk", "john underscore doe at example dot co dot ‹U› ‹K›"),
        ("192.168.1.10", "one nine two dot one six eight dot one dot one zero"),
        ("9am-5pm, or 9 a.m.", "9 A.M. to 5 P.M., or 9 A.M."),
        ("3*4 and ~3 days", "3 times 4 and about 3 days"),
        ("5€, € 5,00", "€5, €5.00"),
        ("№ 5", "number 5"),
        ("Smith & co.", "Smith and co."),
    ],
)
def test_names_are_spelled_and_signs_are_said(written: str, spoken: str) -> None:
    assert said(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("We sold 1234 bikes.", "We sold 1,234 bikes."),
        ("an order of 1500 bikes", "an order of 1,500 bikes"),
        ("I would like to order 1500 items", "I would like to order 1,500 items"),
        ("about 2500 of them", "about 2,500 of them"),
        ("12345 people came", "12,345 people came"),
        ("2000 miles, 1500km, 1234%", "2,000 miles, 1,500km, 1,234%"),
        ("It costs $1,203.55 or $1234.", None),
        ("In 2024, since 1999, by January 2026.", None),
        ("On May 5, 2025, on 5 May 2025.", None),
        ("your order in 2024, the 2025 model", None),
        ("the 1990s, 80s, 1st, 22nd", None),
        ("at 14:05, 3:30, 9:00–17:00", None),
        ("3-4 days, 2019-2020, 24/7, 1/2", None),
        ("2019-10-12, 10/12/2019", None),
        ("50% of 20°C at 3.5 km, -5 degrees, 16GB", None),
        ("COVID-19, iPhone 15, A4, 5G, MP3, a 5-year-old", None),
        ("room 204, gate 12, chapter IV, No. 5", None),
        ("I am here. A man is I.", None),
        ("Dr. Smith, e.g. NASA's", None),
    ],
)
def test_amounts_years_times_and_words_stay_as_they_are(written: str, spoken: str | None) -> None:
    assert said(written) == (spoken or written)


def test_what_would_be_an_order_to_a_voice_is_text() -> None:
    assert said("[x](/y/) <b> ‹A› {z}") == "x(/y/) b A z"
    assert max(map(len, said("donaudampfschifffahrt" * 9).split())) <= 20


PARTS = st.one_of(
    st.sampled_from(
        ["order", "code", "4421", "0042", "BW-1042", "$5", "€", "5,00", "(555)", "123-4567", "A", "in", "2024"]
    ),
    st.sampled_from(
        ["a.b@c.com", "x.com/1", "9am", "p.m.", "#", "#12", "...", "—", "1/2", "3*4", "‹", "您好", "😀", "1234"]
    ),
    st.text(max_size=12),
)


@settings(deadline=None, max_examples=80)
@given(st.lists(PARTS, max_size=12).map(" ".join))
def test_every_run_has_its_place_and_none_loses_its_sound(text: str) -> None:
    runs = reading(text)
    assert [text[run.begin : run.end] for run in runs] == text.split()
    for run in runs:
        written = text[run.begin : run.end]
        if any(char.isascii() and char.isalnum() for char in written):
            assert any(char.isalnum() for char in run.spoken), (written, run.spoken)


@settings(deadline=None)
@given(st.text("0123456789", min_size=4, max_size=24))
def test_no_digit_of_a_code_is_lost(code: str) -> None:
    words = said(f"The code is {code}.").removeprefix("The code is ").removesuffix(".").replace(",", "").split()
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    assert "".join(str(names.index(word)) for word in words) == code
