"""What the local recogniser makes of spoken cases, and how wrong that is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.quality.desk import AGENT
from bench.quality.sets import Spoken
from bench.recogniser import Result, hear
from parley.agents import load_agent
from parley.audio import BROWSER, TELEPHONE, AudioFormat
from parley.phrases import normalise, spoken_digits
from services.stt.local import model
from services.stt.local.decoding import Decoders
from services.stt.local.numbers import written
from tests.llm.test_frontdesk import AGENTS
from tests.stt_local.score import word_errors
from tests.stt_local.voice import voice

LINES: dict[str, AudioFormat] = {"page": BROWSER, "telephone": TELEPHONE}


@dataclass(slots=True)
class Words:
    """Counts over the sentences of the domain, and of those outside it that came out as words."""

    errors: int = 0
    words: int = 0
    sentences: int = 0
    exact: int = 0
    not_understood: int = 0
    outside: int = 0
    taken: int = 0

    def add(self, one: Spoken, heard: str) -> None:
        if not one.case.intent:
            self.outside += 1
            self.taken += bool(heard)
            return
        reference = comparable(one.case.text)
        wrong = word_errors(reference, comparable(heard))
        self.errors += wrong
        self.words += len(reference.split())
        self.sentences += 1
        self.exact += wrong == 0
        self.not_understood += not heard


def comparable(text: str) -> str:
    """One spelling for both sides: contractions written out, numbers read out in single digits.

    "it's double four one two", "it is 4412" -> "it is four four one two". A wrong digit is one wrong word.
    """
    figures = written(normalise(text).split())
    return re.sub(r"\d+", lambda run: spoken_digits(run.group()), figures)


def recogniser(folder: Path) -> Decoders:
    """The recogniser with the front desk's language model, built into `folder`."""
    return Decoders(model.build(folder / "stt", load_agent(AGENTS, AGENT), AGENTS / AGENT))


def heard(said: Sequence[Spoken], form: AudioFormat, decoders: Decoders) -> Iterator[tuple[Spoken, str]]:
    """Each case and the text of its finals; "": speech that was not understood, or not noticed."""
    for one in said:
        finals = hear(voice().say(one.case.text, one.voice, one.wpm), form, decoders, Result())
        yield one, " ".join(final.text for final in finals if final.text)
