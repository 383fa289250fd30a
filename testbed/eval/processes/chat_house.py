"""Conversations typed at the door of the chat, through all services as processes of their own."""

from __future__ import annotations

from typing import Any

from parley.agents.conversations.conversation import Conversation
from parley.agents.files import load_agent
from parley.errors import BadInput
from testbed.eval.course import Course
from testbed.eval.processes.chat_caller import ANSWER_S, chatting
from testbed.eval.processes.gateway import LINE
from testbed.eval.processes.house import Processes

CHAT = "/ws/chat"


class ChatHouse:
    """One agent of a house, at its chat. Conversations are held one after the other.

    What a chat cannot do, because it has no line, is typed at one: silences that the bot notices, a caller's number,
    the number called, a direction, a purpose.
    """

    overlap = 1.0
    page = True

    def __init__(self, of: Processes, name: str) -> None:
        self.name = name
        self.settings = of.settings
        self.model = of.model(name)
        self._of = of
        self._bot_first = not load_agent(of.settings.agents_dir, name).caller_first

    async def hold(self, conversation: Conversation) -> Course:
        """One. Raises BadInput (what is held in one process only), ParleyErrors of the house."""
        if conversation.caller is not None:
            raise BadInput("a caller with a persona is held in one process; leave out --processes")
        turns = [turn for turn in conversation.turns if turn.acts]
        await self._of.fresh(self.name, conversation)
        path, known = door_of(conversation)
        broke = ""
        async with chatting(self._of.stack.gateway_url, path, self.name, **known) as caller:
            try:
                await caller.talks(turns, self._bot_first)
            except TimeoutError:
                broke = f"no whole answer within {ANSWER_S:.0f} s"
        course = await self._of.course(self.name, caller.call_id, caller.acts, caller.at)
        course.broke = broke or caller.lost
        return course


def door_of(conversation: Conversation) -> tuple[str, dict[str, Any]]:
    """Where it is typed, and what is known of the call there."""
    known: dict[str, Any] = {"parameters": dict(conversation.variables)} if conversation.variables else {}
    line = {
        "caller": conversation.caller_number,
        "called": conversation.called,
        "direction": conversation.direction,
        "purpose": conversation.purpose,
    }
    inbound = conversation.direction == "inbound"
    silent = any(turn.silent_s for turn in conversation.turns)
    if silent or not inbound or conversation.caller_number or conversation.called or conversation.purpose:
        return LINE, {**known, **line}
    return CHAT, known
