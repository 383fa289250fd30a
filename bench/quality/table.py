"""The figures as Markdown, between two marks of docs/quality.md."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.quality.judge import Tally
from bench.quality.speech import Words

DOCUMENT = Path(__file__).parents[2] / "docs" / "quality.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class Line:
    """One set over one kind of line: the words, what came of them, and what comes of the same sentences typed."""

    words: Words
    heard: Tally
    typed: Tally


def share(part: int, whole: int) -> str:
    """ "93 % (155/166)"; "" of nothing."""
    return f"{100 * part / whole:.0f} % ({part}/{whole})" if whole else ""


def typed_table(sets: Mapping[str, Tally]) -> str:
    """A column per set."""
    rows = [_row("typed", sets), "|---|" + "--:|" * len(sets)]
    tallies = list(sets.values())
    rows.append(_row("intent right", [share(t.intents, t.inside) for t in tallies]))
    rows.append(_row("order number or day right, where one was said", [share(t.values, t.with_slots) for t in tallies]))
    rows.append(_row("order number or day that nobody said", [str(t.invented) for t in tallies]))
    rows.append(_row("whole request right", [share(t.requests, t.inside) for t in tallies]))
    rows.append(_row("out of domain, falsely acted on", [share(t.accepted, t.outside) for t in tallies]))
    return "\n".join(rows)


def intents_table(sets: Mapping[str, Tally]) -> str:
    """Intents right, by intent."""
    rows = [_row("intent right, typed", sets), "|---|" + "--:|" * len(sets)]
    for intent in dict.fromkeys(name for tally in sets.values() for name in tally.by_intent):
        counts = [tally.by_intent.get(intent) for tally in sets.values()]
        rows.append(_row(intent, [f"{c[0]}/{c[1]}" if c else "" for c in counts]))
    return "\n".join(rows)


def spoken_table(lines: Mapping[tuple[str, str], Line]) -> str:
    """A row per set and kind of line; keys are (set, line)."""
    rows = [
        "| spoken | line | word errors | exact sentences | not understood | out of domain taken for words"
        " | out of domain acted on | whole request right, heard | the same sentences typed |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for (name, kind), line in lines.items():
        words = line.words
        cells = [
            kind,
            f"{100 * words.errors / max(1, words.words):.1f} %",
            share(words.exact, words.sentences),
            share(words.not_understood, words.sentences),
            share(words.taken, words.outside),
            share(line.heard.accepted, line.heard.outside),
            share(line.heard.requests, line.heard.inside),
            share(line.typed.requests, line.typed.inside),
        ]
        rows.append(_row(name, cells))
    return "\n".join(rows)


def write(tables: Sequence[str]) -> None:
    """Put the tables, their date and the machine into the document."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    measured = f"Measured {time.strftime('%Y-%m-%d')} on {machine}."
    block = "\n\n".join((f"{BEGIN}\n{measured}", *tables)) + f"\n{END}"
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: block, text, flags=re.S), "utf-8")


def _row(first: str, cells: Mapping[str, Tally] | Sequence[str]) -> str:
    return f"| {' | '.join((first, *cells))} |"
