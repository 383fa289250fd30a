"""Text to phonemes, each word of them with the run of text that it is said for."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hibari.g2p import G2P
from hibari.g2p.normalize import normalize

from services.tts.english.reading import Said

_LETTER = re.compile(r"‹([A-Z])›")

Owned = list[tuple[str, int]]
"""Words, and the place of the run that each is said for."""


@dataclass(frozen=True, slots=True)
class Word:
    phonemes: str
    run: int


class Speller:
    """The package's rules and dictionaries for one accent. One object serves all threads."""

    def __init__(self, british: bool) -> None:
        self._g2p = G2P(british=british)
        self._g2p.oov  # noqa: B018 - loaded now, not at the first unknown word
        self._lock = threading.Lock()

    def spell(self, said: Sequence[Said]) -> list[Word]:
        """The words that make a sound, in order."""
        owned = expanded([(word, place) for place, run in enumerate(said) for word in run.spoken.split()], normalize)
        text = _LETTER.sub(self._letter, " ".join(word for word, _ in owned))
        words = self._phonemes(text)
        if len(words) != len(owned):  # the package has put words together
            owned = shared([place for _, place in owned], words)
        return [Word(phonemes, place) for phonemes, (_, place) in zip(words, owned, strict=True) if phonemes]

    def _letter(self, match: re.Match[str]) -> str:
        """Its own notation for how something is said: [A](/ˈA/)."""
        phonemes, _ = self._g2p.lexicon.get_NNP(match[1])
        return f"[{match[1]}](/{phonemes}/)"

    def _phonemes(self, text: str) -> list[str]:
        words, word = [], ""
        # The tagger and the lexicon are plain Python: one thread at a time costs nothing.
        with self._lock:
            tokens = self._g2p.phonemize_tokens(self._g2p.tokenize(text)) if text else []
        for token in tokens:
            word += token.phonemes or ""
            if token.whitespace:
                words.append(word)
                word = ""
        return [*words, word] if tokens and not tokens[-1].whitespace else words


def expanded(owned: Owned, normal: Callable[[str], str]) -> Owned:
    """The words as `normal` writes them ("5 km" as "5 kilometers"), each with its run.

    A place where both sides are changed the same as in the whole is a border: what is between two borders belongs
    together. Words that are as they were stay with their run.
    """
    before = [word for word, _ in owned]
    after = normal(" ".join(before)).split()
    if before == after:
        return owned
    begin = 0
    while begin < min(len(before), len(after)) and before[begin] == after[begin]:
        begin += 1
    rest = 0
    while rest < min(len(before), len(after)) - begin and before[-1 - rest] == after[-1 - rest]:
        rest += 1
    end_before, end_after = len(before) - rest, len(after) - rest
    changed = owned[:begin]
    at_before = at_after = begin
    for border_before, border_after in (*_borders(before, after, begin, end_before, normal), (end_before, end_after)):
        places = [place for _, place in owned[at_before:border_before]]
        changed += shared(places or [owned[at_before - 1][1] if at_before else 0], after[at_after:border_after])
        at_before, at_after = border_before, border_after
    return changed + owned[end_before:]


def _borders(
    before: Sequence[str], after: Sequence[str], begin: int, end: int, normal: Callable[[str], str]
) -> Iterator[tuple[int, int]]:
    least = begin
    for place in range(begin, end):
        if not place:
            continue
        left = normal(" ".join(before[:place])).split()
        if len(left) < least or after[: len(left)] != left:
            continue
        if normal(" ".join(before[place:])).split() == after[len(left) :]:
            least = len(left)
            yield place, len(left)


def shared(places: Sequence[int], words: Sequence[str]) -> Owned:
    """So many words over so many runs, in order."""
    return [(word, places[index * len(places) // len(words)]) for index, word in enumerate(words)]
