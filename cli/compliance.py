"""`parley compliance`: the controls of HIPAA and PCI DSS against this installation. Works beside a running service."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer

from cli.reach.operating import operator_settings
from parley.bus import Bus
from parley.errors import ParleyError
from parley.settings import Settings
from services.backoffice.access.accounts import Accounts
from services.backoffice.access.passwords import Passwords
from services.backoffice.compliance.auditing import Report
from services.backoffice.compliance.looking import Sources, audit_of
from services.backoffice.compliance.report import WORDS, in_short, markdown, ordered
from services.backoffice.database import open_database
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit

CONNECT_S = 5.0


def compliance(
    out: Annotated[Path | None, typer.Option(help="Write the report there: .md or .pdf.")] = None,
) -> None:
    """Say which controls pass, fail, or are to be declared by hand. Exit status 1 when one fails or could not be
    checked, 2 when nothing could be looked at."""
    try:
        report = asyncio.run(_report(operator_settings()))
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if out is not None:
        _write(report, out)
    for each in ordered(report):
        control, finding = each.control, each.finding
        print(f"{WORDS[finding.result]:<22} {control.law} {control.paragraph:<22} {control.title}: {finding.detail}")
        if finding.result not in ("pass", "declared"):
            print(f"{'':<22} {control.remedy}")
    print(in_short(report))
    raise typer.Exit(1 if report.count("fail") or report.count("unknown") else 0)


async def _report(settings: Settings) -> Report:
    async with AsyncExitStack() as stack:
        database = await open_database(settings, beside=True)
        stack.push_async_callback(database.close)
        sealer = Sealer.of(settings)
        bus = await stack.enter_async_context(Bus(settings, "operator"))
        await bus.ready(CONNECT_S)  # without it what NATS knows could not be checked, and the report says so
        accounts = Accounts(database, sealer, Passwords())
        return await audit_of(Sources(settings, bus, database, accounts, Audit(database, sealer)))


def _write(report: Report, out: Path) -> None:
    if out.suffix == ".pdf":
        from services.backoffice.compliance.pdf import pdf  # takes a while to import

        out.write_bytes(pdf(report))
    else:
        out.write_text(markdown(report), "utf-8")
    print(f"written to {out}")
