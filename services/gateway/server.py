"""uvicorn, told to keep its calls: SIGTERM drains the house before any socket is closed."""

from __future__ import annotations

import asyncio
import signal
import socket
from types import FrameType

import structlog
import uvicorn

from parley import telemetry
from parley.aio import TaskSet, background
from parley.bus import Bus
from parley.bus.callstate import CallStore
from parley.bus.editions import Editions
from parley.bus.live import Live
from parley.bus.presence import present
from parley.process import garbage, task_dump
from parley.process.listening import bound_socket
from parley.process.monitor import Monitor
from parley.rpc import Server
from parley.security.certificates import Certificates
from parley.settings import Settings
from parley.v1 import telephony_pb2, telephony_pb2_grpc
from services.gateway.app import build
from services.gateway.configured import keep_configured, told
from services.gateway.doors.crowd import Crowd
from services.gateway.doors.frames import TappedProtocol
from services.gateway.gateway import Gateway, opened
from services.gateway.stored import ended_by_state
from services.gateway.telephony import Telephony

log = structlog.get_logger()

MAX_MESSAGE = 64 * 1024
"""Bytes in one WebSocket message; a longer one closes the connection with 1009."""


class DrainingServer(uvicorn.Server):
    """Stock uvicorn closes every WebSocket at SIGTERM; this one lets the house empty first."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, monitor: Monitor) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._monitor = monitor
        self._tasks = TaskSet(lambda error: log.error("drain failed", exc_info=error))
        self._loop = asyncio.get_running_loop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._monitor.ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._monitor.draining()
        if self._gateway.house.draining or sig == signal.SIGINT:
            self.should_exit = True
            return
        self._gateway.house.admission.draining = True
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._tasks.spawn(self._drain())

    async def _drain(self) -> None:
        log.info("draining", calls=len(self._gateway.house))
        try:
            await self._gateway.house.drain(self._gateway.settings.drain_s)
        finally:
            self.should_exit = True


def make_server(gateway: Gateway, monitor: Monitor) -> DrainingServer:
    config = uvicorn.Config(
        build(gateway),
        lifespan="off",
        ws=TappedProtocol,
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return DrainingServer(config, gateway, monitor)


def listening(settings: Settings) -> socket.socket:
    """The bound socket. Raises Misconfigured when the port is taken or the address is not ours."""
    return bound_socket(settings.gateway_host, settings.gateway_port, "PARLEY_GATEWAY_PORT")


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM (after draining) or SIGINT (at once)."""
    with listening(settings) as bound:
        bus, crowd = Bus(settings, "gateway"), Crowd(settings)
        crowd.sharing.listen(bus)
        async with (
            telemetry.started("gateway", settings) as monitor,
            bus,
            Editions.of_process(settings, bus).kept() as editions,
            opened(settings, ended_by_state(CallStore(bus)), editions, crowd) as gateway,
            Live(settings, bus, "gateway").kept() as live,
            present(bus, live, lambda: told(gateway)),
            background(crowd.sharing.run(bus)),
        ):
            await keep_configured(gateway, live)
            organ = Server("gateway", settings.listen, gateway.house.admission, Certificates.of(settings))
            named = telephony_pb2.DESCRIPTOR.services_by_name["Telephony"]
            organ.add(named, telephony_pb2_grpc.add_TelephonyServicer_to_server, Telephony(gateway))
            await organ.configured(live)
            await organ.start()
            garbage.freeze()
            task_dump.tell_when_asked()
            log.info("serving", host=settings.gateway_host, port=bound.getsockname()[1], telephony=organ.port)
            try:
                await make_server(gateway, monitor).serve(sockets=[bound])
            finally:
                await organ.drain(0)
