"""When the model began to answer a turn, told with the first words of the answer."""

from __future__ import annotations

import time

from parley.v1 import conversation_pb2
from services.orchestrator.mind.effects import Think

Say = conversation_pb2.Say


class FirstToken:
    """Remembers the newest turn's; a new try is a new beginning."""

    def __init__(self) -> None:
        self._of: tuple[int, int] = (0, 0)
        self._at = 0.0
        self._told = 0

    def came(self, think: Think) -> None:
        """A word of this round came; only the first of its try counts."""
        if self._of != (think.turn, think.tries):
            self._of, self._at = (think.turn, think.tries), time.monotonic()

    def tell(self, command: conversation_pb2.CallCommand) -> None:
        """Put it on the command that carries the turn's first words; on no other."""
        if command.WhichOneof("command") != "say" or command.say.kind != Say.KIND_ANSWER or not command.say.text:
            return
        if self._of[0] == command.turn != self._told:
            self._told = command.turn
            command.say.first_token_ms = int((time.monotonic() - self._at) * 1000)
