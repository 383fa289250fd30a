"""`tools.yaml` as its author writes it. What it becomes: `endpoint.py`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from parley.agents.foreign.auth import Auth
from parley.agents.foreign.marks import Marks
from parley.agents.strict import Strict
from parley.text.placeholders import NAME

MAX_TOOLS = 64
MAX_PARAMETERS = 64
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Where = Literal["path", "query", "header", "body"]
Type = Literal["string", "integer", "number", "boolean", "date"]
Scalar = str | int | float | bool

ToolName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$")]
ParameterName = Annotated[str, StringConstraints(pattern=rf"^{NAME}$")]
KNOWN = ("caller", "call_id", "customer", "agent", "purpose", "direction")
"""Of the call, for `from`; beside them `parameters.<name>`."""
_OURS = ("authorization", "cookie", "host", "connection", "content-length", "content-type", "transfer-encoding")
_OURS_TOO = ("idempotency-key", "accept-encoding", "upgrade", "te", "trailer")


class Parameter(Strict):
    """One value of a request. `name`: what the service calls it, when that is something else. `list`: several of them.

    `from`: known of the call, `value`: always the same; the model is not asked for these.
    """

    type: Type | None = None
    list: bool = False
    description: str = Field("", max_length=500)
    required: bool | None = None
    where: Where | None = None
    name: str = Field("", max_length=100)
    enum: tuple[Scalar, ...] = Field((), max_length=200)
    source: str = Field("", alias="from", pattern=rf"^({'|'.join(KNOWN)}|parameters\.{NAME})?$")
    value: Scalar | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Parameter:
        if self.source and self.value is not None:
            raise ValueError("value: write either from (known of the call) or value (always the same)")
        return self


Headers = Annotated[dict[str, str], Field(max_length=32)]


def check_headers(headers: dict[str, str]) -> None:
    """Raises ValueError: one that is not the file's to set, or cannot be sent."""
    for name, value in headers.items():
        if name.lower() in (*_OURS, *_OURS_TOO) or name.lower().startswith("proxy-"):
            raise ValueError(f"headers: {name} is not set here; use auth for secrets, the rest is Parley's own")
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
            raise ValueError(f"headers: {name!r} is no name of a header")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"headers: {name}: a value is one line of ASCII")


class HttpTool(Marks):
    """One request that the model may have made. Either `method` and `url` or `operation` of an OpenAPI description."""

    description: str = Field("", max_length=2000)
    method: Method | None = None
    url: str = Field("", max_length=2000)
    openapi: str = Field("", max_length=100)
    operation: str = Field("", max_length=200)
    server: str = Field("", max_length=2000)
    only: tuple[str, ...] | None = None
    parameters: dict[ParameterName, Parameter] = Field(default_factory=dict, max_length=MAX_PARAMETERS)
    headers: Headers = Field(default_factory=dict)
    body: Any = None
    encoding: Literal["json", "form"] | None = None
    auth: Auth | None = None
    timeout_s: float | None = Field(None, gt=0, le=300)
    retries: int | None = Field(None, ge=0, le=5)
    result: str = Field("", max_length=2000)
    summary: str = Field("", max_length=500)
    errors: dict[Annotated[int, Field(ge=300, le=599)], Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        default_factory=dict, max_length=32
    )

    @model_validator(mode="after")
    def _whole(self) -> HttpTool:
        if bool(self.url) == bool(self.operation):
            raise ValueError("url: write either method and url, or operation (of an OpenAPI description)")
        if self.url and self.method is None:
            raise ValueError("method: missing; GET, POST, PUT, PATCH or DELETE")
        if self.operation and self.method is not None:
            raise ValueError("method: the operation says it; take it out")
        if self.url and (self.openapi or self.server or self.only is not None):
            raise ValueError("openapi: openapi, server and only are for an operation, not for a url")
        if self.url and not self.description.strip():
            raise ValueError("description: missing; it tells the model when to use the tool")
        if self.operation and self.body is not None:
            raise ValueError("body: the operation says it; take it out")
        check_headers(self.headers)
        return self


class Defaults(Strict):
    """What holds for each tool of the file that does not say otherwise."""

    openapi: str = Field("", max_length=100)
    server: str = Field("", max_length=2000)
    headers: Headers = Field(default_factory=dict)
    auth: Auth | None = None
    timeout_s: float | None = Field(None, gt=0, le=300)
    retries: int | None = Field(None, ge=0, le=5)

    @model_validator(mode="after")
    def _headers(self) -> Defaults:
        check_headers(self.headers)
        return self


class ToolsFile(Strict):
    defaults: Defaults = Defaults()
    tools: dict[ToolName, HttpTool] = Field(default_factory=dict, max_length=MAX_TOOLS)
