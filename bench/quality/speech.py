"""How wrong it is what the recognisers make of speech: counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bench.quality.spelling import comparable, digits
from testbed.score import word_errors


@dataclass(slots=True)
class Words:
    """Over some sentences. `numbers`: those with a digit in them; `digits_right`: of these, all came out, no other."""

    errors: int = 0
    words: int = 0
    sentences: int = 0
    exact: int = 0
    lost: int = 0
    numbers: int = 0
    digits_right: int = 0

    def add(self, said: str, heard: str) -> None:
        """`heard` "": nothing was understood, or noticed."""
        reference, found = comparable(said), comparable(heard)
        wrong = word_errors(reference, found)
        self.errors += wrong
        self.words += len(reference.split())
        self.sentences += 1
        self.exact += wrong == 0
        self.lost += not heard
        if number := digits(reference):
            self.numbers += 1
            self.digits_right += digits(found) == number
