"""What a tool's request is made of: as its author wrote it out, or as an OpenAPI description has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.tools.http.endpoint import PLACE, Address, Field
from services.tools.http.file import HttpTool, Method, Parameter, Where, check_headers
from services.tools.http.openapi import BadOperation, Operation, operation_of
from services.tools.http.source import Source

Schemas = dict[str, dict[str, Any]]
READS = ("GET", "HEAD")
BODILESS = (*READS, "DELETE")


@dataclass(frozen=True, slots=True)
class Parts:
    """`fields`, `schemas`: by the argument's name. `whole`: the wire name of the field that is the whole body."""

    method: Method
    address: Address
    description: str
    fields: dict[str, Field]
    schemas: Schemas
    whole: str = ""
    encoding: str = "json"


def parts_of(source: Source, name: str) -> Parts:
    """Of the tool of this name. Raises Misconfigured."""
    tool = source.file.tools[name]
    parts = _by_url(source, name, tool) if tool.url else _by_operation(source, name, tool)
    wires = {each.wire for each in parts.fields.values()}
    if unknown := [place for place in parts.address.places if place not in wires]:
        place = (name, "url" if tool.url else "operation")
        source.wrong(place, f"{{{unknown[0]}}} is no parameter; add it to parameters")
    if unknown := sorted(places_in(tool.body) - wires):
        source.wrong((name, "body"), f"{{{unknown[0]}}} is no parameter; add it to parameters")
    if tool.body is not None and parts.method in READS:
        source.wrong((name, "body"), f"a {parts.method} has no body")
    return parts


def places_in(part: Any) -> set[str]:
    """The places in all texts of a template of JSON."""
    if isinstance(part, Mapping):
        return {name for each in part.values() for name in places_in(each)}
    if isinstance(part, list):
        return {name for each in part for name in places_in(each)}
    return set(PLACE.findall(part)) if isinstance(part, str) else set()


def _by_url(source: Source, name: str, tool: HttpTool) -> Parts:
    address = source.address(tool.url, (name, "url"))
    fields: dict[str, Field] = {}
    for argument, parameter in tool.parameters.items():
        place = (name, "parameters", argument)
        wire = parameter.name or argument
        if any(other.wire == wire for other in fields.values()):
            source.wrong(place, f"another parameter is called {wire} too")
        where = _where(source, tool, parameter, wire, address, place)
        needed, joined = parameter.required is not False, where in ("path", "header")
        fields[argument] = Field(argument, wire, where, needed, parameter.source, parameter.value, joined)
    schemas = {argument: _schema(parameter) for argument, parameter in tool.parameters.items()}
    assert tool.method is not None
    return Parts(tool.method, address, " ".join(tool.description.split()), fields, schemas)


def _where(
    source: Source, tool: HttpTool, parameter: Parameter, wire: str, address: Address, place: tuple[str, ...]
) -> Where:
    """Where a parameter goes: to its place in the URL, else as it says, else into the body of what has one."""
    if wire in address.places:
        where: Where = "path" if wire in PLACE.findall(address.path) else "query"
        if parameter.where not in (None, where):
            source.wrong((*place, "where"), f"{{{wire}}} stands in the {where} of the url; take where out")
        if where == "path" and parameter.required is False:
            source.wrong((*place, "required"), "what stands in the path is required")
        return where
    in_body = tool.body is not None or tool.method not in BODILESS
    where = parameter.where or ("body" if in_body else "query")
    if where == "path":
        source.wrong((*place, "where"), f"{{{wire}}} does not stand in the path of the url")
    if where == "body" and tool.method in READS:
        source.wrong((*place, "where"), f"a {tool.method} has no body; use query")
    if where == "header":
        try:
            check_headers({wire: ""})
        except ValueError as e:
            source.wrong((*place, "where"), str(e))
    return where


def _schema(parameter: Parameter) -> dict[str, Any]:
    """JSON Schema of a value, as a model is told it."""
    date = parameter.type == "date"
    one: dict[str, Any] = {"type": "string", "format": "date"} if date else {"type": parameter.type or "string"}
    if parameter.enum:
        one["enum"] = list(parameter.enum)
    if parameter.list:
        one = {"type": "array", "items": one}
    return {**one, **({"description": parameter.description} if parameter.description else {})}


def _by_operation(source: Source, name: str, tool: HttpTool) -> Parts:
    try:
        found = operation_of(source.document(name, tool), tool.operation)
    except BadOperation as e:
        source.wrong((name, "operation"), str(e))
    server = tool.server or source.file.defaults.server or found.server
    if not server.startswith(("http://", "https://")):
        source.wrong((name, "operation"), "the description names no whole address; write server: https://...")
    place = (name, "server" if tool.server else "operation")
    address = source.address(f"{server.rstrip('/')}{found.path}", place)
    description = " ".join(tool.description.split()) or found.description
    if not description:
        source.wrong((name, "operation"), "the description says nothing of it; write description: ...")
    fields, schemas = _overridden(source, name, tool, found)
    if tool.only is not None:
        _drop(source, name, tool.only, fields, schemas)
    return Parts(found.method, address, description, fields, schemas, found.whole, found.encoding)


def _overridden(source: Source, name: str, tool: HttpTool, found: Operation) -> tuple[dict[str, Field], Schemas]:
    """The operation's parameters, with what the file says of them."""
    fields, schemas = {each.name: each for each in found.fields}, dict(found.schemas)
    for argument, parameter in tool.parameters.items():
        place = (name, "parameters", argument)
        if argument not in fields:
            source.wrong(place, f"the operation has no such parameter; it has {', '.join(fields) or 'none'}")
        if parameter.type or parameter.where or parameter.name or parameter.list:
            source.wrong(place, "type, list, where and name are the operation's to say; take them out")
        now = fields[argument]
        if now.required and parameter.required is False:
            source.wrong((*place, "required"), "the operation requires it")
        needed = now.required or parameter.required is True
        fields[argument] = replace(now, required=needed, source=parameter.source, value=parameter.value)
        note = {"description": parameter.description} if parameter.description else {}
        enum = {"enum": list(parameter.enum)} if parameter.enum else {}
        schemas[argument] = {**schemas[argument], **note, **enum}
    return fields, schemas


def _drop(source: Source, name: str, only: tuple[str, ...], fields: dict[str, Field], schemas: Schemas) -> None:
    """What the model is not to be asked for is not sent."""
    for argument in only:
        if argument not in fields:
            source.wrong((name, "only"), f"the operation has no {argument}; it has {', '.join(fields)}")
    for argument in [n for n, each in fields.items() if n not in only and each.asked]:
        if fields[argument].required:
            source.wrong((name, "only"), f"{argument} is required; name it, or give it from or value")
        del fields[argument], schemas[argument]
