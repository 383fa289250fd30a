"""Server-sent events as JSON values, by the rules of the HTML standard and by what servers make of them. Pure.

Seen: `data:` with and without a space, events over several lines, no empty line between events, CRLF and CR, a byte
order mark, comments, `event:` and `id:`; an `error:` line (llama.cpp); JSON without `data:`, one value a line or one
for all (a server that does not stream); `[DONE]`, also in quotes; lines that are no JSON at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson
from prometheus_client import Counter

from parley.errors import VendorLost

SKIPPED = Counter("voice_llm_skipped_total", "Pieces of a model server's answer that say nothing: left out", ["what"])
MAX_LINE = 1 << 20
"""Bytes of a line, and of a value that goes over several."""
MAX_EVENT = 1 << 16
"""Bytes of an event that goes over several `data:` lines."""
_BOM = b"\xef\xbb\xbf"


class Stream:
    """`feed` gives the values that these bytes complete. `done` after [DONE]."""

    def __init__(self) -> None:
        self.done = False
        self._rest = b""
        self._begun = False
        self._event = b""
        self._data = b""  # of an event whose lines so far are no JSON
        self._bare = b""  # JSON that stands on no `data:` line
        self._waits = False  # one of these has something

    def feed(self, data: bytes) -> list[Any]:
        """b"" is the end of the stream. Raises VendorLost for an endless line."""
        if data.startswith(b"data: {") and data.find(b"\n") == len(data) - 2 and not self._waits:
            try:
                return [orjson.loads(data[6:])]  # nearly all that comes is so
            except orjson.JSONDecodeError:
                pass
        values: list[Any] = []
        text = self._rest + data
        if not self._begun and len(text) >= len(_BOM):
            self._begun, text = True, text.removeprefix(_BOM)
        lines = text.splitlines(keepends=True)
        self._rest = b""
        if data and lines and not lines[-1].endswith(b"\n"):  # a CR may be half of a CRLF
            self._rest = lines.pop()
            if len(self._rest) > MAX_LINE:
                raise VendorLost(f"the model's server sent a line longer than {MAX_LINE} bytes")
        for line in lines:
            values += self._line(line.rstrip(b"\r\n"))
            if self.done:
                return values
        if not data:
            values += self._line(b"")
            values += self._bare_value(at_end=True)
        self._waits = bool(self._rest or self._data or self._event or self._bare)
        return values

    def _line(self, line: bytes) -> Iterator[Any]:
        if line.startswith(b"data:"):
            yield from self._data_line(line[5:].strip())
        elif not line:
            if self._data:
                SKIPPED.labels("line").inc()
            self._data = self._event = b""
        elif line.startswith(b"event:"):
            self._event = line[6:].strip()
        elif line.startswith(b"error:"):
            yield {"error": _loaded(line[6:]) or line[6:].decode(errors="replace")}
        elif self._bare or line.lstrip()[:1] in (b"{", b"["):
            yield from self._bare_line(line)

    def _data_line(self, line: bytes) -> Iterator[Any]:
        if line.strip(b'"') == b"[DONE]":
            self.done = True
            return
        if not line:
            return
        value = _loaded(self._data + b"\n" + line if self._data else line)
        if value is None and self._data:
            value = _loaded(line)  # what stood before it was nothing
            if value is not None:
                SKIPPED.labels("line").inc()
        if value is None:
            self._data = self._data + b"\n" + line if self._data else line
            if len(self._data) > MAX_EVENT:
                SKIPPED.labels("line").inc()
                self._data = b""
            return
        self._data = b""
        failed = self._event == b"error" and not (isinstance(value, dict) and value.get("error"))
        yield {"error": value} if failed else value

    def _bare_line(self, line: bytes) -> Iterator[Any]:
        first, self._bare = not self._bare, self._bare + line + b"\n"
        if len(self._bare) > MAX_LINE:
            raise VendorLost(f"the model's server sent a line longer than {MAX_LINE} bytes")
        if first or line[:1] in (b"}", b"]"):  # not for each line of a long value
            yield from self._bare_value()

    def _bare_value(self, at_end: bool = False) -> Iterator[Any]:
        value = _loaded(self._bare) if self._bare else None
        if value is not None:
            yield value
        elif at_end and self._bare:
            SKIPPED.labels("line").inc()
        if value is not None or at_end:
            self._bare = b""


def _loaded(data: bytes) -> Any:
    """The JSON value; None if it is none. Halves of a surrogate pair, which orjson refuses, are taken."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"\\u" not in data:
            return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
