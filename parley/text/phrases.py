"""Templates of what callers say: `where is my [order|package|] {order_number}`.

`[a|b|]` is one of several (an empty one: may be left out; they nest), `{slot}` a place for a value. What stands
without a space between belongs to one word: `order[s|]`. Pure; used by the local recogniser and dialogue engine.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import gcd, prod

from parley.errors import BadInput
from parley.text.spoken import NUMBER_RUN, normalise, spoken_digits, words_to_digits

__all__ = [
    "NUMBER_RUN", "Phrase", "normalise", "parse", "slot_values", "spoken_digits", "words_to_digits",
]  # fmt: skip

_SPACE = r"(?: +|\b)"
_TOKEN = re.compile(r"\s+|\{[^{}\[\]|]*\}|[\[\]|]|[^\s\[\]{}|]+|.")
_MAX_LENGTH = 2000
_MAX_DEPTH = 20
_MAX_SPELLINGS = 500


@dataclass(frozen=True, slots=True)
class Literal:
    text: str


@dataclass(frozen=True, slots=True)
class Space:
    pass


@dataclass(frozen=True, slots=True)
class Slot:
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[tuple[Node, ...], ...]


Node = Literal | Space | Slot | Choice


@dataclass(frozen=True)
class Phrase:
    """A parsed template."""

    template: str
    nodes: tuple[Node, ...]

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of its slots, each once, in order."""
        return tuple(dict.fromkeys(_slots(self.nodes)))

    @cached_property
    def count(self) -> int:
        """How many different ways there are to choose."""
        return _count(self.nodes)

    def sample(self, rng: random.Random, slot_words: Callable[[str], str]) -> str:
        """One sentence by chance, slots filled by `slot_words(name)`; lower case, apostrophes kept."""
        return _tidy(_nth(self.nodes, rng.randrange(self.count)), slot_words)

    def expansions(self, limit: int) -> list[str]:
        """At most `limit` different sentences, spread evenly over all, slots left as {name}."""
        picks = min(limit, self.count)
        step = 1 if picks == self.count else int(self.count * 0.618)
        while gcd(step, self.count) != 1:  # so that every choice turns, not only the first ones
            step += 1
        texts = (_tidy(_nth(self.nodes, i * step % self.count), "{{{}}}".format) for i in range(picks))
        return list(dict.fromkeys(texts))

    def words(self) -> set[str]:
        """All words it can contain outside slots, as a recogniser needs them."""
        return _words(self.nodes)

    def regex(self, slot_regex: Callable[[str], str]) -> re.Pattern[str]:
        """Matches whole words of normalised text (`search` or `fullmatch`); see `slot_values` for what filled slots.

        `slot_regex(name)` is a regex source without capturing groups.
        """
        seen: list[str] = []
        return re.compile(rf"(?<!\S){_regex(self.nodes, slot_regex, seen)}(?!\S)")


def slot_values(match: re.Match[str]) -> dict[str, str]:
    """What filled the slots of a match of `Phrase.regex`: name -> normalised text."""
    return {name.partition("__")[0]: value for name, value in match.groupdict().items() if value}


def parse(template: str) -> Phrase:
    """The phrase. Raises BadInput naming the template and the column (from 1) of what is wrong."""
    if len(template) > _MAX_LENGTH:
        raise BadInput(f"phrase {template[:40]!r}...: longer than {_MAX_LENGTH} characters")
    return Phrase(template, _Parser(template).phrase())


class _Parser:
    def __init__(self, template: str) -> None:
        self._template = template
        self._tokens = [(m.start() + 1, m.group()) for m in _TOKEN.finditer(template)]
        self._tokens.append((len(template) + 1, ""))
        self._at = 0
        self._depth = 0

    def phrase(self) -> tuple[Node, ...]:
        nodes = self._sequence()
        column, text = self._tokens[self._at]
        if text:
            raise self._wrong(column, f"{text!r} without a '[' before it")
        if _can_be_empty(nodes):
            raise self._wrong(1, "everything in it may be left out, so it says nothing")
        return nodes

    def _sequence(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        while (node := self._node()) is not None:
            nodes.append(node)
        return tuple(nodes)

    def _node(self) -> Node | None:
        column, text = self._tokens[self._at]
        if text in ("", "|", "]"):
            return None
        self._at += 1
        if text == "[":
            return self._choice(column)
        if text.isspace():
            return Space()
        if text.startswith("{") and text.endswith("}"):
            return Slot(self._slot(column, text[1:-1]))
        if text in "{}":
            raise self._wrong(column, f"{text!r} without its other half")
        return Literal(text)

    def _choice(self, opened: int) -> Choice:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._wrong(opened, f"more than {_MAX_DEPTH} brackets inside each other")
        options = [self._sequence()]
        while self._tokens[self._at][1] == "|":
            self._at += 1
            options.append(self._sequence())
        if self._tokens[self._at][1] != "]":
            raise self._wrong(opened, "'[' is never closed")
        self._at += 1
        self._depth -= 1
        return Choice(tuple(options))

    def _slot(self, column: int, name: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
            raise self._wrong(column, f"{name!r} is no slot name; use small letters, digits and single '_'")
        return name

    def _wrong(self, column: int, what: str) -> BadInput:
        return BadInput(f"phrase {self._template!r}: column {column}: {what}")


def _slots(nodes: tuple[Node, ...]) -> list[str]:
    found: list[str] = []
    for node in nodes:
        if isinstance(node, Slot):
            found.append(node.name)
        elif isinstance(node, Choice):
            found += [name for option in node.options for name in _slots(option)]
    return found


def _count(nodes: tuple[Node, ...]) -> int:
    return prod(sum(map(_count, node.options)) for node in nodes if isinstance(node, Choice))


def _nth(nodes: tuple[Node, ...], n: int) -> list[Node]:
    """The n-th of all ways to choose, without choices; the last choice turns fastest."""
    parts: list[list[Node]] = []
    for node in reversed(nodes):
        if not isinstance(node, Choice):
            parts.append([node])
            continue
        n, index = divmod(n, sum(map(_count, node.options)))
        for option in node.options:
            if index < _count(option):
                parts.append(_nth(option, index))
                break
            index -= _count(option)
    return [node for part in reversed(parts) for node in part]


def _tidy(nodes: list[Node], slot: Callable[[str], str]) -> str:
    """The sentence: literals in small letters without punctuation, apostrophes kept, single spaces."""
    text = ""
    for node in nodes:
        if isinstance(node, Literal):
            text += re.sub(r"[^\w' ]|_", " ", node.text.lower())
        else:
            text += slot(node.name) if isinstance(node, Slot) else " "
    return " ".join(text.split())


def _can_be_empty(nodes: tuple[Node, ...]) -> bool:
    for node in nodes:
        if isinstance(node, Slot) or (isinstance(node, Literal) and normalise(node.text)):
            return False
        if isinstance(node, Choice) and not any(map(_can_be_empty, node.options)):
            return False
    return True


def _words(nodes: tuple[Node, ...]) -> set[str]:
    found: set[str] = set()
    group: list[Node] = []
    for node in (*nodes, Space()):
        if not isinstance(node, Space):
            group.append(node)
        elif len(group) == 1 and isinstance(group[0], Choice):
            found.update(*map(_words, group[0].options))
            group = []
        elif group:  # parts of one word: every way to put them together
            whole = tuple(group)
            spellings = min(_count(whole), _MAX_SPELLINGS)
            found.update(*(_tidy(_nth(whole, i), lambda _: " ").split() for i in range(spellings)))
            group = []
    return found


def _regex(nodes: tuple[Node, ...], slot_regex: Callable[[str], str], seen: list[str]) -> str:
    source = ""
    for node in nodes:
        if isinstance(node, Literal):
            source += _SPACE.join(map(re.escape, normalise(node.text).split()))
        elif isinstance(node, Space):
            source += _SPACE
        elif isinstance(node, Choice):
            source += f"(?:{'|'.join(_regex(option, slot_regex, seen) for option in node.options)})"
        else:
            group = node.name if node.name not in seen else f"{node.name}__{len(seen)}"
            seen.append(node.name)
            source += f"(?P<{group}>{slot_regex(node.name)})"
    return source
