"""The run folder, `<data_dir>/run`: lock, files with passwords, logs. One run at a time."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

from parley.errors import Misconfigured

# A run that was killed leaves its processes stopping for this long, at most.
_STOPPING_S = 10.0


class RunFolder:
    """Holds the folder's lock from `open` to `close`. All but the logs is removed by `close`."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir.resolve() / "run"
        self.logs = self.path / "logs"
        self.lock = -1
        self._files: list[Path] = []

    async def open(self) -> None:
        """Raises Misconfigured when another run has the folder, naming its process."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o700)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as e:
            raise Misconfigured(f"PARLEY_DATA_DIR: cannot write to {self.path}: {e.strerror}") from None
        waited = 0.0
        while not _taken(lock):
            owner = os.pread(lock, 20, 0).decode().strip()
            if waited >= _STOPPING_S or _alive(owner):
                os.close(lock)
                raise Misconfigured(
                    f"another `parley run` (process {owner or 'unknown'}) uses {self.path.parent}; "
                    "stop it, or set PARLEY_DATA_DIR to another folder"
                )
            await asyncio.sleep(0.1)  # its runner was killed and its processes are still stopping
            waited += 0.1
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self.lock = lock
        for old in self.logs.glob("*.log*"):
            old.unlink()

    def write(self, name: str, text: str) -> Path:
        """A file that only this user may read; it is gone when the folder is closed."""
        path = self.path / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        self._files.append(path)
        return path

    def close(self) -> None:
        for path in self._files:
            path.unlink(missing_ok=True)
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
