"""supervisord, with three things that a run at a terminal needs: it restarts at once, and nobody outlives anybody.

`python -m runner.supervise -c FILE`, started by `runner.stack`.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.25


def die_with_parent(sig: signal.Signals) -> None:
    """Have the kernel send `sig` to this process when its parent dies, however it dies. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sig.value)


class _Console(io.TextIOBase):
    """Standard output that may lose its reader: a killed `parley run` must not keep this process from stopping all."""

    def write(self, text: str) -> int:
        with contextlib.suppress(BrokenPipeError):
            os.write(1, text.encode())
        return len(text)


class _Options(ServerOptions):  # type: ignore[misc]
    def setpgrp(self) -> None:
        """Called in each child between fork and exec; what is set here survives exec.

        Killed, not asked: with supervisord gone nobody reads their output any more, and nobody else would stop them.
        """
        super().setpgrp()
        die_with_parent(signal.SIGKILL)


class _Supervisor(Supervisor):  # type: ignore[misc]
    def reap(self, once: bool = False, recursionguard: int = 0) -> None:
        """As in supervisord, then restart what was reaped now, not after the next wait of up to a second."""
        super().reap(once, recursionguard)
        if not recursionguard:
            for group in self.process_groups.values():
                group.transition()


def main() -> None:
    die_with_parent(signal.SIGTERM)
    sys.stdout = sys.stderr = _Console()
    options = _Options()
    options.realize(sys.argv[1:], doc=__doc__)
    options.first, options.test = True, False
    poll = options.poller.poll

    def poll_often(timeout: float | None) -> Any:
        # A dead child whose own children hold its output open does not wake the poll: do not wait a whole second.
        return poll(_POLL_S)

    options.poller.poll = poll_often
    try:
        _Supervisor(options).main()
    except asyncore.ExitNow:
        pass
    finally:
        options.close_httpservers()
        options.close_logger()
        for secret in Path(options.configfile).parent.iterdir():  # they hold passwords
            if secret.suffix in (".conf", ".env"):
                secret.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
