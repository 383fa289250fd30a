"""A client whose certificate was renewed goes over to new connections, and nothing that is open is cut.

A connection keeps the certificate with which it was made. So there is a new one to each peer when the files have
changed: as soon as it stands, everything is opened there, and the old one ends with the last call on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
import structlog

from parley.aio import TaskSet
from parley.process.log_limit import Seldom
from parley.rpc.mux_client import MuxClient
from parley.rpc.tls import Options, channel
from parley.security.certificates import LOOK_S, Certificate, Certificates

log = structlog.get_logger()

STANDS_S = 3.0
"""A new connection that does not stand by then is tried again later; meanwhile the old one serves."""
UNARY_S = 30.0
"""Requests of their own, beside the calls on a trunk, may take so long on an old connection."""


@dataclass(frozen=True)
class Old:
    """A connection that is not used for anything new."""

    channel: grpc.aio.Channel
    trunk: MuxClient | None

    async def ended(self) -> None:
        """Wait until nobody is on it, and close it; at once when cancelled."""
        try:
            if self.trunk is not None:
                while not (self.trunk.idle or self.trunk.broken):  # noqa: ASYNC110 - it takes minutes
                    await asyncio.sleep(LOOK_S)
                await self.trunk.close()
            await self.channel.close(UNARY_S)
        finally:
            await self.close()

    async def close(self) -> None:
        if self.trunk is not None:
            await self.trunk.close()
        await self.channel.close(0)


class Renewable(Protocol):
    """A peer, as far as it is moved."""

    service: str
    address: str
    alive: bool
    certificate: Certificate | None
    certificates: Certificates | None

    def move(self, fresh: grpc.aio.Channel, certificate: Certificate) -> Old: ...


def renewing(peer: Renewable, options: Options) -> list[Coroutine[Any, Any, None]]:
    """What is to run beside a peer: nothing without certificates."""
    return [] if peer.certificates is None else [_renew(peer, peer.certificates, options)]


async def _renew(peer: Renewable, certificates: Certificates, options: Options) -> None:
    leaving = TaskSet(lambda error: log.error("an old connection did not end", exc_info=error))
    trouble = Seldom()
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            certificate = certificates.now()
            if certificate is peer.certificate:
                continue
            fresh = channel(peer.address, peer.service, certificate, options)
            if peer.alive and not await _stands(fresh):
                trouble.warning("a new certificate leads to no connection yet", peer=peer.service, address=peer.address)
                continue
            trouble.over()
            leaving.spawn(peer.move(fresh, certificate).ended())
    finally:
        await leaving.close()


async def _stands(fresh: grpc.aio.Channel) -> bool:
    try:
        async with asyncio.timeout(STANDS_S):
            await fresh.channel_ready()
    except TimeoutError:
        await fresh.close(0)
        return False
    except BaseException:
        await fresh.close(0)
        raise
    return True
