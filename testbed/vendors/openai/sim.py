"""Stand-in of OpenAI: chat completions (streaming and not), models, embeddings; also of compatible servers."""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from testbed.vendors.faults import Fault
from testbed.vendors.openai.script import Reply, Script, Thinks, polite
from testbed.vendors.openai.wire import CHUNK_CHARS, QUIRKS, chunks, completion, embedding, wrong_request
from testbed.vendors.server import VendorSim, port_of, shown_headers

_TICK_S = 0.005


@dataclass(slots=True)
class Asked:
    """One request as the stand-in saw it. `disconnected`: the client left before the end of the answer.

    `port`: the client's. `over_at`: 0 while it is being answered.
    """

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    at: float
    first_token_at: float = 0.0
    sent_text: str = ""
    finished: bool = False
    disconnected: bool = False
    port: int = 0
    over_at: float = 0.0


class OpenAISim(VendorSim):
    """`script` answers; `ttft_ms` before the first token; `tokens_per_s` after it (0: at once; 4 characters a token).

    `api_key` None takes any key but still wants one. `quirks`: see `wire.QUIRKS`. `records` holds `Asked`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        api_key: str | None = None,
        script: Script | Thinks = polite,
        ttft_ms: float = 0,
        tokens_per_s: float = 0,
        models: tuple[str, ...] = ("gpt-4o-mini", "gpt-4.1-mini"),
        quirks: Iterable[str] = (),
    ) -> None:
        super().__init__(port=port, host=host)
        self.api_key = api_key
        self.script = script
        self.ttft_ms = ttft_ms
        self.tokens_per_s = tokens_per_s
        self.models = models
        self.quirks = frozenset(quirks)
        if self.quirks - set(QUIRKS):
            raise ValueError(f"quirks: unknown {sorted(self.quirks - set(QUIRKS))}; known: {', '.join(QUIRKS)}")

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.post("/v1/chat/completions", self._chat),
            web.post("/v1/embeddings", self._embed),
            web.get("/v1/models", self._models),
        ]

    @property
    def base_url(self) -> str:
        """With the /v1 that OPENAI_BASE_URL wants."""
        return f"{self.url}/v1"

    async def _refused(self, request: web.Request, fault: Fault | None) -> web.Response | None:
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.after_ms / 1000)
        if fault and fault.kind == "refuse":
            return _error(fault.status, fault.message, "server_error" if fault.status >= 500 else "requests")
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key or self.api_key not in (None, key):
            return _error(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
        return None

    async def _asked(self, request: web.Request) -> Asked | web.Response:
        try:
            body = await request.json()
            if not isinstance(body, dict):
                raise ValueError("not an object")
        except ValueError as error:
            return _error(400, f"We could not parse the JSON body of your request: {error}", "invalid_request_error")
        asked = Asked(request.path, body, shown_headers(request), time.monotonic(), port=port_of(request))
        self.records.append(asked)
        self.note()
        return asked

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.take(f"{request.path} {await request.text()}")
        refused = await self._refused(request, fault)
        if refused is not None:
            return refused
        asked = await self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        wrong = wrong_request(asked.body)
        if wrong:
            return _error(400, wrong, "invalid_request_error")
        tools = [] if asked.body.get("tool_choice") == "none" else asked.body.get("tools") or []
        answer = self.script(asked.body["messages"], tools)
        reply = answer if isinstance(answer, Reply) else await answer
        self.open_connections += 1
        try:
            if asked.body.get("stream"):
                return await self._stream(request, asked, reply, fault)
            await asyncio.sleep(self._whole_s(reply))
            asked.sent_text, asked.finished = reply.text, True
            return web.json_response(completion(asked.body, reply))
        except (asyncio.CancelledError, ConnectionError):
            asked.disconnected = True
            raise
        finally:
            asked.over_at = time.monotonic()
            self.open_connections -= 1
            self.note()

    def _whole_s(self, reply: Reply) -> float:
        per_s = reply.tokens_per_s or self.tokens_per_s
        pace = len(reply.text) / CHUNK_CHARS / per_s if per_s else 0
        return (self.ttft_ms + reply.wait_ms) / 1000 + pace

    async def _stream(
        self, request: web.Request, asked: Asked, reply: Reply, fault: Fault | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        response.headers["x-request-id"] = f"req_{uuid.uuid4().hex}"
        await response.prepare(request)
        struck: list[Fault] = []

        def strike(fault: Fault) -> None:
            struck.append(fault)
            if fault.kind == "close" and request.transport is not None:
                request.transport.abort()

        with self.living(str(asked.body.get("model")), strike):
            return await self._chunks(request, response, asked, reply, fault, struck)

    async def _chunks(
        self,
        request: web.Request,
        response: web.StreamResponse,
        asked: Asked,
        reply: Reply,
        fault: Fault | None,
        struck: list[Fault],
    ) -> web.StreamResponse:
        born, sent, taken = time.monotonic(), 0, fault
        async for chunk in self._paced(asked, reply):
            fault = struck.pop() if struck else fault
            if fault and fault.kind == "slow" and fault is not taken:
                await asyncio.sleep(fault.after_ms / 1000)
                fault = None
            if fault and fault.begins((time.monotonic() - born) * 1000, 0, sent):
                if await _fail(request, response, fault):
                    return response
                fault = None
            content = chunk["choices"][0]["delta"].get("content") if chunk["choices"] else None
            if content:
                asked.first_token_at = asked.first_token_at or time.monotonic()
                asked.sent_text += content
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            sent += 1
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        asked.finished = True
        return response

    async def _paced(self, asked: Asked, reply: Reply) -> AsyncIterator[dict[str, Any]]:
        """The chunks at their time. Tokens due within 5 ms of each other leave together."""
        begin = time.monotonic() + (self.ttft_ms + reply.wait_ms) / 1000
        per_s = reply.tokens_per_s or self.tokens_per_s
        for place, chunk in enumerate(chunks(asked.body, reply, self.quirks)):
            token = max(0, place - 1)
            due = begin + (token / per_s if per_s else 0)
            wait = due - time.monotonic()
            if wait > (_TICK_S if token else 0):
                await asyncio.sleep(wait)
            yield chunk

    async def _models(self, request: web.Request) -> web.Response:
        refused = await self._refused(request, self.faults.take(request.path))
        fixed = {"object": "model", "created": 1_700_000_000, "owned_by": "system"}
        listed = [{"id": name, **fixed} for name in self.models]
        return refused or web.json_response({"object": "list", "data": listed})

    async def _embed(self, request: web.Request) -> web.Response:
        refused = await self._refused(request, self.faults.take(request.path))
        if refused is not None:
            return refused
        asked = await self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        given = asked.body.get("input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) and t for t in texts):
            return _error(400, "input: must be a non-empty string or a list of them", "invalid_request_error")
        size = asked.body.get("dimensions") or 1536
        as_text = asked.body.get("encoding_format") == "base64"
        data = []
        for index, text in enumerate(texts):
            vector = embedding(text, size)
            value: Any = base64.b64encode(vector.tobytes()).decode() if as_text else vector.tolist()
            data.append({"object": "embedding", "index": index, "embedding": value})
        used = sum(len(text) // CHUNK_CHARS + 1 for text in texts)
        asked.finished = True
        body = {"object": "list", "data": data, "model": asked.body.get("model")}
        return web.json_response({**body, "usage": {"prompt_tokens": used, "total_tokens": used}})


async def _fail(request: web.Request, response: web.StreamResponse, fault: Fault) -> bool:
    """Does what the fault says in mid-stream; True if that ends the stream."""
    if fault.kind == "garbage":
        await response.write(b'data: {"id": "chatcmpl-broken", "choi\n\n')
    elif fault.kind == "error":
        error = {"error": {"message": fault.message, "type": "server_error", "param": None, "code": None}}
        await response.write(b"data: " + json.dumps(error).encode() + b"\n\n")
        return True
    elif fault.kind == "stall":
        await asyncio.Event().wait()
    elif fault.kind == "close":
        if request.transport is not None:
            request.transport.abort()
        return True
    return False


def _error(status: int, message: str, kind: str, code: str | None = None) -> web.Response:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return web.json_response({"error": error}, status=status, headers={"x-request-id": f"req_{uuid.uuid4().hex}"})
