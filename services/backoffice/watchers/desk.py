"""The watchers at work in one backoffice, and what they keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.aio import background
from parley.bus import Bus, records_of
from parley.bus.streams.dead_letters import DeadLetters
from parley.bus.streams.records import record_at
from parley.database import Database
from parley.errors import ParleyError
from parley.published.shelf import Shelf
from parley.rpc import Peers
from parley.security.certificates import Certificates
from parley.settings import Settings, addresses
from parley.watching import Happening, Watcher, Watching, watcher
from services.backoffice.sealing import Sealer
from services.backoffice.watchers import sentiment
from services.backoffice.watchers.audit import Audit
from services.backoffice.watchers.outcomes import outcomes
from services.backoffice.watchers.outcomes.engines import engines_of
from services.backoffice.watchers.outcomes.model import Model
from services.backoffice.watchers.outcomes.outcomes import Outcomes
from services.backoffice.watchers.sentiment import Sentiment, Understanding
from services.backoffice.watchers.webhooks.deliveries import Deliveries
from services.backoffice.watchers.webhooks.hooks import Hook, Hooks
from services.backoffice.watchers.webhooks.outside import outside
from services.backoffice.watchers.webhooks.payloads import message_of
from services.backoffice.watchers.webhooks.sender import Sender

TOGETHER = 200
"""Records whose entries are written to the audit log in one transaction."""
MODEL_S = 60.0
AT_ONCE = 8


@dataclass(frozen=True)
class Desk:
    """What others ask of the watchers: `sentiment.of_call`, `outcomes.of_calls`, `hooks`, `deliveries`, `letters`."""

    audit: Audit
    sentiment: Sentiment
    outcomes: Outcomes
    hooks: Hooks
    deliveries: Deliveries
    sender: Sender
    letters: DeadLetters
    keep_pii: bool

    def watchers(self) -> list[Watcher]:
        """The ones that ship."""
        told = {"call.started", "call.transferred", "tool.failed"}
        return [
            watcher(name="audit", since="all", together=TOGETHER)(self.audit.happened),
            watcher(sentiment.KINDS, name="sentiment", at_once=AT_ONCE)(self.sentiment.happened),
            watcher(outcomes.KINDS, name="outcomes", at_once=AT_ONCE, timeout_s=MODEL_S)(self._ended),
            watcher(told, name="webhooks", at_once=AT_ONCE)(self._told),
        ]

    async def _ended(self, happening: Happening) -> None:
        await self.outcomes.happened(happening)
        self.sender.wake()

    async def _told(self, happening: Happening) -> None:
        if await self.deliveries.tell(message_of(happening, keep_pii=self.keep_pii)):
            self.sender.wake()


@asynccontextmanager
async def opened(settings: Settings, bus: Bus, database: Database, sealer: Sealer, audit: Audit) -> AsyncIterator[Desk]:
    """At work while the body runs; the bus is entered already. Raises Misconfigured."""
    keep_pii = settings.webhooks_pii == "keep"
    shelf = Shelf(settings.data_dir)

    async def agent_of(name: str, version: str) -> Agent | None:
        return await asyncio.to_thread(_agent, settings, shelf, name, version)

    async def on_gone(hook: Hook) -> None:
        await audit.note("parley", "webhook.paused", hook.id, {"url": hook.url, "why": "it answered 410"})

    async with AsyncExitStack() as stack:
        certificates = Certificates.of(settings)
        llm = await stack.enter_async_context(Peers("llm", addresses(settings.llm_address), certificates=certificates))
        way_out = await stack.enter_async_context(outside(settings.webhooks_private))
        hooks, deliveries = Hooks(database, sealer, settings.webhooks_private), Deliveries(database, sealer)
        desk = Desk(
            audit=audit,
            sentiment=Sentiment(database, bus, Understanding(llm), lambda call_id: record_at(bus, call_id)),
            outcomes=Outcomes(
                database,
                sealer,
                Model(llm, engines_of(bus, settings)),
                lambda call_id: records_of(bus, call_id),
                agent_of,
                deliveries,
                keep_pii=keep_pii,
            ),
            hooks=hooks,
            deliveries=deliveries,
            sender=Sender(hooks, deliveries, way_out, on_gone),
            letters=DeadLetters(bus),
            keep_pii=keep_pii,
        )
        await stack.enter_async_context(background(Watching(bus, desk.watchers()).run(), desk.sender.run()))
        yield desk


def _agent(settings: Settings, shelf: Shelf, name: str, version: str) -> Agent | None:
    """As the call had it, or as it is in the folder now; None: neither is on this machine."""
    for root in (shelf.find(name, version) if version else None, settings.agents_dir):
        if root is not None:
            try:
                return load_agent(root, name)
            except ParleyError:
                continue
    return None
