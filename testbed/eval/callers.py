"""Who holds the caller's side: a script, or a language model with a persona."""

from __future__ import annotations

from parley.agents.conversation import Turn
from testbed.eval.typed import TypedCall


class Scripted:
    """Says its lines, one after the other."""

    def __init__(self, turns: tuple[Turn, ...]) -> None:
        self._turns = [turn for turn in turns if turn.acts]

    async def __call__(self, call: TypedCall) -> None:
        for turn in self._turns:
            if call.over:
                return
            if turn.keys:
                await call.presses(turn.keys)
            elif turn.silent_s:
                await call.is_silent(turn.silent_s)
            else:
                await call.says(turn.caller)
