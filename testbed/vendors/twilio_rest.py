"""Stand-in of Twilio's REST API for calls: place one, look at one, hang up, redirect to other TwiML.

It carries no audio. A carrier simulator registers its calls (`ring`, or `PUT /_sim/calls/{sid}` from another process)
and learns by `on_update` and `on_create` what it was told to do.
"""

import asyncio
import base64
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import web

from testbed.vendors.faults import Fault
from testbed.vendors.server import VendorSim

LIVE = ("queued", "initiated", "ringing", "in-progress")
ENDED = ("completed", "busy", "failed", "no-answer", "canceled")
_KEPT_CALLS = 10_000
_TWIML_LIMIT = 4000


@dataclass(slots=True)
class Call:
    """A call as the REST API knows it."""

    sid: str
    status: str = "in-progress"
    to: str = ""
    from_: str = ""
    direction: str = "inbound"
    twiml: str = ""
    url: str = ""
    created: float = field(default_factory=time.time)
    form: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """One request as the stand-in saw it; form values as lists, since Twilio repeats keys."""

    method: str
    path: str
    form: dict[str, list[str]]
    at: float


CallHook = Callable[[Call], Awaitable[None]]


class TwilioRestSim(VendorSim):
    """`account_sid` None takes any account. `auth_token` None takes any password but still wants Basic auth.

    `on_create(call)`: a call was placed. `on_update(call)`: a call was ended (`call.status`) or redirected
    (`call.twiml` or `call.url`). `accept_unknown`: an update of a call that was never registered succeeds, for carriers
    that do not register theirs. `delay_ms` before each answer.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        account_sid: str | None = None,
        auth_token: str | None = None,
        on_create: CallHook | None = None,
        on_update: CallHook | None = None,
        accept_unknown: bool = False,
        delay_ms: float = 0,
    ) -> None:
        super().__init__(port=port, host=host)
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.on_create = on_create
        self.on_update = on_update
        self.accept_unknown = accept_unknown
        self.delay_ms = delay_ms
        self.calls: dict[str, Call] = {}

    def ring(self, sid: str | None = None, **known: Any) -> Call:
        """Registers a call that the carrier has; the oldest of 10,000 is forgotten."""
        if len(self.calls) >= _KEPT_CALLS:
            del self.calls[next(iter(self.calls))]
        call = Call(sid or f"CA{uuid.uuid4().hex}", **known)
        self.calls[call.sid] = call
        return call

    def routes(self) -> Iterable[web.RouteDef]:
        account = "/2010-04-01/Accounts/{account}"
        return [
            web.post(f"{account}/Calls.json", self._create),
            web.get(f"{account}/Calls/{{sid}}.json", self._fetch),
            web.post(f"{account}/Calls/{{sid}}.json", self._update),
            web.put("/_sim/calls/{sid}", self._ring),
            web.get("/_sim/calls/{sid}", self._peek),
        ]

    async def _admit(self, request: web.Request) -> dict[str, list[str]]:
        """Records the request and returns its form. Raises the refusal."""
        fault = self.faults.take(request.path)
        posted = await request.post()
        form = {name: [str(value) for value in posted.getall(name)] for name in posted}
        self.records.append(Told(request.method, request.path, form, time.monotonic()))
        self.note()
        await asyncio.sleep(self.delay_ms / 1000)
        await _fail(request, fault)
        account = request.match_info["account"]
        user, password = _basic(request)
        if not user or not password or self.auth_token not in (None, password):
            raise _error(401, 20003, "Authenticate")
        if self.account_sid not in (None, account):
            raise _error(404, 20404, f"The requested resource {request.path} was not found")
        return form

    async def _create(self, request: web.Request) -> web.Response:
        form = await self._admit(request)
        for name, code in (("To", 21201), ("From", 21213)):
            if not form.get(name):
                raise _error(400, code, f"No '{name}' number is specified")
        url, twiml = _one(form, "Url"), _one(form, "Twiml")
        if not (url or twiml or _one(form, "ApplicationSid")):
            raise _error(400, 21205, "Url parameter is required.")
        _check_twiml(twiml)
        call = self.ring(
            status="queued",
            to=_one(form, "To"),
            from_=_one(form, "From"),
            direction="outbound-api",
            url=url,
            twiml="" if url else twiml,
            form=form,
        )
        if self.on_create is not None:
            await self.on_create(call)
        return web.json_response(_shown(call, request), status=201)

    async def _fetch(self, request: web.Request) -> web.Response:
        await self._admit(request)
        return web.json_response(_shown(self._known(request), request))

    async def _update(self, request: web.Request) -> web.Response:
        form = await self._admit(request)
        call = self._known(request)
        status, twiml, url = _one(form, "Status"), _one(form, "Twiml"), _one(form, "Url")
        if status and status not in ("completed", "canceled"):
            raise _error(400, 21218, f"Invalid 'Status': {status}")
        if twiml and url:
            raise _error(400, 20001, "Twiml and Url are mutually exclusive")
        if not (status or twiml or url):
            raise _error(400, 20001, "Nothing to update: give Status, Twiml or Url")
        _check_twiml(twiml)
        if call.status in ENDED:
            if status:
                raise _error(404, 20404, f"The requested resource {request.path} was not found")
            raise _error(400, 21220, "Call is not in-progress. Cannot redirect.")
        if status == "canceled" and call.status == "in-progress":
            raise _error(400, 21220, "Call is in-progress. Cannot cancel.")
        call.status = status or call.status
        call.twiml, call.url = twiml, url
        if self.on_update is not None:
            await self.on_update(call)
        return web.json_response(_shown(call, request))

    def _known(self, request: web.Request) -> Call:
        sid = request.match_info["sid"]
        call = self.calls.get(sid)
        if call is None and self.accept_unknown:
            return self.ring(sid)
        if call is None:
            raise _error(404, 20404, f"The requested resource {request.path} was not found")
        return call

    async def _ring(self, request: web.Request) -> web.Response:
        known = await request.json() if request.can_read_body else {}
        call = self.calls.get(request.match_info["sid"]) or self.ring(request.match_info["sid"])
        if known.get("status") not in (None, *LIVE, *ENDED):
            raise web.HTTPBadRequest(text=f"status: must be one of {', '.join(LIVE + ENDED)}")
        call.status = known.get("status", call.status)
        return web.json_response({"sid": call.sid, "status": call.status})

    async def _peek(self, request: web.Request) -> web.Response:
        call = self.calls.get(request.match_info["sid"])
        if call is None:
            raise web.HTTPNotFound
        return web.json_response({"sid": call.sid, "status": call.status, "twiml": call.twiml, "url": call.url})


def _one(form: dict[str, list[str]], name: str) -> str:
    return form.get(name, [""])[0]


def _basic(request: web.Request) -> tuple[str, str]:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password


def _check_twiml(twiml: str) -> None:
    if len(twiml) > _TWIML_LIMIT:
        raise _error(400, 21219, f"Twiml must not exceed {_TWIML_LIMIT} characters")


async def _fail(request: web.Request, fault: Fault | None) -> None:
    if fault is None:
        return
    if fault.kind == "refuse":
        raise _error(fault.status, 20429 if fault.status == 429 else 20500, fault.message)
    if fault.kind == "error":
        raise _error(fault.status, fault.code, fault.message)
    if fault.kind == "garbage":
        raise web.HTTPOk(text="<html>", content_type="text/html")
    if fault.kind == "slow":
        await asyncio.sleep(fault.after_ms / 1000)
    elif fault.kind == "stall":
        await asyncio.Event().wait()
    elif request.transport is not None:
        request.transport.abort()


def _error(status: int, code: int, message: str) -> web.HTTPException:
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more, "status": status}
    kind = type("TwilioRefusal", (web.HTTPClientError,), {"status_code": status})
    error: web.HTTPException = kind(text=web.json_response(body).text, content_type="application/json")
    return error


def _shown(call: Call, request: web.Request) -> dict[str, Any]:
    account = request.match_info["account"]
    now = formatdate(time.time(), usegmt=False)
    return {
        "sid": call.sid,
        "account_sid": account,
        "api_version": "2010-04-01",
        "to": call.to,
        "from": call.from_,
        "status": call.status,
        "direction": call.direction,
        "date_created": formatdate(call.created),
        "date_updated": now,
        "start_time": formatdate(call.created),
        "end_time": now if call.status in ENDED else None,
        "duration": str(int(time.time() - call.created)) if call.status in ENDED else None,
        "price": None,
        "price_unit": "USD",
        "answered_by": None,
        "parent_call_sid": None,
        "uri": f"/2010-04-01/Accounts/{account}/Calls/{call.sid}.json",
        "subresource_uris": {},
    }
