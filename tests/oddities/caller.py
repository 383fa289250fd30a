"""A caller who types, and hears everything to its end: the gateway's side of `Converse`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from parley.errors import ParleyError
from parley.rpc import CallStream, Peers
from parley.v1 import conversation_pb2, conversation_pb2_grpc, events_pb2

TURN_S = 60.0
"""A turn that is not over by then never will be."""


@dataclass
class Turn:
    """One question and what was heard after it. `over`: the floor was given back, or the call ended."""

    asked: str
    utterances: dict[int, str] = field(default_factory=dict)
    over: bool = False

    @property
    def heard(self) -> str:
        return " ".join(text.strip() for text in self.utterances.values() if text.strip())


class Caller:
    """One call. `spent`: tokens in and out, as the mind counted them."""

    def __init__(self, peers: Peers, call_id: str, turn_s: float = TURN_S, agent: str = "desk") -> None:
        self._agent = agent
        self._turn_s = turn_s
        self._peers = peers
        self._call_id = call_id
        self._stream: CallStream | None = None
        self._seq = 0
        self._ended = False
        self._state = events_pb2.CallState()
        self._complete: set[int] = set()
        self.spent = (0, 0)

    async def talk(self, says: list[str]) -> list[Turn]:
        """The greeting, then each sentence as soon as the bot is done with the one before."""
        self._stream = await self._peers.open(conversation_pb2_grpc.ConversationStub, "Converse")
        epoch = {"leg": 1, "open": 1}
        opening = {"call_id": self._call_id, "epoch": epoch, "agent": self._agent}
        await self._tell(open={**opening, "channel": conversation_pb2.CHANNEL_PHONE})
        turns = [Turn(sentence) for sentence in says]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._turn_s):
                await self._until_over(Turn(""))
        for turn in turns:
            if self._ended:
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(self._turn_s):
                    await self._tell(True, typed={"text": turn.asked})
                    await self._until_over(turn)
                    turn.over = True
            if not turn.over:
                break
        self.spent = self._state.tally.input_tokens, self._state.tally.output_tokens
        return [turn for turn in turns if turn.utterances or turn.over or not self._ended]

    async def hang_up(self) -> None:
        if self._stream is None:
            return
        with suppress(ParleyError, TimeoutError):
            async with asyncio.timeout(1):
                await self._tell(True, leg={"kind": conversation_pb2.Leg.KIND_ENDED, "reason": "caller hung up"})
                while await self._stream.read() is not None:
                    pass
        self._stream.cancel()

    async def _until_over(self, turn: Turn) -> None:
        while not self._ended and not self._is_over():
            await self._take(turn)

    def _is_over(self) -> bool:
        settled = self._state.seen_seq >= self._seq > 0
        return settled and self._state.floor.WhichOneof("floor") in ("listening", "ended")

    async def _take(self, turn: Turn) -> None:
        """The next command; what is said whole is heard at once."""
        assert self._stream is not None
        command = await self._stream.read()
        if command is None:
            self._ended = True
            return
        match command.WhichOneof("command"):
            case "state":
                self._state = events_pb2.StoredCall.FromString(command.state.data).state
            case "hang_up":
                self._ended = True
            case "say":
                say = command.say
                if say.kind != conversation_pb2.Say.KIND_FILLER:
                    turn.utterances[say.utterance] = turn.utterances.get(say.utterance, "") + say.text
                if say.complete and say.utterance not in self._complete:
                    self._complete.add(say.utterance)
                    await self._tell(utterance_started={"utterance": say.utterance})
                    await self._tell(True, heard={"utterance": say.utterance, "chars": 99_999, "complete": True})

    async def _tell(self, numbered: bool = False, **event: object) -> None:
        assert self._stream is not None
        self._seq += numbered
        await self._stream.write(conversation_pb2.CallEvent(seq=self._seq if numbered else 0, **event))  # type: ignore[arg-type]
