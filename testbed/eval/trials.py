"""Conversations held, as often as wanted, and judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from parley.agents.conversations.conversation import Conversation
from parley.errors import ParleyError
from parley.settings import Settings
from testbed.eval.course import Course
from testbed.eval.judging import Failure, failures
from testbed.eval.models import Model, judged, require_model

log = structlog.get_logger()


class House(Protocol):
    """Where conversations are held: `home.Home` in one process, `processes.chat_house` typed through real ones,
    `processes.voice_house` aloud. `overlap`, `page` as `failures` takes them."""

    settings: Settings
    model: Model
    overlap: float
    page: bool

    async def hold(self, conversation: Conversation) -> Course: ...


@dataclass(frozen=True)
class Trial:
    """One run of one conversation. `error`: it could not be held or judged, for a reason that is not the agent's."""

    conversation: str
    run: int
    course: Course = field(default_factory=Course)
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0
    error: str = ""

    @property
    def passed(self) -> bool:
        return not (self.failures or self.error)


async def trial(house: House, conversation: Conversation, run: int = 1) -> Trial:
    """Hold it once. What nobody foresaw is this one's error too: the others are held."""
    began = time.perf_counter()
    course, found, error = Course(), [], ""
    try:
        if conversation.asks_model:
            require_model(house.settings)
        course = await house.hold(conversation)
        found = failures(conversation, course, house.overlap, house.page)
        if conversation.asks_model:
            found += await judged(house.model, conversation, course)
    except ParleyError as e:
        error = str(e)
    except Exception as e:
        log.exception("a conversation broke off", conversation=conversation.name)
        error = f"{type(e).__name__}: {e}"
    return Trial(conversation.name, run, course, tuple(found), time.perf_counter() - began, error)


async def trials(
    house: House, conversations: Sequence[Conversation], runs: int, told: Callable[[Trial], None] = lambda _: None
) -> list[Trial]:
    """Each conversation `runs` times. `told`: of each, as soon as it is over."""
    found = []
    for conversation in conversations:
        for run in range(1, runs + 1):
            found.append(await trial(house, conversation, run))
            told(found[-1])
    return found
