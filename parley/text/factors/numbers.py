"""Numbers that are read out: digits, telephone numbers, postcodes. Pure."""

from __future__ import annotations

import re

from parley.text.factors.letters import code_letter, pieces, plain, words_of
from parley.text.spoken import NUMBER_RUN, normalise, words_to_digits

_RUN = re.compile(rf"(?<!\S){NUMBER_RUN}(?!\S)")
_NOISE = re.compile(r"\b(?:um+|uh+|er+|ah|dash|hyphen|then|digits?|space|followed by|dot|slash|and)\b ?")
_HOMOPHONES = {"to": "two", "too": "two", "for": "four", "fore": "four", "ate": "eight", "won": "one", "tree": "three"}
_HOMOPHONE = re.compile(rf"(?<!\S)(?:{'|'.join(_HOMOPHONES)})(?!\S)")
_OUT_OF_A_NUMBER = re.compile(r"\(0\)")
_PLUS = re.compile(r"\+|\bplus\b")
_TELLS = words_of(
    "my the our zip code codes postcode postal post number is its it was that in live i at area here please thanks "
    "yes well okay so sorry um uh"
)
_LEAST_CALLER, _MOST_CALLER = 5, 18


def digits(written: str, last: int = 0) -> str:
    """As a record has them. `last`: only so many of the end are asked for."""
    found = "".join(char for char in written if char.isascii() and char.isdigit())
    return found[-last:] if last else found


def said_digits(said: str, last: int = 0) -> tuple[str, ...]:
    """As in "four two double one", "4211", "forty two eleven"; also as recognisers write it: "for two double one"."""
    text = normalise(_apart(said))
    found = [_runs(text), _runs(_HOMOPHONE.sub(lambda m: _HOMOPHONES[m.group()], text))]
    return tuple(dict.fromkeys(digits(number, last) for number in found if number))


def phone(written: str, country: str) -> str:
    """With its country, without a plus. `country`: the code of numbers that are written without one."""
    return _national(_OUT_OF_A_NUMBER.sub("", written), digits(_OUT_OF_A_NUMBER.sub("", written)), country)


def phones(said: str, country: str) -> tuple[str, ...]:
    """What the caller may mean: who leaves out the plus may mean a number with its country all the same."""
    said = _OUT_OF_A_NUMBER.sub("", said)
    plus = "+" if _PLUS.search(said.lower()) else ""
    found: list[str] = []
    for number in said_digits(_PLUS.sub(" ", said.lower())):
        found.append(_national(f"{plus}{number}", number, country))
        if not plus and number.startswith(country):
            found.append(number)
    return tuple(dict.fromkeys(found))


def caller(number: str, country: str) -> str:
    """A carrier's number of the caller; "" for one that is withheld, or a page's name."""
    number = number.removeprefix("sip:").removeprefix("tel:").partition("@")[0]
    named = any(char.isalpha() for char in number)
    return "" if named or not _LEAST_CALLER <= len(digits(number)) <= _MOST_CALLER else phone(number, country)


def postcode(written: str) -> str:
    """Letters and digits alone; O counts as zero, and of a ZIP+4 only the ZIP."""
    code = plain(written).replace("o", "0")
    return code[:5] if code.isdigit() and len(code) == 9 else code


def postcodes(said: str) -> tuple[str, ...]:
    """As in "S W one A one A A", "nine four one oh three", "94103"."""
    found = []
    for text in (said, _HOMOPHONE.sub(lambda m: _HOMOPHONES[m.group()], said.lower())):
        code = "".join(_code(piece, spelled) for piece, spelled in _code_pieces(text))
        found.append(postcode(code))
    return tuple(dict.fromkeys(code for code in found if len(code) > 2))


def _code_pieces(said: str) -> list[tuple[str, bool]]:
    text = normalise(_apart(said, letters=False))
    text = _RUN.sub(lambda run: words_to_digits(run.group()) or run.group(), _NOISE.sub("", f"{text} "))
    return pieces(text)


def _code(piece: str, spelled: bool) -> str:
    """What a piece says of a code: words around it say nothing."""
    if spelled or any(char.isdigit() for char in piece):
        return piece
    return code_letter(piece) or ("" if piece in _TELLS or len(piece) > 4 else piece)


def _runs(text: str) -> str:
    return "".join(words_to_digits(run) for run in _RUN.findall(_NOISE.sub("", f"{text} ")))


def _apart(said: str, letters: bool = True) -> str:
    """Digits without what writers set between them: "555-0100", "0451.23"."""
    said = re.sub(r"(?<=\d)[\s.,\-/()]+(?=\d)", "", said)
    return re.sub(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)", " ", said) if letters else said


def _national(written: str, number: str, country: str) -> str:
    if not number:
        return ""
    if written.strip().startswith("+"):
        return number
    if country == "1":
        number = number.removeprefix("011") if number.startswith("011") else number
        return f"1{number}" if len(number) == 10 else number
    if number.startswith("00"):
        return number[2:]
    return country + number.removeprefix("0") if number.startswith("0") or len(number) < 11 else number
