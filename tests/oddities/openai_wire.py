"""The short forms of `openai.yaml` as bytes of a streamed answer.

text: Hel              delta {"content": "Hel"}            finish: stop     the last chunk, empty delta
delta: {...}           these fields, and finish_reason null; `finish` beside it sets that
call: {index: 0, id: a, name: n, arguments: "{}"}           one fragment of a tool call, as given
chunk: {...}           the whole JSON of a `data:` line     error: {...}     {"error": {...}}
usage: {...}           a chunk with no choices              raw: "..."       these characters, nothing added
wait: 0.1              seconds                              drip: {...}      this item again and again, for ever
DONE CLOSE CUT HANG    how it ends: `[DONE]` (by itself), a polite end without it, a reset, nothing ever more
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

End = Literal["DONE", "CLOSE", "CUT", "HANG"]
DRIP_S = 0.05
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Answer:
    """One response. `steps`: bytes to send, or seconds to wait. `drip` is sent at last, again and again."""

    steps: tuple[bytes | float, ...] = ()
    end: End = "DONE"
    drip: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def steady(self) -> bool:
        """It is a stream that comes and ends without a pause."""
        return self.status == 200 and not self.drip and self.end != "HANG" and all(map(_is_bytes, self.steps))

    @property
    def whole(self) -> bytes:
        return b"".join(step for step in self.steps if isinstance(step, bytes))

    def cut(self, places: list[int]) -> Answer:
        """The same bytes in other pieces: `places` are offsets into all of them."""
        whole = self.whole
        edges = sorted({0, len(whole), *(place % (len(whole) + 1) for place in places)})
        pieces = (whole[a:b] for a, b in zip(edges, edges[1:], strict=False))
        return replace(self, steps=tuple(pieces))


def _is_bytes(step: bytes | float) -> bool:
    return isinstance(step, bytes)


def answer(items: list[Any] | dict[str, Any]) -> Answer:
    """One entry of `sends`: a list of items, or an HTTP response that is no stream."""
    if isinstance(items, dict):
        body = items.get("body", "")
        text = body if isinstance(body, str) else json.dumps(body)
        kind = items.get("type", "text/html" if isinstance(body, str) else "application/json")
        headers = {"Content-Type": kind, **{k: str(v) for k, v in items.get("headers", {}).items()}}
        return Answer((text.encode(),), "CLOSE", status=items.get("status", 200), headers=headers)
    steps: list[bytes | float] = []
    end: End = "DONE"
    drip = b""
    for item in items:
        if isinstance(item, str):
            assert item in ("DONE", "CLOSE", "CUT", "HANG"), item
            if item == "DONE":
                steps.append(DONE)
            end = "CLOSE" if item == "DONE" else item  # type: ignore[assignment]
        elif "wait" in item:
            steps.append(float(item["wait"]))
        elif "drip" in item:
            drip = line(item["drip"])
        else:
            steps.append(line(item))
    if end == "DONE" and not drip:
        steps.append(DONE)
    return Answer(tuple(steps), end, drip, headers={"Content-Type": "text/event-stream"})


def line(item: dict[str, Any]) -> bytes:
    """One item as it stands on the wire."""
    return str(item["raw"]).encode() if "raw" in item else b"data: " + dumped(chunk(item)) + b"\n\n"


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def chunk(item: dict[str, Any]) -> Any:
    """The JSON of one item."""
    if "chunk" in item:
        return item["chunk"]
    if "error" in item:
        return {"error": item["error"]}
    if "usage" in item:
        return {"object": "chat.completion.chunk", "choices": [], "usage": item["usage"]}
    delta: dict[str, Any] = dict(item.get("delta", {}))
    if "text" in item:
        delta["content"] = item["text"]
    if "call" in item:
        delta["tool_calls"] = [fragment(item["call"])]
    choice = {"index": 0, "delta": delta, "finish_reason": item.get("finish")}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}


def fragment(call: dict[str, Any]) -> dict[str, Any]:
    """`name` and `arguments` stand inside `function`; nothing is there that the row does not give."""
    made = {key: value for key, value in call.items() if key not in ("name", "arguments")}
    function = {key: call[key] for key in ("name", "arguments") if key in call}
    return {**made, "function": function} if function else made
