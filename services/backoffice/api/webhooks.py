"""`/api/webhooks`: whom the operator wants to be told. For admins."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from services.backoffice.access import Who, needs
from services.backoffice.api.audit import told_at
from services.backoffice.api.requests.problems import answers
from services.backoffice.parts import Parts
from services.backoffice.watchers.webhooks.deliveries import Waiting
from services.backoffice.watchers.webhooks.hooks import MAX_NOTE_CHARS, Hook
from services.backoffice.watchers.webhooks.outside import MAX_URL_CHARS
from services.backoffice.watchers.webhooks.payloads import PING, Message, message_id

Admin = Annotated[Who, Depends(needs("admin"))]
HookId = Annotated[str, Path(pattern=r"^hook_[0-9a-f]{16}$", examples=["hook_0123456789abcdef"])]
Kind = Literal["call.started", "call.ended", "call.transferred", "tool.failed"]


class Webhook(BaseModel):
    """`active` false: nothing is sent; it was paused, or has answered 410. `waiting`: messages that it has not taken
    yet; `error`: why it did not take the newest that was sent; empty: none was."""

    id: str = Field(examples=["hook_0123456789abcdef"])
    url: str = Field(examples=["https://crm.example.com/parley"])
    kinds: list[str] = Field(examples=[["call.ended"]])
    note: str = Field(examples=["the CRM"])
    active: bool
    made_at: str = Field(examples=["2026-11-30T10:00:00.000Z"])
    waiting: int = Field(examples=[3])
    error: str = Field(examples=["answered 503"])


class Webhooks(BaseModel):
    items: list[Webhook]


class NewWebhook(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=MAX_URL_CHARS, examples=["https://crm.example.com/parley"])
    kinds: list[Kind] = Field([], max_length=20, description="Empty: all of them", examples=[["call.ended"]])
    note: str = Field("", max_length=MAX_NOTE_CHARS, examples=["the CRM"])


class WebhookMade(Webhook):
    """`secret` is shown now and never again; messages are signed with it."""

    secret: str = Field(examples=["whsec_…"])


class WebhookChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    active: bool


class Pinged(BaseModel):
    """`message_id`: what the receiver sees as `webhook-id`."""

    message_id: str = Field(examples=["msg_0123456789abcdef0123456789abcdef"])


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/webhooks", tags=["watchers"], responses=answers(401, 403, 404, 422, 429, 503))
    hooks, deliveries = parts.desk.hooks, parts.desk.deliveries

    @routes.get("")
    async def all_of_them(_: Admin) -> Webhooks:
        waiting = await deliveries.waiting()
        return Webhooks(items=[Webhook(**_shown(hook, waiting.get(hook.id))) for hook in await hooks.all()])

    @routes.post("", status_code=201)
    async def add(body: NewWebhook, who: Admin) -> WebhookMade:
        """What happens from now on is told there."""
        made = await hooks.add(body.url, body.kinds, body.note)
        await parts.audit.note(who.name, "webhook.added", made.id, {"url": made.url, "kinds": list(made.kinds)})
        return WebhookMade(**_shown(made), secret=made.secret)

    @routes.patch("/{hook_id}")
    async def change(hook_id: HookId, body: WebhookChange, who: Admin) -> Webhook:
        """Paused, what is due waits; what happens meanwhile is not told later."""
        await hooks.set_active(hook_id, body.active)
        await parts.audit.note(who.name, "webhook.resumed" if body.active else "webhook.paused", hook_id)
        parts.desk.sender.wake()
        waiting = await deliveries.waiting()
        return Webhook(**_shown(await hooks.of(hook_id), waiting.get(hook_id)))

    @routes.delete("/{hook_id}", status_code=204)
    async def remove(hook_id: HookId, who: Admin) -> None:
        """With all that is on its way there."""
        await hooks.remove(hook_id)
        await parts.audit.note(who.name, "webhook.removed", hook_id)

    @routes.post("/{hook_id}/ping", status_code=202)
    async def ping(hook_id: HookId, who: Admin) -> Pinged:
        """Send it a message of kind `ping`, to see whether it comes."""
        hook = await hooks.of(hook_id)
        told = Message(message_id(secrets.token_hex(16)), PING, "", int(time.time() * 1000), {"by": who.name})
        await parts.audit.note(who.name, "webhook.pinged", hook_id)
        await deliveries.tell(told, only=hook.id)
        parts.desk.sender.wake()
        return Pinged(message_id=told.id)

    return routes


def _shown(hook: Hook, waiting: Waiting | None = None) -> Mapping[str, Any]:
    return {
        "id": hook.id,
        "url": hook.url,
        "kinds": list(hook.kinds),
        "note": hook.note,
        "active": hook.active,
        "made_at": told_at(hook.made_ms),
        "waiting": waiting.count if waiting else 0,
        "error": waiting.error if waiting else "",
    }
