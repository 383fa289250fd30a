"""Where the running gateway is."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from parley.errors import BadInput, Unavailable
from parley.settings import Settings


class NoGateway(Unavailable):
    """Nobody listens at the address, or it is not a gateway."""


async def reach(gateway: str, settings: Settings) -> str:
    """The URL of the gateway that is meant, once it has answered. Raises BadInput, NoGateway."""
    url = _url(gateway) if gateway else f"http://127.0.0.1:{settings.gateway_port}"
    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            answer = await client.get(f"{url}/health")
            if answer.is_success:
                return url
    except httpx.HTTPError:
        pass
    raise NoGateway(f"no gateway at {url}; start one with `make run`, or name another with --gateway")


def _url(gateway: str) -> str:
    url = gateway if "://" in gateway else f"http://{gateway}"
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return url.rstrip("/")
    except ValueError:
        pass
    raise BadInput(f"--gateway {gateway}: must be an address such as http://127.0.0.1:8080")
