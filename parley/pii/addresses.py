"""Addresses of mail and of machines, written and spoken. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from parley.pii.kinds import Span
from parley.pii.number_words import FILLERS, NUMBERS, REPEATS

_ENDINGS = (
    "com|net|org|edu|gov|mil|info|biz|name|io|ai|co|app|dev|me|eu|uk|us|ca|au|nz|ie|in|de|at|ch|es|mx|ar|cl|pe|fr|be|nl|lu|"
    "it|pt|br|pl|se|no|dk|fi|cz|jp|cn|kr|ru|tv"
)
_WRITTEN = re.compile(r"[\w.+'%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_HALF = re.compile(
    rf"\b([\w.+-]{{1,64}}) (?:at|arroba|arobase|ät) ((?:[\w-]{{1,63}}\.){{1,6}}(?:{_ENDINGS}))\b", re.IGNORECASE
)
_DOMAIN_END = re.compile(rf"(?:\.| (?:dot|period|punkt|punto|point) )(?:{_ENDINGS})\b", re.IGNORECASE)
_AT = re.compile(r"\b(?:at sign|at|arroba|arobase|ät|klammeraffe)\b", re.IGNORECASE)
_DOT = r"(?:dot|period|punkt|punto|point)"
_LINKS = "dot period punkt punto point underscore unterstrich hyphen dash minus bindestrich guion guión tiret plus"
_LINK = frozenset(_LINKS.split())
_DOMAIN = re.compile(
    r"\s+((?:[a-z0-9-]+\s+(?:(?:hyphen|dash|minus|bindestrich|guion|guión|tiret)\s+[a-z0-9-]+\s+)?){1,3}?)"
    rf"{_DOT}\s+(?:[a-z0-9-]+\s+{_DOT}\s+){{0,2}}(?:{_ENDINGS})\b"
    rf"(?:\s+{_DOT}\s+(?:{_ENDINGS})\b)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w'.+-]+")
_OTHERS = """is it's its at to my the a an email e-mail mail address me him her us on in and or so that this be are was
    meet look here there es mi correo el la ist meine die adresse est mon ma c'est"""
_NO_NAME = frozenset(_OTHERS.split())
_NO_HOST = frozenset(["the", "a", "an", "my", "this", "that", "our"])
MAX_LOCAL = 24
"""Words of a spoken name before the at."""

_V4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_V6 = re.compile(
    r"(?<![\w:.])[0-9A-Fa-f:]*:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*[0-9A-Fa-f:](?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])"
)
_VERSION = re.compile(r"(?:version|release|\bv)\s?$", re.IGNORECASE)
_PART = r"((?:[a-z0-9]+[ -]){0,4}?[a-z0-9]+)"
_SPOKEN_V4 = re.compile(
    rf"\b((?:[a-z0-9]+[ -]){{0,3}}?[a-z0-9]+) dot {_PART} dot {_PART} dot ([a-z0-9]+(?:[ -][a-z0-9]+){{0,4}})",
    re.IGNORECASE,
)


def emails(text: str) -> Iterator[Span]:
    if "@" in text:
        yield from (Span(m.start(), m.end(), "email") for m in _WRITTEN.finditer(text))
    if _DOMAIN_END.search(text) is None:
        return
    for match in _HALF.finditer(text):
        if match[1].lower() not in _NO_NAME:
            yield Span(match.start(), match.end(), "email")
    for at in _AT.finditer(text):
        domain = _DOMAIN.match(text, at.end())
        if domain is None or (domain[1].lower().split()[0] in _NO_HOST and len(domain[1].split()) < 3):
            continue
        if (start := _name_before(text, at.start())) >= 0:
            yield Span(start, domain.end(), "email")


def _name_before(text: str, end: int) -> int:
    """Where the name begins that ends before `end`; -1: there is none."""
    words = list(_WORD.finditer(text, max(0, end - 160), end))
    n = len(words) - 1
    if n < 0 or words[n].group().lower() in _NO_NAME:
        return -1
    for _ in range(MAX_LOCAL):
        word = words[n].group().lower()
        if n >= 2 and words[n - 1].group().lower() in _LINK:
            n -= 2
        elif n >= 1 and _goes_on(word, words[n - 1].group().lower()):
            n -= 1
        else:
            break
    return words[n].start()


def _goes_on(word: str, before: str) -> bool:
    """Letters and digits one by one, and the number behind a name."""
    if before in _NO_NAME and len(before) > 1:
        return False
    single = len(word) == 1 or word in NUMBERS or word.isdecimal() or word in REPEATS
    if single and (len(before) == 1 or before in NUMBERS or before.isdecimal() or before in REPEATS):
        return True
    return (word in NUMBERS or word.isdecimal()) and before.isalpha() and before not in FILLERS


def machines(text: str) -> Iterator[Span]:
    """IP addresses, of version 4 and 6."""
    if text.count(".") >= 3:
        for match in _V4.finditer(text):
            if _is_ip(match.group()) and not _VERSION.search(text, max(0, match.start() - 9), match.start()):
                yield Span(match.start(), match.end(), "ip")
    if text.count(":") >= 2:
        for match in _V6.finditer(text):
            found = match.group()
            if any(c in "0123456789abcdefABCDEF" for c in found) and len(found) > 4 and _is_ip(found):
                yield Span(match.start(), match.end(), "ip")
    if text.count(" dot ") >= 3:
        for match in _SPOKEN_V4.finditer(text):
            if (span := _spoken_ip(match)) is not None:
                yield span


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _spoken_ip(match: re.Match[str]) -> Span | None:
    """Each part is a number up to 255; of the first and last part only the words that are one."""
    first, last = match[1].replace("-", " ").split(), match[4].replace("-", " ").split()
    own = [word for word in first if _is_number(word)]
    middle = [word for part in (match[2], match[3]) for word in part.replace("-", " ").split()]
    if not own or not _is_number(first[-1]) or not all(map(_is_number, middle)):
        return None
    n = len(first)
    while n and _is_number(first[n - 1]):
        n -= 1
    kept = 0
    while kept < len(last) and _is_number(last[kept]):
        kept += 1
    if not kept:
        return None
    start = match.start(1) + (len(match[1]) - len(" ".join(first[n:])))
    return Span(start, match.start(4) + len(" ".join(last[:kept])), "ip")


def _is_number(word: str) -> bool:
    low = word.lower()
    return low in NUMBERS or (low.isdecimal() and len(low) <= 3) or low == "hundred"
