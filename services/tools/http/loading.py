"""From `tools.yaml` to tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jmespath
import orjson

from parley.secrets import Secrets
from parley.text.placeholders import names_in
from services.tools.foreign.arguments import SchemaArguments
from services.tools.http.calling import CONTEXT, Calling
from services.tools.http.endpoint import Endpoint
from services.tools.http.file import HttpTool
from services.tools.http.parts import READS, Parts, parts_of
from services.tools.http.source import Source
from services.tools.http.web import Web
from services.tools.schema import LoadedTool

RETRIES = 2
REPEATED = ("PUT", "DELETE")


def load_http_tools(path: Path, sources: Mapping[str, bytes], web: Web, secrets: Secrets) -> dict[str, LoadedTool]:
    """The tools of the file `path`, by name. `sources`: what it and the descriptions beside it say, by file name.

    Raises Misconfigured.
    """
    source = Source(path, sources)
    return {name: _loaded(source, name, web, secrets) for name in source.file.tools}


def _loaded(source: Source, name: str, web: Web, secrets: Secrets) -> LoadedTool:
    parts, tool = parts_of(source, name), source.file.tools[name]
    endpoint = _endpoint(source, name, parts, tool)
    asked = {argument: schema for argument, schema in parts.schemas.items() if parts.fields[argument].asked}
    required = [argument for argument in asked if parts.fields[argument].required]
    schema = {"type": "object", "properties": asked, "required": required, "additionalProperties": False}
    for place in names_in(tool.confirm):
        if place not in asked:
            source.wrong((name, "confirm"), f"{{{place}}} is no argument; there are {', '.join(asked) or 'none'}")
    return LoadedTool(
        name=name,
        description=parts.description,
        parameters_json=orjson.dumps(schema).decode(),
        marks=endpoint.marks,
        function=Calling(endpoint, web, secrets),
        is_async=True,
        context_name=CONTEXT,
        arguments=SchemaArguments(schema),
        secrets=endpoint.secrets,
    )


def _endpoint(source: Source, name: str, parts: Parts, tool: HttpTool) -> Endpoint:
    defaults = source.file.defaults
    marks = tool.as_marks(effects=parts.method not in READS, idempotent=parts.method in REPEATED)
    retries = tool.retries if tool.retries is not None else defaults.retries
    endpoint = Endpoint(
        tool=name,
        method=parts.method,
        address=parts.address,
        fields=tuple(parts.fields.values()),
        marks=marks,
        headers={**defaults.headers, **tool.headers},
        body=tool.body,
        whole=parts.whole,
        encoding=tool.encoding or parts.encoding,
        auth=tool.auth or defaults.auth,
        timeout_s=tool.timeout_s or defaults.timeout_s or marks.limit_s,
        retries=RETRIES if retries is None else retries,
        result=_result(source, name, tool, parts),
        summary=tool.summary,
        errors=tool.errors,
    )
    if tool.retries and not endpoint.repeatable:
        source.wrong((name, "retries"), f"a {parts.method} is not sent twice, unless you say idempotent: true")
    if endpoint.encoding == "form" and not (tool.body is None or isinstance(tool.body, dict)):
        source.wrong((name, "body"), "a form is a mapping of fields")
    return endpoint


def _result(source: Source, name: str, tool: HttpTool, parts: Parts) -> Any:
    """Compiled. Where it names the fields of the result, a place in the summary is one of them, or an argument."""
    if not tool.result:
        return None
    try:
        compiled = jmespath.compile(tool.result)
    except Exception as e:  # of many kinds
        source.wrong((name, "result"), f"not valid JMESPath: {' '.join(str(e).split())}")
    if compiled.parsed.get("type") == "multi_select_dict":
        known = [*(str(pair["value"]) for pair in compiled.parsed["children"]), *parts.schemas]
        for place in names_in(tool.summary):
            if place not in known:
                source.wrong((name, "summary"), f"{{{place}}} is not in result; there are {', '.join(known)}")
    return compiled
