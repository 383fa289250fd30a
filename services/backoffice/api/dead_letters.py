"""`/api/dead-letters`: what watchers and webhooks have given up: look, try again, drop."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from services.backoffice.access import Who, needs
from services.backoffice.api.audit import told_at
from services.backoffice.api.requests import pages
from services.backoffice.api.requests.pages import Cursor, Limit, Page
from services.backoffice.api.requests.problems import answers
from services.backoffice.parts import Parts

Supervisor = Annotated[Who, Depends(needs("supervisor"))]
Admin = Annotated[Who, Depends(needs("admin"))]
LetterId = Annotated[str, Path(pattern=r"^(event|webhook)-[0-9]{1,18}$", examples=["event-17"])]
_EVENT, _WEBHOOK = 0, 1


class DeadLetter(BaseModel):
    """`what`: an `event` that a watcher failed on, or a `webhook` message that nobody took. `of`: which watcher, or
    which webhook; `host`: where that is, empty of a watcher and of a webhook that is gone."""

    id: str = Field(examples=["event-17"])
    what: Literal["event", "webhook"]
    of: str = Field(examples=["outcomes"])
    host: str = Field("", examples=["crm.example.com"])
    call_id: str = Field(examples=["CA0123456789"])
    kinds: list[str] = Field(examples=[["call.ended"]])
    error: str = Field(examples=["ValueError: no such day"])
    tries: int = Field(examples=[5])
    at: str = Field(examples=["2026-11-30T10:00:00.000Z"])


class DeadLetterAsked(BaseModel):
    id: str = Field(examples=["event-17"])


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/dead-letters", tags=["watchers"], responses=answers(401, 403, 404, 422, 429, 503))
    letters, deliveries, hooks = parts.desk.letters, parts.desk.deliveries, parts.desk.hooks

    @routes.get("")
    async def all_of_them(_: Supervisor, cursor: Cursor = "", limit: Limit = pages.DEFAULT_LIMIT) -> Page[DeadLetter]:
        """Events first, then messages to webhooks; the oldest first."""
        kind, after = pages.place(cursor, {}, (int, int)) or (_EVENT, 0)
        found: list[tuple[tuple[int, int], DeadLetter]] = []
        if kind == _EVENT:
            for letter in await letters.page(int(after), limit + 1):
                shown = DeadLetter(
                    id=f"event-{letter.id}",
                    what="event",
                    of=letter.watcher,
                    call_id=letter.call_id,
                    kinds=list(letter.kinds),
                    error=letter.error,
                    tries=letter.tries,
                    at=told_at(letter.at_ms),
                )
                found.append(((_EVENT, letter.id), shown))
        if len(found) <= limit:
            since = int(after) if kind == _WEBHOOK else 0
            dead_ones = await deliveries.dead(since, limit + 1 - len(found))
            hosts = {hook.id: urlsplit(hook.url).netloc for hook in await hooks.all()} if dead_ones else {}
            for dead in dead_ones:
                shown = DeadLetter(
                    id=f"webhook-{dead.id}",
                    what="webhook",
                    of=dead.webhook,
                    host=hosts.get(dead.webhook, ""),
                    call_id=dead.call_id,
                    kinds=[dead.kind],
                    error=dead.error,
                    tries=dead.tries,
                    at=told_at(dead.made_ms),
                )
                found.append(((_WEBHOOK, dead.id), shown))
        return Page(**pages.page([shown for _, shown in found], limit, {}, [place for place, _ in found]))

    @routes.post("/{letter_id}/retry", status_code=202)
    async def retry(letter_id: LetterId, who: Admin) -> DeadLetterAsked:
        """Its watcher is told again, or it is sent again; what fails again is a dead letter again."""
        what, number = _which(letter_id)
        await parts.audit.note(who.name, "dead_letter.retried", letter_id)
        if what == "event":
            await letters.retry(number)
        else:
            await deliveries.retry(number)
            parts.desk.sender.wake()
        return DeadLetterAsked(id=letter_id)

    @routes.delete("/{letter_id}", status_code=204)
    async def drop(letter_id: LetterId, who: Admin) -> None:
        """It is lost for good."""
        what, number = _which(letter_id)
        await parts.audit.note(who.name, "dead_letter.dropped", letter_id)
        await (letters.drop(number) if what == "event" else deliveries.drop(number))

    return routes


def _which(letter_id: str) -> tuple[str, int]:
    what, _, number = letter_id.partition("-")
    return what, int(number)
