"""Words that say little of what a sentence is about."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
# They count a quarter where a pattern's share of a sentence is weighed.
COMMON = frozenset((_HERE / "common_words.txt").read_text("utf-8").split())
# Beside the common words, these name nothing either.
TOPICLESS = COMMON | frozenset((_HERE / "topicless_words.txt").read_text("utf-8").split())
