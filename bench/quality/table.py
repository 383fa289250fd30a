"""The figures as Markdown, each part between two marks of docs/quality.md."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.quality.ears import ENGINES, Pace
from bench.quality.judge import Tally
from bench.quality.lines import LINES
from bench.quality.measure import Examples, Spoken
from bench.quality.speech import Words

DOCUMENT = Path(__file__).parents[2] / "docs" / "quality.md"


def share(part: int, whole: int) -> str:
    """ "93 % (155/166)"; "" of nothing."""
    return f"{100 * part / whole:.0f} % ({part}/{whole})" if whole else ""


def errors(words: Words) -> str:
    """ "4.3 %"; "" of nothing."""
    return f"{100 * words.errors / words.words:.1f} %" if words.words else ""


def typed_table(sets: Mapping[str, Tally]) -> str:
    """A column per set."""
    tallies = list(sets.values())
    rows = [
        ["intent right", *(share(t.intents, t.inside) for t in tallies)],
        ["order number or day right, where one was said", *(share(t.values, t.with_slots) for t in tallies)],
        ["order number or day that nobody said", *(str(t.invented) for t in tallies)],
        ["whole request right", *(share(t.requests, t.inside) for t in tallies)],
        ["out of domain, falsely acted on", *(share(t.accepted, t.outside) for t in tallies)],
        ["out of domain, asked back what is meant", *(share(t.asked_back, t.outside) for t in tallies)],
        ["out of domain, not left alone in plain words", *(share(t.answered, t.outside) for t in tallies)],
    ]
    return _table(["typed", *sets], rows)


def intents_table(sets: Mapping[str, Tally]) -> str:
    """Intents right, by intent."""
    rows = []
    for intent in dict.fromkeys(name for tally in sets.values() for name in tally.by_intent):
        counts = [tally.by_intent.get(intent) for tally in sets.values()]
        rows.append([intent, *(f"{c[0]}/{c[1]}" if c else "" for c in counts)])
    return _table(["intent right, typed", *sets], rows)


def domain_table(found: Spoken) -> str:
    """Sentences of the domain."""
    head = ["of the domain", "line", *_each("word errors"), *_each("digits right"), *_each("whole request right")]
    rows = []
    for name, line in _rows(found.cells):
        cells = [found.cells[name, line, engine] for engine in ENGINES]
        if not cells[0].did.inside:
            continue
        rows.append([
            name, line,
            *(errors(c.words) for c in cells),
            *(share(c.words.digits_right, c.words.numbers) for c in cells),
            *(share(c.did.requests, c.did.inside) for c in cells),
            share(found.typed[name].requests, found.typed[name].inside) if name in found.typed else "",
        ])  # fmt: skip
    return _table([*head, "the same typed"], rows, words=2)


def outside_table(found: Spoken) -> str:
    """Sentences that are not the shop's business."""
    head = ["not its business", "line", *_each("acted on"), "the same typed"]
    rows = []
    for name, line in _rows(found.cells):
        cells = [found.cells[name, line, engine] for engine in ENGINES]
        if not cells[0].did.outside:
            continue
        acted = [share(c.did.accepted, c.did.outside) for c in cells]
        rows.append([name, line, *acted, share(found.typed[name].accepted, found.typed[name].outside)])
    return _table(head, rows, words=2)


def open_table(found: Spoken, name: str) -> str:
    """What becomes of words that have nothing to do with the domain."""
    head = [f"{name} sentences", *_each("word errors"), *_each("exact"), *_each("digits right"), *_each("lost")]
    rows = []
    for line in LINES:
        cells = [found.cells[name, line, engine].words for engine in ENGINES]
        rows.append([
            line,
            *(errors(w) for w in cells),
            *(share(w.exact, w.sentences) for w in cells),
            *(share(w.digits_right, w.numbers) for w in cells),
            *(share(w.lost, w.sentences) for w in cells),
        ])  # fmt: skip
    return _table(head, rows)


def callers_table(found: Spoken) -> str:
    """Word errors in sentences of the domain, by who said them."""
    head = ["word errors by caller", "accent", "words", *(f"{line}, {engine}" for line in LINES for engine in ENGINES)]
    rows = []
    for caller in [name for name in found.accents if (name, "page", ENGINES[0]) in found.by_caller]:
        each = [found.by_caller[caller, line, engine] for line in LINES for engine in ENGINES]
        rows.append([caller, found.accents[caller], str(each[0].words), *map(errors, each)])
    return _table(head, rows, words=2)


def people_table(found: Mapping[tuple[str, str, str], Words]) -> str:
    """Recordings of people."""
    rows = []
    for kind, line in _rows(found):
        each = [found[kind, line, engine] for engine in ENGINES]
        rows.append([kind, line, *map(errors, each), *(share(w.exact, w.sentences) for w in each)])
    return _table(["people", "line", *_each("word errors"), *_each("wholly right")], rows, words=2)


def examples_table(found: Examples) -> str:
    """A row per caller, and every miss by name."""
    callers = dict.fromkeys(key[0] for key in found.right)
    columns = [(line, engine) for line in ("page", "telephone") for engine in ENGINES]
    rows = [[c, *("/".join(map(str, found.right[c, line, engine])) for line, engine in columns)] for c in callers]
    table = _table(["the page's questions answered right", *(f"{line}, {engine}" for line, engine in columns)], rows)
    told = [
        f"- {m.caller}, {m.line}, {m.engine}: \"{m.said}\" was heard as \"{m.heard}\"; {_came(m.answer)}"
        for m in sorted(found.misses, key=lambda m: (ENGINES.index(m.engine), m.caller, m.said, m.line))
    ]  # fmt: skip
    return "\n\n".join([table, "Not answered right:", "\n".join(told)] if told else [table, "No miss."])


def pace_table(found: Mapping[str, Pace]) -> str:
    """How fast and how dear."""
    rows = [
        [engine, f"{pace.percentile(0.5):.0f} ms", f"{pace.percentile(0.95):.0f} ms",
         f"{len(pace.final_ms)} of {pace.calls}", f"{pace.cpu_s / pace.speech_s:.2f} s"]
        for engine, pace in found.items() if pace.final_ms
    ]  # fmt: skip
    head = ["in real time, telephone", "final after the end of speech, p50", "p95", "calls with a final"]
    return _table([*head, "CPU per second of speech"], rows)


def notes(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def write(part: str, tables: Iterable[str], document: Path = DOCUMENT) -> None:
    """Put the tables of a part, their date and the machine into the document."""
    machine = f"{os.cpu_count()} cores, shared, {platform.machine()}, Python {platform.python_version()}"
    measured = f"Measured {time.strftime('%Y-%m-%d')} on {machine}."
    begin, end = f"<!-- measured: {part} -->", f"<!-- measured: end of {part} -->"
    block = "\n\n".join((f"{begin}\n{measured}", *filter(None, tables))) + f"\n{end}"
    text, count = re.subn(f"{begin}.*?{end}", lambda _: block, document.read_text("utf-8"), flags=re.S)
    if count != 1:
        raise ValueError(f"{document}: it has no place for {part}; put {begin} and {end} into it")
    document.write_text(text, "utf-8")


def _came(answer: str) -> str:
    return f"what came was {answer!r}" if answer else "nothing came of it"


def _each(what: str) -> list[str]:
    return [f"{what}, {engine}" for engine in ENGINES]


def _rows(keys: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((name, line) for name, line, _ in keys))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """`words`: columns of text; the others are figures."""
    marks = "|" + "---|" * words + "--:|" * (len(head) - words)
    return "\n".join([f"| {' | '.join(head)} |", marks, *(f"| {' | '.join(row)} |" for row in rows)])
