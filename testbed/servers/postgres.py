"""A PostgreSQL server of our own on loopback, as a user other than root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TRIES = 3
INSTALL = "PostgreSQL is missing: apt-get install postgresql"


def binary(name: str) -> str | None:
    """In the PATH, or where Debian puts it, the newest version."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[-3]))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


@contextmanager
def server() -> Iterator[str]:
    """`postgresql://postgres@127.0.0.1:port`, trusted."""
    initdb, postgres = binary("initdb"), binary("postgres")
    assert initdb is not None
    assert postgres is not None
    folder = Path(tempfile.mkdtemp(prefix="parley-postgres-"))
    user: dict[str, Any] = {}
    if os.getuid() == 0:
        entry = pwd.getpwnam("nobody")
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    data = folder / "data"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "cwd": folder, **user}
    _init([initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"], data, quiet)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-h", "127.0.0.1", "-k", str(folder), "-p", str(port)]
    running = subprocess.Popen([postgres, "-D", data, *options], stderr=subprocess.DEVNULL, **quiet)
    try:
        _wait(data / "postmaster.pid")
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        running.send_signal(signal.SIGQUIT)
        running.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _init(command: list[str], data: Path, quiet: dict[str, Any]) -> None:
    """Debian's initdb was seen to die of a signal, once in some hundred runs: then it begins anew."""
    for left in reversed(range(TRIES)):
        status = subprocess.run(command, check=False, **quiet).returncode
        if status >= 0 or not left:
            subprocess.CompletedProcess(command, status).check_returncode()
            return
        shutil.rmtree(data, ignore_errors=True)


def _wait(pid_file: Path) -> None:
    """The server writes there when it takes connections."""
    until = time.monotonic() + 20
    while not (pid_file.exists() and "ready" in pid_file.read_text()):
        if time.monotonic() > until:
            raise TimeoutError("PostgreSQL did not start")
        time.sleep(0.02)
