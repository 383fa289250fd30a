"""One connection to a server, by the official SDK. What it raises and returns is ours: `contract.py`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import mcp_types as types
import structlog
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from parley.agents.foreign.mcp import McpServer
from parley.aio import background
from parley.tooling import ToolError
from services.tools.contract import Away, Unsure
from services.tools.foreign.trouble import BROKE_OFF, REJECTED, UNREACHABLE
from services.tools.foreign.words import one_line
from services.tools.mcp.contract import MAX_LISTED, MAX_MESSAGE_BYTES, Down, Listed, Returned
from services.tools.mcp.stdio import Program, spoken_to
from services.tools.mcp.web import NOT_SENT, BoundedClient

log = structlog.get_logger()

LIST_S = 15.0
MAX_PAGES = 10
_REJECTED = (types.METHOD_NOT_FOUND, types.INVALID_PARAMS)
"""What a server answers that did not begin. The SDK itself says INVALID_REQUEST and PARSE_ERROR of answers it cannot
use, so they say nothing."""


# What it logs holds what servers and callers said.
logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)


@asynccontextmanager
async def connected(
    server: McpServer, headers: dict[str, str], program: Program | None, on_change: Callable[[], None]
) -> AsyncIterator[SdkSession]:
    """A session with `program` or, if None, with `server.url`. `on_change`: its tools may have changed.

    Raises Down: no session within `server.start_s`.
    """

    async def note(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            on_change()

    async with AsyncExitStack() as stack:
        if program is not None:
            transport: Any = spoken_to(program)
        else:
            client = await stack.enter_async_context(BoundedClient(headers))
            transport = streamable_http_client(server.url, http_client=client, max_sse_event_size=MAX_MESSAGE_BYTES)
        sdk = Client(transport, read_timeout_seconds=server.start_s / 2, message_handler=note, cache=None)
        try:
            async with asyncio.timeout(server.start_s):
                await stack.enter_async_context(sdk)
        except TimeoutError:
            raise Down(f"no session within {server.start_s:g} s") from None
        except (MCPError, ValidationError) as e:
            raise Down(f"no session: {_named(e)}") from None
        async with background(_subscribe(sdk, on_change)):
            yield SdkSession(sdk)


async def _subscribe(sdk: Client, on_change: Callable[[], None]) -> None:
    """Newer servers say that their tools have changed to those only who ask for it."""
    while True:
        try:
            async with sdk.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    on_change()
        except ListenNotSupportedError:
            return
        except (MCPError, SubscriptionLost, TimeoutError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            pass
        await asyncio.sleep(30)


class SdkSession:
    def __init__(self, sdk: Client) -> None:
        self._sdk = sdk

    async def tools(self) -> list[Listed]:
        found: list[Listed] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(LIST_S):
                for _ in range(MAX_PAGES):
                    page = await self._sdk.list_tools(cursor=cursor)
                    found += [_listed(tool) for tool in page.tools]
                    cursor = page.next_cursor
                    if cursor is None or len(found) >= MAX_LISTED:
                        break
        except TimeoutError:
            raise Down(f"no list of tools within {LIST_S:g} s") from None
        except (MCPError, ValidationError, anyio.ClosedResourceError, anyio.BrokenResourceError) as e:
            raise Down(f"no list of tools: {_named(e)}") from None
        return found[:MAX_LISTED]

    async def call(self, tool: str, arguments: dict[str, Any], key: str, timeout_s: float) -> Returned:
        """By a plain request: `Client.call_tool` would check the result against a schema of the server, which may be
        made to take for ever."""
        meta: Any = {"parley/idempotency_key": key}
        asked = types.CallToolRequest(params=types.CallToolRequestParams(name=tool, arguments=arguments, _meta=meta))
        try:
            result = await self._sdk.session.send_request(
                asked, types.CallToolResult, request_read_timeout_seconds=timeout_s
            )
        except MCPError as e:
            if e.code == NOT_SENT:
                raise Away(UNREACHABLE) from None
            if e.code in _REJECTED:
                log.warning("a server does not take a request", tool=one_line(tool, 80), why=_named(e))
                raise ToolError(REJECTED) from None
            raise Unsure(BROKE_OFF) from None
        except (ValidationError, RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            raise Unsure(BROKE_OFF) from None
        texts = tuple(block.text for block in result.content if isinstance(block, types.TextContent))
        others = tuple(block.type for block in result.content if not isinstance(block, types.TextContent))
        return Returned(texts, result.structured_content, result.is_error, tuple(dict.fromkeys(others)))


def _listed(tool: types.Tool) -> Listed:
    hints = tool.annotations or types.ToolAnnotations()
    return Listed(
        name=tool.name,
        description=tool.description or hints.title or "",
        schema=tool.input_schema,
        reads=hints.read_only_hint,
        destroys=hints.destructive_hint,
        repeatable=hints.idempotent_hint,
    )


def _named(error: Exception) -> str:
    """What kind of error, without anything that a server wrote."""
    return f"error {error.code}" if isinstance(error, MCPError) else type(error).__name__
