"""Conversations as real calls: rendered voices and noise, a telephone, all services as processes of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from parley.agents.conversations.conversation import Conversation
from parley.errors import BadInput
from testbed.eval.course import Course
from testbed.eval.processes.house import Processes, processes
from testbed.eval.processes.voice_caller import ANSWER_S, SpokenCaller
from testbed.telephone.phone import Call, CallOver, Clock, Phone
from testbed.telephone.voice import speak

HEARD = 0.8
"""Of the words that must be said so many must be there: a recogniser's mistake may change a number or a name."""
RINGS_S = 60.0  # where a caller is transferred to: he does not wait for that

Speaks = Callable[[Sequence[str]], Awaitable[list[bytes]]]
"""Lines as 8 kHz µ-law."""


class VoiceHouse:
    """One agent of a house, on the telephone. Calls are held one after the other."""

    overlap = HEARD
    page = False

    def __init__(
        self,
        of: Processes,
        name: str,
        clock: Clock,
        speaks: Speaks = speak,
        noise_db: float | None = None,
    ) -> None:
        self.name = name
        self.settings = of.settings
        self.model = of.model(name)
        self._of = of
        self._clock = clock
        self._speaks = speaks
        self._noise_db = noise_db

    async def hold(self, conversation: Conversation) -> Course:
        """One call. Raises BadInput (what a telephone cannot do), ParleyErrors of the house."""
        if conversation.caller is not None:
            raise BadInput("a caller with a persona is held in text; leave out --voice")
        turns = [turn for turn in conversation.turns if turn.acts]
        lines = [turn.caller for turn in turns if turn.caller.strip()]
        sounds = dict(zip(lines, await self._speaks(lines), strict=True)) if lines else {}
        await self._of.fresh(self.name, conversation)
        numbers = {"from_": conversation.caller_number, "to": conversation.called}
        known: dict[str, Any] = {name: number for name, number in numbers.items() if number}
        phone = Phone(self._of.stack.gateway_url, self._clock, agent=self.name, dial_s=RINGS_S, **known)
        caller = SpokenCaller(sounds, self._noise_db)
        broke = ""
        async with phone.dial() as call:
            try:
                await caller.talks(call, turns)
            except CallOver:
                pass
            except TimeoutError:
                broke = f"no answer within {ANSWER_S:.0f} s"
        return await self._course(call, caller, broke)

    async def _course(self, call: Call, caller: SpokenCaller, broke: str) -> Course:
        course = await self._of.course(self.name, call.sid, caller.acts, caller.at, call.ended_at - call.born)
        if course.outcome == "open" and call.ended_by == "bot":
            course.outcome = "ended"
        course.broke = broke
        return course


@asynccontextmanager
async def voice_house(
    name: str, source: Path, env: Mapping[str, str] | None = None, *, noise_db: float | None = None, voice: str = ""
) -> AsyncIterator[VoiceHouse]:
    """All services for the agent in the folder `source`. `voice`: the caller's, as `speak` takes it.

    Raises Misconfigured, Unavailable.
    """
    async with processes({name: source}, env) as of, Clock() as clock:
        yield VoiceHouse(of, name, clock, partial(speak, voice=voice), noise_db)
