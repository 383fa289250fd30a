"""What a server's tool returned, as a result of ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from parley.tooling import Result, ToolError
from services.tools.foreign.summary import summary_of
from services.tools.foreign.words import cleaned, one_line, visible
from services.tools.mcp.contract import Returned

MAX_DATA_BYTES = 12 * 1024
MAX_TEXT_CHARS = 4_000
MAX_ERROR_CHARS = 300
MAX_SAID_CHARS = 300
TOO_LARGE = "It found too much to be told on the phone. Ask for less."


def result_of(returned: Returned, server: str, summary: str, arguments: Mapping[str, Any], effects: bool) -> Result:
    """`summary`: a template with places for fields of the data. Raises ToolError: the server says that it failed, or
    what was looked up is too large."""
    text = visible("\n".join(returned.texts)[: 2 * MAX_DATA_BYTES]).strip()
    if returned.failed:
        words = one_line(text, MAX_ERROR_CHARS).replace('"', "'")
        raise ToolError(f'It did not work. {server} says: "{words}"' if words else "It did not work.")
    data = returned.data if returned.data is not None else _parsed(text)
    if text and data == {"result": returned.texts[0]}:
        data = None  # the SDK's way of structuring a text
    value: dict[str, Any] = {"server": server}
    left_out = list(returned.others)
    if data is not None:
        data = cleaned(data)
        if _size(data) <= MAX_DATA_BYTES:
            value["data"] = data
        else:
            left_out.append("data, too large")
    elif text:
        value["text"] = text[:MAX_TEXT_CHARS]
        if len(text) > MAX_TEXT_CHARS:
            left_out.append("the rest of the text")
    if left_out:
        value["left_out"] = left_out
    if "data, too large" in left_out and not effects:
        raise ToolError(TOO_LARGE)
    said = {**arguments, **data} if isinstance(data, dict) else arguments
    sayable = not summary and data is None and 0 < len(text) <= MAX_SAID_CHARS and "\n" not in text
    return Result({**value, "summary": text if sayable else summary_of(summary, said, effects)})


def _parsed(text: str) -> Any:
    """Many servers write JSON as text."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _size(data: Any) -> int:
    try:
        return len(orjson.dumps(data))
    except (TypeError, ValueError):  # numbers of more than 64 bits
        return MAX_DATA_BYTES + 1
