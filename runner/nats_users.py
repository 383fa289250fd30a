"""The users of the nats-servers that `parley run` starts: one per service, each with what it needs.

Only the orchestrator writes call states and events, publishes cancels and takes signals; the gateway reads states; llm,
tts and tools hear cancels; stt, llm and tts tell their own replicas which vendors are down; backoffice follows the
events. All but tts read what is published of the agents; only the operator publishes, for that is to have code run, and
has tools forget calls.
Commands have users of their own: none of them writes a state or an event. So has who follows the events with watchers
of their own (`watcher`).
A denied publish raises nothing at the client (the server's answer is logged), so the lists are tested against a server.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_CANCEL = "call.*.cancel"
_FORGET = "tools.forget"


@dataclass(frozen=True)
class Permissions:
    """Subjects a user may publish to and subscribe to. Its own inbox is always among the latter. `but`: of what it may
    publish, not these. `answers`: it may answer what it was asked, once, wherever the answer is to go."""

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    answers: bool = False


def _outages(service: str) -> tuple[str, ...]:
    """What a service needs to share its breakers: its own keys of the bucket, written and read. It cannot make it."""
    return (
        f"$KV.outages.{service}.>",
        f"$JS.API.DIRECT.GET.KV_outages.$KV.outages.{service}.>",
        "$JS.API.STREAM.INFO.KV_outages",
    )


_READ_STATES = (
    "$JS.API.INFO",
    "$JS.API.STREAM.INFO.KV_calls",
    "$JS.API.STREAM.MSG.GET.KV_calls",
    "$JS.API.DIRECT.GET.KV_calls.>",
    "$JS.API.CONSUMER.CREATE.KV_calls.>",
    "$JS.API.CONSUMER.DELETE.KV_calls.>",
    "$JS.FC.>",
)
_LIST_STATES = (*_READ_STATES, "$JS.API.CONSUMER.CREATE.KV_calls", "$JS.API.CONSUMER.INFO.KV_calls.>")
STREAMS = (
    "CALL_EVENTS",
    "KV_calls",
    "KV_outages",
    "KV_agents",
    "OBJ_agents",
    "DEAD_LETTERS",
    "WATCH_AGAIN",
    "KV_config",
    "KV_processes",
)
"""What the orchestrator makes at its start. It changes none: a stream can be told to write elsewhere."""
_PUBLISHED = (
    "$JS.API.STREAM.INFO.KV_agents",
    "$JS.API.STREAM.MSG.GET.KV_agents",
    "$JS.API.STREAM.MSG.GET.OBJ_agents",
)
"""Reading what is published of the agents."""
WATCH = (
    "$JS.API.CONSUMER.CREATE.CALL_EVENTS.>",
    "$JS.API.CONSUMER.INFO.CALL_EVENTS.>",
    "$JS.API.CONSUMER.MSG.NEXT.CALL_EVENTS.>",
    "$JS.ACK.CALL_EVENTS.>",
    "dead.*",
    "$JS.API.CONSUMER.CREATE.WATCH_AGAIN.>",
    "$JS.API.CONSUMER.INFO.WATCH_AGAIN.>",
    "$JS.API.CONSUMER.MSG.NEXT.WATCH_AGAIN.>",
    "$JS.ACK.WATCH_AGAIN.>",
)
"""What a process with watchers needs: durable consumers of its own, and somewhere to put what it fails on."""
SHIPPED = ("audit", "sentiment", "outcomes", "webhooks")
"""Backoffice's own watchers. Who follows beside them uses other names."""
FOLLOWERS = (("CALL_EVENTS", "records"), *(("CALL_EVENTS", f"watch-{name}") for name in SHIPPED))
_SHIPPED_FOLLOW = tuple(
    subject
    for stream, consumer in (*FOLLOWERS, *(("WATCH_AGAIN", f"again-{name}") for name in SHIPPED))
    for subject in (
        f"$JS.API.CONSUMER.CREATE.{stream}.{consumer}",
        f"$JS.API.CONSUMER.CREATE.{stream}.{consumer}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.{consumer}",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}",
        f"$JS.ACK.{stream}.{consumer}.>",
    )
)
"""What takes events away from these."""
LETTERS = (
    "again.*",
    "$JS.API.STREAM.INFO.DEAD_LETTERS",
    "$JS.API.STREAM.MSG.GET.DEAD_LETTERS",
    "$JS.API.STREAM.MSG.DELETE.DEAD_LETTERS",
)
"""Reading dead letters, having them tried again, dropping them."""

_FOLLOW_EVENTS = (
    "$JS.API.INFO",
    "$JS.API.STREAM.INFO.CALL_EVENTS",
    "$JS.API.STREAM.MSG.GET.CALL_EVENTS",
    "$JS.API.CONSUMER.CREATE.CALL_EVENTS.>",
    "$JS.API.CONSUMER.DURABLE.CREATE.CALL_EVENTS.>",
    "$JS.API.CONSUMER.INFO.CALL_EVENTS.>",
    "$JS.API.CONSUMER.MSG.NEXT.CALL_EVENTS.>",
    "$JS.ACK.CALL_EVENTS.>",
)
"""With a durable consumer of one's own."""


def _configured(service: str) -> tuple[str, ...]:
    """What a service needs to have the live configuration, which it cannot change, and to tell of itself."""
    return (
        "$JS.API.STREAM.INFO.KV_config",
        "$JS.API.STREAM.MSG.GET.KV_config",
        "$JS.API.STREAM.INFO.KV_processes",
        f"$KV.processes.{service}.>",
    )


_CHANGES = "$KV.config.settings"
"""Every process hears of a change of the live configuration as it is written."""
_VERSIONS = "$KV.agents.>"
"""The same for what is published of the agents."""
CONFIGURES = (
    "$JS.API.STREAM.INFO.KV_config",
    "$JS.API.STREAM.MSG.GET.KV_config",
    "$KV.config.>",
    "$JS.API.STREAM.INFO.KV_processes",
    "$JS.API.STREAM.MSG.GET.KV_processes",
)
"""Changing the live configuration, and reading what processes tell of themselves."""

PERMISSIONS: Mapping[str, Permissions] = {
    "orchestrator": Permissions(
        publish=(
            "call.>",
            "$KV.calls.>",
            "$KV.processes.orchestrator.>",
            "$JS.API.INFO",
            *(f"$JS.API.STREAM.CREATE.{stream}" for stream in STREAMS),
            "$JS.API.STREAM.INFO.>",
            "$JS.API.STREAM.NAMES",
            "$JS.API.STREAM.MSG.GET.>",
            "$JS.API.DIRECT.GET.>",
            "$JS.API.CONSUMER.>",
            "$JS.ACK.>",
            "$JS.FC.>",
        ),
        subscribe=("call.>", _CHANGES, _VERSIONS),
    ),
    "gateway": Permissions(
        publish=(*_READ_STATES, *_PUBLISHED, *_configured("gateway"), "limits.gateway"),
        subscribe=("limits.gateway", _CHANGES, _VERSIONS),
    ),
    "stt": Permissions(publish=(*_outages("stt"), *_PUBLISHED, *_configured("stt")), subscribe=(_CHANGES, _VERSIONS)),
    "llm": Permissions(
        publish=(*_outages("llm"), *_PUBLISHED, *_configured("llm")),
        subscribe=(_CANCEL, _CHANGES, _VERSIONS),
    ),
    "tts": Permissions(publish=(*_outages("tts"), *_configured("tts")), subscribe=(_CANCEL, _CHANGES)),
    "tools": Permissions(
        publish=(*_PUBLISHED, *_configured("tools")), subscribe=(_CANCEL, _FORGET, _CHANGES, _VERSIONS), answers=True
    ),
    "rag": Permissions(publish=(*_PUBLISHED, *_configured("rag")), subscribe=(_CHANGES, _VERSIONS)),
    "backoffice": Permissions(
        publish=(
            *_FOLLOW_EVENTS,
            *WATCH,
            *LETTERS,
            *_LIST_STATES,
            "call.watch",
            "call.*.signal",
            *_PUBLISHED,
            "$KV.agents.>",
            *CONFIGURES,
            *_configured("backoffice"),
            "limits.backoffice",
        ),
        subscribe=("limits.backoffice", "call.*.live", _CHANGES, _VERSIONS),
    ),
    "operator": Permissions(  # whoever runs a command on this machine: reads what happened, forgets, publishes agents
        publish=(
            "$JS.API.INFO",
            "$JS.API.STREAM.INFO.CALL_EVENTS",
            "$JS.API.STREAM.MSG.GET.CALL_EVENTS",
            "$JS.API.STREAM.PURGE.CALL_EVENTS",
            _FORGET,
            *LETTERS,
            *_PUBLISHED,
            "$JS.API.STREAM.INFO.OBJ_agents",
            "$JS.API.STREAM.PURGE.OBJ_agents",
            "$KV.agents.>",
            "$O.agents.>",
            *CONFIGURES,
        ),
    ),
    "watcher": Permissions(  # a developer's own program: docs/watchers.md
        publish=WATCH, but=(*_SHIPPED_FOLLOW, *(f"dead.{name}" for name in SHIPPED))
    ),
    "mcp": Permissions(publish=_LIST_STATES),  # `parley mcp`: who calls, and what was said
    "mcp-actions": Permissions(publish=(*_LIST_STATES, "call.*.signal")),  # with --allow-actions
}


_ANSWERS = '{ max: 1, expires: "1m" }'


def passwords(services: Iterable[str]) -> dict[str, str]:
    """A new random password for each service's user."""
    return {service: secrets.token_urlsafe(24) for service in services}


def users_config(users: Mapping[str, str]) -> list[str]:
    """The lines of the `authorization` block. `users`: name -> password, names as in PERMISSIONS."""
    return _authorization({name: json.dumps(password) for name, password in users.items()})


def variable(name: str) -> str:
    """Where a server that is not started here finds the password of a user: `NATS_MCP_ACTIONS`."""
    return f"NATS_{name.upper().replace('-', '_')}"


def users_by_variable(names: Iterable[str] = PERMISSIONS) -> list[str]:
    """The same block with each password left to a variable of the server's environment.

    nats-server reads what the variable holds as it reads its file: letters and digits, a letter first, are a password.
    """
    return _authorization({name: f"${variable(name)}" for name in names})


def _authorization(users: Mapping[str, str]) -> list[str]:
    lines = [f"    {_user(name, password)}" for name, password in users.items()]
    return ["authorization {", "  users = [", *lines, "  ]", "}"]


def _user(name: str, password: str) -> str:
    allowed = PERMISSIONS[name]
    publish = f"allow: {_subjects(allowed.publish)}" if allowed.publish else 'deny: ">"'
    publish += f", deny: {_subjects(allowed.but)}" if allowed.but else ""
    subscribe = f"allow: {_subjects((f'_INBOX_{name}.>', *allowed.subscribe))}"
    answers = f", allow_responses: {_ANSWERS}" if allowed.answers else ""
    permissions = f"{{ publish: {{ {publish} }}, subscribe: {{ {subscribe} }}{answers} }}"
    return f"{{ user: {json.dumps(name)}, password: {password}, permissions: {permissions} }}"


def _subjects(subjects: Iterable[str]) -> str:
    return json.dumps(list(subjects))
