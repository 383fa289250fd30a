"""`/api/config`: settings that are changed while calls go on; new calls have them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from parley.bus import changing, configuring
from parley.bus.changing import Changed
from parley.bus.presence import ProcessState, processes
from parley.configuration.history import MAX_NOTE, Configuration, Revision
from parley.configuration.sealing import Seals, is_sealed, shown
from parley.configuration.table import LiveSetting, known, live_settings
from services.backoffice.api.requests.asked import Admin, Body, Viewer
from services.backoffice.api.requests.problems import answers
from services.backoffice.parts import Parts

MAX_CHANGES = 50


class Refusal(BaseModel):
    """A process that could not take a value, and goes on with what it had."""

    service: str = Field(examples=["tts"])
    replica: str
    why: str = Field(examples=["PARLEY_TTS: the engine hibari is not installed here"])


class Setting(BaseModel):
    """`value`: what was set live; of a secret a part. `source`: what counts. `locked_by`: services whose environment
    sets it. `has`: what each service has for new calls."""

    name: str = Field(examples=["PARLEY_TTS"])
    description: str
    kind: str = Field(examples=["engines"], description="secret, choice, engines, number or text")
    choices: list[str]
    default: str
    value: str | None = Field(examples=["hibari,local"])
    source: str = Field(examples=["live"], description="environment, live or default")
    stage: str = Field(examples=["tts"], description="of the engine whose setting it is")
    locked_by: list[str]
    has: dict[str, list[str]] = Field(examples=[{"tts": ["hibari,local"]}])
    refused: list[Refusal]


class Process(BaseModel):
    """One that lives. `revision`: the change that it has taken, or refused."""

    service: str
    replica: str
    host: str
    since: float = Field(description="Unix seconds")
    revision: int
    refused: dict[str, str]


class Config(BaseModel):
    """`seals`: whether secrets can be set (PARLEY_CONFIG_KEY)."""

    revision: int
    seals: bool
    settings: list[Setting]
    processes: list[Process]


class Changes(Body):
    changes: dict[str, str | None] = Field(
        min_length=1,
        max_length=MAX_CHANGES,
        description="By name; null takes the live value away",
        examples=[{"PARLEY_TTS": "hibari,local", "PARLEY_CAPACITY": None}],
    )
    note: str = Field("", max_length=MAX_NOTE, description="Why", examples=["the other voice is cheaper"])
    revision: int | None = Field(None, ge=0, description="That was looked at; another one by now is a conflict")


class Undo(Body):
    revision: int = Field(0, ge=0, description="Which change to take back; 0: the newest", examples=[7])


class Taken(BaseModel):
    """A change that is stored. `waiting`: who did not tell within 2 s that it has it."""

    revision: int
    changed: list[str]
    taken: int
    waiting: list[Process]
    refused: list[Refusal]


class Before(BaseModel):
    name: str
    before: str | None
    after: str | None


class Change(BaseModel):
    """`undoes`: the change that it took back; 0: none."""

    revision: int
    at: float = Field(description="Unix seconds")
    who: str
    note: str
    undoes: int
    changes: list[Before]


class History(BaseModel):
    items: list[Change]
    kept: int = Field(examples=[configuring.KEPT])


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/config", tags=["config"], responses=answers(401, 403, 404, 409, 422, 503))
    seals = Seals.of(parts.settings)

    @routes.get("")
    async def all_of_them(_: Viewer) -> Config:
        """Every live setting, where its value is from, and who could not take it."""
        now, those = await configuring.read(parts.bus), await processes(parts.bus)
        return Config(
            revision=now.revision,
            seals=bool(seals),
            settings=[_setting(each, now.configuration, those) for each in live_settings().values()],
            processes=[_process(each) for each in those],
        )

    @routes.post("")
    async def change(body: Changes, who: Admin) -> Taken:
        """Set one or several; all of them or none. Every process has them within 2 s, for calls that begin then."""
        found = await changing.set_live(parts.bus, body.changes, seals, who.name, time.time(), body.note, body.revision)
        return await told(found)

    @routes.get("/history")
    async def history(_: Viewer) -> History:
        """Who changed what and when, the newest first; secrets as they are shown."""
        found = await configuring.history(parts.bus)
        first = Revision(0, Configuration())
        return History(items=list(map(_change, found, [*found[1:], first])), kept=configuring.KEPT)

    @routes.post("/undo")
    async def undo(body: Undo, who: Admin) -> Taken:
        """Put back what one change changed. Nothing else."""
        return await told(await changing.undo_live(parts.bus, body.revision, who.name, time.time()))

    @routes.get("/{name}")
    async def one(name: Annotated[str, Path(max_length=100, examples=["PARLEY_TTS"])], _: Viewer) -> Setting:
        setting = known(name)
        now = await configuring.read(parts.bus)
        return _setting(setting, now.configuration, await processes(parts.bus))

    async def told(found: Changed) -> Taken:
        now = found.revision.configuration
        await parts.witness.tell(found.revision)
        changed = set(now.changed)
        return Taken(
            revision=found.revision.revision,
            changed=list(now.changed),
            taken=len(found.processes) - len(found.waiting),
            waiting=[_process(each) for each in found.waiting],
            refused=[
                _refusal(each, why) for each in found.processes for v, why in each.refused.items() if v in changed
            ],
        )

    return routes


def _setting(setting: LiveSetting, now: Configuration, those: Sequence[ProcessState]) -> Setting:
    name = setting.variable
    users = [each for each in those if name in each.settings]
    locked_by = _services(each for each in users if name in each.locked)
    has: dict[str, list[str]] = {}
    for each in users:
        found = has.setdefault(each.service, [])
        if (value := each.values.get(name, "")) not in found:
            found.append(value)
    return Setting(
        name=name,
        description=setting.field.description or "",
        kind=setting.kind,
        choices=list(setting.choices),
        default=setting.default,
        value=_text(now.values.get(name)),
        source="environment" if locked_by else "live" if name in now.values else "default",
        stage=setting.stage,
        locked_by=locked_by,
        has=has,
        refused=[_refusal(each, each.refused[name]) for each in users if name in each.refused],
    )


def _change(each: Revision, before: Revision) -> Change:
    now, then = each.configuration, before.configuration.values
    return Change(
        revision=each.revision,
        at=now.at,
        who=now.who,
        note=now.note,
        undoes=now.undoes,
        changes=[Before(name=n, before=_text(then.get(n)), after=_text(now.values.get(n))) for n in now.changed],
    )


def _process(each: ProcessState) -> Process:
    return Process(
        service=each.service,
        replica=each.replica,
        host=each.host,
        since=each.since,
        revision=each.revision,
        refused=each.refused,
    )


def _refusal(each: ProcessState, why: str) -> Refusal:
    return Refusal(service=each.service, replica=each.replica, why=why)


def _services(those: Iterable[ProcessState]) -> list[str]:
    return sorted({each.service for each in those})


def _text(stored: str | None) -> str | None:
    return shown(stored) if stored is not None and is_sealed(stored) else stored
