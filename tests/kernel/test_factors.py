"""What callers say of themselves, however they say it. The sentences and the rules have one author."""

from __future__ import annotations

import pytest

from parley.text.factors import numbers
from parley.text.factors.dates import order_of
from parley.text.factors.readings import MAX_READINGS, Kind, Ways, readings, written

SAID: dict[Kind, list[tuple[str, str]]] = {
    "date": [
        ("the third of march nineteen eighty", "1980-03-03"),
        ("3/3/80", "1980-03-03"),
        ("March 3rd, 1980", "1980-03-03"),
        ("1980-03-03", "1980-03-03"),
        ("march third eighty", "1980-03-03"),
        ("my date of birth is the twenty first of May, nineteen eighty-three", "1983-05-21"),
        ("oh three oh three nineteen eighty", "1980-03-03"),
        ("zero three zero three one nine eight zero", "1980-03-03"),
        ("12/31/1999", "1999-12-31"),
        ("31/12/1999", "1999-12-31"),
        ("the fourth of the third nineteen eighty", "1980-03-04"),
        ("january first two thousand", "2000-01-01"),
        ("january first two thousand and one", "2001-01-01"),
        ("the second of february twenty ten", "2010-02-02"),
        ("june twenty second two thousand twenty two", "2022-06-22"),
        ("july fourth nineteen oh five", "1905-07-04"),
        ("3. März 1980", "1980-03-03"),
        ("3 de marzo de 1980", "1980-03-03"),
        ("03031980", "1980-03-03"),
        ("1980 march 3", "1980-03-03"),
        ("may the thirty first nineteen seventy", "1970-05-31"),
        ("it's nineteen eighty march the third", "1980-03-03"),
        ("third march '80", "1980-03-03"),
        ("twelve eleven eighty five", "1985-12-11"),
        ("April 12 1985", "1985-04-12"),
    ],
    "name": [
        ("Brown", "brown"),
        ("B as in Bravo, r, o w n", "brown"),
        ("b r o double u n", "brown"),
        ("My name is John Brown.", "johnbrown"),
        ("brown, b r o w n", "brown"),
        ("John Braun, that's b r o w n", "johnbrown"),
        ("john b r o w n", "johnbrown"),
        ("Mike b r o w n", "mikebrown"),
        ("h i double l", "hill"),
        ("Müller", "muller"),
        ("Mueller", "muller"),
        ("Anne-Marie O'Brien", "annemarieobrien"),
        ("o apostrophe b r i e n", "obrien"),
        ("bravo romeo oscar whiskey november", "brown"),
        ("Smith hyphen Jones", "smithjones"),
        ("it's Doctor Brown", "brown"),
        ("José García", "josegarcia"),
        ("B for Bravo R for Romeo O for Oscar W for Whiskey N for November", "brown"),
        ("bee are oh double u en", "brown"),
        ("Brown, John", "johnbrown"),
        ("s m i t h", "smith"),
        ("Smith, spelled S M Y T H E", "smythe"),
        ("john j o h n smith s m y t h e", "johnsmythe"),
        ("I'm Victor Oscar", "victoroscar"),
        ("my last name is Brown please", "brown"),
    ],
    "word": [
        ("It's Fluffy", "fluffy"),
        ("my mother's maiden name is Van der Berg", "vanderberg"),
        ("f l u f f y", "fluffy"),
    ],
    "digits": [
        ("four two double one", "4211"),
        ("4211", "4211"),
        ("forty two eleven", "4211"),
        ("oh four two one", "0421"),
        ("it's for two double one", "4211"),
        ("4-2-1-1", "4211"),
        ("my pin is 4 2 1 1 please", "4211"),
        ("four, two. one one", "4211"),
    ],
    "phone": [
        ("two one two five five five oh one hundred", "12125550100"),
        ("+1 (212) 555-0100", "12125550100"),
        ("212 555 0100", "12125550100"),
        ("plus one two one two five five five zero one zero zero", "12125550100"),
        ("1-212-555-0100", "12125550100"),
    ],
    "postcode": [
        ("S W one A one A A", "sw1a1aa"),
        ("SW1A 1AA", "sw1a1aa"),
        ("nine four one oh three", "94103"),
        ("my zip code is 94103-1234", "94103"),
        ("ninety four one oh three", "94103"),
        ("S for Sierra W for whiskey one A one A A", "sw1a1aa"),
        ("sierra whiskey one alpha one alpha alpha", "sw1a1aa"),
        ("k one a zero b one", "k1a0b1"),
        ("EC1A 1BB", "ec1a1bb"),
    ],
}
"""What is said, and what a record has."""

NOT_SAID: list[tuple[Kind, str, str]] = [
    ("date", "the fourth of march nineteen eighty", "1980-03-03"),
    ("date", "the third of march nineteen eighteen", "1980-03-03"),
    ("date", "1980", "1980-03-03"),
    ("date", "february thirtieth nineteen eighty", "1980-02-30"),
    ("date", "3/4/80", "1980-04-03"),
    ("name", "Browne", "Brown"),
    ("name", "Brow", "Brown"),
    ("name", "John", "John Brown"),
    ("name", "Joan Brown", "John Brown"),
    ("name", "B as in Bravo, r, o, u, n", "Brown"),
    ("name", "", "Brown"),
    ("word", "Fluff", "Fluffy"),
    ("digits", "four two double one one", "4211"),
    ("digits", "two one one", "4211"),
    ("phone", "+1 312 555 0100", "+12125550100"),
    ("phone", "555 0100", "+12125550100"),
    ("postcode", "94104", "94103"),
    ("postcode", "SW1A", "SW1A 1AA"),
    ("postcode", "a", "SW1A 1AA"),
]
NO_SUCH_THING: list[tuple[Kind, str]] = [
    ("date", "I do not know"),
    ("date", "february thirtieth nineteen eighty"),
    ("date", "may"),
    ("digits", "no idea"),
    ("phone", "I have none"),
    ("postcode", "it is a secret"),
    ("name", "..."),
    ("word", ""),
]


@pytest.mark.parametrize("kind", SAID)
def test_it_is_understood_however_it_is_said(kind: Kind) -> None:
    missed = [
        (said, readings(kind, said, Ways())) for said, meant in SAID[kind] if meant not in readings(kind, said, Ways())
    ]
    assert missed == []
    assert all(written(kind, meant, Ways()) == meant for _, meant in SAID[kind]), "as a record may have it, too"


def test_what_was_not_said_is_not_heard() -> None:
    wrong = [row for row in NOT_SAID if written(row[0], row[2], Ways()) in readings(row[0], row[1], Ways())]
    assert wrong == []


@pytest.mark.parametrize("said", ["9999999999 9999999999 1980 3", "nineteen 100 march 5", "march 3 99999999999999"])
def test_numbers_too_large_for_a_date_are_none(said: str) -> None:
    assert [readings("date", said, Ways(order)) for order in ("dmy", "mdy", "ymd")] == [()] * 3


def test_what_is_no_such_thing_has_no_reading() -> None:
    assert [row for row in NO_SUCH_THING if readings(row[0], row[1], Ways())] == []


@pytest.mark.parametrize(
    ("kind", "record", "said"),
    [
        ("name", "Dr. Brown, Anna-Marie", "Anna Marie Brown"),
        ("name", "O'Brien", "O apostrophe B R I E N"),
        ("name", "Łukasz Øst", "lukasz ost"),
        ("name", "Müller", "M u e l l e r"),
        ("name", "Weiß", "weiss"),
        ("word", "Van der Berg", "van der berg"),
        ("phone", "(212) 555-0100", "plus one, two one two, triple five, oh one double oh"),
        ("phone", "+49 (0)151 234567", "0049 151 23 45 67"),
        ("date", "03/31/1980", "march thirty first nineteen eighty"),
        ("postcode", "94103-1234", "nine four one zero three"),
    ],
)
def test_a_record_may_be_written_in_several_ways(kind: Kind, record: str, said: str) -> None:
    ways = Ways(country="49" if "49" in record and kind == "phone" else "1")
    assert written(kind, record, ways) in readings(kind, said, ways)


def test_numbers_of_a_date_come_in_the_order_of_the_language() -> None:
    for language, iso in (("en", "1980-04-03"), ("en-US", "1980-04-03"), ("en-GB", "1980-03-04"), ("es", "1980-03-04")):
        assert readings("date", "4/3/1980", Ways(order_of(language))) == (iso,)
    assert readings("date", "80/3/4", Ways(order_of("ja")))[0] == "1980-03-04"
    assert readings("date", "13/3/1980", Ways("mdy")) == ("1980-03-13",), "there is no thirteenth month"
    assert readings("date", "the fourth of the third 1980", Ways("mdy")) == ("1980-03-04",)
    assert written("date", "3/3/80", Ways()) == "", "a record says its century"


def test_only_the_last_digits_may_be_asked_for() -> None:
    ways = Ways(last=4)
    assert written("digits", "4929 1234 5678 4211", ways) == "4211"
    assert readings("digits", "forty two eleven", ways) == readings("digits", "4929123456784211", ways) == ("4211",)


def test_no_answer_has_more_readings_than_are_compared() -> None:
    odd = [
        "a b c",
        "one two three " * 100,
        "b as in bravo " * 50,
        "x" * 5000,
        "\0\ud800",
        "١٢٣",
        "1/1/1",
        "十二月",
        "²³",
    ]
    for kind in SAID:
        for said in [*odd, *(said for of_a_kind in SAID.values() for said, _ in of_a_kind)]:
            assert len(readings(kind, said, Ways())) <= MAX_READINGS


@pytest.mark.parametrize(
    ("number", "known"),
    [
        ("+12125550100", "12125550100"),
        ("2125550100", "12125550100"),
        ("sip:+12125550100@carrier.example", "12125550100"),
        ("anonymous", ""),
        ("sip:anonymous@anonymous.invalid", ""),
        ("", ""),
        ("266", ""),
        ("Restricted 555", ""),
    ],
)
def test_a_number_that_calls_is_known_unless_it_is_withheld(number: str, known: str) -> None:
    assert numbers.caller(number, "1") == known
