"""One agent with everything it needs, in this process: the mind, its tools, its knowledge and its language model.

The services are put together by their own wiring and call each other by their own messages (`parley.rpc.local`). There
is no NATS, no port, no other process, and nothing of the machine's own Parley is touched: the data are in a folder that
is gone afterwards. Each conversation has an orchestrator and a tools service of its own, with the agent's seeds as its
files have them; the language model and the knowledge, which keep nothing of a call, are made once, as are the servers
of tools that agent.yaml names, which take seconds to start.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from parley.agents.conversations.conversation import Conversation
from parley.agents.files import load_agent
from parley.rpc import call
from parley.rpc.local import LocalPeers, LocalServer
from parley.secrets import Secrets
from parley.settings import Settings
from parley.v1 import (
    call_pb2,
    conversation_pb2,
    conversation_pb2_grpc,
    rag_pb2,
    rag_pb2_grpc,
    tools_pb2,
)
from services.gateway.till.keeping import Keeping
from services.gateway.till.till import Till
from services.llm.wiring import wire as wire_llm
from services.orchestrator.run.organs import outcome_of
from services.orchestrator.run.prices import Prices, cost
from services.orchestrator.servicer import Conversation as ConversationServicer
from services.orchestrator.wire import codec
from services.orchestrator.wiring import wired
from services.rag.__main__ import wire as wire_rag
from services.tools.database import open_database
from services.tools.discovery import Toolboxes
from services.tools.mcp.hub import Hub
from services.tools.wiring import wire as wire_tools
from testbed.eval.course import Course, Ran
from testbed.eval.models import Model, Persona
from testbed.eval.pace import Pace
from testbed.eval.typed import Caller, Scripted, TypedCall, opening
from testbed.eval.values import arguments_of, told

TABLES = "tables"  # a database with nothing but its tables: making one takes longer than a conversation
READ_S = 120.0  # for an agent's knowledge to be read
SERVERS_S = 60.0  # for the servers of tools to say what they can do, or that they are away
_DIRECTIONS = {"inbound": call_pb2.DIRECTION_INBOUND, "outbound": call_pb2.DIRECTION_OUTBOUND}


class Home:
    """Made by `home`. Conversations are held one after the other, in text."""

    overlap = 1.0
    page = True

    def __init__(
        self, name: str, folder: Path, settings: Settings, pace: Pace, llm: LocalServer, rag: LocalServer, hub: Hub
    ) -> None:
        self.name = name
        self._hub = hub
        self._folder = folder
        self.settings = settings
        self._pace = pace
        self._llm = llm
        self._rag = rag
        self.model = Model(llm, settings, name)
        self._agent = load_agent(settings.agents_dir, name)
        self._held = 0
        self._zone: ZoneInfo | None = None

    async def hold(self, conversation: Conversation) -> Course:
        """One conversation, in a world in which nothing has happened before. Raises ParleyErrors: not the agent's."""
        caller = self._caller(conversation)
        self._held += 1
        course = Course()
        data = self._folder / f"call-{self._held}"
        settings = self.settings.model_copy(update={"data_dir": data})
        self._zone = zone_of(conversation)
        self._pace.at(began_at(conversation).timestamp())
        async with AsyncExitStack() as stack:
            data.mkdir()
            shutil.copyfile(self._folder / TABLES / "tools.db", data / "tools.db")
            stack.callback(shutil.rmtree, data, ignore_errors=True)
            tools = _Watched("tools", course)
            stack.push_async_callback(await wire_tools(tools, settings, self._now, self._hub))
            servers = {"llm": self._llm, "tools": tools, "rag": self._rag}
            calls, close = await wired(settings, lambda service, _: LocalPeers(servers[service]))
            stack.push_async_callback(close)
            mind = LocalServer("orchestrator")
            mind.add(
                conversation_pb2.DESCRIPTOR.services_by_name["Conversation"],
                conversation_pb2_grpc.add_ConversationServicer_to_server,
                ConversationServicer(calls, mind.admission),
            )
            peers = await stack.enter_async_context(LocalPeers(mind))
            stream = await peers.open(conversation_pb2_grpc.ConversationStub, "Converse")
            stack.callback(stream.cancel)
            keeping = Keeping(lambda: LocalPeers(tools))
            stack.push_async_callback(keeping.close)
            known = self._opening(conversation)
            till = Till(partial(keeping.keep, known.call_id), asyncio.get_running_loop().time)
            typed = TypedCall(stream, course, till)
            await typed.hold(known, caller)
            self._account(typed)
        return course

    def _caller(self, conversation: Conversation) -> Caller:
        if conversation.caller is None:
            return Scripted(conversation.turns)
        return Persona(self.model, conversation.caller)

    def _opening(self, conversation: Conversation) -> conversation_pb2.Open:
        return opening(
            f"eval-{self._held}",
            self.name,
            caller=conversation.caller_number,
            called=conversation.called,
            language=conversation.language,
            parameters=dict(conversation.variables),
            direction=_DIRECTIONS[conversation.direction],
            purpose=conversation.purpose,
        )

    def _now(self) -> datetime:
        """What tools are told of the time."""
        return datetime.fromtimestamp(self._pace.now(), UTC).astimezone(self._zone)

    def _account(self, typed: TypedCall) -> None:
        if typed.stored is None:
            return
        state = codec.state_from_proto(typed.stored.state)
        course = typed.course
        course.level, course.agent_version = state.level, state.agent_version
        course.input_tokens, course.output_tokens = state.tally.input_tokens, state.tally.output_tokens
        course.dollars = cost(Prices.of(self.settings), replace(state, channel="chat"), 0.0, self._agent)


@asynccontextmanager
async def home(name: str, source: Path, pace: Pace, **overrides: Any) -> AsyncIterator[Home]:
    """The agent in the folder `source`, as the agent `name`. `overrides`: settings, over the environment's.

    Raises Misconfigured (its files, an engine's settings), NotFound.
    """
    check(source)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="parley-eval-")))
        settings = settings_in(folder, {name: source}, **overrides)
        pace.at(time.time())
        await (await open_database("", folder / TABLES)).close()
        llm, rag = LocalServer("llm"), LocalServer("rag")
        for wire, server in ((wire_llm, llm), (wire_rag, rag)):
            if (close := await wire(server, settings)) is not None:
                stack.push_async_callback(close)
        async with LocalPeers(rag) as peers:
            request = rag_pb2.IngestRequest(agent=name)
            await call(peers, rag_pb2_grpc.KnowledgeStub, "Ingest", request, timeout_s=READ_S)
        hub = Hub(Secrets.of(settings))
        stack.push_async_callback(hub.close)
        agent = load_agent(settings.agents_dir, name)
        hub.tools_of(agent, settings.agents_dir / name, newest=True)
        await hub.ready(name, SERVERS_S)
        stack.callback(pace.rest_while, lambda: False)  # their end is waited for
        pace.rest_while(lambda: not hub.busy)
        yield Home(name, folder, settings, pace, llm, rag, hub)


def check(source: Path) -> str:
    """The agent's version. What is wrong with it is told with the file's own path. Raises Misconfigured."""
    folder = source.resolve()
    Toolboxes(folder.parent).now(folder.name)
    return load_agent(folder.parent, folder.name).version


def settings_in(folder: Path, sources: Mapping[str, Path], **overrides: Any) -> Settings:
    """The environment's engines, on data of our own, with these agents alone; the first answers unnamed calls."""
    models = Settings.read(**overrides).data_dir.resolve() / "models"
    models.mkdir(parents=True, exist_ok=True)
    data, agents = folder / "data", folder / "agents"
    data.mkdir()
    agents.mkdir()
    (data / "models").symlink_to(models, target_is_directory=True)
    for name, source in sources.items():
        (agents / name).symlink_to(source.resolve(), target_is_directory=True)
    ours = {"data_dir": data, "agents_dir": agents, "agent": next(iter(sources))}
    ours |= {"nats_url": "", "database_url": "", "qdrant_url": ""}
    return Settings.read(**{**overrides, **ours})


def zone_of(conversation: Conversation) -> ZoneInfo | None:
    """None: the machine's."""
    return ZoneInfo(conversation.time_zone) if conversation.time_zone else None


def began_at(conversation: Conversation) -> datetime:
    """When the call begins, aware."""
    at, zone = conversation.at, zone_of(conversation)
    if at is None:
        return datetime.now(UTC)
    return at if at.tzinfo is not None else at.replace(tzinfo=zone) if zone is not None else at.astimezone()


class _Watched(LocalServer):
    """The tools service; what it executes is written down in the course."""

    def __init__(self, name: str, course: Course) -> None:
        super().__init__(name)
        self._course = course

    def add(self, service: Any, adder: Any, servicer: Any) -> None:
        super().add(service, adder, _Watching(servicer, self._course))


class _Watching:
    """A servicer as it is, but for what is seen of `Execute`."""

    def __init__(self, servicer: Any, course: Course) -> None:
        self._servicer = servicer
        self._course = course
        self._seen: dict[int, tuple[list[Ran], int]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._servicer, name)

    async def Execute(self, request: tools_pb2.ExecuteRequest, context: Any) -> AsyncIterator[tools_pb2.ExecuteEvent]:
        ran = Ran(request.name, arguments_of(request.arguments_json))
        if request.intent not in self._seen:  # it may be asked for again, under the same number
            into = self._course.exchanges[-1].ran
            into.append(ran)
            self._seen[request.intent] = into, len(into) - 1
        into, place = self._seen[request.intent]
        async with aclosing(self._servicer.Execute(request, context)) as events:
            async for event in events:
                if event.WhichOneof("event") == "outcome":
                    outcome = outcome_of(event.outcome)
                    into[place] = Ran(ran.name, ran.arguments, outcome.status, told(outcome.result, outcome.message))
                yield event
