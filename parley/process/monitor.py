"""What a machine asks of a process: `/health` (is it frozen?), `/ready` (does it take new work?), `/metrics`.

One small HTTP server per process, in threads of its own, so that it can say that the event loop does not answer.
Neither answer depends on NATS, a vendor or another service: their outage is no reason to restart or to leave out every
replica of this one.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from parley.errors import Misconfigured

ANSWER_S = 2.0
"""An event loop that does not answer within this time is frozen. Probes wait longer: 5 s."""

State = Literal["starting", "ready", "draining"]


class Monitor:
    """Belongs to the loop it is made in. `port` is 0 while nothing is served."""

    def __init__(self) -> None:
        self.state: State = "starting"
        self.port = 0
        self._loop = asyncio.get_running_loop()
        self._server: ThreadingHTTPServer | None = None

    def ready(self) -> None:
        """New work is taken from now on; a process that drains does not come back."""
        if self.state != "draining":
            self.state = "ready"

    def draining(self) -> None:
        """New work is to go elsewhere; what is here may end. May be said from a signal handler, and again."""
        self.state = "draining"

    def listen(self, host: str, port: int) -> None:
        """Serve until `close`; port 0 picks a free one. Raises Misconfigured when it cannot be bound."""
        try:
            self._server = _Server((host, port), self)
        except OSError as e:
            raise Misconfigured(
                f"PARLEY_METRICS_PORT: {host}:{port} cannot be bound ({e.strerror}); choose another port, or 0"
            ) from e
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="monitor", daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server, self.port = None, 0

    def alive(self) -> bool:
        """Whether the event loop answers. For threads: waits for it, up to ANSWER_S."""
        answered = threading.Event()
        try:
            self._loop.call_soon_threadsafe(answered.set)
        except RuntimeError:  # the loop is closed
            return False
        return answered.wait(ANSWER_S)

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and body of `/health`."""
        if self.alive():
            return 200, {"status": "ok"}
        return 503, {"status": "frozen", "why": f"the event loop did not answer within {ANSWER_S:g} s"}

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """Status and body of `/ready`."""
        return 200 if self.state == "ready" else 503, {"status": self.state}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_port = False

    def __init__(self, address: tuple[str, int], monitor: Monitor) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.monitor = monitor
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asks may go away before the answer: nobody's fault."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10.0  # a connection that says nothing does not keep its thread

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, kind, encode(REGISTRY))
        elif path == "/health":
            self._say(*self.server.monitor.health())
        elif path == "/ready":
            self._say(*self.server.monitor.readiness())
        else:
            self._say(404, {"error": "there are /health, /ready and /metrics"})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        self._answer(status, "application/json", json.dumps(body).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds: not a line each."""
