"""`POST /twilio-webhook`: the carrier asks what to do with a call; it is told in TwiML."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qsl

import structlog
from fastapi import Request, Response
from starlette.datastructures import ImmutableMultiDict
from twilio.twiml.voice_response import Connect, VoiceResponse

from parley.agents import load_agent
from parley.errors import BadInput, Misconfigured, NotFound
from services.gateway.gateway import Gateway
from services.gateway.metrics import BAD_MESSAGES, REFUSED
from services.gateway.reentry import Entry, known_of
from services.gateway.signatures import Form
from services.gateway.tokens import Claim

log = structlog.get_logger()

MAX_BODY = 64 * 1024
MAX_TRIES = 3
BUSY = "All our lines are busy at the moment. Please call again in a few minutes. Goodbye."
BROKEN = "We are sorry, the connection could not be kept. Please call again. Goodbye."
NOT_SET_UP = "We are sorry, this number is not in service. Goodbye."
_CALL_SID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


async def twilio_webhook(request: Request, gateway: Gateway) -> Response:
    """403 for a wrong signature, 400 for a form without a call; else TwiML."""
    try:
        form = await _form(request)
        entry = Entry.of(request.query_params, gateway.settings.agent, time.time())
    except BadInput as error:
        BAD_MESSAGES.labels("webhook").inc()
        return Response(f"{error}\n", 400, media_type="text/plain")
    base = gateway.signatures.base_url(request.url.scheme, request.headers.get("host", ""))
    query = request.scope["query_string"].decode("latin-1")
    url = f"{base}{request.scope['path']}{'?' if query else ''}{query}"
    peer = request.client.host if request.client else ""
    if not gateway.signatures.webhook_allowed(url, form, request.headers, peer):
        REFUSED.labels("signature").inc()
        log.warning("webhook with a wrong signature; is PARLEY_PUBLIC_URL the address the carrier calls?")
        return Response("wrong signature\n", 403, media_type="text/plain")
    call_id = form.get("CallSid", "")
    if not _CALL_SID.fullmatch(call_id):
        BAD_MESSAGES.labels("webhook").inc()
        return Response("CallSid is missing or malformed\n", 400, media_type="text/plain")
    twiml = await _answer(request, gateway, form, call_id, entry)
    return Response(str(twiml), media_type="text/xml")


async def _answer(request: Request, gateway: Gateway, form: Form, call_id: str, entry: Entry) -> VoiceResponse:
    settings, agent, leg = gateway.settings, entry.agent, entry.leg
    dialled = form.get("DialCallStatus", "")
    if dialled == "completed" or form.get("CallStatus") == "completed":
        return _hang_up()
    if leg > 1 and not dialled and await gateway.is_over(call_id):
        return _hang_up()
    refusals = gateway.refusals(call_id)
    if entry.loops(settings.max_reentries):
        log.error("a call comes back again and again", call_id=call_id, leg=leg, short=entry.short)
        REFUSED.labels("re-entries").inc()
        return _hang_up(BROKEN)
    try:
        load_agent(settings.agents_dir, agent)
    except (NotFound, Misconfigured) as error:
        REFUSED.labels("agent").inc()
        log.error("the call names an agent that cannot serve", error=str(error))
        return _hang_up(NOT_SET_UP)
    fresh = leg == 1 or refusals > 0
    if not gateway.room(fresh=fresh):
        if max(entry.tries, refusals) >= MAX_TRIES:
            REFUSED.labels("full").inc()
            return _hang_up(BUSY)
        return _again(entry.once_more(known_of(request.query_params)))
    if refusals >= MAX_TRIES:
        REFUSED.labels("full").inc()
        return _hang_up(BUSY)
    token = gateway.tokens.issue(Claim(call_id, leg, "phone", agent, fresh))
    response = VoiceResponse()
    connect = Connect()
    host = request.headers.get("host", "")
    stream = connect.stream(url=gateway.signatures.stream_url(request.url.scheme, host))
    back = entry.next_leg(time.time())
    given = {"token": token, "leg": str(leg), "from": form.get("From", ""), "to": form.get("To", ""), "agent": agent}
    given["back"] = back
    if form.get("Direction", "").startswith("outbound"):
        given["direction"] = "outbound"
    given = {**known_of(request.query_params), **given}
    if dialled:
        given["transfer"] = dialled
    for name, value in given.items():
        stream.parameter(name=name, value=value[:400])
    response.append(connect)
    response.redirect(back, method="POST")
    return response


def _again(path: str) -> VoiceResponse:
    """No room here: ask again in a moment, perhaps another gateway."""
    response = VoiceResponse()
    response.pause(length=1)
    response.redirect(path, method="POST")
    return response


def _hang_up(words: str = "") -> VoiceResponse:
    response = VoiceResponse()
    if words:
        response.say(words)
    response.hangup()
    return response


async def _form(request: Request) -> Form:
    """The posted fields; blank ones are kept, the signature covers them."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise BadInput(f"the form is longer than {MAX_BODY} bytes")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=200)
    except (UnicodeDecodeError, ValueError) as error:
        raise BadInput("the body must be a URL-encoded form") from error
    return ImmutableMultiDict(pairs)
