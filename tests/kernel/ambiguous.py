"""Regexes that go over the same words in more than one way, again and again: each word more doubles the work. Found in
the source of a regex alone, with no text and no clock.

The places of its characters make an automaton (Glushkov's). What can go round from a place to itself in two ways, over
the same characters, is never done with a long text that does not fit at its end. Lookarounds and word boundaries are
taken to hold everywhere.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from re import _constants as op
from re import _parser
from typing import Any

_MANY = 16  # times; a bounded repeat of more is taken for one without end
_KINDS = "\x00é5 \t\n_-.,'aZ?ж中"  # characters of every class, beside those that stand in the regex
_OPTIONAL = (op.MAX_REPEAT, op.MIN_REPEAT)
_FIXED = (op.ATOMIC_GROUP, op.POSSESSIVE_REPEAT)  # never gone over again


@dataclass(slots=True)
class _Part:
    """Places where it begins and ends, and in how many ways it may be nothing at all."""

    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)
    empty: int = 0


class _Automaton:
    def __init__(self) -> None:
        self.takes: list[frozenset[str]] = []
        self.follow: defaultdict[int, Counter[int]] = defaultdict(Counter)

    def of(self, nodes: Any, alphabet: str) -> _Part:
        whole = _Part(empty=1)
        for code, value in nodes:
            whole = self._then(whole, self._part(code, value, alphabet))
        return whole

    def _part(self, code: Any, value: Any, alphabet: str) -> _Part:
        if code in (op.AT, op.ASSERT, op.ASSERT_NOT, op.GROUPREF):
            return _Part(empty=1)
        if code is op.SUBPATTERN:
            return self.of(value[3], alphabet)
        if code is op.BRANCH:
            options = [self.of(option, alphabet) for option in value[1]]
            first = sum((each.first for each in options), Counter())
            last = sum((each.last for each in options), Counter())
            return _Part(first, last, sum(each.empty for each in options))
        if code in _OPTIONAL:
            return self._repeated(value[0], value[1], value[2], alphabet)
        if code in _FIXED:
            return self._taking(frozenset(alphabet))
        one = _parser.SubPattern(_parser.State(), [(code, value)])
        char = re._compiler.compile(one)  # type: ignore[attr-defined]
        return self._taking(frozenset(c for c in alphabet if char.fullmatch(c)))

    def _taking(self, chars: frozenset[str]) -> _Part:
        self.takes.append(chars)
        here = Counter([len(self.takes) - 1])
        return _Part(here, Counter(here))

    def _then(self, one: _Part, two: _Part) -> _Part:
        self._joined(one.last, two.first)
        first, last = Counter(one.first), Counter(two.last)
        for places, behind, ways in ((first, two.first, one.empty), (last, one.last, two.empty)):
            for place, count in behind.items():
                if ways:
                    places[place] += count * ways
        return _Part(first, last, one.empty * two.empty)

    def _joined(self, ends: Counter[int], begins: Counter[int]) -> None:
        for (a, n), (b, m) in product(ends.items(), begins.items()):
            self.follow[a][b] += n * m

    def _repeated(self, least: int, most: Any, nodes: Any, alphabet: str) -> _Part:
        if most is op.MAXREPEAT or most > _MANY:
            body = self.of(nodes, alphabet)
            self._joined(body.last, body.first)
            return _Part(body.first, body.last, body.empty if least else 1 + body.empty)
        whole = _Part(empty=1)
        for n in range(most):
            each = self.of(nodes, alphabet)
            whole = self._then(whole, _Part(each.first, each.last, each.empty + (n >= least)))
        return whole


def ambiguous(pattern: re.Pattern[str]) -> str:
    """The source of a loop in it that can be gone round in two ways; "" if there is none."""
    parsed = _parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    alphabet = "".join(sorted({*_KINDS, *_literals(parsed)}))
    for loop in _loops(parsed):
        automaton = _Automaton()
        automaton.of([loop], alphabet)
        if _goes_two_ways(automaton):
            return str(loop)
    return ""


def _literals(nodes: Any) -> Iterator[str]:
    for code, value in nodes:
        if code in (op.LITERAL, op.NOT_LITERAL):
            yield chr(value)
        elif code is op.IN:
            yield from (chr(one) for each, arg in value for one in _chars(each, arg))
        else:
            for inner in _inner(code, value):
                yield from _literals(inner)


def _chars(code: Any, arg: Any) -> tuple[int, ...]:
    return (arg,) if code is op.LITERAL else tuple(arg) if code is op.RANGE else ()


def _inner(code: Any, value: Any) -> list[Any]:
    if code is op.SUBPATTERN:
        return [value[3]]
    if code is op.BRANCH:
        return list(value[1])
    if code in (*_OPTIONAL, op.POSSESSIVE_REPEAT):
        return [value[2]]
    return [value[1]] if code in (op.ASSERT, op.ASSERT_NOT) else [value] if code is op.ATOMIC_GROUP else []


def _loops(nodes: Any) -> Iterator[Any]:
    """The outermost repeats without end."""
    for code, value in nodes:
        if code in _OPTIONAL and (value[1] is op.MAXREPEAT or value[1] > _MANY):
            yield code, value
        else:
            for inner in _inner(code, value):
                yield from _loops(inner)


def _goes_two_ways(automaton: _Automaton) -> bool:
    """Whether two walks over the same characters part and meet again. Within a loop they do so without end."""
    follow, takes = automaton.follow, automaton.takes
    if any(count > 1 for ends in follow.values() for count in ends.values()):
        return True
    parted = {
        (a, b) for ends in follow.values() for a in ends for b in ends if a < b and not takes[a].isdisjoint(takes[b])
    }
    todo = list(parted)
    while todo:
        one, two = todo.pop()
        for a, b in product(follow[one], follow[two]):
            if takes[a].isdisjoint(takes[b]):
                continue
            if a == b:
                return True
            if (pair := (min(a, b), max(a, b))) not in parted:
                parted.add(pair)
                todo.append(pair)
    return False
