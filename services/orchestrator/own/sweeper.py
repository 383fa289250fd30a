"""Calls whose owner died and whose gateway never came back: some replica ends them. And ended ones are cleared away.

Every replica looks at the stored states now and then; compare-and-set decides between two that find the same call. A
live call is touched by its owner more often than one is taken for an orphan.
"""

from __future__ import annotations

import asyncio
import random

import structlog

from parley.bus.callstate import Unreadable
from parley.bus.untouched import Untouched
from parley.errors import ParleyError, Superseded
from parley.v1 import events_pb2
from services.orchestrator.mind import events
from services.orchestrator.mind.state import Call, Epoch
from services.orchestrator.mind.turn import step
from services.orchestrator.own.calls import Calls
from services.orchestrator.own.pending_records import PendingRecords
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.means import Means
from services.orchestrator.run.metrics import NOBODY, SWEPT, count_loss
from services.orchestrator.wire import codec
from services.orchestrator.wire import messages as wire

log = structlog.get_logger()

EVERY_S = 15.0
TOUCH_S = 25.0  # a state not written for so long is written again
ORPHAN_S = 60.0


class Sweeper:
    """`run` for ever. `orphan_s`: a state not written for so long has no owner."""

    def __init__(self, means: Means, calls: Calls, orphan_s: float = ORPHAN_S) -> None:
        self._means = means
        self._calls = calls
        self._orphan_s = orphan_s
        self._connected_s = 0.0
        self._untouched = Untouched(means.bus)

    def work_with(self, means: Means) -> None:
        self._means = means

    async def run(self) -> None:
        while True:
            pause = EVERY_S * random.uniform(0.7, 1.3)  # noqa: S311 - replicas do not look at once
            await asyncio.sleep(pause)
            self._calls.touch(TOUCH_S)
            # After a time without NATS all states are old; their owners write first.
            self._connected_s = self._connected_s + pause if self._means.bus.connected else 0.0
            if self._connected_s < self._orphan_s:
                continue
            try:
                await self.sweep()
            except ParleyError as e:
                log.warning("the stored calls cannot be looked through", error=str(e))

    async def sweep(self) -> None:
        """Once. Raises ParleyErrors when the states cannot be read."""
        for call_id, old in (await self._untouched.look(min(self._orphan_s, self._means.linger_s))).items():
            if self._calls.has(call_id):
                continue
            age_s = old.age_s
            try:
                found = await self._means.store.read(call_id)
            except Unreadable as e:
                await self._clear_away(call_id, e, age_s)
                continue
            if found is None or found[1] != old.revision:
                self._untouched.forget(call_id)
                continue
            stored, revision = found
            if stored.state.floor.WhichOneof("floor") == "ended":
                if age_s >= self._means.linger_s and await self._means.store.purge(call_id, revision):
                    PendingRecords(self._means.bus).publish_again(call_id, stored.unstored)
                    SWEPT.labels("purged").inc()
            elif age_s >= self._orphan_s:
                await self._end(call_id, stored, revision)

    async def _clear_away(self, call_id: str, damaged: Unreadable, age_s: float) -> None:
        """What is stored is no state. One who owns the call writes over it; nobody else can do anything with it."""
        if age_s >= self._orphan_s and await self._means.store.purge(call_id, damaged.revision):
            log.error("a damaged state was cleared away", call_id=call_id)
            SWEPT.labels("damaged").inc()

    async def _end(self, call_id: str, stored: events_pb2.StoredCall, revision: int) -> None:
        """As an owner would: settle, take over, end, write it down. Whoever comes first has done it."""
        epoch = Epoch(stored.epoch.leg, stored.epoch.open + 1)
        try:
            settled = await self._means.organs.settle(call_id, epoch)
        except Superseded:
            return  # somebody has the call after all
        except ParleyError as e:
            log.warning("an orphan waits for the ledger", call_id=call_id, error=str(e))
            return
        inputs: list[events.Event] = [
            events.TakenOver(at_ms=now_ms(), epoch=epoch, settled=settled, after_n=stored.records),
            events.LegEnded(at_ms=now_ms(), reason=NOBODY),
        ]
        try:
            call = _folded(codec.state_from_proto(stored.state), inputs)
        except Exception as e:  # whatever is wrong with one state, the others are looked at
            log.error("an orphan cannot be ended", call_id=call_id, error=type(e).__name__)
            return
        n = stored.records + 1
        last = events_pb2.StoredCall(version=stored.version + 1, records=n, touched_ms=now_ms(), swept=True)
        last.epoch.leg, last.epoch.open = epoch
        last.state.CopyFrom(codec.state_to_proto(call))
        record = events_pb2.EventRecord(call_id=call_id, epoch=last.epoch, n=n, ended=True, swept=True)
        record.inputs.extend(codec.event_to_proto(event) for event in inputs)
        last.unstored.extend([*stored.unstored, record.SerializeToString()])
        if not await self._means.store.replace(call_id, last, revision):
            return
        PendingRecords(self._means.bus).publish_again(call_id, last.unstored)
        SWEPT.labels("orphan").inc()
        count_loss(call, NOBODY)
        log.info("an orphan was ended", call_id=call_id, epoch=wire.epoch_of(last.epoch))


def _folded(call: Call, inputs: list[events.Event]) -> Call:
    for event in inputs:
        call, _ = step(call, event)
    return call
