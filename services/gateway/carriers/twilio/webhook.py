"""`POST /twilio-webhook`: the carrier asks what to do with a call; it is told in TwiML."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qsl

import structlog
from fastapi import Request, Response
from starlette.datastructures import ImmutableMultiDict
from twilio.twiml.voice_response import Connect, VoiceResponse

from parley.errors import BadInput
from parley.limits.refusal import retry_after
from services.gateway.carriers.arrival import NOBODY, AskAgain, HandOn, HangUp, Let, arrived, reached
from services.gateway.carriers.reentry import Entry
from services.gateway.carriers.twilio.rest import RING_S
from services.gateway.carriers.twilio.signatures import Form, Signatures
from services.gateway.gateway import Gateway
from services.gateway.metrics import BAD_MESSAGES, REFUSED

log = structlog.get_logger()

WEBHOOK = "/twilio-webhook"
MAX_BODY = 64 * 1024
MAX_FIELDS = 200
WRONG_SIGNATURE = (
    "X-Twilio-Signature: wrong signature for this address and form; PARLEY_PUBLIC_URL must be the address that the "
    "carrier calls, and TWILIO_AUTH_TOKEN the token of its account"
)
NO_CALL = (
    "CallSid: missing or malformed; it is 1 to 64 letters, digits, _ . and -, and the carrier sends it with each call: "
    f"name {WEBHOOK} as the number's voice webhook, with POST"
)
_HANDED_ON = "after=hours"
"""The query under which the carrier tells how it went."""
_CALL_SID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


async def webhook(request: Request, gateway: Gateway, signatures: Signatures) -> Response:
    """403 for a wrong signature, 400 for a form without a call, 429 for too many of these; else TwiML."""
    try:
        form, now = await _form(request), time.time()
        entry = Entry.of(WEBHOOK, request.query_params, "", now)
    except BadInput as error:
        BAD_MESSAGES.labels("webhook").inc()
        return _stranger(gateway, request, Response(f"{error}\n", 400, media_type="text/plain"))
    base = signatures.base_url(request.url.scheme, request.headers.get("host", ""))
    query = request.scope["query_string"].decode("latin-1")
    url = f"{base}{request.scope['path']}{'?' if query else ''}{query}"
    peer = request.client.host if request.client else ""
    if not signatures.webhook_allowed(url, form, request.headers, peer):
        REFUSED.labels("signature").inc()
        log.warning("webhook with a wrong signature; is PARLEY_PUBLIC_URL the address the carrier calls?")
        return _stranger(gateway, request, Response(f"{WRONG_SIGNATURE}\n", 403, media_type="text/plain"))
    call_id = form.get("CallSid", "")
    if not _CALL_SID.fullmatch(call_id):
        BAD_MESSAGES.labels("webhook").inc()
        return Response(f"{NO_CALL}\n", 400, media_type="text/plain")
    outbound = _is_outbound(form)
    entry = reached(gateway, entry, form.get("From" if outbound else "To", ""), inbound=not outbound)
    twiml = await _answer(request, gateway, signatures, form, call_id, entry, now)
    return Response(str(twiml), media_type="text/xml")


async def _answer(
    request: Request, gateway: Gateway, signatures: Signatures, form: Form, call_id: str, entry: Entry, now: float
) -> VoiceResponse:
    dialled = form.get("DialCallStatus", "")
    if dialled == "completed" or form.get("CallStatus") == "completed":
        return _hang_up()
    if dialled and request.url.query == _HANDED_ON:
        return _hang_up(NOBODY)
    match await arrived(gateway, call_id, entry, now, returned=bool(dialled)):
        case HangUp(words):
            return _hang_up(words)
        case HandOn(to, words):
            response = VoiceResponse()
            if words:
                response.say(words)
            response.dial(to, timeout=RING_S, action=f"{WEBHOOK}?{_HANDED_ON}", method="POST")
            return response
        case AskAgain(way):
            response = VoiceResponse()
            response.pause(length=1)
            response.redirect(way, method="POST")
            return response
        case Let(token, back):
            pass
    response = VoiceResponse()
    connect = Connect()
    stream = connect.stream(url=signatures.stream_url(request.url.scheme, request.headers.get("host", "")))
    given = {"token": token, "leg": str(entry.leg), "from": form.get("From", ""), "to": form.get("To", "")}
    given = {**entry.known, **given, "agent": entry.agent, "back": back}
    if _is_outbound(form):
        given["direction"] = "outbound"
    if dialled:
        given["transfer"] = dialled
    for name, value in given.items():
        stream.parameter(name=name, value=value[:400])
    response.append(connect)
    response.redirect(back, method="POST")
    return response


def _stranger(gateway: Gateway, request: Request, answer: Response) -> Response:
    """Who is not known by a signature may not ask as often as the carrier."""
    if wait := gateway.crowd.stranger(request.scope):
        after = retry_after(wait)
        words = f"too many requests of this address that are no carrier's; try again in {after} s\n"
        return Response(words, 429, {"Retry-After": after}, media_type="text/plain")
    return answer


def _is_outbound(form: Form) -> bool:
    return form.get("Direction", "").startswith("outbound")


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
            raise BadInput(f"body: longer than {MAX_BODY} bytes; send the carrier's own fields only")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except (UnicodeDecodeError, ValueError) as error:
        raise BadInput(
            f"body: no form; send it as application/x-www-form-urlencoded, in UTF-8, with {MAX_FIELDS} fields at most"
        ) from error
    return ImmutableMultiDict(pairs)
