"""`agent.yaml`: servers of the Model Context Protocol whose tools an agent may use."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from parley.agents.foreign.auth import Auth, SecretRef
from parley.agents.foreign.marks import Marks
from parley.agents.strict import Strict

MAX_SERVERS = 8
MAX_TOOLS = 64
ANY = "*"
"""As a tool's name: every tool that the server lists."""

ServerName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]


class ForeignTool(Marks):
    """One tool of a server. `description`: what the model is told of it, instead of the server's own words.

    `summary`: a sentence about its result, with places `{field}` for fields of it.
    """

    description: str = Field("", max_length=1000)
    summary: str = Field("", max_length=500)


def _by_name(value: object) -> object:
    """`[find, book]` is short for `{find: {}, book: {}}`."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: {} for name in value}
    if isinstance(value, dict):
        return {name: {} if marks is None else marks for name, marks in value.items()}
    return value


class McpServer(Strict):
    """`command`, `args`, `env`: a program that is started in the agent's folder and spoken to by its standard input
    and output. `url`: one that is reached by streamable HTTP. `tools`: which of its tools may be used.

    `trust_annotations`: believe the server that a tool only reads. `start_s`: until it must have said what it can do.
    `refresh_s`: how often it is asked again.
    """

    command: str = Field("", max_length=500)
    args: tuple[str, ...] = Field((), max_length=64)
    env: dict[VariableName, str | SecretRef] = Field(default_factory=dict, max_length=64)
    url: str = Field("", max_length=2000)
    auth: Auth | None = None
    tools: Annotated[dict[str, ForeignTool], BeforeValidator(_by_name)] = Field(min_length=1, max_length=MAX_TOOLS)
    trust_annotations: bool = False
    start_s: float = Field(30.0, gt=0, le=300)
    refresh_s: float = Field(300.0, ge=1, le=86_400)

    @model_validator(mode="after")
    def _one_way(self) -> McpServer:
        if bool(self.command) == bool(self.url):
            raise ValueError("command: write either command (a program here) or url (a server elsewhere)")
        if self.url and (self.args or self.env):
            raise ValueError("args: args and env are for a command, not for a url")
        if self.command and self.auth is not None:
            raise ValueError("auth: is for a url; give a command its secrets by env: {NAME: {secret: NAME}}")
        if self.auth is not None and self.auth.type == "query":
            raise ValueError("auth: a query parameter is not supported here; use bearer, basic or header")
        if self.url:
            _checked(self.url)
        return self

    def marks_of(self, tool: str) -> ForeignTool | None:
        """What the file says of a tool; None: it may not be used."""
        return self.tools.get(tool) or self.tools.get(ANY)


def _checked(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("url: must be an address such as https://tools.example.com/mcp")
    if parts.username or parts.password:
        raise ValueError("url: holds a user or password; use auth, and a secret")
