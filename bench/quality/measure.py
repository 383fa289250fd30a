"""What is measured, part by part: each gives the counts that its tables show."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from bench.quality import sets
from bench.quality.callers import Caller, Said, Samples, espeak_caller
from bench.quality.desk import Desk
from bench.quality.ears import ENGINES, FREE, Ears, Pace
from bench.quality.judge import Tally
from bench.quality.lines import LINES, carried
from bench.quality.recordings import Recording
from bench.quality.sets import Case
from bench.quality.speech import Words
from services.stt.contract import Endpointing

OWN, HELD_OUT, OPEN, PAGE = "own", "held out", "open", "page"
ESPEAK = "eSpeak NG, eight voices"
EVERY = 3
"""Of the sentences of the domain, as many are said in real time."""
PACED_LINE = "telephone"
AT_ONCE = 4
"""Sentences; each is as many calls as there are lines and recognisers."""


@dataclass(slots=True)
class Cell:
    """One set over one line by one recogniser: the words of the sentences that are to be understood, and what came of
    all of them.
    """

    words: Words = field(default_factory=Words)
    did: Tally = field(default_factory=Tally)


@dataclass(slots=True)
class Spoken:
    """Keys are (set or caller, line, recogniser); `typed`: what comes of the same sentences typed."""

    cells: dict[tuple[str, str, str], Cell] = field(default_factory=lambda: defaultdict(Cell))
    by_caller: dict[tuple[str, str, str], Words] = field(default_factory=lambda: defaultdict(Words))
    typed: dict[str, Tally] = field(default_factory=dict)
    accents: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Miss:
    """A question of the page that was not answered right."""

    caller: str
    line: str
    engine: str
    said: str
    heard: str
    answer: str


@dataclass(slots=True)
class Examples:
    """Keys are (caller, line, recogniser): right and asked."""

    right: dict[tuple[str, str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    misses: list[Miss] = field(default_factory=list)


async def typed(front: Desk, cases: Sequence[Case], misses: bool = False) -> Tally:
    tally = Tally()
    for case in cases:
        outcome = await front.hears(case, case.text)
        if not tally.add(case, outcome, front.agent) and misses:
            print(f"    {case.text!r} ({case.intent or 'out of domain'}): {outcome}", flush=True)
    return tally


async def spoken(
    front: Desk, ears: Ears, callers: Sequence[Caller], said: Said, misses: bool, take: int | None = None
) -> Spoken:
    """All sets by the callers in turn; a sentence has the same caller on all lines. `take`: so many of each set."""
    found = Spoken(accents={c.name: c.accent for c in callers})
    for name, cases in {
        OWN: sets.own_spoken(),
        HELD_OUT: [one.case for one in sets.held_out_spoken()],
        OPEN: sets.open_spoken(),
    }.items():
        cases = cases[:take]
        found.typed[name] = await typed(front, cases)
        await _some_at_once(
            _say(found, name, case, caller, caller.name, (front, ears, said), misses and name == OWN)
            for case, caller in zip(cases, cycle(callers), strict=False)
        )
        print(f"  {name}: {len(cases)} sentences heard", flush=True)
    inside = [one for one in sets.held_out_spoken() if one.case.intent][:take]
    await _some_at_once(
        _say(found, ESPEAK, one.case, espeak_caller(one.voice, one.wpm), ESPEAK, (front, ears, said), False)
        for one in inside
    )
    found.accents[ESPEAK] = "synthetic"
    return found


async def _say(
    found: Spoken, name: str, case: Case, caller: Caller, row: str, place: tuple[Desk, Ears, Said], misses: bool
) -> None:
    front, ears, said = place
    for line, texts in (await _over_lines(ears, await said.say(caller, case.text), LINES)).items():
        for engine, text in texts.items():
            cell = found.cells[name, line, engine]
            right = cell.did.add(case, await front.hears(case, text), front.agent)
            if case.intent or name == OPEN:
                cell.words.add(case.text, text)
            if case.intent:
                found.by_caller[row, line, engine].add(case.text, text)
            if misses and not right:
                print(f"    {line}, {engine}: {case.text!r} by {caller.name} heard as {text!r}", flush=True)


async def people(ears: Ears, recordings: Mapping[str, Sequence[Recording]]) -> dict[tuple[str, str, str], Words]:
    """Keys are (kind, line, recogniser)."""
    found: dict[tuple[str, str, str], Words] = {
        (kind, line, engine): Words() for kind in recordings for line in LINES for engine in ENGINES
    }

    async def hear(kind: str, one: Recording) -> None:
        for line, texts in (await _over_lines(ears, one.sound, LINES, one.wish)).items():
            for engine, text in texts.items():
                found[kind, line, engine].add(one.said, one.heard(text))

    for kind, those in recordings.items():
        await _some_at_once(hear(kind, one) for one in those)
        print(f"  {kind}: {len(those)} recordings heard", flush=True)
    return found


async def examples(front: Desk, ears: Ears, callers: Sequence[Caller], said: Said) -> Examples:
    """What the page proposes to ask, by every caller."""
    found = Examples()

    async def ask(caller: Caller, case: Case) -> None:
        speech = await said.say(caller, case.text)
        for line, texts in (await _over_lines(ears, speech, ("page", "telephone"))).items():
            for engine, text in texts.items():
                outcome = await front.hears(case, text)
                right = Tally().add(case, outcome, front.agent)
                counted = found.right[caller.name, line, engine]
                counted[0] += right
                counted[1] += 1
                if not right:
                    did = ", ".join(name for name, _ in outcome.did)
                    found.misses.append(Miss(caller.name, line, engine, case.text, text, did or outcome.said))

    for caller in callers:
        await _some_at_once(ask(caller, case) for case in sets.page_examples())
    return found


async def _over_lines(
    ears: Ears, speech: Samples, lines: Iterable[str], wish: Endpointing = FREE
) -> dict[str, dict[str, str]]:
    """What each recogniser hears over each line, in calls at the same time."""
    names = list(lines)
    texts = await asyncio.gather(*(ears.both(carried(speech, line), line, wish) for line in names))
    return dict(zip(names, texts, strict=True))


async def _some_at_once(work: Iterable[Coroutine[None, None, None]]) -> None:
    """What is heard does not depend on it; it is done sooner."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def run(one: Coroutine[None, None, None]) -> None:
        async with gate:
            await one

    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(run(one))


async def pace(ears: Ears, callers: Sequence[Caller], said: Said, take: int | None = None) -> dict[str, Pace]:
    """Calls at the speed of speech, one after the other."""
    inside = [case for case in [*sets.own_spoken(), *(one.case for one in sets.held_out_spoken())] if case.intent]
    found = {engine: Pace() for engine in ENGINES}
    for number, case in enumerate(inside[::EVERY][:take]):
        speech = await said.say(callers[number % len(callers)], case.text)
        for engine in ENGINES:
            await ears.in_real_time(engine, carried(speech, PACED_LINE), PACED_LINE, found[engine])
    return found
