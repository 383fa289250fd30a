"""uvicorn with the parts behind it, until SIGTERM or SIGINT."""

from __future__ import annotations

import socket
from types import FrameType

import structlog
import uvicorn

from parley import telemetry
from parley.process import garbage, task_dump
from parley.process.listening import bound_socket
from parley.process.monitor import Monitor
from parley.settings import Settings
from services.backoffice.app import build
from services.backoffice.live.board import Board
from services.backoffice.parts import Parts
from services.backoffice.wiring import opened

log = structlog.get_logger()

GRACE_S = 3
"""For answers that are under way at a stop; streams of events are cut then, and browsers come back."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, monitor: Monitor, board: Board) -> None:
        super().__init__(config)
        self._monitor = monitor
        self._board = board

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._monitor.ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._monitor.draining()
        self.should_exit = True


def make_server(parts: Parts) -> uvicorn.Server:
    config = uvicorn.Config(
        build(parts),
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return _Server(config, parts.monitor, parts.lookout.board)


async def serve(settings: Settings) -> None:
    """Serve until asked to stop. Raises Misconfigured."""
    with bound_socket(settings.backoffice_host, settings.backoffice_port, "PARLEY_BACKOFFICE_PORT") as bound:
        async with telemetry.started("backoffice", settings) as monitor, opened(settings, monitor) as parts:
            garbage.freeze()
            task_dump.tell_when_asked()
            log.info("serving", host=settings.backoffice_host, port=bound.getsockname()[1])
            await make_server(parts).serve(sockets=[bound])
