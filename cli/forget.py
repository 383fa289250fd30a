"""`parley forget NUMBER`: what is kept of a caller goes. Works beside a running service."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.reach.operating import operator_bus, run_or_exit
from parley.bus.forgetting import forget_in_tools
from parley.errors import Unavailable
from parley.settings import Settings
from services.backoffice.database import open_database
from services.backoffice.records.forgetting import Forgotten
from services.backoffice.records.forgetting import forget as forgotten
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit

WHO = "parley forget"
"""As the audit names who typed it."""


def forget(
    number: Annotated[str, typer.Argument(help="Of the caller: a number in international form, or a SIP address.")],
) -> None:
    """Forget a caller: transcripts, events, tools' records, the audit's content. Says what went, and what stays."""
    found = run_or_exit(lambda settings: _forget(settings, number), (Unavailable,))
    for store in found.stores:
        print(f"{store.name:<48} {store.count:>8}  {store.unit}")
    for line in found.kept:
        print(f"kept: {line}")
    for call_id in found.live:
        print(f"call {call_id} goes on: forget the number again when it is over")
    if found.live:
        raise typer.Exit(1)


async def _forget(settings: Settings, number: str) -> Forgotten:
    database = await open_database(settings, beside=True)
    try:
        sealer = Sealer.of(settings)
        async with operator_bus(settings) as bus:
            audit = Audit(database, sealer)
            return await forgotten(
                number,
                database,
                sealer,
                bus,
                audited=lambda caller: audit.forget(caller, WHO),
                in_tools=lambda call_ids: forget_in_tools(bus, call_ids),
            )
    finally:
        await database.close()
