"""What stands before the gateways and answers for them under one address: a load balancer, as the carrier meets it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from parley.errors import Unavailable

READY_S = 1.0
"""A gateway that has not said within this time that it is ready gets no new connection."""


class Front:
    """Each request and each stream goes to the first gateway in the list that is ready; one alone is not asked.

    Those that come at the same time are sent to the same one: the gateways are asked once for all of them.

    `public_url`: the base that webhooks are signed for, when it is another than the first gateway's.
    """

    def __init__(self, gateway_urls: str | Sequence[str], public_url: str) -> None:
        gateway_urls = [gateway_urls] if isinstance(gateway_urls, str) else gateway_urls
        if not gateway_urls:
            raise ValueError("no gateway's URL")
        self.gateway_urls = tuple(url.rstrip("/") for url in gateway_urls)
        self.public_url = public_url.rstrip("/") or self.gateway_urls[0]
        self._one = asyncio.Lock()
        self._found, self._found_at = "", 0.0

    async def route(self, url: str, client: httpx.AsyncClient) -> str:
        """Where an address below the public one is found now. Raises Unavailable: no gateway is ready."""
        for base in (self.public_url, self.public_url.replace("http", "ws", 1)):
            if url.startswith(base):
                gateway = await self._ready(client)
                return (gateway if base == self.public_url else gateway.replace("http", "ws", 1)) + url[len(base) :]
        return url

    @property
    def headers(self) -> dict[str, str]:
        """What a load balancer leaves as it was."""
        return {"Host": urlsplit(self.public_url).netloc} if len(self.gateway_urls) > 1 else {}

    async def _ready(self, client: httpx.AsyncClient) -> str:
        if len(self.gateway_urls) == 1:
            return self.gateway_urls[0]
        asked_at = time.monotonic()
        async with self._one:
            if self._found_at <= asked_at:  # else somebody has asked since
                self._found_at = time.monotonic()
                self._found = await self._first(client)
        if not self._found:
            raise Unavailable(f"none of {len(self.gateway_urls)} gateways is ready")
        return self._found

    async def _first(self, client: httpx.AsyncClient) -> str:
        for gateway in self.gateway_urls:
            try:
                answer = await client.get(f"{gateway}/ready", timeout=READY_S)
            except httpx.HTTPError:
                continue
            if answer.is_success:
                return gateway
        return ""
