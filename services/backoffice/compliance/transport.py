"""Checks of what goes over wires: between services, to NATS, to callers and to those who look. Pure."""

from __future__ import annotations

from collections.abc import Callable

from services.backoffice.compliance.finding import Finding, holds, unknown
from services.backoffice.compliance.seen import Process, Seen

SKEW_S = 10.0
"""Processes tell of themselves every 5 s."""


def every(seen: Seen, wanted: Callable[[Process], bool | None], good: str, bad: str) -> Finding:
    """Of every process that lives; `wanted` gives None where a process does not tell."""
    if not seen.processes:
        return unknown("the processes")
    told = {process.name: wanted(process) for process in seen.processes}
    if wrong := sorted(name for name, value in told.items() if value is False):
        return Finding("fail", f"{bad}: {_some(wrong)}")
    if silent := sorted(name for name, value in told.items() if value is None):
        return Finding("unknown", f"{_some(silent)} did not tell")
    return Finding("pass", f"{good}, in {len(told)} processes")


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _told(key: str, *good: str) -> Callable[[Process], bool | None]:
    return lambda process: process.trust[key] in good if key in process.trust else None


def services(seen: Seen) -> Finding:
    return every(seen, _told("tls", "on"), "both sides of every connection show a certificate", "without TLS")


def nats(seen: Seen) -> Finding:
    return every(seen, _told("nats", "tls"), "NATS is spoken over TLS", "NATS in the clear, or without a user")


def nats_users(seen: Seen) -> Finding:
    return every(seen, _told("nats", "tls", "user"), "each service has its own user of NATS", "without a user of NATS")


def callers(seen: Seen) -> Finding:
    url = seen.house.public_url
    return holds(url.startswith("https://"), f"callers come by {url}", f"PARLEY_PUBLIC_URL is {url or 'empty'}")


def console(seen: Seen) -> Finding:
    url = seen.house.console_url
    return holds(url.startswith("https://"), f"people come by {url}", f"PARLEY_BACKOFFICE_URL is {url or 'empty'}")


def signatures(seen: Seen) -> Finding:
    doors = [each for each in seen.processes or () if each.service == "gateway"]
    if not doors:
        return unknown("the gateways")
    one = Seen(seen.now_s, seen.house, tuple(doors))
    return every(one, _told("signatures", "checked"), "webhooks are checked by signature", "unsigned calls are taken")


def clocks(seen: Seen) -> Finding:
    if not seen.processes:
        return unknown("the processes")
    wrong = sorted(each.name for each in seen.processes if abs(each.clock_s - seen.now_s) > SKEW_S)
    return holds(
        not wrong,
        f"the clocks of {len(seen.processes)} processes agree",
        f"clocks are off by over 10 s: {_some(wrong)}",
    )


def debug(seen: Seen) -> Finding:
    return every(
        seen, _told("log_level", "info", "warning", "error"), "nothing is logged for debugging", "logs at debug"
    )
