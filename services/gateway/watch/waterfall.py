"""How long each stage of an answer took, turn by turn, from the caller's last word on. Pure: time in ms comes in."""

from __future__ import annotations

from collections import deque
from typing import Any

from parley.v1 import conversation_pb2
from services.gateway.watch.watcher import TurnBy

MAX_TURNS = 100
"""Of one call; the oldest go first."""

Say = conversation_pb2.Say


class Turn:
    """One turn. `stages` are ms after the caller's last word; one that has not come, or is not known, is absent.

    `final`: the last words were recognised; `eager`: probably done, the model may begin; `ended`: the turn is over;
    `first_token`: the model's first word; `words`: the first words reached the gateway; `filler`, `audio`: the first
    sound of a filler and of the answer was sent; `heard`: the answer began at the caller's ear; `over`: the last of it
    was heard or cut off.
    """

    def __init__(self, number: int, at_ms: float, by: TurnBy, above: int) -> None:
        self.number = number
        self.at_ms = at_ms
        self.by = by
        self.stages: dict[str, int] = {}
        self.cut = False
        self.answers: set[int] = set()
        self.fillers: set[int] = set()
        self.above = above
        """Words of the mind's turns up to here answer an earlier one."""

    def reached(self, stage: str, at: float) -> bool:
        """True when this is news."""
        if stage in self.stages:
            return False
        self.stages[stage] = round(at - self.at_ms)
        return True

    def shown(self) -> dict[str, Any]:
        return {"turn": self.number, "at_ms": round(self.at_ms, 1), "by": self.by, **self.stages, "cut": self.cut}


class Waterfall:
    """The turns of one call. Methods return the turn they changed, if any."""

    def __init__(self) -> None:
        self.turns: deque[Turn] = deque(maxlen=MAX_TURNS)
        self._begun = 0
        self._minds_turn = 0
        self._final_at: float | None = None
        self._eager_at: float | None = None

    def final(self, now: float) -> None:
        """Words of the turn that is being said were recognised."""
        self._final_at = now

    def eager(self, now: float | None) -> None:
        """The turn is probably over; None: it is not."""
        self._eager_at = now

    def began(self, speech_end: float, now: float, by: TurnBy) -> Turn:
        """The caller's turn is over: the bot is at turn."""
        self._begun += 1
        turn = Turn(self._begun, min(speech_end, now), by, self._minds_turn)
        for stage, at in (("final", self._final_at), ("eager", self._eager_at), ("ended", now)):
            if at is not None:
                turn.reached(stage, max(at, turn.at_ms))
        self._final_at = self._eager_at = None
        self.turns.append(turn)
        return turn

    def withdrawn(self) -> Turn | None:
        """What was heard was no turn after all: the bot goes on with what it was saying."""
        if not self.turns or self.turns[-1].answers:
            return None
        self._begun -= 1
        return self.turns.pop()

    def said(self, say: Say, minds_turn: int, now: float) -> Turn | None:
        """The mind sent words, as a part of its turn of this number."""
        self._minds_turn = max(self._minds_turn, minds_turn)
        turn = self.turns[-1] if self.turns else None
        if turn is None or minds_turn <= turn.above:
            return None
        if say.kind != Say.KIND_ANSWER:
            turn.fillers.add(say.utterance)
            return None
        turn.answers.add(say.utterance)
        news = say.HasField("first_token_ms") and turn.reached("first_token", now - say.first_token_ms)
        news = (bool(say.text) and turn.reached("words", now)) or news
        return turn if news else None

    def started(self, utterance: int, now: float) -> Turn | None:
        """The first sound of an utterance was sent."""
        turn = self._of(utterance)
        if turn is None:
            return None
        return turn if turn.reached("audio" if utterance in turn.answers else "filler", now) else None

    def sounded(self, utterance: int, at: float) -> Turn | None:
        """An utterance began at the caller's ear."""
        turn = self._of(utterance)
        if turn is None or utterance not in turn.answers:
            return None
        sent = turn.at_ms + turn.stages.get("audio", 0)  # noted once it is out: the ear may be told of first
        return turn if turn.reached("heard", max(at, sent)) else None

    def over(self, utterance: int, cut: bool, now: float) -> Turn | None:
        """An utterance was heard to its end, or cut."""
        turn = self._of(utterance)
        if turn is None or utterance not in turn.answers:
            return None
        turn.stages["over"] = round(now - turn.at_ms)
        turn.cut = cut
        return turn

    def _of(self, utterance: int) -> Turn | None:
        return next((t for t in reversed(self.turns) if utterance in t.answers or utterance in t.fillers), None)
