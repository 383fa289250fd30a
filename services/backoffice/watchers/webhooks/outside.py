"""A way out that does not lead back in: a name is looked up, its addresses are checked, and the one that was checked is
connected to. A name that says something else a moment later changes nothing; redirects are not followed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpcore

from parley.errors import BadInput, VendorLost

MAX_URL_CHARS = 2000
CONNECT_S = 5.0
ANSWER_S = 10.0
MAX_CONNECTIONS = 64
_NAT64 = ip_network("64:ff9b::/96")


class Inside(BadInput):
    """The address is of a network that is nobody's but the operator's."""


def is_outside(address: str) -> bool:
    """Whether an address belongs to the internet at large, also by the IPv4 address that an IPv6 one stands for."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast for each in _meant(ip))


def _meant(ip: IPv4Address | IPv6Address) -> Iterable[IPv4Address | IPv6Address]:
    yield ip
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            yield ip.ipv4_mapped
        if ip.sixtofour is not None:
            yield ip.sixtofour
        if ip.teredo is not None:
            yield from ip.teredo
        if ip in _NAT64:
            yield IPv4Address(int(ip) & 0xFFFFFFFF)


def checked_url(url: str, allow_inside: bool) -> str:
    """The URL, if messages may go there as far as can be told without a look-up. Raises BadInput."""
    if len(url) > MAX_URL_CHARS:
        raise BadInput(f"url: longer than {MAX_URL_CHARS} characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadInput("url: not a URL; write https://host/path") from None
    if not host or parts.scheme not in (("https", "http") if allow_inside else ("https",)):
        raise BadInput("url: must begin with https:// and name a host")
    if not url.isascii() or any(char.isspace() for char in url):
        raise BadInput("url: only ASCII, without spaces; write names as xn--, and paths with %20")
    if parts.username is not None or parts.password is not None:
        raise BadInput("url: without user and password; the receiver checks the signature")
    if parts.fragment:
        raise BadInput("url: without a #fragment; it would not be sent")
    if _is_address(host) and not allow_inside and not is_outside(host):
        raise Inside(f"url: {_REFUSED}")
    return url


_REFUSED = "leads into a private network; PARLEY_WEBHOOKS_PRIVATE=true allows that"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class _Checked(httpcore.AsyncNetworkBackend):
    def __init__(self, allow_inside: bool) -> None:
        self._allow_inside = allow_inside
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError) as e:
            raise httpcore.ConnectError(f"the name cannot be looked up ({type(e).__name__})") from e
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        if not self._allow_inside and not all(map(is_outside, addresses)):
            raise Inside(_REFUSED)
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        raise Inside(_REFUSED)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Outside:
    """Posts, and looks at nothing but the status that comes back. Made by `opened`."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, allow_inside: bool) -> None:
        self._pool = pool
        self.allow_inside = allow_inside

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Status and `Retry-After`. Raises Inside; VendorLost: nobody answered in time."""
        checked_url(url, self.allow_inside)
        timeouts = {"connect": CONNECT_S, "read": ANSWER_S, "write": ANSWER_S, "pool": ANSWER_S}
        sent = [("host", urlsplit(url).netloc), *headers.items()]
        try:
            async with (
                asyncio.timeout(CONNECT_S + ANSWER_S),
                self._pool.stream("POST", url, headers=sent, content=body, extensions={"timeout": timeouts}) as answer,
            ):
                later = next((value for name, value in answer.headers if name.lower() == b"retry-after"), b"")
                return answer.status, later.decode("ascii", "replace")
        except Inside:
            raise
        except TimeoutError as e:
            raise VendorLost("no answer in time") from e
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as e:
            raise VendorLost(f"cannot be reached: {type(e).__name__}") from e
        except httpcore.UnsupportedProtocol as e:
            raise BadInput("url: must begin with https://") from e


@asynccontextmanager
async def outside(allow_inside: bool = False) -> AsyncIterator[Outside]:
    """`allow_inside`: private networks too, and http://."""
    pool = httpcore.AsyncConnectionPool(
        max_connections=MAX_CONNECTIONS, keepalive_expiry=5.0, retries=0, network_backend=_Checked(allow_inside)
    )
    async with pool:
        yield Outside(pool, allow_inside)
