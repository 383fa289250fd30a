"""OpenAI chat completions, and every server that speaks them: Ollama, vLLM, llama.cpp, a stand-in.

The official SDK makes the requests (keys, base URL, errors, connections), through its generic `post`. Body and stream
are written and read here: the SDK's typed ways take 7 ms of CPU before a request of 40 messages leaves (this: 0.8), and
8 to 15 ms for 100 tokens (this: 1 to 5).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import openai
import orjson
import structlog

from parley.errors import AtCapacity, BadInput, Misconfigured, ParleyError, TooLate, VendorLost
from parley.settings import Settings
from services.llm.contract import ChatRequest, LlmEvent, TextDelta
from services.llm.providers.openai_answer import Answer
from services.llm.providers.openai_request import body

log = structlog.get_logger()

# What compatible servers refuse though an answer does not depend on it.
OPTIONAL = ("stream_options", "temperature", "tool_choice", "max_completion_tokens", "max_tokens")
CONNECT_S = 3.0
IDLE_S = 55.0  # a kept connection saves the next turn a TLS handshake
DRAIN_S = 0.2
_MAX_LINE = 1 << 20


class OpenAI:
    """One client for all calls of the process. Without a word in time TooLate is raised: see the settings."""

    def __init__(self, settings: Settings) -> None:
        self._base_url = base_url(settings.openai_base_url)
        key = settings.openai_api_key.get_secret_value()
        vendor = urlsplit(self._base_url).hostname == "api.openai.com"
        if vendor and not key:
            raise Misconfigured("OPENAI_API_KEY: is empty; set it, or OPENAI_BASE_URL to a server that needs none")
        self._model = settings.openai_model
        self._max_tokens = "max_completion_tokens" if vendor else "max_tokens"
        first_token_s, stall_s = settings.llm_first_token_s, settings.llm_stall_s
        self._first_token_s, self._stall_s = first_token_s, stall_s
        self._refused: set[str] = set()
        self._accepted = False
        self._client = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=self._base_url,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(
                timeout=httpx2.Timeout(first_token_s + stall_s, connect=CONNECT_S),
                limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=IDLE_S),
            ),
        )

    async def warm(self) -> None:
        """Have a connection open before the first caller needs it. A server that is down is only logged."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._client.models.list()
        except (openai.OpenAIError, TimeoutError) as e:
            log.info("model server not reached at start", reason=type(e).__name__)

    async def chat(self, request: ChatRequest) -> AsyncIterator[LlmEvent]:
        loop = asyncio.get_running_loop()
        first_by = loop.time() + self._first_token_s
        sent = _without(body(request, self._model, self._max_tokens), self._refused)
        answer = Answer(sent["model"], sum(len(m["content"] or "") for m in sent["messages"]))
        async with AsyncExitStack() as stack:  # closing the generator closes the stream, and so stops the model
            lines = Lines()
            with translated():
                async with asyncio.timeout_at(first_by):
                    pieces = await self._open(stack, sent)
            while not lines.done:
                with translated():
                    by = loop.time() + self._stall_s if answer.begun else first_by
                    async with asyncio.timeout_at(by):
                        data = await anext(pieces, b"")
                words = [answer.feed(line) for line in lines.feed(data)]
                if text := "".join(words):
                    yield TextDelta(text)
                if not data:
                    break
            for event in answer.end():
                yield event
            await _drain(pieces)

    async def aclose(self) -> None:
        await self._client.close()

    async def _open(self, stack: AsyncExitStack, sent: dict[str, Any]) -> AsyncIterator[bytes]:
        """The bytes of the answer. Asks once more without the optional fields that the server refuses."""
        try:
            return await self._post(stack, sent)
        except openai.APIStatusError as e:
            refused = self._blamed(e, sent)
            if e.status_code not in (400, 422) or not refused:
                raise
            log.warning("model server refuses fields; going on without", fields=sorted(refused))
            pieces = await self._post(stack, _without(sent, refused))
            self._refused |= refused
            return pieces

    async def _post(self, stack: AsyncExitStack, sent: dict[str, Any]) -> AsyncIterator[bytes]:
        response = await self._client.post(
            "/chat/completions", cast_to=httpx2.Response, content=orjson.dumps(sent), stream=True
        )
        stack.push_async_callback(response.aclose)
        self._accepted = True
        return response.aiter_bytes()

    def _blamed(self, error: openai.APIStatusError, sent: dict[str, Any]) -> set[str]:
        """Which optional fields the refusal names; of a server that never took a request yet, the usual one."""
        named = {field for field in OPTIONAL if field in sent and field in str(error)}
        return named or (set() if self._accepted else {"stream_options"} & set(sent))


def _without(sent: dict[str, Any], refused: set[str]) -> dict[str, Any]:
    """The body without refused fields. A server that cannot be told to call no tool is offered none."""
    silent = "tool_choice" in refused and sent.get("tool_choice") == "none"
    return {k: v for k, v in sent.items() if k not in refused and not (silent and k == "tools")}


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Read what follows [DONE], so that the connection can serve the next turn."""
    try:
        async with asyncio.timeout(DRAIN_S):
            async for _ in pieces:
                pass
    except (httpx2.HTTPError, TimeoutError):
        return


@contextmanager
def translated() -> Iterator[None]:
    """The SDK's errors as ours. The server's words are cut to 200 characters; keys are not among them."""
    try:
        yield
    except openai.APIStatusError as e:
        raise _by_status(e) from e
    except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException) as e:
        raise TooLate("the model gave no token in time") from e
    except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError) as e:
        raise VendorLost(f"the model's server was lost ({type(e.__cause__ or e).__name__})") from e


def _by_status(error: openai.APIStatusError) -> ParleyError:
    status, said = error.status_code, error.message[:200]
    if status in (401, 403):
        return Misconfigured(f"OPENAI_API_KEY: the model's server refuses it ({status})")
    if status == 404:
        return Misconfigured(f"OPENAI_BASE_URL or the model's name is wrong: the model's server knows neither: {said}")
    if status == 429:
        if error.code == "insufficient_quota":
            return Misconfigured(f"OPENAI_API_KEY: its account has no credit left: {said}")
        return AtCapacity(f"the model's server takes no more requests now: {said}")
    if status in (408, 504):
        return TooLate(f"the model's server gave up waiting ({status})")
    if status < 500:
        return BadInput(f"the model's server refuses the request ({status}): {said}")
    return VendorLost(f"the model's server failed ({status}): {said}")


class Lines:
    """Server-sent events: the payload of each `data:` line, over the borders of network reads. `done` after [DONE]."""

    def __init__(self) -> None:
        self.done = False
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Payloads completed by these bytes; b"" is the end of the stream. Raises VendorLost for an endless line."""
        *lines, self._rest = (self._rest + (data or b"\n")).split(b"\n")
        if len(self._rest) > _MAX_LINE:
            raise VendorLost(f"the model's server sent a line longer than {_MAX_LINE} bytes")
        for line in lines:
            if line.startswith(b"data:"):
                payload = line[5:].strip()
                if payload == b"[DONE]":
                    self.done = True
                    return
                yield payload


def base_url(value: str) -> str:
    """http(s) with the path the API stands under: a URL without one gets /v1; ws(s) is taken as http(s)."""
    parts = urlsplit(value if "://" in value else f"http://{value}")
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in ("http", "https") or not parts.hostname:
        raise Misconfigured(f"OPENAI_BASE_URL: {value!r} is no URL such as https://api.openai.com/v1")
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") or "/v1", "", ""))
