"""What a caller says is read by regexes within a step, or while the caller waits: none of them may be endless."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

import parley.text
import services.llm.local
from parley.text import words
from parley.text.answers import consent
from services.llm.local.languages.language import KNOWN, language_of
from services.llm.local.understanding.digits import mended
from tests.kernel.ambiguous import ambiguous

TOLD_APART = {words._ASCII_WORD}  # by what stands before, which the look at a regex takes to hold everywhere


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in (*modules(parley.text), *modules(services.llm.local)):
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and value not in TOLD_APART:
                yield f"{module.__name__}.{name}", value
    for code in consent.LANGUAGES:
        known = consent._known(code, ("you bet",), ("no way jose",))
        for name in known.__slots__:
            if isinstance(value := getattr(known, name), re.Pattern):
                yield f"consent, {code}: {name}", value
    for code in KNOWN:
        language = language_of(code)
        for name, value in (*language._re.items(), *language._moves):
            yield f"{code}.yaml: {name}", value


def test_no_regex_goes_over_the_same_words_in_two_ways() -> None:
    found = dict(patterns())
    assert len(found) > 150
    assert [name for name, pattern in found.items() if ambiguous(pattern)] == []


@pytest.mark.parametrize(
    ("source", "is_so"),
    [
        (r"(?:a*)*x", True), (r"(?:(?:hm+|mm+) ?)+", True), (r"(?:no|ta|no ta)(?: (?:no|ta|no ta))*", True),
        (r"(?:a|ab|b)+", True), (r"(\w+\s?)*x", True), (r"(?:(?:a|b|ab)x?){2,}", True), (r"(?:ab|\w)*-", True),
        (r"(?:um+|hm+)(?: (?:um+|hm+))*", False), (r"(?:a|ab|c)+", False), (r"(?:\w+\s)*x", False), (r"a+b+\s*", False),
        (r"(?:no|nope)(?: (?:no|nope))*(?!\S)", False), (r"(?:a?b){0,3}", False), (r"(?:(?>a+)b)+", False),
    ],
)  # fmt: skip
def test_a_regex_that_does(source: str, is_so: bool) -> None:
    assert bool(ambiguous(re.compile(source))) == is_so


@pytest.mark.parametrize(
    ("code", "said"),
    [("en", "hmmmm "), ("en", "um you know "), ("en", "no thanks "), ("es", "emmmm "), ("es", "pues a ver ")],
)
def test_somebody_who_thinks_and_thinks(code: str, said: str) -> None:
    language = language_of(code)
    assert language.move((said * 100).strip()) == ("unfinished" if said != "no thanks " else "")
    assert language.move(f"{said * 100}banana") == ""


def test_a_digit_that_is_missing_and_missing() -> None:
    assert mended("1234", f"five {'is missing ' * 200}banana") == ""
