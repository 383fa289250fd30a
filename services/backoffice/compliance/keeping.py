"""Checks of what is kept: how long, how sealed, with what in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from services.backoffice.compliance.finding import Finding, holds, unknown
from services.backoffice.compliance.seen import Scan, Seen

SENSITIVE = ("cvv",)
CARDS = ("card",)
LONGEST_DAYS = 3660.0
"""Ten years: whoever keeps longer has not decided."""


def audit(seen: Seen) -> Finding:
    if seen.chain is None:
        return unknown("the audit")
    if seen.chain.broken:
        return Finding("fail", f"entry {seen.chain.broken} is not what was written: {seen.chain.why}")
    return holds(seen.chain.entries > 0, f"{seen.chain.entries:,} entries, all whole", "the audit is empty")


def retention(seen: Seen) -> Finding:
    kept = seen.house.retention
    shown = ", ".join(f"{kind} {days:g} d" for kind, days in kept.items())
    endless = [kind for kind, days in kept.items() if days > LONGEST_DAYS]
    return holds(bool(kept) and not endless, shown, f"no end is set for {', '.join(endless) or 'anything'}")


def sealed(seen: Seen) -> Finding:
    policy = seen.house.transcripts
    if policy == "encrypt":
        return Finding("pass", "personal data in transcripts are sealed in their places; callers' numbers always")
    return Finding("declare", f"PARLEY_TRANSCRIPTS is `{policy}`: declare that the database is on an encrypted volume")


def key(seen: Seen) -> Finding:
    return holds(
        seen.house.key_given,
        "PARLEY_BACKOFFICE_KEY is given from outside",
        "the key was made in the data folder, beside what it seals",
    )


def secrets(seen: Seen) -> Finding:
    if not seen.processes:
        return unknown("the processes")
    weak = sorted(each.name for each in seen.processes if each.trust.get("secret") == "known")
    silent = not any("secret" in each.trust for each in seen.processes)
    if silent:
        return unknown("what the processes tell")
    return holds(
        not weak, "no key or password is one that everybody knows", f"a key that everybody knows: {', '.join(weak)}"
    )


def transcripts(seen: Seen) -> Finding:
    if seen.house.transcripts == "keep":
        return Finding("fail", "PARLEY_TRANSCRIPTS is `keep`: what was said is kept as it was said")
    return _clean(seen.transcripts, "transcripts")


def logs(seen: Seen) -> Finding:
    return _clean(seen.logs, "lines of the logs")


def cards(seen: Seen) -> Finding:
    return _clean(seen.transcripts, "transcripts", CARDS)


def codes(seen: Seen) -> Finding:
    return _clean(seen.transcripts, "transcripts", SENSITIVE)


def _clean(scan: Scan | None, what: str, kinds: Iterable[str] = ()) -> Finding:
    if scan is None:
        return unknown(what)
    if not scan.texts:
        return Finding("unknown", f"there are no {what} yet")
    found = {kind: n for kind, n in scan.found.items() if not kinds or kind in kinds}
    shown = ", ".join(f"{n} with {kind}" for kind, n in sorted(found.items()))
    return holds(
        not found, f"{scan.texts:,} {what} looked through, nothing found", f"of {scan.texts:,} {what}: {shown}"
    )
