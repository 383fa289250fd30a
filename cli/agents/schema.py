"""agents/{agent,wrapper}.schema.json, made from `parley/agents/`. `python -m cli.agents.schema [--check] FILE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from parley.agents.agent import Agent
from parley.agents.page.wrapper import Wrapper
from parley.engines import engines_of

FILE = "agent.schema.json"
WRAPPER_FILE = "wrapper.schema.json"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_OURS = ("name", "version", "must_hear")
"""Not the file's to say."""
_SENTENCES = {"Silence": ("goodbye",), "Sentences": None, "MustSay": None, "": ("greeting",)}
"""What may say of itself that it is heard to the end; None: all of it."""


def schema() -> dict[str, Any]:
    """JSON Schema of agent.yaml, as an author writes it."""
    made = Agent.model_json_schema()
    for name in _OURS:
        del made["properties"][name]
    del made["$defs"]["MustSay"]["properties"]["may_interrupt"]
    for where, names in _SENTENCES.items():
        properties = (made["$defs"][where] if where else made)["properties"]
        for name in names or properties:
            properties[name] = {"anyOf": [properties[name], {"$ref": "#/$defs/MarkedSentence"}]}
    made["$defs"]["MarkedSentence"] = {
        "type": "object",
        "description": "A sentence, and whether the caller may interrupt it.",
        "properties": {"text": {"type": "string"}, "interruptible": {"type": "boolean", "default": True}},
        "required": ["text"],
        "additionalProperties": False,
    }
    foreign = made["$defs"]["McpServer"]["properties"]
    short = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    foreign["tools"] = {"anyOf": [foreign["tools"], short]}
    voice = made["$defs"]["Voice"]
    voice["properties"] |= {engine: {"type": "string", "maxLength": 200} for engine in sorted(engines_of("tts"))}
    voice["additionalProperties"] = False
    return {"$schema": _DRAFT, **made}


def wrapper_schema() -> dict[str, Any]:
    """JSON Schema of wrapper.json."""
    return {"$schema": _DRAFT, **Wrapper.model_json_schema()}


def text_of(file: str) -> str:
    """What a schema's file of this name is to hold."""
    return json.dumps({FILE: schema, WRAPPER_FILE: wrapper_schema}[file](), indent=2) + "\n"


def main(arguments: list[str]) -> int:
    path = Path(arguments[-1])
    wanted = text_of(path.name)
    if "--check" not in arguments:
        path.write_text(wanted)
        return 0
    if path.read_text() != wanted:
        print(f"{path} is not what the code says; run: python -m cli.agents.schema {path}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
