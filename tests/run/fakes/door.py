"""A service that speaks HTTP and is ready at once."""

from __future__ import annotations

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ready" else 404)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


name = os.environ["PARLEY_NATS_USER"]
if os.environ.get("FAKE_FAILS") == f"{name}:crashes":
    raise RuntimeError("the disk is made of cheese")
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ[f"PARLEY_{name.upper()}_PORT"])), Page)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
