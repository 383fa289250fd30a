"""`/api/agents`: the agents, their versions, which of them new calls have; roll forward and back.

A version is published with `parley agent publish`, from the agent's folder: whoever can do that has code run. Here only
what is published is chosen from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from parley.bus import publishing
from parley.bus.presence import processes
from parley.bus.publishing import AGENT
from parley.errors import NotFound
from parley.published.changes import of_versions
from parley.published.versions import Versions
from services.backoffice.api.requests.asked import Admin, Body, Viewer
from services.backoffice.api.requests.problems import answers
from services.backoffice.configuration.figures import DAYS, VersionFigures, figures_by_version
from services.backoffice.parts import Parts

FOLDER = "folder"
Name = Annotated[str, Path(max_length=100, description="Which agent", examples=["frontdesk"])]


class AgentVersion(BaseModel):
    """`id`: `folder` for what lies in the agent's folder. `share`: of new calls, in percent. `figures` null: no call
    had it within the last days."""

    id: str = Field(examples=["3f2a9c01b7de"])
    at: float | None = Field(description="Published, Unix seconds")
    note: str
    size: int
    share: float
    is_current: bool
    is_canary: bool
    is_previous: bool
    figures: VersionFigures | None


class AgentShown(BaseModel):
    """`is_default`: it answers unless a number or a URL names another. `here`: it has calls, or could."""

    name: str = Field(examples=["frontdesk"])
    is_default: bool
    here: bool
    current: str
    canary: str
    percent: float
    versions: list[AgentVersion]


class Agents(BaseModel):
    """`days`: that the figures are of."""

    items: list[AgentShown]
    days: int = Field(examples=[DAYS])


class Back(Body):
    version: str = Field(
        "", max_length=64, description="To which; empty: end the canary, or the one before", examples=["3f2a9c01"]
    )


class Canary(Body):
    version: str = Field(min_length=1, max_length=64, description="One of those that are kept", examples=["3f2a9c01"])
    percent: float = Field(gt=0, lt=100, description="Of new calls", examples=[10])


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/agents", tags=["agents"], responses=answers(401, 403, 404, 409, 422, 503))

    @routes.get("")
    async def all_of_them(_: Viewer) -> Agents:
        """Every agent, its versions beside each other."""
        published, names = await publishing.published(parts.bus), await names_of(parts)
        figures = await figures_by_version(parts.database)
        default = await _defaults(parts)
        shown = [
            _agent(name, published.get(name, Versions()), figures.get(name, {}), name in default, name in names)
            for name in sorted({*names, *published})
        ]
        return Agents(items=shown, days=DAYS)

    @routes.get("/{name}")
    async def one(name: Name, _: Viewer) -> AgentShown:
        published, names = await publishing.published(parts.bus), await names_of(parts)
        if name not in {*names, *published}:
            raise NotFound(f"name: there is no agent {name[:40]!r}; known are {', '.join(names) or 'none'}")
        figures = (await figures_by_version(parts.database)).get(name, {})
        table = published.get(name, Versions())
        return _agent(name, table, figures, name in await _defaults(parts), name in names)

    @routes.post("/{name}/promote")
    async def promote(name: Name, who: Admin) -> AgentShown:
        """Give the canary to all new calls."""
        return await changed(name, who, "agent.promoted", Versions.promote)

    @routes.post("/{name}/rollback")
    async def rollback(name: Name, body: Back, who: Admin) -> AgentShown:
        """Give new calls what they had before, or a version that is named; calls under way keep theirs."""
        return await changed(name, who, "agent.rolled_back", lambda now: now.rollback(body.version))

    @routes.post("/{name}/canary")
    async def canary(name: Name, body: Canary, who: Admin) -> AgentShown:
        """Give a kept version to a share of new calls."""
        return await changed(name, who, "agent.canary", lambda now: now.try_out(body.version, body.percent))

    @routes.post("/{name}/unpublish")
    async def unpublish(name: Name, who: Admin) -> AgentShown:
        """Give new calls the agent's folder again. The versions stay."""
        return await changed(name, who, "agent.unpublished", Versions.unpublish)

    async def changed(name: str, who: Admin, kind: str, step: Callable[[Versions], Versions]) -> AgentShown:
        known = await publishing.published(parts.bus)
        if name not in known:
            raise NotFound(f"name: nothing is published of {name[:40]!r}; `parley agent publish` does that first")
        told = of_versions(who.name, kind, name)
        _, after = await publishing.change(parts.bus, AGENT + name, Versions, step, told)
        await parts.witness.tell_published(AGENT + name, after.changes[-1])
        figures = (await figures_by_version(parts.database)).get(name, {})
        return _agent(name, after, figures, name in await _defaults(parts), here=True)

    return routes


async def names_of(parts: Parts) -> list[str]:
    """Of all agents that a new call could reach, as the gateways tell. Raises Unavailable."""
    told = {name for each in await processes(parts.bus) for name in each.agents}
    published = await publishing.published(parts.bus)
    return sorted({*told, *(name for name, versions in published.items() if versions.current)})


async def _defaults(parts: Parts) -> set[str]:
    told = {each.values.get("PARLEY_AGENT", "") for each in await processes(parts.bus)} - {""}
    return told or {parts.settings.agent}


def _agent(
    name: str, table: Versions, figures: Mapping[str, VersionFigures], is_default: bool, here: bool
) -> AgentShown:
    versions = [
        AgentVersion(
            id=each.id,
            at=each.at,
            note=each.note,
            size=each.size,
            share=_share(table, each.id),
            is_current=each.id == table.current,
            is_canary=each.id == table.canary,
            is_previous=each.id == table.previous,
            figures=figures.get(each.id),
        )
        for each in table.versions
    ]
    if not table.current or FOLDER in figures:
        versions.append(
            AgentVersion(
                id=FOLDER,
                at=None,
                note="",
                size=0,
                share=0.0 if table.current else 100.0,
                is_current=not table.current,
                is_canary=False,
                is_previous=False,
                figures=figures.get(FOLDER),
            )
        )
    return AgentShown(
        name=name,
        is_default=is_default,
        here=here,
        current=table.current or FOLDER,
        canary=table.canary,
        percent=table.percent,
        versions=versions,
    )


def _share(table: Versions, id: str) -> float:
    if id == table.canary:
        return table.percent
    return 100.0 - (table.percent if table.canary else 0.0) if id == table.current else 0.0
