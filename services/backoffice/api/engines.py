"""`/api/engines`: which vendor is used in which order, whether it is passed over, how fast and how sure it was.

Figures are those that every process tells of itself, of the last ten minutes; of a stage they are added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from fastapi import APIRouter
from pydantic import BaseModel, Field

from parley.bus.presence import EngineState, ProcessState, processes
from parley.engines import engines_of
from parley.engines.figures import WINDOW_S, quantile, together
from parley.settings import Stage
from services.backoffice.api.requests.asked import Viewer
from services.backoffice.api.requests.problems import answers
from services.backoffice.parts import Parts


class Replica(BaseModel):
    """One process's. `open_s`: for so much longer it passes the engine over; null: it does not."""

    replica: str
    host: str
    open_s: float | None
    count: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None


class EngineFigures(BaseModel):
    """`place`: 1 is preferred; the next is asked when it fails. `count`: answers (turns heard, rounds, utterances);
    `error_rate`: of answers and failures together, null without any. `open`: replicas that pass it over."""

    name: str = Field(examples=["local"])
    place: int
    vendor: bool
    open: int
    count: int
    errors: int
    error_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    replicas: list[Replica]


class StageFigures(BaseModel):
    """`order`: as its processes have it. `agreed`: all of them have the same. `others`: engines that could be named."""

    stage: str = Field(examples=["tts"])
    latency: str = Field(examples=["first text to first sound"])
    order: list[str]
    agreed: bool
    engines: list[EngineFigures]
    others: list[str]


class Engines(BaseModel):
    window_s: float = Field(examples=[WINDOW_S])
    stages: list[StageFigures]


_LATENCY = {"stt": "end of speech to the final", "llm": "request to first token", "tts": "first text to first sound"}


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/engines", tags=["engines"], responses=answers(401, 403, 503))

    @routes.get("")
    async def all_of_them(_: Viewer) -> Engines:
        those = await processes(parts.bus)
        return Engines(window_s=WINDOW_S, stages=[stage_of(stage, those) for stage in get_args(Stage)])

    return routes


def stage_of(stage: Stage, those: Sequence[ProcessState]) -> StageFigures:
    """Of all its processes together."""
    users = [each for each in those if each.stage == stage]
    orders = [[engine.name for engine in each.engines] for each in users]
    newest = max(users, key=lambda each: (each.revision, each.at), default=None)
    order = [engine.name for engine in newest.engines] if newest is not None else []
    names = list(dict.fromkeys([*order, *(name for each in orders for name in each)]))
    return StageFigures(
        stage=stage,
        latency=_LATENCY[stage],
        order=order,
        agreed=all(each == order for each in orders),
        engines=[_figures(stage, name, n, users) for n, name in enumerate(names, 1)],
        others=[name for name in engines_of(stage) if name not in names],
    )


def _figures(stage: Stage, name: str, place: int, users: Sequence[ProcessState]) -> EngineFigures:
    found = [(each, engine) for each in users for engine in each.engines if engine.name == name]
    histogram = together(engine.histogram for _, engine in found)
    count, errors = sum(engine.count for _, engine in found), sum(engine.errors for _, engine in found)
    row = engines_of(stage).get(name)
    return EngineFigures(
        name=name,
        place=place,
        vendor=row is not None and row.vendor,
        open=sum(engine.open_s is not None for _, engine in found),
        count=count,
        errors=errors,
        error_rate=errors / (count + errors) if count + errors else None,
        p50_ms=quantile(histogram, 0.5),
        p95_ms=quantile(histogram, 0.95),
        replicas=[_replica(each, engine) for each, engine in found],
    )


def _replica(each: ProcessState, engine: EngineState) -> Replica:
    return Replica(
        replica=each.replica,
        host=each.host,
        open_s=engine.open_s,
        count=engine.count,
        errors=engine.errors,
        p50_ms=engine.p50_ms,
        p95_ms=engine.p95_ms,
    )
