"""One operation of an OpenAPI description (3.0 and 3.1), as far as a tool can have it made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

import yaml

from services.tools.foreign.json_schema import BadSchema, tamed
from services.tools.foreign.words import one_line
from services.tools.http.endpoint import Field
from services.tools.http.file import Method, Where

MAX_BYTES = 2 << 20
MAX_DESCRIPTION_CHARS = 1_000
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_METHODS = tuple(method.lower() for method in get_args(Method))
_PLAIN_STYLES = {"path": "simple", "query": "form", "header": "simple"}


class BadOperation(Exception):
    """What is wrong, naming the operation and the part of it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`schemas`: of each field by its argument's name. `whole`: the wire name of the field that is the whole body."""

    method: Method
    server: str
    path: str
    description: str
    fields: tuple[Field, ...]
    schemas: Mapping[str, dict[str, Any]]
    whole: str
    encoding: str


def document_of(name: str, source: bytes) -> Mapping[str, Any]:
    """Raises BadOperation: it cannot be read."""
    if len(source) > MAX_BYTES:
        raise BadOperation(f"{name} has {len(source)} bytes; at most {MAX_BYTES}")
    try:
        found = json.loads(source) if name.endswith(".json") else yaml.load(source.decode(), _YAML)  # noqa: S506
    except (ValueError, yaml.YAMLError, RecursionError) as e:
        raise BadOperation(f"{name} is not valid {'JSON' if name.endswith('.json') else 'YAML'}: {e}") from e
    if not isinstance(found, Mapping) or not isinstance(found.get("paths"), Mapping):
        raise BadOperation(f"{name} has no `paths`: it is no OpenAPI description")
    return found


def operation_of(document: Mapping[str, Any], name: str) -> Operation:
    """The operation with this operationId. Raises BadOperation."""
    return _Reading(document, name).operation()


@dataclass(frozen=True, slots=True)
class _Reading:
    document: Mapping[str, Any]
    name: str

    def operation(self) -> Operation:
        path, item, method, found = self._found()
        fields: list[Field] = []
        schemas: dict[str, dict[str, Any]] = {}
        for field, schema in self._parameters(item, found):
            self._add(fields, schemas, field, schema)
        whole, encoding = self._body(found, fields, schemas)
        words = " ".join(str(found[key]) for key in ("summary", "description") if found.get(key))
        return Operation(
            method=cast(Method, method.upper()),
            server=self._server(item, found),
            path=path,
            description=one_line(words, MAX_DESCRIPTION_CHARS),
            fields=tuple(fields),
            schemas=schemas,
            whole=whole,
            encoding=encoding,
        )

    def _found(self) -> tuple[str, Mapping[str, Any], str, Mapping[str, Any]]:
        known = []
        for path, item in self.document["paths"].items():
            for method, found in item.items() if isinstance(item, Mapping) else ():
                if method in _METHODS and isinstance(found, Mapping) and "operationId" in found:
                    if found["operationId"] == self.name:
                        return str(path), item, method, found
                    known.append(str(found["operationId"]))
        names = one_line(", ".join(known), 300) or "none"
        raise BadOperation(f"there is no operation {self.name!r}; there are {names}")

    def _server(self, item: Mapping[str, Any], found: Mapping[str, Any]) -> str:
        servers: Any = next((x["servers"] for x in (found, item, self.document) if x.get("servers")), [])
        if not isinstance(servers, list) or not servers or not isinstance(servers[0], Mapping):
            return ""
        variables = servers[0].get("variables") or {}
        url = str(servers[0].get("url", ""))
        return re.sub(r"\{(\w+)\}", lambda m: str((variables.get(m[1]) or {}).get("default", m[0])), url).rstrip("/")

    def _parameters(self, item: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[tuple[Field, dict[str, Any]]]:
        merged = {}
        for each in [*(item.get("parameters") or ()), *(found.get("parameters") or ())]:
            parameter = self._resolved(each)
            merged[parameter.get("name"), parameter.get("in")] = parameter
        for (name, where), parameter in merged.items():
            required = parameter.get("required") is True or where == "path"
            style = _PLAIN_STYLES.get(str(where))
            schema = parameter.get("schema")
            if style is None or parameter.get("style", style) != style or not isinstance(schema, Mapping):
                if required:
                    raise BadOperation(f"parameter {name}: it is sent in a way that is not supported ({where})")
                continue
            joined = parameter.get("explode", where == "query") is False or where != "query"
            note = {"description": parameter["description"]} if parameter.get("description") else {}
            wire = str(name)
            field = Field(_argument(wire), wire, cast(Where, where), required, joined=joined)
            yield field, self._tamed({**schema, **note}, wire)

    def _body(
        self, found: Mapping[str, Any], fields: list[Field], schemas: dict[str, dict[str, Any]]
    ) -> tuple[str, str]:
        """(the field that is the whole body, its encoding). Properties of an object become fields of their own."""
        body = self._resolved(found["requestBody"]) if found.get("requestBody") else {}
        kinds = body.get("content") or {}
        kind = next((k for k in kinds if k == "application/json" or k.endswith("+json")), "")
        form = "" if kind else next((k for k in kinds if k == "application/x-www-form-urlencoded"), "")
        if not kind and not form:
            if body.get("required") is True:
                raise BadOperation(f"its body is of a kind that is not supported: {', '.join(kinds) or 'none'}")
            return "", "json"
        raw = kinds[kind or form].get("schema") or {}
        schema = self._tamed(raw, "the body")
        needed = body.get("required") is True
        properties = schema.get("properties")
        if not isinstance(properties, dict) or any(schema.get(each) for each in ("anyOf", "oneOf", "allOf")):
            if form:
                raise BadOperation("its body is a form without named fields, which is not supported")
            self._add(fields, schemas, Field("body", "body", "body", needed), schema)
            return "body", "json"
        for wire, each in properties.items():
            required = needed and wire in schema.get("required", ())
            self._add(fields, schemas, Field(_argument(wire), wire, "body", required), each)
        return "", "form" if form else "json"

    def _add(
        self, fields: list[Field], schemas: dict[str, dict[str, Any]], field: Field, schema: dict[str, Any]
    ) -> None:
        if field.name in schemas or any(other.wire == field.wire for other in fields):
            raise BadOperation(f"parameter {field.wire}: another one of this operation has the same name")
        fields.append(field)
        schemas[field.name] = schema

    def _tamed(self, schema: Mapping[str, Any], what: str) -> dict[str, Any]:
        try:
            return tamed(schema, self.document)
        except BadSchema as e:
            raise BadOperation(f"{what}: {e}") from e

    def _resolved(self, part: Any) -> Mapping[str, Any]:
        found: Any = part
        for _ in range(5):
            if not isinstance(found, Mapping):
                break
            if not isinstance(reference := found.get("$ref"), str):
                return found
            found = self.document
            for step in reference.removeprefix("#").split("/")[1:]:
                step = step.replace("~1", "/").replace("~0", "~")
                found = found.get(step) if isinstance(found, Mapping) else None
        raise BadOperation(f"a part of it is not there: {one_line(str(part), 100)}")


def _argument(wire: str) -> str:
    """The name of a parameter as a model may write it."""
    name = re.sub(r"\W", "_", wire, flags=re.ASCII)[:64]
    return name if name[:1].isalpha() else f"p_{name}"
