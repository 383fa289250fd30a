"""The calls that are being folded: each from all of its records, a new one on top of what is known. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import structlog

from parley.v1 import events_pb2
from services.backoffice.records.call import Call
from services.backoffice.records.fold import Key, apply, counted, key_of, taken_over_at

log = structlog.get_logger()

MAX_CALLS = 5_000
"""Held at once. One that is pushed out is folded anew from its records when another comes."""


class Folded:
    """One call. `anew`: its rows are to be made anew, for what they say is no longer true."""

    def __init__(self, call_id: str) -> None:
        self.call = Call(call_id)
        self.seen: set[Key] = set()
        self.anew = False
        self.broken = False
        self._last: Key = (0, 0, 0, False)
        self._n = 0

    def new(self, record: events_pb2.EventRecord) -> bool:
        return key_of(record) not in self.seen

    def add(self, record: events_pb2.EventRecord) -> bool:
        """Take one that is new. False: it has changed what was before, and all are to be folded again (`again`)."""
        key = key_of(record)
        self.seen.add(key)
        if key < self._last:
            return False
        owner_changes = key[:2] != self._last[:2]
        if owner_changes and record.anew:
            self._n = 0
        elif owner_changes and (after_n := taken_over_at(record)) is not None and self._n > after_n:
            return False
        self._last, self._n = key, max(self._n, record.n)
        self._apply(record)
        return True

    def again(self, records: Iterable[events_pb2.EventRecord]) -> None:
        """Fold all records that there are of it."""
        known = list(records)
        call_id = self.call.call_id
        self.call, self.anew, self.broken = Call(call_id), True, False
        self.seen = {key_of(record) for record in known}
        self._last = max(self.seen, default=(0, 0, 0, False))
        self._n = 0
        for record in counted(known):
            self._n = record.n if record.anew else max(self._n, record.n)
            self._apply(record)

    def _apply(self, record: events_pb2.EventRecord) -> None:
        try:
            apply(self.call, record)
        except Exception as e:  # one that cannot be understood must not keep back all that come after it
            self.broken = True
            log.error("a record cannot be folded", call_id=self.call.call_id, error=type(e).__name__, exc_info=e)


class Calls:
    """Those that are at hand, the longest untouched first."""

    def __init__(self, most: int = MAX_CALLS) -> None:
        self._most = most
        self._calls: OrderedDict[str, Folded] = OrderedDict()

    def get(self, call_id: str) -> Folded | None:
        found = self._calls.get(call_id)
        if found is not None:
            self._calls.move_to_end(call_id)
        return found

    def put(self, folded: Folded) -> None:
        self._calls[folded.call.call_id] = folded

    def trim(self) -> None:
        """Not while a batch is worked on."""
        while len(self._calls) > self._most:
            self._calls.popitem(last=False)

    def forget(self, call_ids: Iterable[str]) -> None:
        for call_id in call_ids:
            self._calls.pop(call_id, None)

    def clear(self) -> None:
        self._calls.clear()

    def __len__(self) -> int:
        return len(self._calls)
