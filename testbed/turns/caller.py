"""The caller of a script, tick by tick: what has been heard decides when the next line begins.

Knows no clock and no carrier: the same object plays a call in real time and in virtual time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from testbed.turns import script as s
from testbed.turns import sound
from testbed.turns.listener import Listener
from testbed.turns.script import Line, Script
from testbed.turns.sound import FRAME, RATE
from testbed.vendors import mulaw
from testbed.vendors.mulaw import Pcm
from testbed.vendors.wordcodec import words_of

QUIET_S = 0.5
BROKEN_OFF_S = 2.0
ANSWER_S = 4.0
WHEN_S = 12.0
_SPOKEN_S = 5.0
KEY_MS = 150
"""From one key to the next."""
_QUIET_LINE = [mulaw.from_pcm(sound.line_noise()[at : at + FRAME]) for at in range(0, RATE, FRAME)]


@dataclass(slots=True)
class Played:
    """A line of the story that was begun. Seconds; `voiced`, `silent`: its first and last audible sample."""

    line: Line
    begun: float
    ends: float
    voiced: float
    silent: float
    sample: int
    pcm: Pcm

    @property
    def end_sample(self) -> int:
        return self.sample + len(self.pcm)


class World(Protocol):
    """What the caller can do besides making sounds, and what a script may wait for."""

    def do(self, what: s.What) -> None: ...

    def tool_began(self, name: str, since: float) -> float | None:
        """When a tool began to work at or after `since`."""
        ...

    def busy(self) -> bool:
        """The bot has something to say yet: a tool is working."""
        ...


class Caller:
    """`tick(now)` gives the next 20 ms of the caller's sound. `over` once the story is told and the bot is done."""

    def __init__(self, script: Script, listener: Listener, world: World, answered: float) -> None:
        self.script = script
        self.played: list[Played] = []
        self.failure = ""
        self.over = False
        self._listener = listener
        self._world = world
        self._answered = answered
        self._frame = 0
        self._since = answered
        self._sounding: list[Played] = []
        self._keys: deque[tuple[int, str]] = deque()
        noise = script.background
        self._background = None if noise is None else sound.noise(noise)
        self._origin = -1

    def tick(self, now: float) -> bytes:
        """One frame of µ-law, for the 20 ms before `now`."""
        self._listener.listen(now)
        if self._origin < 0:
            self._origin = len(self._listener.sound)
        self._begin_lines(now)
        while self._keys and self._keys[0][0] < (self._frame + 1) * FRAME:
            self._world.do(s.Keys(self._keys.popleft()[1]))
        frame = self._mixed()
        self._frame += 1
        return frame

    # The story

    @property
    def _waits_since(self) -> float:
        return max(self._since, self.played[-1].ends) if self.played else self._since

    @property
    def _next(self) -> Line | None:
        return self.script.story[len(self.played)] if len(self.played) < len(self.script.story) else None

    def _begin_lines(self, now: float) -> None:
        while (line := self._next) is not None and not self.failure:
            sample = self._due(line, now)
            if sample is None:
                if now - self._waits_since > WHEN_S and line.when.kind in ("starts", "stops", "says", "tool"):
                    self.failure = f"line {line.number}: {line.shown}: it did not come"
                return
            self._begin(line, sample, now)
        if line is None and not self.over:
            self.over = self._done(now)

    def _begin(self, line: Line, sample: int, now: float) -> None:
        pcm = _pcm(line.what)
        at = now + (sample - self._frame * FRAME) / RATE
        loud = np.flatnonzero(np.abs(pcm) >= 328)  # -40 dB of full scale
        first, last = (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, len(pcm))
        played = Played(line, at, at + len(pcm) / RATE, at + first / RATE, at + last / RATE, sample, pcm)
        self.played.append(played)
        self._since = now
        if isinstance(line.what, s.Words | s.Noise):
            self._sounding.append(played)
        elif isinstance(line.what, s.Keys):
            self._keys += [(sample + n * sound.samples(KEY_MS), key) for n, key in enumerate(line.what.digits)]
        else:
            self._world.do(line.what)

    def _due(self, line: Line, now: float) -> int | None:
        """The sample at which the line begins, once that is known and in this frame."""
        when, here = line.when, self._frame * FRAME
        before = self.played[-1] if self.played else None
        if before is not None and when.kind in ("after", "meanwhile"):
            target = (before.end_sample if when.kind == "after" else before.sample) + sound.samples(when.ms)
            return max(target, before.sample) if target < here + FRAME else None
        at = self._at(line, before, now)
        return here if at is not None and now >= at else None

    def _at(self, line: Line, before: Played | None, now: float) -> float | None:
        when = line.when
        since = before.begun if before is not None else self._answered
        if when.kind == "turn":
            return now if self._bot_is_done(now) else None
        if when.kind == "at":
            return self._answered + when.ms / 1000
        moment: float | None = None
        if when.kind == "starts":
            moment = next((run.start for run in self._listener.runs if run.start > since), None)
        elif when.kind == "stops":
            moment = self._stopped(before, now)
        elif when.kind == "says":
            moment = self._said(when.words, since)
        elif when.kind == "tool":
            moment = self._world.tool_began(when.words, since)
        return None if moment is None else moment + when.ms / 1000

    @property
    def _quiet_s(self) -> float:
        """So long a silence says that the bot has finished."""
        return BROKEN_OFF_S if self._listener.broke_off else QUIET_S

    def _said(self, text: str, since: float) -> float | None:
        """When the last of these words had sounded. A word that a hole has broken is over when the next one begins."""
        wanted = words_of(text)
        words = [word for word in self._listener.words if word.end > since - _SPOKEN_S]
        said = [word.text for word in words]
        for last, word in enumerate(words):
            if word.end <= since:
                continue
            if said[max(0, last - len(wanted) + 1) : last + 1] == wanted:
                return word.end
            if self._listener.broken and wanted[-1] == word.text:
                return word.end
            if self._listener.broken and len(wanted) > 1 and said[max(0, last - len(wanted) + 1) : last] == wanted[:-1]:
                return word.start
        return None

    def _stopped(self, before: Played | None, now: float) -> float | None:
        last = self._listener.last_sound
        if now - last < self._quiet_s or not self._listener.runs:
            return None
        if before is not None and last < (before.ends if isinstance(before.line.what, s.Words) else before.begun):
            return None
        return last

    def _bot_is_done(self, now: float) -> bool:
        last = self._listener.last_sound
        if self._world.busy() or now - last < self._quiet_s:
            return False
        if not self.played:
            return bool(self._listener.runs)
        said = next((p for p in reversed(self.played) if isinstance(p.line.what, s.Words | s.Keys)), None)
        if said is not None and last <= said.ends + 0.1 and now < said.ends + ANSWER_S:
            return False
        return now >= max(p.ends for p in self.played) + QUIET_S

    def _done(self, now: float) -> bool:
        """After the last line: is there nothing more to wait for?"""
        last = self.played[-1]
        if isinstance(last.line.what, s.HangUp):
            return True
        asked = [expect for line in self.script.story for expect in line.expects]
        if any(expect.kind == "ends" and expect.text == "bot" for expect in asked):
            return now - last.ends > WHEN_S
        silent = max((expect.within_ms for expect in last.line.expects if expect.kind == "silent"), default=0)
        return now >= last.ends + silent / 1000 + 0.1 and self._bot_is_done(now)

    # Sound

    def _mixed(self) -> bytes:
        here = self._frame * FRAME
        mix: np.ndarray[tuple[int], np.dtype[np.int32]] | None = None
        for played in self._sounding:
            part = played.pcm[max(0, here - played.sample) : max(0, here + FRAME - played.sample)]
            if len(part):
                mix = np.zeros(FRAME, np.int32) if mix is None else mix
                at = max(0, played.sample - here)
                mix[at : at + len(part)] += part
        self._sounding = [played for played in self._sounding if played.end_sample > here + FRAME]
        if self._background is not None:
            mix = np.zeros(FRAME, np.int32) if mix is None else mix
            at = here % len(self._background)
            mix += np.resize(np.roll(self._background, -at)[:FRAME], FRAME)
        if (echo := self.script.echo) is not None:
            place = self._origin + here - sound.samples(echo.after_ms)
            if (back := self._listener.echo(place, FRAME)) is not None:
                mix = np.zeros(FRAME, np.int32) if mix is None else mix
                mix[: len(back)] += sound.scaled(back, echo.gain_db)
        if mix is None:
            return _QUIET_LINE[self._frame % len(_QUIET_LINE)]
        return mulaw.from_pcm(np.asarray(np.clip(mix, -32000, 32000), np.int16))


def _pcm(what: s.What) -> Pcm:
    if isinstance(what, s.Words):
        return sound.words(what)
    if isinstance(what, s.Noise):
        return sound.noise(what)
    ms = what.ms if isinstance(what, s.Wait) else KEY_MS * len(what.digits) if isinstance(what, s.Keys) else 0
    return np.zeros(sound.samples(ms), np.int16)
