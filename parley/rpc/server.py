"""How a service serves: health, reflection, errors, admission, the beat, its heart, drain on SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from parley import telemetry
from parley.errors import AtCapacity, Misconfigured, ParleyError, Unavailable
from parley.process import garbage, task_dump
from parley.process.heartbeat import HEART
from parley.rpc.mux_server import MuxServer, Registry
from parley.rpc.status import to_status
from parley.rpc.tls import Gate
from parley.security.certificates import Certificates
from parley.settings import Settings
from parley.v1 import replica_pb2, replica_pb2_grpc, trunk_pb2_grpc

if TYPE_CHECKING:
    from parley.bus.live import Live

log = structlog.get_logger()

# A frozen peer is noticed within keepalive_time + keepalive_timeout; the server must allow pings that often.
OPTIONS = [
    ("grpc.keepalive_time_ms", 1000),
    ("grpc.keepalive_timeout_ms", 1000),
    ("grpc.http2.ping_timeout_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 500),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.so_reuseport", 0),
]

BEAT_S = 0.2
"""How often a replica says that it lives."""

Serving = health_pb2.HealthCheckResponse


# When the request being served must be answered, in loop time. gRPC deadlines do not propagate by themselves.
DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)


class Admission:
    """How many calls a process takes. `admit` raises AtCapacity over it and Unavailable while draining.

    `returning`: a call that is under way already. Who comes with one to a draining process has no other.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.active = 0
        self.ended = 0
        self.draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def take(self, settings: Settings) -> None:
        """Above a smaller capacity nothing is ended: nothing new is taken."""
        self.capacity = settings.capacity
        telemetry.CAPACITY.set(self.capacity)

    @property
    def load(self) -> float:
        return self.active / self.capacity

    @contextmanager
    def admit(self, *, returning: bool = False) -> Iterator[None]:
        if not returning:
            self.refuse_when_draining()
        if self.active >= self.capacity:
            raise AtCapacity(f"{self.active} of {self.capacity} streams are open here")
        self.active += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.active -= 1
            self.ended += 1
            if not self.active:
                self._idle.set()

    def refuse_when_draining(self) -> None:
        if self.draining:
            raise Unavailable("draining: open elsewhere")

    async def drained(self, timeout_s: float) -> bool:
        """Take nothing new; True when the last stream ended within the time."""
        self.draining = True
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


class _Entry(grpc.aio.ServerInterceptor):
    """Who may not call is refused. Our errors leave as gRPC statuses; others as INTERNAL, with the traceback logged."""

    def __init__(self, gate: Gate | None) -> None:
        self._gate = gate

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None:
            return None
        arity = ("unary", "stream")
        kind = f"{arity[handler.request_streaming]}_{arity[handler.response_streaming]}"
        wrap = _mapped_stream if handler.response_streaming else _mapped_unary
        make = getattr(grpc, f"{kind}_rpc_method_handler")
        checked = None if self._gate is None else partial(self._gate.check, details.method)
        return make(wrap(getattr(handler, kind), checked), handler.request_deserializer, handler.response_serializer)


Check = Callable[[Any], None]


def _mapped_stream(method: Any, check: Check | None) -> Any:
    async def handler(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            if check is not None:
                check(context)
            async with aclosing(method(request, context)) as responses:
                async for response in responses:
                    yield response
        except Exception as e:
            await _abort(context, e)

    return handler


def _mapped_unary(method: Any, check: Check | None) -> Any:
    async def handler(request: Any, context: Any) -> Any:
        remaining = context.time_remaining()
        if remaining is not None:
            DEADLINE.set(asyncio.get_running_loop().time() + remaining)
        try:
            if check is not None:
                check(context)
            return await method(request, context)
        except Exception as e:
            await _abort(context, e)

    return handler


async def _abort(context: Any, error: Exception) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if type(error).__name__ == "_ServerStoppedError":  # the stream was open when we stopped; the class is private
        raise asyncio.CancelledError from error
    await context.abort(*_failure(error))


def _failure(error: BaseException) -> tuple[grpc.StatusCode, str]:
    if not isinstance(error, ParleyError):
        log.error("servicer failed", exc_info=error)
    return to_status(error)


class _Replica(replica_pb2_grpc.ReplicaServicer):
    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._instance = f"{os.getpid()}-{os.urandom(4).hex()}"

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[replica_pb2.Beat]:
        while True:
            yield replica_pb2.Beat(
                load=self._admission.load, draining=self._admission.draining, instance=self._instance
            )
            await asyncio.sleep(BEAT_S)


class Server:
    """One gRPC server. `add` registers a servicer by the generated adder; the rest is the same for every service.

    With `certificates` it speaks TLS only, to those who may call it. Raises Misconfigured: they are not this service's.
    """

    def __init__(self, name: str, listen: str, admission: Admission, certificates: Certificates | None = None) -> None:
        self.name = name
        self.admission = admission
        self._listen = listen
        self._gate = None if certificates is None else Gate(name, certificates)
        self._grpc = grpc.aio.server(interceptors=[_Entry(self._gate)], options=OPTIONS)
        self._names: list[str] = []
        self._registry = Registry()
        self._health = health.aio.HealthServicer()
        self._leave: list[Callable[[], None]] = []
        self._beside: list[asyncio.Task[None]] = []
        self.port = 0

    def add(self, service: Any, adder: Callable[[Any, Any], None], servicer: Any) -> None:
        """`service`: its descriptor, `stt_pb2.DESCRIPTOR.services_by_name["SpeechToText"]`."""
        adder(servicer, self._grpc)
        adder(servicer, self._registry)
        self._names.append(service.full_name)

    async def configured(self, live: Live) -> None:
        """What of this process may be changed live is: how much it takes at once, and what it logs."""
        await live.part(("PARLEY_CAPACITY",), self.admission.take, made=True)
        await live.part(("PARLEY_LOG_LEVEL",), telemetry.take, made=True)

    def on_drain(self, leave: Callable[[], None]) -> None:
        """`leave` is called when the drain begins: streams that last a whole call are to end where nobody minds."""
        self._leave.append(leave)

    async def start(self) -> None:
        """Bind and serve; `port` is then known. Raises Misconfigured when the address is taken."""
        replica_pb2_grpc.add_ReplicaServicer_to_server(_Replica(self.admission), self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        trunk_pb2_grpc.add_TrunkServicer_to_server(MuxServer(self._registry, _failure), self._grpc)
        names = [*self._names, replica_pb2.DESCRIPTOR.services_by_name["Replica"].full_name, health.SERVICE_NAME]
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], self._grpc)
        try:
            if self._gate is None:
                self.port = self._grpc.add_insecure_port(self._listen)
            else:
                self.port = self._grpc.add_secure_port(self._listen, self._gate.credentials())
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise Misconfigured(
                f"PARLEY_LISTEN: {self._listen} cannot be bound; is it taken? Choose another port, or 0"
            )
        await self._grpc.start()
        self._beside = [
            asyncio.ensure_future(HEART.beat()),
            asyncio.ensure_future(garbage.collect(lambda: (self.admission.active, self.admission.ended))),
        ]
        telemetry.CAPACITY.set(self.admission.capacity)
        telemetry.LOAD.set_function(lambda: self.admission.active)
        for name in ("", *self._names):
            await self._health.set(name, Serving.SERVING)

    async def drain(self, timeout_s: float) -> bool:
        """Health says NOT_SERVING, nothing new is taken, open streams may finish; then everything is closed."""
        await self._health.enter_graceful_shutdown()
        self.admission.draining = True
        for leave in self._leave:
            leave()
        done = await self.admission.drained(timeout_s)
        await self._grpc.stop(0.2)
        for task in self._beside:
            task.cancel()
        return done


Wire = Callable[[Server, Settings], Awaitable[Callable[[], Awaitable[None]] | None]]


def run(name: str, wire: Wire) -> None:
    """The body of a service's `__main__`: settings, telemetry, `wire(server, settings)`, serve until SIGTERM, drain.

    `wire` adds the servicers and returns what closes them, or None. A ParleyError at the start is one clear line on
    stderr and exit status 2.
    """
    import uvloop

    try:
        settings = Settings.read()
        uvloop.run(_serve(name, settings, wire))
    except ParleyError as e:
        print(f"parley {name}: {e}", file=sys.stderr)
        raise SystemExit(2) from None


async def _serve(name: str, settings: Settings, wire: Wire) -> None:
    stop = asyncio.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    admission = Admission(settings.capacity)
    telemetry.STREAMS_ACTIVE.set_function(lambda: admission.active)
    async with telemetry.started(name, settings) as monitor:
        server = Server(name, settings.listen, admission, Certificates.of(settings))
        close = await wire(server, settings)
        await server.start()
        garbage.freeze()
        task_dump.tell_when_asked()
        monitor.ready()
        log.info("serving", port=server.port)
        await stop.wait()
        monitor.draining()
        done = await server.drain(settings.drain_s)
        log.info("drained", complete=done)
        if close is not None:
            await close()
