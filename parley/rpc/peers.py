"""How a service finds and calls another: several addresses, the beat of each, the less loaded one first.

A peer whose beat (every 200 ms) is missed three times is gone: its streams end with Unavailable at once, so that a
frozen process is left as quickly as a dead one. All per-call streams are opened here; what carries them may change.
Names are looked up again and again (`finding`): who is no longer behind one gets nothing new, and keeps what it has.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Collection
from typing import Any, Self

import grpc
import structlog

from parley.aio import background
from parley.errors import TooLate, Unavailable
from parley.process.heartbeat import HEART
from parley.process.log_limit import Seldom
from parley.rpc import finding, subset
from parley.rpc.finding import Finding, Resolve
from parley.rpc.mux_client import MuxClient
from parley.rpc.renewal import Old, renewing
from parley.rpc.server import BEAT_S, OPTIONS
from parley.rpc.status import from_rpc
from parley.rpc.stream import CallStream
from parley.rpc.subset import Used
from parley.rpc.tls import channel
from parley.security.certificates import Certificate, Certificates
from parley.v1 import replica_pb2, replica_pb2_grpc

log = structlog.get_logger()

MISSED_BEATS = 3
PATIENCE_S = 1.0  # the last replica stopped before the one that is back was heard again
JOIN_S = 0.2  # for another replica's first beat, before still another one is joined
REFUSED_S = 5.0  # who refuses us is not asked more often: only another certificate, or another table, helps
STALL_S = 0.1  # we ourselves stood still for so long: a late beat says nothing about the peer
_CHANNEL_OPTIONS = [
    *OPTIONS,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
]


class Peer:
    """One replica of a service, and what it last said of itself."""

    def __init__(self, service: str, address: str, gather_ms: float, certificates: Certificates | None = None) -> None:
        self.service = service
        self.address = address
        self.certificates = certificates
        self.certificate = None if certificates is None else certificates.now()
        self.channel = channel(address, service, self.certificate, _CHANNEL_OPTIONS)
        self.load = 0.0
        self.opened = 0  # streams opened since the last beat: load that the peer has not told yet
        self.alive = False
        self.known = False
        self.draining = False
        self.left = False  # no longer among the addresses of its service
        self.asked = 0  # unary calls on their way
        self.instance = ""
        self.streams: set[CallStream] = set()
        self._gather_ms = gather_ms
        self._trunk: MuxClient | None = None
        self._trouble = Seldom(patience_s=5.0)

    def trunk(self) -> MuxClient:
        """The stream that carries all calls to this replica; a new one when the last broke."""
        if self._trunk is None or self._trunk.broken:
            self._trunk = MuxClient(self.channel, self._gather_ms)
        return self._trunk

    @property
    def going(self) -> bool:
        """What is new is better brought elsewhere."""
        return self.draining or self.left

    @property
    def idle(self) -> bool:
        return not self.streams and not self.asked

    def move(self, fresh: grpc.aio.Channel, certificate: Certificate) -> Old:
        """From now on everything is opened on `fresh`, and its beat heard there. Gives what is left behind."""
        old = Old(self.channel, self._trunk)
        self.channel, self._trunk, self.certificate = fresh, None, certificate
        return old

    async def close(self) -> None:
        await Old(self.channel, self._trunk).close()

    async def watch(self) -> None:
        """Listen to its beat for ever; lose the peer's streams when it stops."""
        async with background(*renewing(self, _CHANNEL_OPTIONS)):
            while True:
                try:
                    await self._listen()
                except grpc.aio.AioRpcError as e:
                    if self.certificates is not None and self._refused(e):
                        self.alive = False  # its streams are told that by themselves
                        await asyncio.sleep(REFUSED_S)
                        continue
                except Exception as e:  # without its watcher a peer would seem alive for ever
                    log.error("watching a peer failed", peer=self.service, address=self.address, exc_info=e)
                self._gone()
                await asyncio.sleep(0.1 + random.random() * 0.1)  # noqa: S311 - spreads reconnects

    def _refused(self, error: grpc.aio.AioRpcError) -> bool:
        """With TLS there is more that can be wrong than that nobody is there: say it."""
        refused = error.code() is grpc.StatusCode.PERMISSION_DENIED
        what = "a peer refuses this process" if refused else "a peer is not reached"
        self._trouble.warning(what, peer=self.service, address=self.address, error=error.details())
        return refused

    async def _listen(self) -> None:
        where = self.channel
        rpc, hearing = self._heard(where)
        missed, first = 0, self.beats
        last = first
        try:
            while not hearing.done():
                if self.channel is not where:
                    await _stopped(rpc, hearing)
                    where = self.channel
                    rpc, hearing = self._heard(where)
                began = time.monotonic()
                await asyncio.wait({hearing}, timeout=BEAT_S)
                stalled = HEART.awake_since(STALL_S) > began
                # Until its first beat a peer is waited for: it may be starting.
                missed = 0 if self.beats != last or stalled or last == first else missed + 1
                if missed >= MISSED_BEATS:
                    log.warning("peer lost", peer=self.service, address=self.address)
                    return
                last = self.beats
        finally:
            await _stopped(rpc, hearing)
        if not hearing.cancelled() and isinstance(why := hearing.exception(), grpc.aio.AioRpcError):
            raise why

    def _heard(self, where: grpc.aio.Channel) -> tuple[Any, asyncio.Task[None]]:
        # With TLS a failed handshake is to be told; without, whoever is not there yet is waited for.
        waits = self.certificates is None
        rpc = replica_pb2_grpc.ReplicaStub(where).Watch(replica_pb2.WatchRequest(), wait_for_ready=waits)
        return rpc, asyncio.ensure_future(self._beats(rpc))

    beats = 0

    async def _beats(self, rpc: Any) -> None:
        while (beat := await rpc.read()) is not grpc.aio.EOF:
            if self.instance and beat.instance != self.instance:
                self._lose_streams()
            self.instance, self.load, self.draining = beat.instance, beat.load, beat.draining
            if not self.alive:
                self._trouble.over()
            self.beats += 1
            self.opened = 0
            self.alive = self.known = True

    def _gone(self) -> None:
        self.alive = False
        self._lose_streams()

    def _lose_streams(self) -> None:
        for stream in list(self.streams):
            stream.lose()


async def _stopped(rpc: Any, hearing: asyncio.Task[None]) -> None:
    rpc.cancel()
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)


class Peers:
    """The replicas of one service. `open` takes the least loaded one that answers.

    All calls to a replica travel on one stream (`trunk`); with `gather_ms` their messages wait so long for each other.
    With `certificates` they are reached by TLS only, and believed only if they show the name of `service`.
    """

    def __init__(
        self,
        service: str,
        addresses: list[str],
        gather_ms: float = 0.0,
        certificates: Certificates | None = None,
        *,
        ask: Resolve = finding.resolve,
    ) -> None:
        if not addresses:
            raise ValueError(f"no address of {service}")
        self.service = service
        self._gather_ms = gather_ms
        self._certificates = certificates
        self._finding = Finding(service, addresses, ask)
        self._peers = [self._peer(address) for address in self._finding.known]
        self._watchers: dict[Peer, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._short = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._watchers = {peer: asyncio.ensure_future(peer.watch()) for peer in self._peers}
        if self._finding.changes:
            await self._settle(await self._finding.look())
            self._looking = asyncio.ensure_future(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._watchers.values(), *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for peer in self._peers:
            await peer.close()

    @property
    def all(self) -> list[Peer]:
        """Those that were left and still have something of ours are among them."""
        return list(self._peers)

    def _peer(self, address: str) -> Peer:
        return Peer(self.service, address, self._gather_ms, self._certificates)

    async def _look(self) -> None:
        """For ever: ask for the names, and use more of what is behind them where those in use are full."""
        loop = asyncio.get_running_loop()
        due = loop.time() + finding.LOOK_S
        while True:
            try:
                async with asyncio.timeout_at(due):
                    await self._short.wait()
            except TimeoutError:
                pass
            try:
                if loop.time() >= due:
                    await self._finding.look()
                    due = loop.time() + finding.LOOK_S
                used = [(p.address, Used(not p.going and (p.alive or not p.known), p.load)) for p in self._peers]
                await self._settle(self._finding.settle(used))
            except Exception as e:  # without it nobody new would be found for ever
                log.error("looking for replicas failed", peer=self.service, exc_info=e)
            await asyncio.sleep(JOIN_S)
            self._short.clear()

    async def _settle(self, addresses: list[str]) -> None:
        """Join who is new, leave who is gone, and let go of those in which nothing of ours is left."""
        here = {peer.address: peer for peer in self._peers}
        for address in addresses:
            peer = here.get(address)
            if peer is None:
                log.info("peer joined", peer=self.service, address=address)
                peer = self._peer(address)
                self._peers.append(peer)
                self._watchers[peer] = asyncio.ensure_future(peer.watch())
            peer.left = False
        for address in here.keys() - set(addresses):
            here[address].left = True
        for peer in [peer for peer in self._peers if peer.left and peer.idle]:
            log.info("peer left", peer=self.service, address=peer.address)
            self._peers.remove(peer)
            watcher = self._watchers.pop(peer)
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            await peer.close()

    async def ready(self, timeout_s: float) -> bool:
        """True as soon as one replica's beat is heard."""
        try:
            async with asyncio.timeout(timeout_s):
                while not any(p.alive for p in self._peers):  # noqa: ASYNC110 - at start-up only
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return False
        return True

    def has_room(self, share: float) -> bool:
        """Whether a replica that lives and stays is filled below `share`; true while none has told anything yet."""
        told = [p for p in self._peers if p.known]
        room = not told or any(p.alive and not p.going and p.load < share for p in told)
        if not room:
            self._want_more()
        return room

    def pick(self, avoid: Collection[str] = ()) -> Peer:
        """The least loaded replica that is alive, not going and not in `avoid` (addresses). Raises Unavailable.

        When nothing else is left, one that is going, then one to avoid, is still better than none.
        """
        alive = [p for p in self._peers if p.alive or not p.known]
        for candidates in (
            [p for p in alive if p.address not in avoid and not p.going],
            [p for p in alive if p.address not in avoid],
            alive,
        ):
            if candidates:
                best = min(candidates, key=_filled)
                if best.going or best.load >= subset.FULL:
                    self._want_more()
                return best
        self._want_more()
        raise Unavailable(f"no replica of {self.service} answers")

    def _want_more(self) -> None:
        if self._looking is not None:
            self._short.set()

    async def _living(self, avoid: Collection[str]) -> Peer:
        """As `pick`; where no replica lives just now, one may be starting again, and is waited for."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_S
        while True:
            try:
                return self.pick(avoid)
            except Unavailable:
                if loop.time() >= until:
                    raise
            await asyncio.sleep(0.02)

    async def open(
        self,
        stub: Any,
        method: str,
        *,
        request: Any = None,
        avoid: Collection[str] = (),
    ) -> CallStream:
        """Open a stream of `stub.method` at the best replica. With `request`: a server-streaming call.

        Raises Unavailable, after a second in which no replica lived; what `write` raises, with `request`.
        """
        peer = await self._living(avoid)
        peer.opened += 1
        trunk = peer.trunk()
        stream = CallStream(peer, trunk.call(getattr(stub(trunk), method)))
        if request is not None:
            try:
                await stream.write(request)
                await stream.done_writing()
            except BaseException:  # nobody else knows of the stream yet
                stream.cancel()
                raise
        return stream


def _filled(peer: Peer) -> tuple[bool, float, float]:
    """By what it said last and what it was given since; between equals chance decides."""
    return not peer.known, peer.load + (peer.opened + peer.asked) * 0.01, random.random()  # noqa: S311


async def call(
    peers: Peers, stub: Any, method: str, request: Any, *, timeout_s: float, avoid: Collection[str] = ()
) -> Any:
    """One unary call at the best replica. Never waits longer than the task's own deadline. Raises ParleyErrors.

    A replica never reached so far is waited for, within the time-out: it may be starting at this moment, as we are.
    """
    peer = peers.pick(avoid)
    left = _time_left()
    if left is not None and left <= 0:
        raise TooLate(f"no time left to call {peers.service}")
    peer.asked += 1
    try:
        return await getattr(stub(peer.channel), method)(
            request, timeout=timeout_s if left is None else min(timeout_s, left), wait_for_ready=not peer.known
        )
    except grpc.aio.AioRpcError as e:
        raise from_rpc(e) from e
    finally:
        peer.asked -= 1


def _time_left() -> float | None:
    """Seconds until the deadline of the request being served, if it has one (`parley.rpc.server` sets it)."""
    from parley.rpc.server import DEADLINE

    deadline = DEADLINE.get()
    return None if deadline is None else deadline - asyncio.get_running_loop().time()
