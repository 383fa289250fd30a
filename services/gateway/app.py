"""The doors of the gateway: the webhook, the media sockets, the page, and what operators ask."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, get_args

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from parley.agents.agent import Agent
from parley.agents.files import agent_now
from parley.agents.page.wrapper import Wrapper, wrapper_now, wrapper_problem
from parley.engines import engines_of
from parley.errors import Misconfigured, NotFound, ParleyError, Unavailable
from parley.published.numbers import PAGE
from parley.rpc import call
from parley.security.origin import from_here, same_host
from parley.settings import Stage
from parley.v1 import conversation_pb2, conversation_pb2_grpc
from services.gateway.carriers.arrival import answering, closed_now
from services.gateway.carriers.carrier import Door
from services.gateway.doors.page_files import PageFiles
from services.gateway.doors.page_socket import page_socket
from services.gateway.doors.websocket import Receive, Send, WebSocket
from services.gateway.gateway import Gateway
from services.gateway.metrics import REFUSED
from services.gateway.tokens import Claim

log = structlog.get_logger()

PROBLEM_S = 1.0

Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


def build(gateway: Gateway) -> Asgi:
    """The whole ASGI application. Sockets go past FastAPI: its wrappers cost more than a frame does."""
    web = _web(gateway)
    webhooks = {path for each in gateway.organs.carriers.values() for path in each.webhooks}
    streams = {path: door for each in gateway.organs.carriers.values() for path, door in each.streams.items()}

    async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            asked = scope["path"] in webhooks and scope["method"] == "POST"
            if asked or not await gateway.crowd.refuses(scope, send):
                await web(scope, receive, send)
            return
        socket = WebSocket(scope, receive, send)
        if (stream := streams.get(socket.path)) is not None:
            await stream(socket, gateway)
        elif socket.path == "/ws/voice":
            await page_socket(socket, gateway, "voice")
        elif socket.path == "/ws/chat":
            await page_socket(socket, gateway, "chat")
        else:
            await gateway.crowd.turn_away(socket)

    return app


def _web(gateway: Gateway) -> FastAPI:
    app = FastAPI(title="Parley gateway", docs_url=None, redoc_url=None, openapi_url=None)
    settings = gateway.settings

    for carrier in gateway.organs.carriers.values():
        for path, door in carrier.webhooks.items():
            app.add_api_route(path, _webhook(door, gateway), methods=["POST"])

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> Response:
        if gateway.house.draining:
            return JSONResponse({"status": "draining", "calls": len(gateway.house)}, 503)
        return JSONResponse({"status": "ready", "calls": len(gateway.house)})

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        """For this machine; others are given them by the monitor, at PARLEY_METRICS_PORT."""
        if not from_here(request.client.host if request.client else "", request.headers):
            return JSONResponse({"error": "metrics are shown on this machine only"}, 403)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/agent")
    async def agent(request: Request, name: str = "") -> Response:
        """Who answers, and what the page shows for it; on this machine also what is wrong with an edit of its files."""
        here = from_here(request.client.host if request.client else "", request.headers)
        found = await _agent(gateway, name, here=here)
        if isinstance(found, Response):
            return found
        shown = _shown(gateway, *found)
        if not here:
            return JSONResponse(shown)
        problem = await _problem(gateway, found[0].name)
        return JSONResponse({**shown, "problem": problem, "console": gateway.settings.console_url})

    @app.get("/api/session")
    async def session(request: Request, agent: str = "", door: str = "voice") -> Response:
        """A one-time token for a new call at `/ws/voice` or `/ws/chat`."""
        if door not in ("voice", "chat"):
            return JSONResponse({"error": "door must be voice or chat"}, 400)
        if not same_host(request.headers, settings.public_url):
            return JSONResponse({"error": "this address serves its own page only"}, 403)
        if not agent and (outside := closed_now(gateway, PAGE)) is not None:
            if not outside.agent:
                REFUSED.labels("closed").inc()
                words = f"{outside.say} Call {outside.transfer}." if outside.transfer else outside.say
                return JSONResponse({"error": words.strip(), "closed": True}, 403)
            agent = outside.agent
        call_id = f"web-{os.urandom(8).hex()}"
        found = await _agent(gateway, agent, call_id)
        if isinstance(found, Response):
            return found
        token = gateway.tokens.issue(Claim(call_id, 1, door, found[0].name, fresh=True))  # type: ignore[arg-type]
        body = {"token": token, "call_id": call_id, **_shown(gateway, *found)}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    @app.get("/calls/{call_id}/timeline")
    async def timeline(request: Request, call_id: str) -> Response:
        """What happened in a call and when, words included: for this machine only."""
        if not from_here(request.client.host if request.client else "", request.headers):
            return JSONResponse({"error": "timelines are shown on this machine only"}, 403)
        found = gateway.organs.timelines.find(call_id)
        return JSONResponse(found or {"error": "this process knows no such call"}, 200 if found else 404)

    app.mount("/", PageFiles())
    return app


def _webhook(door: Door, gateway: Gateway) -> Callable[[Request], Awaitable[Response]]:
    async def webhook(request: Request) -> Response:
        return await door(request, gateway)

    return webhook


async def _agent(
    gateway: Gateway, name: str, call_id: str = "", here: bool = False
) -> tuple[Agent, Wrapper] | Response:
    """As a new call has it; files are read beside the sound of the calls. `here`: whoever asks may know of files."""
    try:
        edition = gateway.editions.chosen(name or answering(gateway, PAGE), call_id)
        root, name = edition.root, edition.name
        return await asyncio.to_thread(lambda: (agent_now(root, name), wrapper_now(root, name)))
    except NotFound:
        return JSONResponse({"error": f"no such agent; known: {gateway.editions.names()}"}, 404)
    except Unavailable as e:
        return JSONResponse({"error": str(e)}, 503)
    except Misconfigured as e:
        log.error("an agent's files have an error", agent=name, error=str(e))
        return JSONResponse(
            {"error": str(e) if here else "this agent's files have an error; the service's log names it"}, 500
        )


async def _problem(gateway: Gateway, name: str) -> str:
    """What is wrong with an edit of its files, as a call would be told. The page is shown without an answer, too."""
    request = conversation_pb2.LookAtEditRequest(agent=name)
    stub, peers = conversation_pb2_grpc.ConversationStub, gateway.organs.orchestrator
    try:
        problem: str = (await call(peers, stub, "LookAtEdit", request, timeout_s=PROBLEM_S)).problem
        root = gateway.editions.chosen(name).root
    except ParleyError:
        return ""
    return problem or wrapper_problem(root, name)


def _is_here(gateway: Gateway, stage: Stage) -> bool:
    """Whether the preferred engine of a stage runs on this machine."""
    row = engines_of(stage).get(gateway.settings.engines(stage)[0])
    return row is not None and not row.vendor


def _keys(gateway: Gateway, stage: Stage) -> list[str]:
    """The variables, each of which would have a vendor serve a stage; the preferred one first."""
    vendors = (gateway.settings.vendor(name, stage) for name in engines_of(stage))
    return list(dict.fromkeys(its.variable("api_key") for its in vendors if its is not None))


def _shown(gateway: Gateway, agent: Agent, wrapper: Wrapper) -> dict[str, Any]:
    return {
        "agent": agent.name,
        "company": agent.company,
        "language": agent.language,
        "push_to_talk": agent.interruption.push_to_talk,
        "engines": {stage: gateway.settings.engines(stage) for stage in get_args(Stage)},
        "here": {stage: _keys(gateway, stage) for stage in get_args(Stage) if _is_here(gateway, stage)},
        "wrapper": wrapper.for_page(),
    }
