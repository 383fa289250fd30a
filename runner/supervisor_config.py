"""The configuration file of supervisord for a plan."""

from __future__ import annotations

import shlex
from pathlib import Path

from runner.plan import Plan, Process

# A process that lives shorter than this is tried again later and later (1 s, 2 s, ...), and given up after _RETRIES.
START_S = 1
_RETRIES = 5
LOG_BYTES = 10_000_000
_LOG_FILES = 3


def supervisor_config(plan: Plan, folder: Path, logs: Path, stop_s: int) -> str:
    """The text of the file. `stop_s`: how long a process asked to stop may take before it is killed."""
    parts = [
        "\n".join(
            [
                "[supervisord]",
                "nodaemon = true",
                "logfile = /dev/null",  # with nodaemon it is on stdout anyway
                "logfile_maxbytes = 0",
                "loglevel = info",
                f"pidfile = {_escaped(str(folder / 'supervisord.pid'))}",
                f"childlogdir = {_escaped(str(logs))}",
                "minfds = 1024",
            ]
        )
    ]
    parts += [_program(process, logs, stop_s) for process in plan.processes]
    # Groups are stopped one after the other: the services all at once, then NATS.
    services = ",".join(process.name for process in plan.processes if process.service != "nats")
    bus = ",".join(plan.names("nats"))
    parts += [f"[group:services]\nprograms = {services}\npriority = 100"]
    parts += [f"[group:bus]\nprograms = {bus}\npriority = 1"]
    return "\n\n".join(parts) + "\n"


def _program(process: Process, logs: Path, stop_s: int) -> str:
    environment = ",".join(f'{name}="{_escaped(value)}"' for name, value in process.env.items())
    return "\n".join(
        [
            f"[program:{process.name}]",
            f"command = {_escaped(shlex.join(process.command))}",
            *([f"environment = {environment}"] if environment else []),
            "autorestart = true",
            f"startsecs = {START_S}",
            f"startretries = {_RETRIES}",
            f"stopwaitsecs = {stop_s}",
            "killasgroup = true",
            "redirect_stderr = true",
            f"stdout_logfile = {_escaped(str(logs / f'{process.name}.log'))}",
            f"stdout_logfile_maxbytes = {LOG_BYTES}",
            f"stdout_logfile_backups = {_LOG_FILES}",
        ]
    )


def _escaped(text: str) -> str:
    """supervisord expands %(name)s."""
    return text.replace("%", "%%")
