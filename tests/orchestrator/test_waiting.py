"""A filler over `Converse`: said in time, and known for what it is by an owner who takes over while it sounds."""

from __future__ import annotations

import asyncio
from pathlib import Path

from parley.v1 import conversation_pb2, llm_pb2
from testbed.organs import AGENT, house

PATIENT = f"{AGENT}fillers: {{after_ms: 200, thinking: [One moment., Let me see.]}}\n"
Say = conversation_pb2.Say


async def test_an_owner_who_takes_over_during_a_filler_still_owes_the_answer(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with house(tmp_path, agent=PATIENT) as h:
        h.model.reply = lambda request: [never]
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await g.speaks("where is my order")
        await g.turn_ends("where is my order")
        filler = await g.until("say")
        assert (filler.kind, filler.text, filler.complete) == (Say.KIND_FILLER, "One moment.", True)
        state = next(c.state for c in reversed(g.commands) if c.WhichOneof("command") == "state")
        g.stream.cancel()

        h.model.reply = lambda request: ["It shipped on Monday."]
        second = await h.gateway(1, 2)
        mouth = {"utterance": filler.utterance, "text": filler.text, "complete": True}
        await second.opens(state=state.data, mouth={**mouth, "turn": 2, "last_utterance": filler.utterance})
        utterance, answer = await second.said()
        assert (utterance, answer) == (filler.utterance + 1, "It shipped on Monday.")
        second.seq = 3  # of the leg: greeting and turn were told to the first owner
        await second.hears(filler.utterance)
        await second.hears(utterance)
        await second.types("thank you")
        await second.said()
        told = [m.text for m in h.model.requests[-1].messages if m.role == llm_pb2.Message.ROLE_ASSISTANT]
        assert told == ["Bellweather Bikes, how can I help?", "It shipped on Monday."]


async def test_the_answer_comes_in_time_and_nothing_else_is_said(tmp_path: Path) -> None:
    async with house(tmp_path, agent=PATIENT) as h:
        h.model.reply = lambda request: [0.05, "It shipped on Monday."]
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await g.speaks("where is my order")
        await g.turn_ends("where is my order")
        utterance, answer = await g.said()
        assert answer == "It shipped on Monday."
        await g.hears(utterance)
        await asyncio.sleep(0.3)
        await g.tell(seq=True, leg={"kind": conversation_pb2.Leg.KIND_ENDED})
        while (command := await g.stream.read()) is not None:
            g.commands.append(command)
        assert not [c for c in g.commands if c.HasField("say") and c.say.kind == Say.KIND_FILLER]
