"""How written English is said: codes, numbers, addresses, initials. Times, dates, units and the like stay as they are.

A run is what stands between white space. What is said for a run stays with it, so that its time can be told. Letters
that are said by their names stand in brackets: "BW-1042" is "‹B› ‹W›, one zero four two".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from services.tts.english import addresses, numbers
from services.tts.english.spelling import RUN, digits, letter, letters, reads_as_word, spelled

_TOKEN = re.compile(r"\S+")
_HEAD = "([{<\"'“‘«*_~`|"
_TAIL = ".,;:!?…)]}>\"'”’»*_~`|"
_NEVER_SAID = str.maketrans(dict.fromkeys("[]{}‹›<>|`*_~^\u200b\u200c\u200d\u2060\ufeff\u00ad", ""))
_SIGNS = {
    "№": "number", "‰": "per thousand", "√": "root", "≠": "is not", "≤": "at most", "≥": "at least", "≈": "about",
    "∞": "infinity", "₿": "bitcoin", "℃": "degrees Celsius", "℉": "degrees Fahrenheit", "€": "euros", "£": "pounds",
    "$": "dollars", "@": "at", "#": "number", "&": "and", "=": "equals", "+": "plus", "%": "percent", "×": "times",
    "÷": "divided by", "°": "degrees", "§": "section", "¢": "cents", "¥": "yen", "−": "minus", "±": "plus or minus", "~": "about",
}  # fmt: skip
_RARE_SIGNS = re.compile("[№‰√≠≤≥≈∞₿℃℉]")
_NUMBER = re.compile(r"#?(\d+)")
_MASKED = re.compile(r"[xX*•·#.…-]{3,}(\d{2,6})")
_GROUPS = re.compile(r"\(\d{2,4}\)\d+(?:-\d+)*|\+?\(?\d+\)?(?:[-./ ]\(?\d+\)?)+|\+\d+|\(\d{3,4}\)-?\d*")
_PHONE = re.compile(r"\(?\d{3}\)?[-./]?\d{3}[-./]\d{4}|\d{3}[-.]\d{4}|1?[-./ ]?\d{3}[-./]\d{3}[-./]\d{4}")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
_INITIALS = re.compile(r"[A-Za-z](?:-[A-Za-z]){2,}")
_AREA_CODE = re.compile(r"\(\d{2,4}\)[\d-]*(?=\W*$)")
_SHORTENED = frozenset({"no", "nr", "ext", "ref", "acct", "tel", "ph", "st", "approx"})
_VERSION = re.compile(r"[vV]?\d+(?:\.\d+){2,}")
_PRODUCT = re.compile(r"(\d+)[*×](\d+)")
_HALF_DAY = re.compile(r"([ap])\.?m\.?", re.IGNORECASE)
_HOURS = re.compile(r"(\d{1,2}(?::\d\d)?)([ap])\.?m\.?(?:[-–—](\d{1,2}(?::\d\d)?)([ap])\.?m\.?)?", re.IGNORECASE)
_HOUR_RANGE = re.compile(r"(\d{1,2}(?::\d\d)?)[-–—](\d{1,2}:\d\d|\d{1,2})([ap])\.?m\.?", re.IGNORECASE)
_MONEY_BEHIND = re.compile(r"(\d[\d,.]*)([€£$])")
_DECIMAL_COMMA = re.compile(r"(\d+),(\d\d)")
_CURRENCIES = ("€", "£", "$")
_WITH_UNIT = re.compile(r"(-?)(\d{4,})(%|(?!s$)[a-zµ°][A-Za-zµ/]*|[KMGT]B|MHz|GHz|W)")
_UNIT_OF_NUMBER = re.compile(r"\d[\d,.]*(?:st|nd|rd|th|s|[kKxXmMbB]|%|am|pm|AM|PM|°[CF]?|[a-zµ]{1,4}|[KMGT]B|[kM]?Hz|[KMG]bps|kWh?|mAh)")
_CODE = re.compile(r"#?[A-Za-z0-9]+(?:[-_./][A-Za-z0-9]+)*")
_LONGEST = 20


@dataclass(frozen=True, slots=True)
class Said:
    """text[begin:end] and the words that are said for it; "" when it makes no sound."""

    begin: int
    end: int
    spoken: str


def reading(text: str) -> list[Said]:
    """Every run of the text, in order."""
    runs = [_Run.of(match) for match in _TOKEN.finditer(text)]
    said = []
    for place, run in enumerate(runs):
        spoken = _said(runs, place)
        said.append(Said(run.begin, run.end, " ".join(spoken.split())))
    return said


@dataclass(frozen=True, slots=True)
class _Run:
    begin: int
    end: int
    head: str
    core: str
    tail: str

    @classmethod
    def of(cls, match: re.Match[str]) -> _Run:
        whole = match.group()
        if area := _AREA_CODE.match(whole):  # its brackets are no quotation
            return cls(match.start(), match.end(), "", area.group(), whole[area.end() :])
        core = whole.lstrip(_HEAD)
        head = whole[: len(whole) - len(core)]
        core = core.rstrip(_TAIL)
        return cls(match.start(), match.end(), head, core, whole[len(head) + len(core) :])

    @property
    def word(self) -> str:
        return self.core.lower()

    @property
    def ends_clause(self) -> bool:
        return any(char in ".,;!?…" for char in self.tail) and self.word not in _SHORTENED

    @property
    def ends_sentence(self) -> bool:
        return any(char in ".!?…" for char in self.tail)


Rule = Callable[[Sequence[_Run], int], str | None]


def _said(runs: Sequence[_Run], place: int) -> str:
    run = runs[place]
    if run.core:
        for rule in _RULES:
            if (spoken := rule(runs, place)) is not None:
                return _clean(run.head) + spoken + _clean(run.tail)
    return _plain(run.head + run.core + run.tail)


def _plain(whole: str) -> str:
    if whole in _SIGNS:
        return _SIGNS[whole]
    cleaned = _RARE_SIGNS.sub(lambda sign: f" {_SIGNS[sign.group()]} ", _clean(whole))
    return " ".join(_in_parts(part) for part in cleaned.split()) or cleaned


def _in_parts(word: str) -> str:
    """A voice guesses how a word sounds that it does not know, of its first letters only."""
    if len(word) <= _LONGEST:
        return word
    parts = re.split(r"(?<=[-–—/_.,;:])(?=\w)", word)
    return " ".join(part[at : at + _LONGEST] for part in parts for at in range(0, len(part), _LONGEST))


def _clean(marks: str) -> str:
    return marks.translate(_NEVER_SAID)


def _before(runs: Sequence[_Run], place: int) -> list[str]:
    """The words of this clause before the run, the nearest last."""
    words: list[str] = []
    for run in reversed(runs[max(0, place - 6) : place]):
        if run.ends_clause:
            break
        words.append(run.word or "#")
    return words[::-1]


def _after(runs: Sequence[_Run], place: int) -> str:
    if place + 1 == len(runs) or runs[place].ends_clause:
        return ""
    return runs[place + 1].core or runs[place + 1].head


def _address(runs: Sequence[_Run], place: int) -> str | None:
    return addresses.spoken(runs[place].core)


def _initials(runs: Sequence[_Run], place: int) -> str | None:
    """S-M-I-T-H, and A in "J A N E" or "plan A"."""
    core = runs[place].core
    if _INITIALS.fullmatch(core):
        return letters(core.replace("-", ""))
    if len(core) != 1 or not core.isascii() or not core.isupper():
        return None
    beside = [run.core for run in runs[max(0, place - 1) : place] if not run.ends_sentence]
    beside += [run.core for run in runs[place + 1 : place + 2] if not runs[place].ends_sentence]
    single = any(len(other) == 1 and other.isascii() and (other.isupper() or other.isdigit()) for other in beside)
    last = core != "I" and place > 0 and (place + 1 == len(runs) or runs[place].ends_clause)
    return letter(core) if single or last else None


def _half_day(runs: Sequence[_Run], place: int) -> str | None:
    """9am, 9am-5pm, 9-5pm, and the a.m. of "9 a.m."."""
    run = runs[place]
    point = "" if run.tail.startswith(".") else "."
    if found := _HALF_DAY.fullmatch(run.core):
        behind_hour = place > 0 and not runs[place - 1].ends_clause and runs[place - 1].core[:1].isdigit()
        return f"{found[1].upper()}.M{point}" if behind_hour else None
    if found := _HOURS.fullmatch(run.core):
        first = f"{found[1]} {found[2].upper()}.M"
        return f"{first}. to {found[3]} {found[4].upper()}.M{point}" if found[3] else first + point
    if found := _HOUR_RANGE.fullmatch(run.core):
        return f"{found[1]} to {found[2]} {found[3].upper()}.M{point}"
    return None


def _money(runs: Sequence[_Run], place: int) -> str | None:
    """The sign before the number, and a point in it, as voices read it: 5€, € 5,00."""
    core = runs[place].core
    if core in _CURRENCIES:
        before, after = runs[max(0, place - 1) : place], runs[place + 1 : place + 2]
        beside = [run.core for run in (*before, *after) if not run.tail or run in after]
        return "" if any(core[:1].isdigit() for core in beside) else None
    if found := _MONEY_BEHIND.fullmatch(core):
        return f"{found[2]}{_point(found[1])}"
    if core[0] in _CURRENCIES:
        return core[0] + _point(core[1:])
    if core[0].isdigit() and place > 0 and runs[place - 1].core in _CURRENCIES:
        return runs[place - 1].core + _point(core)
    sign = _after(runs, place)
    return sign + _point(core) if core[0].isdigit() and sign in _CURRENCIES else None


def _point(number: str) -> str:
    return _DECIMAL_COMMA.sub(r"\1.\2", number) if _DECIMAL_COMMA.fullmatch(number) else number


def _version(runs: Sequence[_Run], place: int) -> str | None:
    core = runs[place].core
    if not _VERSION.fullmatch(core) or _PHONE.fullmatch(core) or _DATE.fullmatch(core):
        return None
    parts = core.lstrip("vV").split(".")
    if len(parts) > 3:  # of a machine
        return " dot ".join(digits(part) for part in parts)
    return ("version " if core[0] in "vV" else "") + " point ".join(parts)


def _telephone(runs: Sequence[_Run], place: int) -> str | None:
    """Groups of digits that are no date, range or fraction: telephone, card and account numbers."""
    core = runs[place].core
    if not _GROUPS.fullmatch(core):
        in_number = core.isdigit() and len(core) > 1 and _goes_on(runs, place)
        return digits(core) + _breath(runs, place) if in_number else None
    if _DATE.fullmatch(core):
        return None
    groups = [group.group() for group in RUN.finditer(core)]
    clearly = core[0] in "+(" or _PHONE.fullmatch(core) or len(groups) > 2 or any(len(group) > 4 for group in groups)
    if "." in core and not _PHONE.fullmatch(core):
        clearly = False  # a version, an amount
    if not clearly and not (len(groups) == 2 and "-" in core and numbers.coded(_before(runs, place))):
        return None
    plus = "plus " if core[0] == "+" else ""
    return plus + ", ".join(digits(group) for group in groups) + _breath(runs, place)


def _goes_on(runs: Sequence[_Run], place: int) -> bool:
    """Whether these digits go on a number that begins with "+44" or "(555)", or are groups of four as on a card."""
    first = place
    while first > 0 and not runs[first - 1].ends_clause and _is_digits(runs[first - 1].core):
        first -= 1
    begin = runs[first].core
    if first < place and begin[0] in "+(":
        return True
    last = place
    while last + 1 < len(runs) and not runs[last].ends_clause and _is_digits(runs[last + 1].core):
        last += 1
    return last - first >= 2 and all(len(run.core) >= 2 for run in runs[first : last + 1])


def _is_digits(core: str) -> bool:
    return bool(core) and core.strip("+()").replace("-", "").isdigit()


def _breath(runs: Sequence[_Run], place: int) -> str:
    """Between two groups that white space parts."""
    goes_on = place + 1 < len(runs) and not runs[place].tail and _is_digits(runs[place + 1].core)
    return "," if goes_on else ""


def _number(runs: Sequence[_Run], place: int) -> str | None:
    core = runs[place].core
    if found := _MASKED.fullmatch(core):
        return digits(found[1])
    if found := _PRODUCT.fullmatch(core):
        return f"{found[1]} times {found[2]}"
    if found := _WITH_UNIT.fullmatch(core):
        return f"{found[1]}{numbers.with_commas(found[2])}{found[3]}"
    if not (found := _NUMBER.fullmatch(core)) or not core.isascii():
        return None
    number, before, after = found[1], _before(runs, place), _after(runs, place)
    hashed = core[0] == "#" or before[-1:] == ["#"]
    if numbers.is_year(number, _date_before(runs, place), after) and not numbers.coded(before):
        return None
    if numbers.is_code(number, before, after) or (hashed and len(number) > 3):
        return ("number " if core[0] == "#" else "") + digits(number)
    about = "about " if runs[place].head.endswith("~") else ""
    return about + (numbers.with_commas(number) if len(number) >= 4 else number) if about or len(number) >= 4 else None


def _date_before(runs: Sequence[_Run], place: int) -> list[str]:
    """The two words before, as in "May 5, 2025"."""
    if place > 1 and runs[place - 1].tail == "," and runs[place - 1].core[:1].isdigit():
        return [run.word for run in runs[place - 2 : place]]
    return _before(runs, place)


def _code(runs: Sequence[_Run], place: int) -> str | None:
    """Letters with digits: BW-1042, 4F7K2. A4, 5G, COVID-19 and 14C are read, unless a word says that they are codes."""
    core = runs[place].core
    if not core.isascii() or not _CODE.fullmatch(core) or not re.search(r"\d", core) or not re.search(r"[A-Za-z]", core):
        return None
    if _UNIT_OF_NUMBER.fullmatch(core):
        return None
    parts = RUN.findall(core)
    figures = sum(len(part) for part in parts if part.isdigit())
    names = [part for part in parts if part.isalpha()]
    if any(name.islower() and len(name) > 2 and (reads_as_word(name) or "-" in core) for name in names):
        return None if figures < 4 and len(names) < 3 else spelled(core)
    alternates = len(parts) > 2
    wanted = numbers.coded(_before(runs, place)) and len(core) > 2
    if core[0] == "#" or wanted or figures >= 4 or alternates:
        return ("number " if core[0] == "#" else "") + spelled(core.lstrip("#"))
    return None


_RULES: tuple[Rule, ...] = (_address, _initials, _half_day, _money, _version, _telephone, _number, _code)


def words_of(said: Sequence[Said]) -> Iterator[tuple[str, int]]:
    """Each word said, and the place of its run."""
    for place, run in enumerate(said):
        for word in run.spoken.split():
            yield word, place
