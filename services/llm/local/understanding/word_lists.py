"""English words that say little of what a sentence is about."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

from services.llm.local.languages.language import ENGLISH


def words_of(text: str) -> frozenset[str]:
    """The words of a text, each once."""
    return frozenset(text.split())


_HERE = Path(__file__).parent
COMMON = ENGLISH.common
TOPICLESS = ENGLISH.topicless
# They name nothing that only some trade has.
EVERYDAY = TOPICLESS | words_of((_HERE / "plain_words.txt").read_text("utf-8"))
# Words that sound alike, and two spellings of one: which of them was said only the business can tell.
TWINS = {
    a: b for line in (_HERE / "homophones.txt").read_text("utf-8").splitlines() for a, b in permutations(line.split())
}
# What knowledge mentions by the way: "next to the library", "by phone". Nobody deals in it for that.
BY_THE_WAY = words_of((_HERE / "by_the_way.txt").read_text("utf-8"))
