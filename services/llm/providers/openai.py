"""OpenAI chat completions, and every server that speaks them: Ollama, vLLM, llama.cpp, a stand-in.

The official SDK makes the requests (keys, base URL, errors, connections), through its generic `post`. Body and stream
are written and read here: the SDK's typed ways take 7 ms of CPU before a request of 40 messages leaves (this: 0.8), and
8 to 15 ms for 100 tokens (this: 1 to 5).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import httpx2
import openai
import orjson
import structlog

from parley.errors import Misconfigured, TooLate, VendorLost
from parley.settings import Settings
from services.llm.contract import ChatRequest, LlmEvent, Requests, TextDelta
from services.llm.providers.openai_answer import Answer
from services.llm.providers.openai_refusals import Server
from services.llm.providers.openai_request import body
from services.llm.providers.openai_settings import OpenAISettings
from services.llm.providers.openai_shapes import by_status, raised_by, refused_in, status_of, written_in
from services.llm.providers.openai_stream import Stream

log = structlog.get_logger()

CONNECT_S = 3.0
IDLE_S = 55.0  # a kept connection saves the next turn a TLS handshake
DRAIN_S = 0.2
LAST_S = 0.5
"""For usage and [DONE] to come behind the reason of the end; some servers send neither, and keep the stream open."""
FORMS = 3
"""In so many forms a request is sent at most, while its server refuses them."""
MAX_MODELS = 64
_CUT = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that its server did not take: in which words, and what is raised when it is not sent in others."""

    status: int
    said: str
    error: Exception


class Opened(NamedTuple):
    """An answer that has begun, and its first words; or the whole of one without."""

    stream: Stream
    answer: Answer
    pieces: AsyncIterator[bytes]
    text: str


class OpenAI:
    """One client for all calls of the process. Without a word in time TooLate is raised: see the settings."""

    def __init__(self, settings: Settings) -> None:
        own = settings.own(OpenAISettings)
        self._base_url, key = base_url(own.base_url), own.api_key.get_secret_value()
        vendor = urlsplit(self._base_url).hostname == "api.openai.com"
        if vendor and not key:
            raise Misconfigured("OPENAI_API_KEY: is empty; set it, or OPENAI_BASE_URL to a server that needs none")
        self._model = own.model
        self._max_tokens = "max_completion_tokens" if vendor else "max_tokens"
        first_token_s, stall_s = settings.llm_first_token_s, settings.llm_stall_s
        self._first_token_s, self._stall_s = first_token_s, stall_s
        self._servers: dict[str, Server] = {}
        self._kept = False  # there may be a connection from before
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
        async with AsyncExitStack() as stack:  # closing the generator closes the stream, and so stops the model
            with _TRANSLATED:
                async with asyncio.timeout_at(first_by):
                    stream, answer, pieces, text = await self._open(stack, request)
            if text:
                yield TextDelta(text)
            ended = answer.ended
            by = loop.time() + (LAST_S if ended else self._stall_s)
            while not stream.done:
                data = await self._piece(pieces, answer.ended, by)
                values = stream.feed(data)
                if text := "".join([answer.feed(value) for value in values]):
                    yield TextDelta(text)
                if not data:
                    break
                if answer.ended and not ended:
                    by, ended = loop.time() + LAST_S, True
                elif answer.begun and values and not ended:
                    by = loop.time() + self._stall_s
            for event in answer.end(stream.done):
                yield event
            await _drain(pieces)

    async def _piece(self, pieces: AsyncIterator[bytes], ended: bool, by: float) -> bytes:
        """The next bytes; b"" at the end. What goes wrong behind the end of an answer does not matter any more."""
        try:
            with _TRANSLATED:
                async with asyncio.timeout_at(by):
                    return await anext(pieces, b"")
        except (TooLate, VendorLost):
            if ended:
                return b""
            raise

    async def aclose(self) -> None:
        await self._client.close()

    async def _open(self, stack: AsyncExitStack, request: ChatRequest) -> Opened:
        """An answer that has begun. A body that is refused is sent in another form, if that makes another body."""
        server = self._server(request.model or self._model)
        form = server.form
        sent = body(request, self._model, self._max_tokens, form)
        for left in reversed(range(FORMS)):
            request.requests.take()
            opened = await self._asked(stack, request, sent)
            if not isinstance(opened, Refusal):
                server.took(form)
                return opened
            other = server.other(opened.status, opened.said, form, frozenset(sent))
            again = sent if other is None else body(request, self._model, self._max_tokens, other)
            if other is None or again == sent or not left or not request.requests.left:
                raise opened.error
            form, sent = other, again
        raise AssertionError

    async def _asked(self, stack: AsyncExitStack, request: ChatRequest, sent: dict[str, Any]) -> Opened | Refusal:
        """What comes of one request until words begin. Some servers refuse in the stream what others refuse at once,
        and some refuse at once what their model wrote: that is its answer."""
        stream = Stream()
        size = sum(len(message["content"]) for message in sent["messages"])
        answer = Answer(sent["model"], size, request.tools, request.carry)
        try:
            pieces = await self._sent(stack, sent, request.requests)
        except openai.APIStatusError as e:
            if not written_in(e.body):
                return Refusal(e.status_code, str(e), e)
            pieces, stream.done = _nothing(), True
            answer.feed({"error": e.body})
        text: list[str] = []
        while not (stream.done or answer.begun or answer.ended):
            data = await anext(pieces, b"")
            for value in stream.feed(data):
                if not answer.begun and 400 <= status_of(error := refused_in(value)) < 500:
                    return Refusal(status_of(error), str(error), raised_by(error))
                text.append(answer.feed(value))
            if not data:
                break
        return Opened(stream, answer, pieces, "".join(text))

    async def _sent(self, stack: AsyncExitStack, sent: dict[str, Any], requests: Requests) -> AsyncIterator[bytes]:
        """A kept connection that the server has closed shows it only now: then the request is sent once more, and not
        again before something has come back."""
        try:
            pieces = await self._post(stack, sent)
        except openai.APIConnectionError as e:
            if not (self._kept and requests.left and isinstance(e.__cause__, _CUT)):
                raise
            self._kept = False
            requests.take()
            pieces = await self._post(stack, sent)
        self._kept = True
        return pieces

    async def _post(self, stack: AsyncExitStack, sent: dict[str, Any]) -> AsyncIterator[bytes]:
        response = await self._client.post(
            "/chat/completions", cast_to=httpx2.Response, content=orjson.dumps(sent), stream=True
        )
        stack.push_async_callback(response.aclose)
        return response.aiter_bytes()

    def _server(self, model: str) -> Server:
        if model not in self._servers:
            if len(self._servers) >= MAX_MODELS:
                del self._servers[next(iter(self._servers))]
            self._servers[model] = Server()
        return self._servers[model]


async def _nothing() -> AsyncIterator[bytes]:
    for data in tuple[bytes, ...]():
        yield data


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Read what follows [DONE], so that the connection can serve the next turn."""
    try:
        async with asyncio.timeout(DRAIN_S):
            async for _ in pieces:
                pass
    except (httpx2.HTTPError, TimeoutError):
        return


class _Translated:
    """The SDK's errors as ours. The server's words are cut to 200 characters; keys are not among them.

    A class, and one object for all: it is entered for each token.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, e: BaseException | None, trace: object) -> None:
        if e is None:
            return
        if isinstance(e, openai.APIStatusError):
            raise by_status(e.status_code, e.message[:200], str(e.code or "")) from e
        if isinstance(e, TimeoutError | openai.APITimeoutError | httpx2.TimeoutException):
            raise TooLate("the model gave no token in time") from e
        if isinstance(e, openai.OpenAIError | httpx2.HTTPError | httpx2.StreamError):
            raise VendorLost(f"the model's server was lost ({type(e.__cause__ or e).__name__})") from e


_TRANSLATED = _Translated()


def base_url(value: str) -> str:
    """http(s) with the path the API stands under: a URL without one gets /v1; ws(s) is taken as http(s)."""
    parts = urlsplit(value if "://" in value else f"http://{value}")
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in ("http", "https") or not parts.hostname:
        raise Misconfigured(f"OPENAI_BASE_URL: {value!r} is no URL such as https://api.openai.com/v1")
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") or "/v1", "", ""))
