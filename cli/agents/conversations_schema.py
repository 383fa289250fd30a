"""agents/conversations.schema.json, made from `parley/agents/conversations/conversation.py`.

`python -m cli.agents.conversations_schema [--check] FILE`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from parley.agents.conversations.conversation import ConversationFile

FILE = "conversations.schema.json"
_TEXTS = ("says", "says_not", "forbidden", "judge")
_NAMED = {"tools": "ExpectedTool", "shown": "ExpectedCard"}


def schema() -> dict[str, Any]:
    """JSON Schema of a file of conversations, as an author writes it: with its short forms."""
    made = ConversationFile.model_json_schema()
    words: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "number"}]}
    for part in ("Turn", "Whole"):
        fields = made["$defs"][part]["properties"]
        for name in _TEXTS:
            fields[name] = {"anyOf": [*words["anyOf"], {"type": "array", "items": words}]}
        for named, model in _NAMED.items():
            one: dict[str, Any] = {"anyOf": [{"type": "string"}, {"$ref": f"#/$defs/{model}"}, _ONE_NAME]}
            fields[named] = {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}
    turns = made["$defs"]["Conversation"]["properties"]["turns"]
    turns["items"] = {"anyOf": [*words["anyOf"], {"$ref": "#/$defs/Turn"}]}
    made["$defs"]["Turn"]["properties"]["caller"] = {**words, "title": "Caller"}
    for place in (made, made["$defs"]["Conversation"]):
        place["properties"]["at"] = {"type": "string", "title": "At"}  # without seconds too, which is no RFC 3339
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


_ONE_NAME = {
    "description": "name: {argument: value}",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": {"anyOf": [{"type": "object"}, {"type": "null"}]},
}


def main(arguments: list[str]) -> int:
    path = Path(arguments[-1])
    wanted = json.dumps(schema(), indent=2) + "\n"
    if "--check" not in arguments:
        path.write_text(wanted)
        return 0
    if path.read_text() != wanted:
        remedy = f"run: python -m cli.agents.conversations_schema {path}"
        print(f"{path} is not what the code says; {remedy}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
