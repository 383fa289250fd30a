"""A scripted caller in virtual time: word times become VAD edges and a recogniser's results, at the ears' account."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

from services.orchestrator.mind.expecting import asks_for
from services.stt.contract import (
    Endpointing,
    Expect,
    Final,
    Flush,
    Interim,
    Pauses,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
    TurnKind,
    Word,
)
from services.stt.endpointing import Turns, policy

WINDOW_MS = 32  # of the VAD; edges and time come with it
STOP_MS = 192  # silence before the VAD tells of it
INTERIM_MS, FINAL_MS = 150, 120  # how late an interim, a final comes
ENDPOINTING_MS = 300  # silence after which the recogniser makes words final by itself
PAUSE_MS, LONGEST_PAUSE_MS = 300, 1200
FIRST_AUDIO_MS = 400  # from the end of a turn to the first sound of the answer
ANSWER_MS = 4000  # between two turns of a call


@dataclass(frozen=True, slots=True)
class Turn:
    """A line of a set; times from the start of the turn."""

    name: str
    caller: str
    wish: Endpointing
    language: str
    words: tuple[Word, ...]
    final: bool

    @classmethod
    def read(cls, line: dict[str, Any]) -> Turn:
        """Raises KeyError, ValueError for a line that is none."""
        words = tuple(Word(w["text"], int(w["start_ms"]), int(w["end_ms"]), 1.0) for w in line["words"])
        if not words or any(a.end_ms > b.start_ms for a, b in pairwise(words)):
            raise ValueError("words: are missing, or overlap")
        language = line.get("language", "en")
        expect = asks_for(line["question"], language) if "question" in line else line.get("expect", "free")
        return cls(
            name=line["name"],
            caller=line.get("caller", line["name"]),
            wish=Endpointing(Expect(expect), number_lengths=tuple(line.get("number_lengths", ()))),
            language=language,
            words=words,
            final=line.get("final", True),
        )

    @property
    def pauses(self) -> list[tuple[int, int]]:
        gaps = [(a.end_ms, b.start_ms) for a, b in pairwise(self.words) if b.start_ms - a.end_ms >= PAUSE_MS]
        end = self.words[-1].end_ms
        return gaps if self.final else [*gaps, (end, end + LONGEST_PAUSE_MS)]


@dataclass(slots=True)
class Heard:
    """What came of a turn. `spoken_over`: cut-ins after which the answer had begun before the caller went on.

    `lead_ms`: the last eager end before the true one came so much earlier; 0 without.
    """

    wait_ms: int | None = None
    lead_ms: int = 0
    early: int = 0
    cut_ins: int = 0
    spoken_over: int = 0
    cut_at: str = ""


def call(turns: list[Turn], wish: Endpointing) -> list[Heard]:
    """One call from turn to turn, with this policy and these delays."""
    start = 1000 + crc32(turns[0].caller.encode()) % WINDOW_MS
    ears = _Ears(wish, turns[0].language)
    heard = []
    for turn in turns:
        heard.append(ears.hear(turn, start))
        start += turn.words[-1].end_ms + ANSWER_MS
    return heard


class _Ears:
    def __init__(self, wish: Endpointing, language: str) -> None:
        self._wish = wish
        self._policy = policy(wish.policy)
        self._turns = Turns(wish, Pauses(), 0, vad=True, policy=self._policy, language=language)
        self._recogniser = _Recogniser()
        self._told: list[tuple[int, SpeechEvent]] = []
        self._now = 0

    def hear(self, turn: Turn, start: int) -> Heard:
        w, t = self._wish, turn.wish
        wish = Endpointing(t.expect, w.min_delay_ms, w.max_delay_ms, w.policy, t.number_lengths)
        self._tell(self._now, self._turns.configure(wish, self._policy))
        words = [Word(x.text, x.start_ms + start, x.end_ms + start, 1.0) for x in turn.words]
        self._told.clear()
        self._recogniser.say(words)
        edges = _edges(words)
        until = words[-1].end_ms + ANSWER_MS - 500
        while self._now < until:
            self._now += WINDOW_MS
            for at, event in self._recogniser.until(self._now):
                self._tell(at, self._turns.heard(event))
            self._tell(self._now, self._turns.progress(self._now, self._now))
            while edges and edges[0][0] <= self._now:
                self._tell(self._now, self._turns.edge(edges.pop(0)[1]))
        return self._judge(turn, start)

    def _tell(self, at: int, told: Any) -> None:
        for event in told:
            if isinstance(event, Flush):
                self._recogniser.flush(at)
            else:
                self._told.append((at, event))

    def _judge(self, turn: Turn, start: int) -> Heard:
        ends = [(at - start, e) for at, e in self._told if isinstance(e, TurnEnded)]
        confirmed = [at for at, e in ends if e.kind is TurnKind.CONFIRMED]
        eager = [at for at, e in ends if e.kind is TurnKind.EAGER]
        heard = Heard(early=len(eager))
        last = turn.words[-1].end_ms
        for begin, end in turn.pauses:
            # Words that are late may end a turn that has already gone on: the pause was taken for the end all the same.
            if any(begin <= at < end for at in confirmed):
                heard.cut_ins += 1
                heard.spoken_over += min(at for at in confirmed if begin <= at < end) + FIRST_AUDIO_MS <= end
                heard.cut_at += " ".join(w.text for w in turn.words if w.end_ms <= begin) + f" <{end - begin}> "
        after = [at for at in confirmed if at >= last]
        if turn.final and after:
            heard.wait_ms = after[0] - last
            before = [at for at in eager if last <= at <= after[0]]
            heard.lead_ms = after[0] - before[-1] if before else 0
        return heard


def _edges(words: list[Word]) -> list[tuple[int, SpeechStarted | SpeechStopped]]:
    """When the VAD tells what; gaps shorter than its own delay are none."""
    edges: list[tuple[int, SpeechStarted | SpeechStopped]] = []
    begin = words[0].start_ms
    for word, after in zip(words, [*words[1:], None], strict=True):
        if after is not None and after.start_ms - word.end_ms < STOP_MS:
            continue
        edges += [(begin + WINDOW_MS, SpeechStarted(begin)), (word.end_ms + STOP_MS, SpeechStopped(word.end_ms))]
        begin = after.start_ms if after is not None else 0
    return edges


class _Recogniser:
    """Deepgram v1 as its stand-in behaves: interims, finals after a silence of its own or when asked."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, str, tuple[Word, ...]]] = []
        self._segment: list[Word] = []
        self._count = 0

    def say(self, words: list[Word]) -> None:
        for word, after in zip(words, [*words[1:], None], strict=True):
            self._push(word.end_ms, "word", (word,))
            if after is None or after.start_ms - word.end_ms >= ENDPOINTING_MS:
                self._push(word.end_ms + ENDPOINTING_MS, "final", ())

    def flush(self, at: int) -> None:
        self._push(at, "flush", ())

    def until(self, now: int) -> list[tuple[int, SpeechEvent]]:
        found: list[tuple[int, SpeechEvent]] = []
        while self._due and self._due[0][0] <= now:
            at, _, kind, words = heapq.heappop(self._due)
            match kind:
                case "word":
                    self._segment += words
                    self._push(at + INTERIM_MS, "interim", tuple(self._segment))
                case "interim":
                    if words[0] in self._segment:
                        found.append((at, Interim(_text(words), words[0].start_ms, words[-1].end_ms, 0.9)))
                case "final" | "flush":
                    self._push(at + FINAL_MS, f"told {kind}", tuple(self._segment))
                    self._segment.clear()
                case _:
                    if words:
                        found.append((at, Final(_text(words), words[0].start_ms, words[-1].end_ms, 1.0, words)))
                    elif kind == "told flush":
                        found.append((at, Interim("", at, at)))
                    if kind == "told final":
                        found.append((at, TurnEnded(TurnKind.CONFIRMED, at - FINAL_MS)))
        return found

    def _push(self, at: int, kind: str, words: tuple[Word, ...]) -> None:
        self._count += 1
        heapq.heappush(self._due, (at, self._count, kind, words))


def _text(words: tuple[Word, ...]) -> str:
    return " ".join(word.text for word in words)
