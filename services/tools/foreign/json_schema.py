"""JSON Schema that somebody else wrote, as much of it as a model is told and as arguments are checked against. Pure.

References are written out and a list of known keywords is all that stays, so that no schema, however it is meant, can
make checking slow (patterns, references that multiply, dynamic ones) or fetch something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.tools.foreign.words import one_line

MAX_NODES = 400
MAX_DEPTH = 10
MAX_CHOICES = 200
MAX_NOTE_CHARS = 300
MAX_NAME_CHARS = 64

_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_EACH = ("anyOf", "oneOf", "allOf")
_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")


class BadSchema(Exception):
    """What is wrong, with the place in the schema."""


def tamed(schema: Any, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The schema as we use it. `document`: what its references `#/...` are looked up in; the schema itself if None.

    Raises BadSchema: it is no mapping, or too large, or refers to what is not there.
    """
    if not isinstance(schema, Mapping):
        raise BadSchema("a schema is a mapping")
    return _Taming(document if document is not None else schema).node(schema, "#", MAX_DEPTH, ())


@dataclass
class _Taming:
    document: Mapping[str, Any]
    nodes: int = 0

    def node(self, schema: Any, at: str, depth: int, within: tuple[str, ...]) -> dict[str, Any]:
        """`within`: references that are being written out; one inside itself may be anything."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise BadSchema(f"{at}: more than {MAX_NODES} parts")
        if schema is False:
            return {"not": {}}
        if not isinstance(schema, Mapping) or depth == 0:
            return {}
        if isinstance(reference := schema.get("$ref"), str):
            if reference in within:
                return {}
            found = {**self._resolved(reference, at), **{k: v for k, v in schema.items() if k != "$ref"}}
            return self.node(found, at, depth, (*within, reference))
        kept = _plain(schema)
        for name in _EACH:
            if isinstance(parts := schema.get(name), list) and parts:
                kept[name] = [self.node(x, f"{at}/{name}/{n}", depth - 1, within) for n, x in enumerate(parts)]
        if isinstance(properties := schema.get("properties"), Mapping):
            kept["properties"] = {
                str(name): self.node(each, f"{at}/{name}", depth - 1, within)
                for name, each in properties.items()
                if 0 < len(str(name)) <= MAX_NAME_CHARS and str(name).isprintable()
            }
        if isinstance(required := schema.get("required"), list):
            names = [name for name in required[:MAX_NODES] if isinstance(name, str) and len(name) <= MAX_NAME_CHARS]
            kept["required"] = names
        for name in ("items", "additionalProperties"):
            if isinstance(schema.get(name), Mapping | bool):
                value = schema[name]
                kept[name] = value if isinstance(value, bool) else self.node(value, f"{at}/{name}", depth - 1, within)
        return kept

    def _resolved(self, reference: str, at: str) -> Mapping[str, Any]:
        found: Any = self.document
        if not reference.startswith("#"):
            raise BadSchema(f"{at}: $ref {one_line(reference, 80)} lies outside of this document")
        for part in reference.removeprefix("#").split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            found = found.get(part) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            raise BadSchema(f"{at}: $ref {one_line(reference, 80)} is not there")
        return found


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords without schemas in them, as far as they are well formed. `nullable` is OpenAPI's of 3.0."""
    kept: dict[str, Any] = {}
    types = schema.get("type")
    known = [each for each in (types if isinstance(types, list) else [types]) if each in _TYPES]
    if known and schema.get("nullable") is True and "null" not in known:
        known.append("null")
    if known:
        kept["type"] = known[0] if len(known) == 1 else known
    for name in _NUMBERS:
        if isinstance(value := schema.get(name), int | float) and not isinstance(value, bool):
            if name == "multipleOf" and value <= 0:
                continue
            kept[name] = value
    for name in _COUNTS:
        if isinstance(value := schema.get(name), int) and not isinstance(value, bool) and value >= 0:
            kept[name] = value
    if isinstance(choices := schema.get("enum"), list) and choices:
        kept["enum"] = [each for each in choices[:MAX_CHOICES] if _small(each)]
    for name in ("const", "default"):
        if schema.get(name) is not None and _small(schema[name]):
            kept[name] = schema[name]
    if schema.get("format") in ("date", "date-time", "time", "email", "uri", "uuid"):
        kept["format"] = schema["format"]
    if isinstance(note := schema.get("description"), str) and note.strip():
        kept["description"] = one_line(note, MAX_NOTE_CHARS)
    return kept


def _small(value: object) -> bool:
    return len(value) <= MAX_NOTE_CHARS if isinstance(value, str) else isinstance(value, int | float | bool | None)
