"""A knowledge file cut into passages: by headings, then paragraphs, then sentences. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from parley.text.scripts import sentence_ends
from parley.text.words import units

# A passage of this many tokens is one thought: long enough to answer from, short enough to be about one thing.
PASSAGE_TOKENS = 120
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_FIELD = re.compile(r"^([a-z][a-z0-9_]{0,39}):\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Passage:
    """`heading`: the headings above it, outermost first, joined by " > "."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """`meta`: the fields between two `---` lines at the top of the file, one `name: value` a line."""

    passages: tuple[Passage, ...]
    meta: dict[str, str] = field(default_factory=dict)


def split(text: str, count: Callable[[str], int], most: int = PASSAGE_TOKENS) -> Document:
    """Cut a Markdown or plain text. `count` gives the tokens of a text.

    Paragraphs under one heading share a passage while they fit; one that is too long is cut between sentences, a
    sentence that is too long between words. Nothing is dropped.
    """
    meta, body = _meta(text.replace("\r\n", "\n").lstrip("\ufeff"))
    passages = []
    for heading, paragraphs in _sections(body):
        pieces = [piece for paragraph in paragraphs for piece in _pieces(paragraph, count, most)]
        passages += [Passage(heading, joined) for joined in _packed(pieces, "\n\n", count, most)]
    return Document(tuple(passages), meta)


def _meta(text: str) -> tuple[dict[str, str], str]:
    lines = text.split("\n")
    if lines[0].strip() != "---" or "---" not in [line.strip() for line in lines[1:]]:
        return {}, text
    end = [line.strip() for line in lines[1:]].index("---") + 1
    fields = [match for line in lines[1:end] if (match := _FIELD.match(line.strip()))]
    return {match[1]: match[2].strip().strip("\"'") for match in fields}, "\n".join(lines[end + 1 :])


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    headings: list[tuple[int, str]] = []
    paragraphs: list[str] = []
    lines: list[str] = []
    for line in [*text.split("\n"), "# "]:
        match = _HEADING.match(line)
        if (match or not line.strip()) and lines:
            paragraphs.append("\n".join(lines))
            lines = []
        if match:
            if paragraphs:
                yield " > ".join(title for _, title in headings), paragraphs
                paragraphs = []
            level = len(match[1])
            headings = [(at, title) for at, title in headings if at < level] + [(level, match[2])]
        elif line.strip():
            lines.append(line.strip())


def _pieces(paragraph: str, count: Callable[[str], int], most: int) -> list[str]:
    if count(paragraph) <= most:
        return [paragraph]
    sentences: list[str] = []
    for sentence in _slices(paragraph, sentence_ends(paragraph)):
        if count(sentence) > most:
            sentences += _packed(_slices(sentence, (begin for begin, _ in units(sentence))), "", count, most)
        else:
            sentences.append(sentence)
    return [part.strip() for part in _packed(sentences, "", count, most)]


def _slices(text: str, places: Iterable[int]) -> list[str]:
    """The text cut at these places; of the white space at the end of a part one space stays."""
    borders = [0, *(place for place in places if 0 < place < len(text)), len(text)]
    parts = [text[begin:end] for begin, end in pairwise(borders)]
    return [part.rstrip() + " " if part[-1:].isspace() else part for part in parts]


def _packed(parts: list[str], glue: str, count: Callable[[str], int], most: int) -> list[str]:
    """Neighbours joined while they fit. A single word over the limit stands alone."""
    packed: list[str] = []
    size = 0
    for part in parts:
        tokens = count(part)
        if packed and size + tokens <= most:
            packed[-1] += glue + part
            size += tokens
        else:
            packed.append(part)
            size = tokens
    return packed
