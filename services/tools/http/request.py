"""From an endpoint and arguments to the request that is sent. Pure; knows no secret but those it is handed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from parley.tooling import CallContext, ToolError
from services.tools.http.endpoint import PLACE, Endpoint, Field

MAX_URL_CHARS = 8_000
MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """`url` and `headers` may hold a secret and personal data: they stand in no log."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None


def request_of(endpoint: Endpoint, arguments: Mapping[str, Any], context: CallContext, secret: str) -> Request:
    """Raises ToolError: a value cannot stand where it belongs, or is not known of this call."""
    known = {field.wire: _value(field, arguments, context) for field in endpoint.fields}
    values = {wire: value for wire, value in known.items() if value is not None}
    placed = set(endpoint.address.places)
    filled = [(key, _filled(text, values)) for key, text in endpoint.address.query]
    query = [(key, text) for key, text in filled if text is not None]
    headers = dict(endpoint.headers)
    for field in endpoint.fields:
        if field.wire not in values or field.wire in placed:
            continue
        if field.where == "query":
            query += [(field.wire, text) for text in _texts(values[field.wire], field.joined)]
        elif field.where == "header":
            headers[field.wire] = _header(field, values[field.wire])
    content = _content(endpoint, values, headers)
    if endpoint.marks.effects:
        headers["Idempotency-Key"] = quote(context.idempotency_key, safe="/:.-_~")
    _prove(endpoint, secret, headers, query)
    path = _path(endpoint, values)
    url = f"{endpoint.address.origin}{path}{'?' + urlencode(query) if query else ''}"
    if len(url) > MAX_URL_CHARS:
        raise ToolError("The values are too long for this tool. Ask for less.")
    return Request(endpoint.method, url, headers, content)


def _value(field: Field, arguments: Mapping[str, Any], context: CallContext) -> Any:
    if field.value is not None:
        return field.value
    if not field.source:
        value = arguments.get(field.name)
        return None if value is None and not field.required else value
    name, _, parameter = field.source.partition(".")
    value = context.parameters.get(parameter, "") if parameter else str(getattr(context, name, ""))
    if not value and field.required:
        words = "The caller is not verified yet. Check their identity first, then try again."
        raise ToolError(words if name == "customer" else f"This needs the {parameter or name} of the call: not known.")
    return value or None


def _path(endpoint: Endpoint, values: Mapping[str, Any]) -> str:
    """Percent-encoded, each value inside its own segment."""
    segments = []
    for template in endpoint.address.path.split("/"):
        segment = PLACE.sub(lambda found: quote(_text(values.get(found[1], "")), safe=""), template)
        if segment != template and segment in ("", ".", ".."):
            name = next((f.name for f in endpoint.fields if f.wire == PLACE.findall(template)[0]), "a value")
            raise ToolError(f"The argument {name} cannot be {segment or 'empty'}. Ask the caller for it.")
        segments.append(segment)
    return "/".join(segments)


def _filled(template: str, values: Mapping[str, Any]) -> str | None:
    """None: a place that needs no value has none, so that the whole is left out."""
    if any(name not in values for name in PLACE.findall(template)):
        return None
    return PLACE.sub(lambda found: _text(values[found[1]]), template)


def _content(endpoint: Endpoint, values: Mapping[str, Any], headers: dict[str, str]) -> bytes | None:
    body = _body(endpoint, values)
    if body is None:
        return None
    if endpoint.encoding == "form":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        pairs = [(key, text) for key, value in body.items() for text in _texts(value, False)]
        content = urlencode(pairs).encode()
    else:
        headers["Content-Type"] = "application/json"
        content = orjson.dumps(body)
    if len(content) > MAX_BODY_BYTES:
        raise ToolError("The values are too long for this tool. Ask for less.")
    return content


def _body(endpoint: Endpoint, values: Mapping[str, Any]) -> Any:
    if endpoint.whole:
        return values.get(endpoint.whole)
    if endpoint.body is not None:
        return _template(endpoint.body, values)
    inside = {f.wire: values[f.wire] for f in endpoint.fields if f.where == "body" and f.wire in values}
    fields = any(field.where == "body" for field in endpoint.fields)
    return inside if fields else None


_GONE = object()


def _template(part: Any, values: Mapping[str, Any]) -> Any:
    """A text that is one place only becomes the value itself; where a value is missing, its key is left out."""
    if isinstance(part, Mapping):
        filled = {str(key): _template(each, values) for key, each in part.items()}
        return {key: each for key, each in filled.items() if each is not _GONE}
    if isinstance(part, list):
        return [each for each in (_template(each, values) for each in part) if each is not _GONE]
    if not isinstance(part, str):
        return part
    if (whole := PLACE.fullmatch(part)) is not None:
        return values.get(whole[1], _GONE)
    if any(name not in values for name in PLACE.findall(part)):
        return _GONE
    return PLACE.sub(lambda found: _text(values[found[1]]), part)


def _header(field: Field, value: Any) -> str:
    text = _text(value)
    if not (text.isascii() and text.isprintable()):
        raise ToolError(f"The argument {field.name} has characters that cannot be sent. Use plain letters and digits.")
    return text.strip()


def _prove(endpoint: Endpoint, secret: str, headers: dict[str, str], query: list[tuple[str, str]]) -> None:
    auth = endpoint.auth
    match auth.type if auth is not None else "":
        case "bearer":
            headers["Authorization"] = f"Bearer {secret}"
        case "basic":
            headers["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
        case "header" if auth is not None:
            headers[auth.name] = secret
        case "query" if auth is not None:
            query.append((auth.name, secret))


def _texts(value: Any, joined: bool) -> list[str]:
    if isinstance(value, list) and not joined:
        return [_text(each) for each in value]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(each) for each in value)
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return str(value)
