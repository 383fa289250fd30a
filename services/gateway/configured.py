"""What of the gateway may be changed live: who answers, how often a call may come back, whose voices are heard, how
often one address may ask."""

from __future__ import annotations

from typing import Any, get_args

from parley.bus.live import Live
from parley.configuration.table import live_settings, of_stage
from parley.errors import Unavailable
from parley.settings import Settings, Stage
from services.gateway.gateway import Gateway

ENGINES = frozenset[str]().union(*(of_stage(stage) for stage in get_args(Stage)))
LIMITS = frozenset(("PARLEY_DOOR_PER_S", "PARLEY_DOOR_BURST", "PARLEY_SOCKETS_PER_S", "PARLEY_SOCKETS_OPEN"))
MAX_AGENTS = 200
"""That are told to operators."""


async def keep_configured(gateway: Gateway, live: Live) -> None:
    """Bring the live settings to this gateway, from now on. Raises Misconfigured."""
    own = gateway.settings

    async def answering(now: Settings) -> None:
        if now.agent != own.agent and now.agent not in (names := gateway.editions.names()):
            raise Unavailable(f"PARLEY_AGENT: there is no agent {now.agent!r} here; known are {', '.join(names)}")
        gateway.settings = gateway.settings.model_copy(update={"agent": now.agent})

    async def coming_back(now: Settings) -> None:
        gateway.settings = gateway.settings.model_copy(update={"max_reentries": now.max_reentries})

    async def engines(now: Settings) -> None:
        """What the page tells of them; and the sentences that are kept are kept of one voice."""
        before = gateway.settings
        gateway.settings = now.model_copy(update={"agent": before.agent, "max_reentries": before.max_reentries})
        if _voices(now) != _voices(before):
            gateway.organs.rehearsal.spoken.voices_changed()

    async def crowd(now: Settings) -> None:
        gateway.crowd.limit(now)

    await live.part(LIMITS, crowd, made=True)
    await live.part(("PARLEY_AGENT",), answering, made=True)
    await live.part(("PARLEY_MAX_REENTRIES",), coming_back, made=True)
    await live.part(ENGINES, engines, made=True)


def _voices(settings: Settings) -> list[object]:
    """Whose voices speak, and how."""
    own = [live_settings()[variable] for variable in sorted(of_stage("tts"))]
    return [settings.engines("tts"), *(each.of(settings) for each in own if each.stage)]


def told(gateway: Gateway) -> dict[str, Any]:
    """Fields of ProcessState."""
    return {"agents": tuple(gateway.editions.names()[:MAX_AGENTS])}
