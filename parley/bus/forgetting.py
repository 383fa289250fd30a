"""Asking tools to forget calls that are over. Only the operator's user may ask, and only tools' may answer."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError

from parley.bus.connection import Bus
from parley.errors import Unavailable
from parley.v1 import tools_pb2

SUBJECT = "tools.forget"
MOST = 500
"""Calls in one question."""
TIMEOUT_S = 30.0


async def forget_in_tools(bus: Bus, call_ids: Sequence[str]) -> tools_pb2.CallsForgotten:
    """What tools keep of these calls goes. May be done again. Raises Unavailable: the part from where it broke off is
    not done."""
    total = tools_pb2.CallsForgotten()
    for start in range(0, len(call_ids), MOST):
        asked = tools_pb2.ForgetCalls(call_ids=call_ids[start : start + MOST])
        add(total, await _asked(bus, asked))
    return total


def add(total: tools_pb2.CallsForgotten, part: tools_pb2.CallsForgotten) -> None:
    """Stores and what is kept are one by their names."""
    stores = {each.name: each for each in total.stores}
    for store in part.stores:
        if (mine := stores.get(store.name)) is not None:
            mine.count += store.count
        else:
            total.stores.append(store)
    kept = {each.what: each for each in total.kept}
    for line in part.kept:
        if (same := kept.get(line.what)) is not None:
            same.count += line.count
        else:
            total.kept.append(line)
    total.running.extend(part.running)


async def _asked(bus: Bus, asked: tools_pb2.ForgetCalls) -> tools_pb2.CallsForgotten:
    try:
        answer = await bus.ask(SUBJECT, asked.SerializeToString(), TIMEOUT_S)
        forgotten = tools_pb2.CallsForgotten.FromString(answer)
    except Unavailable as e:
        raise Unavailable(f"the tools service does not forget: {e}; start it, and forget the number again") from e
    except DecodeError as e:
        raise Unavailable("the tools service does not forget: its answer cannot be read") from e
    if forgotten.error:
        raise Unavailable(f"the tools service does not forget: {forgotten.error}")
    return forgotten
