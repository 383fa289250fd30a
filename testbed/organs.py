"""The orchestrator as a real server, with scripted organs beside it, all on real gRPC and real NATS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from parley.errors import NotBuilt
from parley.rpc import Admission, CallStream, Peers, Server
from parley.settings import Settings
from parley.v1 import (
    conversation_pb2,
    conversation_pb2_grpc,
    events_pb2,
    llm_pb2,
    llm_pb2_grpc,
    rag_pb2,
    rag_pb2_grpc,
    tools_pb2,
    tools_pb2_grpc,
)
from services.orchestrator.own.calls import Calls
from services.orchestrator.servicer import Conversation
from services.orchestrator.wiring import wired
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd, nats_server

AGENT = """
company: Bellweather Bikes
greeting: Bellweather Bikes, how can I help?
prompt: You answer the phone.
voice: {elevenlabs: amy, local: en-us}
knowledge: {retrieve: always}
"""

Reply = Callable[[llm_pb2.ChatRequest], list[Any]]


class Model(llm_pb2_grpc.LanguageModelServicer):
    """Says what the script says; strings are deltas, ToolCalls tool calls; an Event, or seconds, are waited for."""

    def __init__(self) -> None:
        self.reply: Reply = lambda request: [f"You said {request.messages[-1].text}."]
        self.requests: list[llm_pb2.ChatRequest] = []
        self.closed = 0
        self.route: Callable[[str], llm_pb2.RouteResponse] | None = None
        self.routed: list[str] = []

    async def Live(self, requests: Any, context: Any) -> AsyncIterator[llm_pb2.LiveEvent]:
        raise NotBuilt("not here")
        yield

    async def Understand(self, request: Any, context: Any) -> llm_pb2.UnderstandResponse:
        raise NotBuilt("not here")

    async def Route(self, request: llm_pb2.RouteRequest, context: Any) -> llm_pb2.RouteResponse:
        self.routed.append(request.text)
        if self.route is None:
            raise NotBuilt("not here")
        return self.route(request.text)

    async def Chat(self, request: Any, context: Any) -> AsyncIterator[llm_pb2.ChatEvent]:
        self.requests.append(request)
        reason = llm_pb2.Finish.REASON_STOP
        try:
            for item in self.reply(request):
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item, asyncio.Event):
                    await item.wait()
                elif isinstance(item, float):
                    await asyncio.sleep(item)
                elif isinstance(item, str):
                    yield llm_pb2.ChatEvent(text_delta=item)
                else:
                    reason = llm_pb2.Finish.REASON_TOOL_CALLS
                    yield llm_pb2.ChatEvent(tool_call=item)
            yield llm_pb2.ChatEvent(usage=llm_pb2.Usage(input_tokens=10, output_tokens=5))
            yield llm_pb2.ChatEvent(finish=llm_pb2.Finish(reason=reason))
        except asyncio.CancelledError:
            self.closed += 1
            raise


class Actions(tools_pb2_grpc.ToolsServicer):
    def __init__(self, tools: Sequence[tools_pb2.ToolInfo] = ()) -> None:
        self.tools = tools or (tools_pb2.ToolInfo(name="book_visit", effects=True),)
        self.executed: list[tools_pb2.ExecuteRequest] = []
        self.tells, self.told = "", asyncio.Event()
        """What a tool says of its work, before it is let go on."""
        self.outcome = tools_pb2.ToolOutcome(status=tools_pb2.ToolOutcome.STATUS_OK, result_json='{"summary": "done"}')
        self.rows: list[tools_pb2.LedgerRow] = []
        self.listing: Callable[[Any, Any], Awaitable[tools_pb2.ListToolsResponse]] | None = None
        self.settling: Callable[[], Awaitable[None]] | None = None

    async def List(self, request: Any, context: Any) -> tools_pb2.ListToolsResponse:
        if self.listing is not None:
            return await self.listing(request, context)
        return tools_pb2.ListToolsResponse(tools=self.tools)

    async def Execute(self, request: Any, context: Any) -> AsyncIterator[tools_pb2.ExecuteEvent]:
        self.executed.append(request)
        if self.tells:
            yield tools_pb2.ExecuteEvent(progress=tools_pb2.ToolProgress(text=self.tells))
            await self.told.wait()
        yield tools_pb2.ExecuteEvent(outcome=self.outcome)

    async def Settle(self, request: Any, context: Any) -> tools_pb2.SettleResponse:
        if self.settling is not None:
            await self.settling()
        return tools_pb2.SettleResponse(rows=self.rows)

    async def Keep(self, request: Any, context: Any) -> tools_pb2.KeepResponse:
        raise NotBuilt("not here")


class Library(rag_pb2_grpc.KnowledgeServicer):
    async def Ingest(self, request: Any, context: Any) -> rag_pb2.IngestResponse:
        raise NotBuilt("not here")

    async def RecallAnswer(self, request: Any, context: Any) -> rag_pb2.RecallAnswerResponse:
        raise NotBuilt("not here")

    async def StoreAnswer(self, request: Any, context: Any) -> rag_pb2.StoreAnswerResponse:
        raise NotBuilt("not here")

    async def Search(self, request: Any, context: Any) -> rag_pb2.SearchResponse:
        passage = rag_pb2.FoundPassage(text=f"About {request.query}", source="a.md", score=0.9)
        return rag_pb2.SearchResponse(passages=[passage])


@dataclass
class Gateway:
    """A gateway's end of `Converse`: says events, collects commands."""

    stream: CallStream
    epoch: tuple[int, int] = (1, 1)
    commands: list[conversation_pb2.CallCommand] = field(default_factory=list)
    seq: int = 0

    async def tell(self, seq: bool = False, **event: Any) -> None:
        self.seq += seq
        await self.stream.write(conversation_pb2.CallEvent(seq=self.seq if seq else 0, **event))

    async def opens(self, call_id: str = "CA1", **values: Any) -> None:
        epoch = {"leg": self.epoch[0], "open": self.epoch[1]}
        values = {"agent": "bikes", "channel": conversation_pb2.CHANNEL_PHONE, **values}
        await self.tell(open={"call_id": call_id, "epoch": epoch, **values})

    async def types(self, text: str) -> None:
        await self.tell(seq=True, typed={"text": text})

    async def speaks(self, text: str) -> None:
        """The caller has said something and is quiet; whether the turn is over is not told yet."""
        await self.tell(speech={"speech_started": {"offset_ms": 100}})
        await self.tell(speech={"interim": {"text": text}})
        await self.tell(speech={"speech_stopped": {"offset_ms": 900}})

    async def turn_ends(self, text: str, kind: str = "KIND_CONFIRMED") -> None:
        await self.tell(seq=kind == "KIND_CONFIRMED", speech={"turn_ended": {"kind": kind, "text": text}})

    async def hears(self, utterance: int) -> None:
        await self.tell(utterance_started={"utterance": utterance})
        await self.tell(seq=True, heard={"utterance": utterance, "chars": 9999, "complete": True})

    async def until(self, kind: str, **values: Any) -> Any:
        """The next command of a kind (with these fields); those before it are kept."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                command = await self.stream.read()
                assert command is not None, f"the stream ended before a {kind}"
                self.commands.append(command)
                if command.WhichOneof("command") == kind:
                    found = getattr(command, kind)
                    if all(getattr(found, name) == value for name, value in values.items()):
                        return found

    async def state(self, holds: Callable[[events_pb2.StoredCall], bool]) -> bytes:
        """The newest state that was given for which it holds, or else the first one to come."""
        data = [c.state.data for c in reversed(self.commands) if c.WhichOneof("command") == "state"]
        while True:
            for each in data:
                if holds(events_pb2.StoredCall.FromString(each)):
                    return each
            data = [(await self.until("state")).data]

    async def said(self) -> tuple[int, str]:
        """The next whole utterance: its id and text."""
        text = ""
        while True:
            say = await self.until("say")
            text += say.text
            if say.complete:
                return say.utterance, text


@dataclass
class House:
    """Everything around the orchestrator."""

    nats: Natsd
    model: Model
    actions: Actions
    peers: Peers
    settings: Settings
    calls: Calls
    server: Server
    gateways: list[CallStream] = field(default_factory=list)

    async def gateway(self, leg: int = 1, opened: int = 1) -> Gateway:
        stream = await self.peers.open(conversation_pb2_grpc.ConversationStub, "Converse")
        self.gateways.append(stream)
        return Gateway(stream, (leg, opened))


async def serving(calls: Calls) -> Server:
    server = Server("orchestrator", "127.0.0.1:0", Admission(100))
    server.add(
        conversation_pb2.DESCRIPTOR.services_by_name["Conversation"],
        conversation_pb2_grpc.add_ConversationServicer_to_server,
        Conversation(calls, server.admission),
    )
    server.on_drain(calls.leave)
    await server.start()
    return server


@asynccontextmanager
async def replica(h: House) -> AsyncIterator[House]:
    """Another orchestrator in the same house."""
    async with AsyncExitStack() as stack:
        calls, close = await wired(h.settings)
        stack.push_async_callback(close)
        server = await serving(calls)
        stack.push_async_callback(server.drain, 0)
        peers = await stack.enter_async_context(Peers("orchestrator", [f"127.0.0.1:{server.port}"]))
        assert await peers.ready(PATIENCE_S)
        yield replace(h, calls=calls, server=server, peers=peers)


@asynccontextmanager
async def house(
    tmp: Path, agent: str = AGENT, tools: Sequence[tools_pb2.ToolInfo] = (), **overrides: Any
) -> AsyncIterator[House]:
    """A whole orchestrator. `agent`: its agent.yaml; `tools`: what the tools service has for it."""
    (tmp / "agents/bikes").mkdir(parents=True)
    (tmp / "agents/bikes/agent.yaml").write_text(agent)
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(nats_server(tmp))
        model, actions = Model(), Actions(tools)
        organs = Server("organs", "127.0.0.1:0", Admission(100))
        services = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
        organs.add(services, llm_pb2_grpc.add_LanguageModelServicer_to_server, model)
        organs.add(tools_pb2.DESCRIPTOR.services_by_name["Tools"], tools_pb2_grpc.add_ToolsServicer_to_server, actions)
        organs.add(
            rag_pb2.DESCRIPTOR.services_by_name["Knowledge"], rag_pb2_grpc.add_KnowledgeServicer_to_server, Library()
        )
        await organs.start()
        stack.push_async_callback(organs.drain, 0)
        address = f"127.0.0.1:{organs.port}"
        settings = Settings.read(
            agents_dir=tmp / "agents",
            agent="bikes",
            data_dir=tmp / "data",
            tools_address=address,
            rag_address=address,
            **{"nats_url": nats.url, "llm_address": address, **overrides},
        )
        calls, close = await wired(settings)
        stack.push_async_callback(close)
        server = await serving(calls)
        stack.push_async_callback(server.drain, 0)
        peers = await stack.enter_async_context(Peers("orchestrator", [f"127.0.0.1:{server.port}"]))
        assert await peers.ready(PATIENCE_S)
        built = House(nats, model, actions, peers, settings, calls, server)
        try:
            yield built
        finally:
            for stream in built.gateways:
                stream.cancel()
