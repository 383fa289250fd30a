"""Where the replicas of a service are: an address that is a name stands for all its address records, now and later.

A headless Service of Kubernetes has a record for each pod that is ready, a name in a Compose network one for each
container. New records are joined, those that are gone are left; streams that are open there go on.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address

import structlog

from parley.rpc import subset

log = structlog.get_logger()

LOOK_S = 5.0
"""Names are asked for again so often."""
ANSWER_S = 4.0
"""A name server that takes longer has not answered."""

Resolve = Callable[[str, int], Awaitable[Iterable[str]]]
"""The address records of a name, without the port. Raises OSError when there are none."""


async def resolve(host: str, port: int) -> list[str]:
    """As the system does. Of one family only: a replica with an address of each is one replica."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family = min(entry[0] for entry in found)  # IPv4 where there is any
    return [str(entry[4][0]) for entry in found if entry[0] == family]


class Finding:
    """The addresses of one service, from `host:port` entries. Of a name that is not answered the last answer stays."""

    def __init__(self, service: str, entries: Iterable[str], ask: Resolve = resolve) -> None:
        self._service = service
        self._ask = ask
        self._own = os.urandom(8)
        self._width = subset.FEW
        self._fixed: list[str] = []
        self._names: dict[str, list[str]] = {}
        for entry in entries:
            plain = entry.removeprefix("dns:///")
            if _is_name(plain):
                self._names[plain] = []
            else:
                self._fixed.append(plain)

    @property
    def known(self) -> list[str]:
        """Those to use: of what was found, some (`subset`); addresses that are no names are always among them."""
        return [*self._fixed, *subset.chosen(self._found, self._own, self._width)]

    @property
    def _found(self) -> set[str]:
        return {address for addresses in self._names.values() for address in addresses} - set(self._fixed)

    @property
    def changes(self) -> bool:
        """Whether there is a name to ask for."""
        return bool(self._names)

    def settle(self, used: Iterable[tuple[str, subset.Used]]) -> list[str]:
        """Use more of them, or fewer, by how those in use fare; by address. Gives `known`."""
        fixed = set(self._fixed)
        named = [its for address, its in used if address not in fixed]
        self._width = subset.width(self._width, len(self._found), named)
        return self.known

    async def look(self) -> list[str]:
        """Ask for all names once. Never raises for what it does not find."""
        await asyncio.gather(*(self._look(name) for name in self._names))
        return self.known

    async def _look(self, name: str) -> None:
        host, _, port = name.rpartition(":")
        try:
            async with asyncio.timeout(ANSWER_S):
                addresses = [_joined(address, port) for address in await self._ask(host, int(port))]
        except (OSError, TimeoutError) as e:
            log.debug("a name was not answered", peer=self._service, name=name, error=str(e))
            return
        if addresses:
            self._names[name] = addresses


def _is_name(entry: str) -> bool:
    host, _, port = entry.rpartition(":")
    if not port.isdecimal() or host == "localhost" or not host or ":" in host:
        return False  # an IPv6 address stands in brackets; other schemes are gRPC's own
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def _joined(address: str, port: str) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
