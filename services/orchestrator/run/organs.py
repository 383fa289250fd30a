"""The orchestrator's side of llm, tools and rag: one round, one action, one search."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

import structlog

from parley.errors import AtCapacity, NotBuilt, NotFound, ParleyError, Superseded, Unavailable
from parley.rpc import Peers, call
from parley.rpc.reopened import Reopened, Rules
from parley.text.answers.consent import MAX_ASKED_CHARS
from parley.v1 import (
    call_pb2,
    llm_pb2,
    llm_pb2_grpc,
    rag_pb2,
    rag_pb2_grpc,
    tools_pb2,
    tools_pb2_grpc,
)
from services.orchestrator.mind import identity, known
from services.orchestrator.mind.actions import Ask, Choice, Notice, Outcome, Shown, Then, ToolUse
from services.orchestrator.mind.effects import Execute
from services.orchestrator.mind.state import Call, Epoch, Passage
from services.orchestrator.run.clock import now_ms

log = structlog.get_logger()

SEARCH_TIMEOUT_S = 1.0
MAX_CHOICES_BYTES = 2_000  # of what the arguments of a question may be: it is carried in the state
MAX_PASSAGE_BYTES = 8_000  # of all that is found for a turn
LIST_TIMEOUT_S = 2.0
SETTLE_TIMEOUT_S = 1.0
SETTLE_PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)
ROUTE_S = 0.06  # it takes some 5 ms; a model that finds out by itself takes more
ROUTE_AGAIN_S = 60.0  # where the llm service has no embeddings
MAX_TRIES = 5  # replicas asked for one round, where there are many
CHAT = Rules(
    pauses_s=(0.0,),  # each replica once: the round's own retries have the pauses
    once=True,  # an answer has one author; what broke off is gone on with by a new round
    passing=(Unavailable, AtCapacity),
)
EXECUTE = Rules(
    pauses_s=(0.1, 0.2, 0.4, 0.8, 1.0, 1.0),  # longer than a killed replica takes to come back
    tries=7,  # under the same intent: the ledger answers
    give_up_s=10.0,  # where there is none at all
    clock="any",  # a tool may take long before its replica is lost
    passing=(Unavailable, AtCapacity),
)
_STATUS = {
    number: name.removeprefix("STATUS_").lower() for name, number in tools_pb2.ToolOutcome.Status.items() if number
}
_DIRECTIONS = {"inbound": call_pb2.DIRECTION_INBOUND, "outbound": call_pb2.DIRECTION_OUTBOUND}
UNASKED = Outcome("failed", message="It is too long to be read back to the caller, so it is not done.")
UNKNOWN = Outcome("unknown", message="it is not known whether this was done; do not do it again", down=True)


class Organs:
    """What a conductor reaches out to. One object for all calls of the process."""

    def __init__(self, llm: Peers, tools: Peers, rag: Peers) -> None:
        self._llm = llm
        self._tools = tools
        self._rag = rag
        self._route_from_s = 0.0

    async def chat(self, request: llm_pb2.ChatRequest) -> AsyncGenerator[llm_pb2.ChatEvent, None]:
        """One round. Before the first event a replica that cannot is left for another. Raises ParleyErrors."""
        streams = Reopened(
            "llm",
            lambda avoid: self._llm.open(llm_pb2_grpc.LanguageModelStub, "Chat", request=request, avoid=avoid),
            replace(CHAT, tries=max(1, min(len(self._llm.all), MAX_TRIES))),
            call_id=request.call_id,
        )
        while True:
            async with streams.next() as stream:
                while (event := await stream.read()) is not None:
                    streams.proven()
                    yield event
                return

    async def list_tools(self, agent: str, version: str = "") -> tools_pb2.ListToolsResponse:
        """What the agent can do now, or in a published version. Raises ParleyErrors."""
        request = tools_pb2.ListToolsRequest(agent=agent, agent_version=version)
        reply: tools_pb2.ListToolsResponse
        reply = await call(self._tools, tools_pb2_grpc.ToolsStub, "List", request, timeout_s=LIST_TIMEOUT_S)
        return reply

    async def search(self, call_state: Call, query: str, limit: int, traceparent: str) -> tuple[Passage, ...]:
        """Passages for a question; none when rag is away: the call goes on without."""
        request = rag_pb2.SearchRequest(
            call_id=call_state.call_id,
            agent=call_state.agent,
            query=query,
            limit=limit,
            traceparent=traceparent,
            agent_version=call_state.agent_version,
        )
        try:
            reply = await call(self._rag, rag_pb2_grpc.KnowledgeStub, "Search", request, timeout_s=SEARCH_TIMEOUT_S)
        except ParleyError as e:
            log.warning("answering without knowledge", call_id=call_state.call_id, error=str(e))
            return ()
        room, found = MAX_PASSAGE_BYTES, []
        for p in reply.passages:
            if (room := room - len(p.text.encode())) < 0:
                break  # the best come first; a call's state must stay small
            found.append(Passage(p.text, p.source, p.score))
        return tuple(found)

    async def route(self, call_state: Call, text: str, traceparent: str) -> llm_pb2.RouteResponse | None:
        """Whose these words are, by their meaning. None: nobody can tell in time."""
        if time.monotonic() < self._route_from_s:
            return None
        request = llm_pb2.RouteRequest(
            call_id=call_state.call_id,
            agent=call_state.agent,
            agent_version=call_state.agent_version,
            text=text,
            traceparent=traceparent,
        )
        try:
            reply: llm_pb2.RouteResponse
            reply = await call(self._llm, llm_pb2_grpc.LanguageModelStub, "Route", request, timeout_s=ROUTE_S)
        except NotBuilt:
            self._route_from_s = time.monotonic() + ROUTE_AGAIN_S
            return None
        except ParleyError as e:
            log.info("what a caller means is left to the model", call_id=call_state.call_id, error=str(e))
            return None
        return reply

    async def execute(
        self,
        call_state: Call,
        tool: Execute,
        traceparent: str,
        told: Callable[[str | Shown], None] = lambda news: None,
    ) -> Outcome:
        """Do one thing, once. When a replica is lost, another is asked under the same intent: the ledger answers.

        `told`: what the tool says and shows of its work on the way; after a loss it does so again.

        Raises Superseded: a newer owner has the call.
        """
        at_ms = now_ms()
        request = tools_pb2.ExecuteRequest(
            call_id=call_state.call_id,
            epoch=call_pb2.Epoch(leg=call_state.epoch.leg, open=call_state.epoch.open),
            intent=tool.intent,
            name=tool.name,
            arguments_json=tool.arguments or "{}",
            agent=call_state.agent,
            caller=call_state.caller_pii,
            level=identity.level_at(call_state, at_ms),
            customer=identity.customer_at(call_state, at_ms),
            traceparent=traceparent,
            agent_version=call_state.agent_version,
            direction=_DIRECTIONS[known.direction(call_state)],
            purpose=call_state.purpose,
            parameters=known.parameters(call_state),
            confirmed=tool.confirmed,
        )
        streams = Reopened(
            "tools",
            lambda avoid: self._tools.open(tools_pb2_grpc.ToolsStub, "Execute", request=request, avoid=avoid),
            EXECUTE,
            call_id=call_state.call_id,
            tool=tool.name,
        )
        try:
            while True:
                async with streams.next() as stream:
                    async for event in stream:
                        match event.WhichOneof("event"):
                            case "outcome":
                                return outcome_of(event.outcome)
                            case "progress":
                                told(event.progress.text)
                            case "show" if call_state.channel != "phone":
                                told(Shown(event.show.name, event.show.json))
                    raise Unavailable("the tool's stream ended without an outcome")
        except Superseded:
            raise
        except NotFound as e:  # not done: it has gone since the model was told of it
            return Outcome("refused", message=str(e))
        except ParleyError as e:
            if type(e) is ParleyError or e.retryable:  # it may have been done
                log.warning("outcome of a tool is not known", tool=tool.name, error=str(e))
                return UNKNOWN
            return Outcome("failed", message=str(e), down=True)

    async def settle(self, call_id: str, epoch: Epoch) -> tuple[ToolUse, ...]:
        """Fence every older owner of the call and learn what they did. Raises ParleyErrors."""
        request = tools_pb2.SettleRequest(call_id=call_id, epoch=call_pb2.Epoch(leg=epoch.leg, open=epoch.open))
        try:
            reply = await call(self._tools, tools_pb2_grpc.ToolsStub, "Settle", request, timeout_s=SETTLE_TIMEOUT_S)
        except NotBuilt:
            return ()
        return tuple(
            ToolUse(
                id="",
                name=row.name,
                arguments=row.arguments_json,
                intent=row.intent,
                outcome=None if row.running or not row.HasField("outcome") else outcome_of(row.outcome),
            )
            for row in reply.rows
        )


async def insist_on_settling(organs: Organs, call_id: str, epoch: Epoch) -> tuple[ToolUse, ...]:
    """Ask the ledger until it answers. Raises Superseded."""
    for pause in itertools.chain(SETTLE_PAUSES_S, itertools.repeat(SETTLE_PAUSES_S[-1])):
        await asyncio.sleep(pause)
        try:
            return await organs.settle(call_id, epoch)
        except Superseded:
            raise
        except ParleyError:
            continue
    raise AssertionError


def outcome_of(message: tools_pb2.ToolOutcome) -> Outcome:
    if len(message.ask.question) > MAX_ASKED_CHARS:
        return UNASKED  # nobody says yes to the end of it
    then = None
    match message.WhichOneof("then"):
        case "hang_up":
            then = Then("hang_up", reason=message.hang_up.reason)
        case "transfer":
            then = Then("transfer", message.transfer.to, message.transfer.reason)
    say = Notice(message.say.text, message.say.interruptible) if message.HasField("say") else None
    status = _STATUS.get(message.status, "unknown")
    outcome = Outcome(status, message.result_json, message.message, then, say, ask=_ask(message))
    outcome = replace(outcome, down=message.down, shows=tuple(Shown(each.name, each.json) for each in message.shows))
    return replace(outcome, level=message.level, customer_pii=message.customer) if status == "ok" else outcome


def _ask(message: tools_pb2.ToolOutcome) -> Ask | None:
    if message.status != tools_pb2.ToolOutcome.STATUS_ASK:
        return None
    asked = message.ask
    room, choices = MAX_CHOICES_BYTES, []
    for each in asked.choices:
        if (room := room - sum(len(text.encode()) for text in (each.argument, *each.values))) < 0:
            break  # a correction of the others is the model's to understand
        choices.append(Choice(each.argument, tuple(each.values)))
    return Ask(asked.question, asked.digest, tuple(choices), asked.arguments_json)
