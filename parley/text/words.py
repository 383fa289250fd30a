"""Words of any script: those that are counted and compared, and the units that a voice says one after the other. Pure.

Words are those of Unicode (UAX 29), cut by ICU, which has dictionaries for Chinese, Japanese, Thai, Lao, Khmer and
Burmese. Offsets are code points. What is no word makes no sound.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from icu4py.breakers import CharacterBreaker, WordBreaker

from parley.text.scripts import CLAUSE_ENDS, CLOSERS, SPACELESS, spaceless, weight

Span = tuple[int, int]

_LETTER = re.compile(r"[^\W_]")
_CURRENCY = "$¢-¥֏؋߾߿৲৳৻૱௹฿៛\u20a0-\u20c0\ua838\ufdfc\ufe69＄￠￡￥￦\U00011fdd-\U00011fe0\U0001e2ff\U0001ecb0"
_SOUND = re.compile(rf"\d|(?![\u30fc\uff70])(?:[^\W\d_]|[{_CURRENCY}%‰+=±×÷≠≤≥√∞&@#§°№℃℉％＋＝＆＠＃])(?!\ufe0f)")
"""Not a mark of length alone, nor what is to be shown as a picture."""
_SPACELESS = re.compile(f"[{SPACELESS}]")
_ASCII_WORD = re.compile(r"(?=_*[A-Za-z0-9])(?:\w|(?<=[A-Za-z])['.:](?=[A-Za-z])|(?<=\d)['.,;](?=\d))+", re.ASCII)
_NO_BEGIN = re.compile("[ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶーｧ-ｰ々ゝゞヽヾๆໆฯຯៗ]")
"""Small kana, long vowels and marks of repetition: the dictionary cuts before them, a voice cannot begin there."""
_RUN = re.compile(rf"[^\s{CLAUSE_ENDS}]+(?:[{CLAUSE_ENDS}]+[{CLOSERS}]*)?|[{CLAUSE_ENDS}]+[{CLOSERS}]*")
_RUN_END = re.compile(rf"\s|[{CLAUSE_ENDS}]+[{CLOSERS}]*")
_BEFORE_NUMBER = re.compile(rf"[{_CURRENCY}#+＃＋\-−]")
_APOSTROPHES = str.maketrans("’‘ʼ＇", "''''")
_UNWRITTEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff\u20e3]")
"""Without a sound or a width of their own: joiners, variants of a sign."""
_POINTS = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]"
)
"""Vowels of Hebrew and Arabic that few writers set, and the Arabic stroke: not compared."""
_CLUSTER = 32
FASTEST_MS = 25
"""No voice says a letter in less, on the average; most take three times as long."""


@lru_cache(maxsize=512)
def spans(text: str) -> tuple[Span, ...]:
    """Where the words stand that are counted and compared. Hyphens part them, an apostrophe inside one does not."""
    if text.isascii():
        return tuple(match.span() for match in _ASCII_WORD.finditer(text))
    found: list[Span] = []
    for begin, end, word in _segments(text):
        if word and found and found[-1][1] == begin and _NO_BEGIN.match(text, begin):
            found[-1] = found[-1][0], end
        elif word:
            found.append((begin, end))
    return tuple(found)


@lru_cache(maxsize=512)
def words(text: str) -> tuple[str, ...]:
    """The words as they are compared: however they are written, and by whichever recogniser."""
    if text.isascii():
        return tuple(_ASCII_WORD.findall(text.lower()))
    return tuple(folded(text[begin:end]) for begin, end in spans(text))


def count(text: str) -> int:
    return len(spans(text))


def folded(word: str) -> str:
    """One spelling of a word: case, width, composed letters, apostrophes, vowel points."""
    if word.isascii():
        return word.lower()
    word = _UNWRITTEN.sub("", word)
    return _POINTS.sub("", unicodedata.normalize("NFKC", word).translate(_APOSTROPHES).casefold())


def plain(text: str) -> str:
    """The words with single spaces between them; side by side where their script has none: texts with the same words
    give the same, wherever one recogniser or the dictionary sets a space.
    """
    out = ""
    for word in words(text):
        if out and not (spaceless(out[-1]) and spaceless(word[0])):
            out += " "
        out += word
    return out


def has_words(text: str, begin: int = 0) -> bool:
    """Whether a voice has anything to say of text[begin:]: letters, numbers, currencies, signs that are read out."""
    return _SOUND.search(text, begin) is not None


def least_ms(text: str) -> int:
    """The sound of these words is longer than this, at any speed and in any voice; 0 when there are none."""
    return FASTEST_MS * weight("".join(_SOUND.findall(text)))


def units(text: str, begin: int = 0, end: int | None = None) -> Iterator[Span]:
    """Where the spoken units of text[begin:end] stand: runs without white space, with their punctuation; where a script
    is written without spaces its words, each with the marks behind it and the opening brackets before it.

    What makes no sound is in none of them. A unit that reaches over an end of the range is cut there.
    """
    until = len(text) if end is None else end
    for first, last in _whole_units(text, begin):
        if first >= until:
            return
        if first >= begin and last <= until:
            yield first, last
        elif has_words(text[max(first, begin) : min(last, until)]):
            yield max(first, begin), min(last, until)


def unit_at(text: str, place: int) -> Span | None:
    """The unit in which `place` is, or the next one; None after the last."""
    return next(_whole_units(text, place), None)


def whole_until(text: str, place: int) -> int:
    """The end of the last unit that is over before `place`; 0 when none is."""
    ends = [last for _, last in _whole_units(text, 0) if last <= place]
    return ends[-1] if ends else 0


def clipped(text: str, most: int) -> str:
    """At most `most` characters from the start. Letters keep their accents, an emoji its parts."""
    if len(text) <= most:
        return text
    kept = text[:most]
    if text[: most + 1].isascii():
        return kept
    begin = max(0, most - _CLUSTER)
    whole = begin
    for cluster in CharacterBreaker(_valid(text[begin : most + 1]), "en"):
        if whole + len(str(cluster)) > most:
            break
        whole += len(str(cluster))
    return kept[:whole] if whole > begin else kept


def clipped_bytes(text: str, most: int) -> str:
    """At most `most` bytes of UTF-8 from the start, whole characters."""
    if len(text) * 4 <= most or len(text.encode()) <= most:
        return text
    return clipped(text, len(text.encode()[:most].decode(errors="ignore")))


def _segments(text: str) -> Iterator[tuple[int, int, bool]]:
    """All of the text in pieces as Unicode cuts it, and whether a piece is a word."""
    at = 0
    for segment in WordBreaker(_valid(text), "en"):
        end = at + len(str(segment))
        yield at, end, _LETTER.search(text, at, end) is not None
        at = end


def _valid(text: str) -> str:
    """Half a surrogate pair is no text; as a question mark it is as long."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _whole_units(text: str, place: int) -> Iterator[Span]:
    """The units that end behind `place`, in whole."""
    for run in _RUN.finditer(text, _run_start(text, place)):
        begin, end = run.span()
        if end <= place:
            continue
        if text.isascii() or not _SPACELESS.search(text, begin, end):
            if has_words(run.group()):
                yield begin, end
            continue
        for first, last in _cut(run.group()):
            if begin + last > place:
                yield begin + first, begin + last


def _run_start(text: str, place: int) -> int:
    """Where the run begins that `place` is in."""
    size = 64
    while True:
        start = max(0, place - size)
        ends = [match.end() for match in _RUN_END.finditer(text, start, place)]
        if ends or not start:
            return ends[-1] if ends else 0
        size *= 4


@lru_cache(maxsize=2048)
def _cut(run: str) -> tuple[Span, ...]:
    """The units of a run in which a script without spaces stands. Neighbours are parted where one of both is of it."""
    found: list[Span] = []
    begin = border = 0  # of the unit under way; where it ends, if a word follows
    beside = open_ = quoted = False  # its last word is of such a script; an opening mark was seen behind it
    for first, last, word in _segments(run):
        if not word:
            quoted ^= run[first] == '"'
            open_ = open_ or _opens(run, first, quoted)
            border = border if open_ or not border else last
            continue
        of_it = spaceless(run[first])
        if border and (of_it or beside) and not (first == border and _NO_BEGIN.match(run, first)):
            found.append((begin, border))
            begin = border
        border, beside, open_ = last, of_it, False
    if border:
        found.append((begin, len(run)))
    elif has_words(run):
        found.append((0, len(run)))
    return tuple(found)


def _opens(run: str, place: int, quoted: bool) -> bool:
    """Whether the mark here belongs to what follows: an opening bracket or quote, the sign before a number."""
    char = run[place]
    if unicodedata.category(char) in ("Ps", "Pi") or (char == '"' and quoted):
        return True
    if not _BEFORE_NUMBER.match(char) or not (follows := _LETTER.match(run, place + 1)):
        return False
    return follows.group().isdecimal() and not run[place - 1 : place].isdecimal()
