"""Events of a leg that must not be lost: numbered, kept until they are stored, sent again to a new owner. Pure."""

from __future__ import annotations

from collections import deque

from parley.v1 import call_pb2, conversation_pb2

MAX_KEPT = 2_000

CallEvent = conversation_pb2.CallEvent
_NUMBERED = frozenset(("heard", "dtmf", "button", "typed", "leg", "live_tool_call", "live_done"))


def is_numbered(event: CallEvent) -> bool:
    """Whether the contract gives this kind of event a `seq`."""
    kind = event.WhichOneof("event")
    if kind == "speech":
        return event.speech.WhichOneof("event") in ("final", "turn_ended")
    return kind in _NUMBERED


class Resend:
    """Numbers of one leg, the newest state of the call, and who owns it."""

    def __init__(self, leg: int) -> None:
        self.epoch = call_pb2.Epoch(leg=leg, open=0)
        self.acked = 0
        self.turn = 0
        self.stopped_turn: int | None = None
        self.state = b""
        self._state_at: tuple[int, int, int] = (0, 0, 0)
        self._seq = 0
        self._kept: deque[CallEvent] = deque()

    @property
    def full(self) -> bool:
        """Nobody has stored anything for very long."""
        return len(self._kept) >= MAX_KEPT

    @property
    def last(self) -> int:
        """Number of the newest event."""
        return self._seq

    def opens(self) -> call_pb2.Epoch:
        """A new owner: the epoch it gets."""
        self.epoch = call_pb2.Epoch(leg=self.epoch.leg, open=self.epoch.open + 1)
        return self.epoch

    def number(self, event: CallEvent) -> None:
        """Gives a numbered event its `seq` and keeps it."""
        if is_numbered(event):
            self._seq += 1
            event.seq = self._seq
            self._kept.append(event)

    def unacked(self) -> list[CallEvent]:
        """What a new owner must be told, in order."""
        return list(self._kept)

    def take(self, command: conversation_pb2.CallCommand) -> str:
        """Settles what a command says of owner, turn and storage. Returns why to drop it, or ""."""
        if (command.epoch.leg, command.epoch.open) < (self.epoch.leg, self.epoch.open):
            return "lower epoch"
        self.acked = max(self.acked, min(command.ack_seq, self._seq))
        while self._kept and self._kept[0].seq <= self.acked:
            self._kept.popleft()
        kind = command.WhichOneof("command")
        if kind == "state":
            at = (command.epoch.leg, command.epoch.open, command.state.version)
            if at > self._state_at:
                self._state_at, self.state = at, command.state.data
            return ""
        self.turn = max(self.turn, command.turn)
        if kind == "stop":
            self.stopped_turn = max(command.turn, self.stopped_turn if self.stopped_turn is not None else 0)
            return ""
        if kind in _OF_A_TURN and self.stopped_turn is not None and command.turn <= self.stopped_turn:
            return "stopped turn"
        return ""


_OF_A_TURN = frozenset(("say", "resume"))
"""A hang-up, a transfer or a card is meant for the call, whichever turn was stopped before."""
