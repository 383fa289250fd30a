"""Looks at the installation: processes as NATS knows them, accounts, the audit, samples of transcripts and logs.

Each look stands alone: one that fails is logged, and what depends on it could not be checked.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, get_args

import structlog
from sqlalchemy import select

from parley import pii
from parley.bus import Bus
from parley.bus.presence import ProcessState, given_of, processes
from parley.database import Database
from parley.engines import engines_of
from parley.errors import ParleyError
from parley.pii.stored import covered
from parley.settings import Settings, Stage
from services.backoffice.access import lockout, passwords
from services.backoffice.access.accounts import Accounts
from services.backoffice.compliance.auditing import Report, audited
from services.backoffice.compliance.seen import Chain, Declared, House, Person, Process, Scan, Seen
from services.backoffice.records import tables
from services.backoffice.watchers.audit import Audit
from services.backoffice.watchers.retention import days_kept

log = structlog.get_logger()

DECLARED = "compliance.declared"
"""The kind of the audit's entries that declare; their subject is the control."""
TEXTS = 200
DECLARATIONS = 1_000
"""The newest; a control's latest is what counts."""
LOG_BYTES = 64 * 1024
"""Of the end of each log."""
MOST_LOGS = 60
LOOK_S = 20.0

Looked = TypeVar("Looked")


@dataclass(frozen=True)
class Sources:
    """What is looked at; `Parts` has all of it."""

    settings: Settings
    bus: Bus
    database: Database
    accounts: Accounts
    audit: Audit


async def audit_of(sources: Sources) -> Report:
    """Look at everything, and judge it."""
    return audited(await look(sources))


async def look(sources: Sources) -> Seen:
    states, people, chain, transcripts, logs, declared = await asyncio.gather(
        _tried("processes", processes(sources.bus)),
        _tried("accounts", sources.accounts.list()),
        _tried("audit", sources.audit.verify()),
        _tried("transcripts", _transcripts(sources.database)),
        _tried("logs", asyncio.to_thread(_logs, sources.settings.data_dir / "run" / "logs")),
        _tried("declarations", _declared(sources.audit)),
    )
    return Seen(
        now_s=time.time(),
        house=_house(sources.settings, states or ()),
        processes=None if states is None else tuple(map(_process, states)),
        people=None if people is None else tuple(Person(each.name, each.role, each.totp) for each in people),
        chain=None if chain is None else Chain(chain.entries, chain.broken, chain.why),
        transcripts=transcripts,
        logs=logs,
        declared=declared or {},
    )


async def _tried(what: str, looking: Awaitable[Looked]) -> Looked | None:
    try:
        async with asyncio.timeout(LOOK_S):
            return await looking
    except (ParleyError, OSError, TimeoutError, ValueError) as e:
        log.warning("could not be looked at for the compliance audit", what=what, error=type(e).__name__)
        return None


def _process(state: ProcessState) -> Process:
    return Process(f"{state.service}-{state.replica[:4]}", state.service, state.at, state.trust)


def _house(settings: Settings, states: Sequence[ProcessState]) -> House:
    """As the processes tell of themselves; what none of them tells, as it is set here."""
    told = given_of(states)
    stages = {stage: engines_of(stage) for stage in get_args(Stage)}
    used = {(state.stage, engine.name) for state in states for engine in state.engines if state.stage in stages}
    vendors = {name for stage, name in used if name in stages[stage] and stages[stage][name].vendor}
    return House(
        public_url=told.get("PARLEY_PUBLIC_URL", settings.public_url),
        console_url=told.get("PARLEY_BACKOFFICE_URL", settings.backoffice_url),
        transcripts=told.get("PARLEY_TRANSCRIPTS", settings.transcripts),
        retention=days_kept(told.get("PARLEY_RETENTION", settings.retention)),
        idle_minutes=float(told.get("PARLEY_SESSION_IDLE_MINUTES", settings.session_idle_minutes)),
        free_logins=lockout.FREE,
        shortest_password=passwords.SHORTEST,
        key_given=bool(told.get("PARLEY_BACKOFFICE_KEY", settings.backoffice_key.get_secret_value())),
        oidc=bool(told.get("PARLEY_OIDC_ISSUER", settings.oidc_issuer)),
        vendors=tuple(sorted(vendors)),
    )


async def _transcripts(database: Database) -> Scan:
    wanted = select(tables.texts.c.text_pii).order_by(tables.texts.c.nr.desc()).limit(TEXTS)
    async with database.reading() as connection:
        found = [row.text_pii for row in (await connection.execute(wanted)).all()]
    return await asyncio.to_thread(scan, map(covered, found))


def scan(texts: Iterable[str]) -> Scan:
    """How many texts, and in how many of them which kind of personal data."""
    count, found = 0, Counter[str]()
    for text in texts:
        count += 1
        found.update({span.kind for span in pii.find(text[: pii.MAX_CHARS])})
    return Scan(count, dict(found))


def _logs(folder: Path) -> Scan | None:
    """Those of the processes that `parley run` starts. Elsewhere somebody else keeps them."""
    files = sorted(folder.glob("*.log"))[:MOST_LOGS]
    return scan(line for file in files for line in _end(file)) if files else None


def _end(file: Path) -> list[str]:
    with file.open("rb") as opened:
        opened.seek(0, 2)
        opened.seek(max(0, opened.tell() - LOG_BYTES))
        return opened.read().decode("utf-8", "replace").splitlines()


async def _declared(audit: Audit) -> dict[str, Declared]:
    """The newest of each control."""
    found: dict[str, Declared] = {}
    for entry in await audit.page(limit=DECLARATIONS, kind=DECLARED):
        note = str((entry.detail or {}).get("note", ""))
        found.setdefault(entry.subject, Declared(entry.who, entry.at_ms, note))
    return found
