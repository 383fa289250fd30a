"""Text to phonemes, each word of them with the run of text that it is said for."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher

import structlog
from hibari.g2p import G2P
from hibari.g2p.normalize import normalize

from services.tts.english.reading import Said

log = structlog.get_logger()

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
        """The words that make a sound, in order. What the package fails at is left out."""
        try:
            return self._spell(said)
        except Exception as e:  # of other people's rules, on any text there is
            log.warning("text could not be read", error=type(e).__name__)
            return [word for place in range(len(said)) for word in self._alone(said, place)]

    def _alone(self, said: Sequence[Said], place: int) -> list[Word]:
        with suppress(Exception):
            return [Word(word.phonemes, place) for word in self._spell(said[place : place + 1])]
        return []

    def _spell(self, said: Sequence[Said]) -> list[Word]:
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

    Words that are in both, but for their marks, stay with their run; what is new between two of them is shared by the
    runs that are gone from there, else it belongs to the word before.
    """
    before = [word for word, _ in owned]
    after = normal(" ".join(before)).split()
    if before == after:
        return owned
    same = SequenceMatcher(None, [_bare(word) for word in before], [_bare(word) for word in after], autojunk=False)
    changed: Owned = []
    for _, first, last, begin, end in same.get_opcodes():
        places = [place for _, place in owned[first:last]] or [owned[max(0, first - 1)][1]]
        changed += shared(places, after[begin:end])
    return changed


def shared(places: Sequence[int], words: Sequence[str]) -> Owned:
    """So many words over so many runs, in order."""
    return [(word, places[index * len(places) // len(words)]) for index, word in enumerate(words)]


def _bare(word: str) -> str:
    return word.strip(".,;:!?$€£()\"'")
