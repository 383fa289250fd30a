"""A service that does nothing but listen at its address, write its environment down, and stop when told."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path


def main() -> None:
    user = os.environ["PARLEY_NATS_USER"]
    failing = os.environ.get("FAKE_FAILS", "")
    if failing == f"{user}:misconfigured":
        print(f"parley {user}: PARLEY_{user.upper()}: there is no engine 'nonsense'; known are local", file=sys.stderr)
        sys.exit(2)
    if failing == f"{user}:crashes":
        raise RuntimeError("the disk is made of cheese")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    host, _, port = os.environ["PARLEY_LISTEN"].rpartition(":")
    with socket.create_server((host, int(port))):
        seen = Path(os.environ["PARLEY_DATA_DIR"]) / "seen"
        seen.mkdir(exist_ok=True)
        text = "\n".join(f"{key}={value}" for key, value in sorted(os.environ.items()))
        (seen / f"{user}-{os.getpid()}").write_text(text)
        print(json.dumps({"level": "warning", "event": "fake is here", "service": user, "n": 1}), flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
