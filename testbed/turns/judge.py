"""Was it so? Each expectation of a script, asked of the record of its call. An answer is a complaint, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from testbed.turns import script as s
from testbed.turns.caller import Played
from testbed.turns.lines import Known, readable, spoken_around
from testbed.turns.model import row_of
from testbed.turns.record import Record
from testbed.turns.script import Expect
from testbed.turns.truth import heard_truth, mangled
from testbed.vendors.wordcodec import words_of

AUDIBLE_BEFORE_S = 0.3
"""The bot spoke when it was heard so shortly before."""
NEXT_S = 0.5
PAUSE_MS = 350
CLEAR_S = 0.06
"""A sound that ends so near to a `clear` was ended by it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One expectation about one line of the story."""

    record: Record
    it: Played
    expect: Expect
    slack_s: float

    @property
    def known(self) -> Known:
        return Known.of(self.record)

    @property
    def bound_s(self) -> float:
        return self.expect.within_ms / 1000 + self.slack_s

    def sound_from(self, at: float) -> float | None:
        """When the bot is next heard, at or after `at`."""
        return next((max(run.start, at) for run in self.record.fine if run.end > at), None)

    @property
    def was_speaking(self) -> bool:
        return any(
            run.start < self.it.voiced and run.end > self.it.voiced - AUDIBLE_BEFORE_S for run in self.record.fine
        )

    @property
    def silenced(self) -> float | None:
        """When the bot fell silent for it: at a `clear`, or for more than a breath. The end of that sound."""
        runs = self.record.fine
        clears = [clear.at for clear in self.record.clears if clear.at >= self.it.begun]
        for place, run in enumerate(runs):
            following = runs[place + 1].start if place + 1 < len(runs) else float("inf")
            if run.end <= self.it.voiced - AUDIBLE_BEFORE_S:
                continue
            if following - run.end > PAUSE_MS / 1000 or any(abs(at - run.end) < CLEAR_S for at in clears):
                return run.end
        return None


def complaints(record: Record, slack_ms: float) -> list[str]:
    """All that was not as it should be."""
    found = [record.failure] if record.failure else []
    played = {id(each.line): each for each in record.played}
    for line in record.script.story:
        it = played.get(id(line))
        for expect in line.expects:
            if it is None:
                found.append(f"line {expect.number}: {expect.shown}: it never began")
                continue
            if wrong := _KINDS[expect.kind](Case(record, it, expect, slack_ms / 1000)):
                found.append(f"line {expect.number}: {expect.shown}: {wrong}")
    return found + list(_always(record))


def _always(record: Record) -> Iterator[str]:
    if wrong := heard_truth(record):
        yield f"heard truth: {wrong}"
    if wrong := mangled(record):
        yield f"mangled: {wrong}"
    runs = [name for name, _ in record.tools if name == "book"]
    bookings = sum(1 for turn in (record.asked[-1].caller_turns if record.asked else []) if _books(record, turn))
    if len(runs) > max(1, bookings):
        yield f"book ran {len(runs)} times for {bookings} wishes"
    if record.warnings:
        yield f"the carrier complains: {'; '.join(record.warnings)}"
    hung_up = any(isinstance(line.what, s.HangUp) for line in record.script.story)
    meant = any(expect.kind == "ends" for line in record.script.story for expect in line.expects)
    if record.ended_by not in ("", "caller") and not (hung_up or meant):
        yield f"the call was ended by {record.ended_by}"


def _books(record: Record, turn: str) -> bool:
    return row_of(record.script.model_rows, turn).tool == "book"


def _stops(case: Case) -> str:
    if wrong := _pauses(case):
        return wrong
    silenced = case.silenced
    assert silenced is not None
    line, place = spoken_around(case.record, case.known, case.it.voiced, silenced)
    if line is None:
        return ""
    rest = line[place:]
    after = [word.text for word in case.record.words if word.start >= silenced - 0.02]
    if rest and after[: min(2, len(rest))] == rest[: min(2, len(rest))]:
        return f"it went on: {' '.join(after[:4])}"
    return ""


def _pauses(case: Case) -> str:
    if not case.was_speaking:
        return "the bot was not speaking"
    silenced = case.silenced
    if silenced is None:
        return "it never fell silent"
    took = silenced - case.it.voiced
    return f"silent after {took * 1000:.0f} ms" if took > case.bound_s else ""


def _goes_on(case: Case) -> str:
    silenced = case.silenced
    if silenced is None:
        return "it was never silenced"
    again = case.sound_from(silenced + 0.06)
    if again is None:
        return "it never went on"
    line, place = spoken_around(case.record, case.known, case.it.voiced, silenced)
    after = [word.text for word in case.record.words if word.start >= silenced - 0.02]
    if line is not None and after and after[0] not in line[max(0, place - 1) : place + 2]:
        return f"what followed was another line: {' '.join(after[:4])}"
    late = again - case.it.silent
    return f"after {late * 1000:.0f} ms" if late > case.bound_s else ""


def _hole(case: Case) -> str:
    silenced = case.silenced
    if silenced is None or not _same_line(case, silenced):
        return ""
    again = case.sound_from(silenced + 0.06)
    if again is None:
        return "it never went on"
    hole = again - silenced
    return f"a hole of {hole * 1000:.0f} ms" if hole > case.bound_s else ""


def _no_pause(case: Case) -> str:
    until = case.it.ends + 1.0
    clears = [clear for clear in case.record.clears if case.it.begun <= clear.at <= until]
    if clears:
        return f"clear after {(clears[0].at - case.it.voiced) * 1000:.0f} ms"
    runs = case.record.fine
    for before, after in zip(runs, runs[1:], strict=False):
        within = before.end >= case.it.begun and before.end <= until and _same_line(case, before.end)
        if within and after.start - before.end > PAUSE_MS / 1000 + case.slack_s:
            return f"silent for {(after.start - before.end) * 1000:.0f} ms"
    return ""


def _same_line(case: Case, at: float) -> bool:
    """A silence at this moment is inside a line."""
    line, place = spoken_around(case.record, case.known, case.it.voiced, at)
    return line is not None and place < len(line)


def _finishes(case: Case) -> str:
    if case.expect.text:
        line = words_of(case.record.script.named(case.expect.text))
        begin = case.known.begin_of(line, case.it.begun)
        if begin is None:
            return "it was not heard to begin"
    else:
        if not case.was_speaking:
            return "the bot was not speaking"
        found, _ = spoken_around(case.record, case.known, case.it.voiced, case.silenced or case.it.voiced)
        if found is None:
            return "it is not known which line the bot was saying"
        line = found
        begin = case.known.begin_of(line, case.it.begun) or 0
    return case.known.said_whole(line, begin)


def _answers(case: Case) -> str:
    text = case.expect.text
    expected = words_of(case.record.script.named(text.removesuffix("...")))
    first = next((w for w in case.record.words if w.start >= case.it.ends - 0.05), None)
    if first is None:
        return "there was no answer"
    said, end = [first.text], first.end
    for word in case.record.words:
        if word.start > first.start:
            if word.start - end > NEXT_S and not case.record.holes_between(end - NEXT_S, word.start):
                break
            said.append(word.text)
            end = word.end
    holes = case.record.holes_between(case.it.ends, end + 2 * NEXT_S)
    if not readable(said[: len(expected)] if text.endswith("...") else said, expected, holes):
        return f"the answer was: {' '.join(said)}"
    began = next((run.start for run in case.record.fine if run.end > first.start), first.start)
    wait = max(began, case.it.silent) - case.it.silent
    if case.expect.within_ms >= 0 and wait > case.bound_s:
        return f"after {wait * 1000:.0f} ms"
    if case.expect.after_ms >= 0 and wait < case.expect.after_ms / 1000:
        return f"after {wait * 1000:.0f} ms already"
    return ""


def _contains(said: list[str], text: str) -> bool:
    wanted = words_of(text)
    return any(said[at : at + len(wanted)] == wanted for at in range(len(said) - len(wanted) + 1))


def _says(case: Case) -> str:
    heard = [word for word in case.record.words if word.end > case.it.begun]
    said = [word.text for word in heard]
    for text in (case.record.script.named(case.expect.text), case.expect.text):
        wanted = words_of(text)
        for at in range(len(heard)):
            until = heard[min(at + len(wanted), len(heard)) - 1].end
            missing = min(case.record.holes_between(heard[at].start - 1, until), len(wanted) - 1)
            if any(readable(said[at : at + len(wanted) - n], wanted, n) for n in range(missing + 1)):
                return ""
    return f"it said: {' '.join(said)}"


def _never_says(case: Case) -> str:
    said = [word.text for word in case.record.words]
    return "it did" if _contains(said, case.expect.text) else ""


def _silent(case: Case) -> str:
    again = case.sound_from(case.it.ends)
    until = case.it.ends + case.expect.within_ms / 1000
    return f"a sound after {(again - case.it.ends) * 1000:.0f} ms" if again is not None and again < until else ""


def _no_cut_in(case: Case) -> str:
    inside = [run for run in case.record.runs if case.it.begun + 0.02 < run.start < case.it.silent]
    return f"the bot began {(inside[0].start - case.it.begun) * 1000:.0f} ms into it" if inside else ""


def _hears(case: Case) -> str:
    wanted = words_of(case.expect.text)
    turns = [asked.caller_turns[-1] for asked in case.record.asked if asked.at >= case.it.begun and asked.caller_turns]
    if any(words_of(turn) == wanted for turn in turns):
        return ""
    return f"it heard: {' / '.join(turns) or 'nothing'}"


def _hears_nothing(case: Case) -> str:
    place = case.record.played.index(case.it) + 1
    until = case.record.played[place].begun if place < len(case.record.played) else float("inf")
    said = words_of(case.it.line.what.text) if isinstance(case.it.line.what, s.Words) else []
    for asked in case.record.asked:
        if case.it.begun <= asked.at < until and asked.messages[-1]["role"] == "user":
            turn = words_of(asked.caller_turns[-1])
            if not said or set(said) & set(turn):
                return f"it heard: {asked.caller_turns[-1]}"
    return ""


def _turns(case: Case) -> str:
    told = case.record.asked[-1].caller_turns if case.record.asked else []
    if [words_of(turn) for turn in told] == [words_of(turn) for turn in case.expect.texts]:
        return ""
    return f"they were: {' / '.join(told) or 'none'}"


def _told(case: Case) -> str:
    wanted = words_of(case.record.script.named(case.expect.text))
    lines = [words_of(line) for line in (case.record.asked[-1].bot_lines if case.record.asked else [])]
    for line in lines:
        short = min(len(line), len(wanted))
        if abs(len(line) - len(wanted)) <= 1 and line[:short] == wanted[:short]:
            return ""
    return f"it was told: {' / '.join(' '.join(line) for line in lines) or 'nothing'}"


def _not_told(case: Case) -> str:
    lines = case.record.asked[-1].bot_lines if case.record.asked else []
    return "it was" if any(_contains(words_of(line), case.expect.text) for line in lines) else ""


def _ran(case: Case) -> str:
    count = sum(1 for name, _ in case.record.tools if name == case.expect.text)
    return "" if count == case.expect.count else f"it ran {count} times"


def _ends(case: Case) -> str:
    ended = {"": "nobody", "rest": "bot"}.get(case.record.ended_by, case.record.ended_by)
    return "" if ended == case.expect.text else f"it was ended by {ended}"


_KINDS: dict[str, Callable[[Case], str]] = {
    "stops": _stops,
    "pauses": _pauses,
    "goes on": _goes_on,
    "hole": _hole,
    "no pause": _no_pause,
    "finishes": _finishes,
    "answers": _answers,
    "says": _says,
    "never says": _never_says,
    "silent": _silent,
    "no cut in": _no_cut_in,
    "hears nothing": _hears_nothing,
    "hears": _hears,
    "turns": _turns,
    "told": _told,
    "not told": _not_told,
    "ran": _ran,
    "ends": _ends,
}
