"""`GET /api/tracker`: what this installation has and has not."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from parley.bus.presence import given_of, processes
from parley.errors import Unavailable
from services.backoffice.access.admission import needs
from services.backoffice.access.roles import Who
from services.backoffice.parts import Parts
from services.backoffice.tracker import proof
from services.backoffice.tracker.capabilities import capabilities
from services.backoffice.tracker.states import State, standings


class Tracked(BaseModel):
    """One capability. `missing`: its tests that did not pass in that run, or were not in it."""

    name: str = Field(examples=["barge-in"])
    group: str = Field(examples=["Turns"])
    title: str = Field(examples=["Silence at the caller's first sound"])
    about: str
    tests: list[str] = Field(examples=[["tests/gateway/test_barge_in.py"]])
    setting: str = Field(examples=["PARLEY_VAD"])
    state: State
    missing: list[str]


class Tracker(BaseModel):
    """`checked_at`: when the run of the suite ended that says what is proven; empty: there was none."""

    checked_at: str = Field(examples=["2026-11-30T10:00:00+00:00"])
    commit: str = Field(examples=["0c5b2d1e8f7a"])
    items: list[Tracked]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["tracker"])

    @routes.get("/api/tracker")
    async def tracker(who: Annotated[Who, Depends(needs("viewer"))]) -> Tracker:
        """Every capability, whether the last whole run of the suite proved it, and whether it is turned on here."""
        known = proof.read()
        try:
            given = given_of(await processes(parts.bus))
        except Unavailable:  # as they are set here
            given = {}
        items = [
            Tracked(
                **each.capability.model_dump(exclude={"without", "tests"}),
                tests=list(each.capability.tests),
                state=each.state,
                missing=list(each.missing),
            )
            for each in standings(capabilities(), known, parts.settings, given)
        ]
        return Tracker(checked_at=known.at, commit=known.commit, items=items)

    return routes
