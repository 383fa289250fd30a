"""The carrier's switch: what becomes of one call, from document to document of TwiML, as Twilio does it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from parley.errors import BadInput, ParleyError, Unavailable
from testbed.telephone import twiml
from testbed.telephone.carrier import Debugger, Webhooks
from testbed.telephone.front import Front
from testbed.telephone.heard import Heard
from testbed.telephone.stream import Conditions, MediaStream

MAX_DOCUMENTS = 100


@dataclass(frozen=True)
class Subscriber:
    """Who calls whom, through which account and which front.

    `dial_status`: how a `<Dial>` ends, after `dial_s`.
    """

    front: Front
    from_: str
    to: str
    agent: str
    auth_token: str
    account_sid: str
    conditions: Conditions
    dial_status: str
    dial_s: float


class Exchange:
    """One call. `run` lasts as long as the call; `live` is its open stream."""

    def __init__(self, who: Subscriber, call_sid: str, heard: Heard, stirred: Callable[[], None]) -> None:
        self.status = "ringing"
        self.ended_by = ""
        self.failure: ParleyError | None = None
        self.live: MediaStream | None = None
        self.streams: list[MediaStream] = []
        self.documents: list[str] = []
        self.announced: list[str] = []
        self.dialled: list[str] = []
        self.debugger = Debugger()
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._who = who
        self._sid = call_sid
        self._heard = heard
        self._stirred = stirred
        self._webhooks = Webhooks(who.front, who.auth_token)
        self._url = f"{who.front.public_url}/twilio-webhook" + (f"?agent={quote(who.agent)}" if who.agent else "")
        self._interrupt: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._replacement: list[twiml.Verb] | None = None

    async def run(self) -> None:
        """Until the call is over. Never raises but for cancellation: `failure` has what went wrong."""
        try:
            await self._follow()
        except (Unavailable, BadInput) as error:
            self.failure, self.ended_by = error, self.ended_by or "failed"
            self.debugger.warn(12100 if isinstance(error, BadInput) else 11200, str(error))
        finally:
            if self.live is not None:
                self.live.cut()
            self.status = "completed"
            await self._webhooks.close()

    def end(self, by: str) -> None:
        """The call is over, because of the caller or by the REST API."""
        self.ended_by = self.ended_by or by
        self._break()

    def replace(self, document: str) -> None:
        """The REST API gives other TwiML to a running call. Raises BadInput."""
        self._replacement = twiml.parse(document)
        self.documents.append(document)
        self._break()

    def _break(self) -> None:
        if not self._interrupt.done():
            self._interrupt.set_result(None)

    async def _follow(self) -> None:
        verbs = await self._ask(self._url, {})
        for _ in range(MAX_DOCUMENTS):
            turn_to = await self._perform(verbs)
            if self.ended_by:
                return
            if self._replacement is not None:
                verbs, self._replacement = self._replacement, None
                self._interrupt = asyncio.get_running_loop().create_future()
            elif turn_to is None:
                self.ended_by = "end of TwiML"
                return
            else:
                self._url = urljoin(self._url, turn_to[0])
                verbs = await self._ask(self._url, turn_to[1])
        raise BadInput(f"more than {MAX_DOCUMENTS} documents for one call")

    async def _ask(self, url: str, more: Mapping[str, str]) -> list[twiml.Verb]:
        """The verbs at `url`; none when the call was ended or redirected meanwhile."""
        asking = asyncio.ensure_future(self._webhooks.ask(url, {**self._form(), **more}))
        try:
            await self._until(asking)
            if not asking.done():
                return []
            document = asking.result()
        finally:
            asking.cancel()
        self.documents.append(document)
        return twiml.parse(document)

    def _form(self) -> dict[str, str]:
        """The fields of a webhook; Twilio sends blank ones too, and signs them."""
        return {
            "AccountSid": self._who.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self._sid,
            "CallStatus": self.status,
            "Called": self._who.to,
            "Caller": self._who.from_,
            "CallerCity": "",
            "CallerCountry": "US",
            "Direction": "inbound",
            "From": self._who.from_,
            "FromCity": "",
            "FromCountry": "US",
            "To": self._who.to,
            "ToCountry": "US",
        }

    async def _perform(self, verbs: list[twiml.Verb]) -> tuple[str, dict[str, str]] | None:
        """Carry out a document. Returns where to turn next, with what to tell there; None at its end."""
        for verb in verbs:
            if self._interrupt.done():
                return None
            match verb:
                case twiml.Stream():
                    await self._stream(verb)
                    if verb.action and not self._interrupt.done():
                        return verb.action, {}
                case twiml.Redirect():
                    return verb.url, {}
                case twiml.Say():
                    self.announced.append(verb.text)
                case twiml.Pause():
                    await self._until(timeout_s=verb.seconds)
                case twiml.Dial():
                    self.dialled.append(verb.to)
                    await self._until(timeout_s=self._who.dial_s)
                    if verb.action and not self._interrupt.done():
                        return verb.action, {"DialCallStatus": self._who.dial_status}
                case twiml.Hangup():
                    self.ended_by = self.ended_by or "bot"
                    return None
                case twiml.Unknown():
                    self.debugger.warn(12200, f"<{verb.name}> is not carried out here")
        return None

    async def _stream(self, verb: twiml.Stream) -> None:
        """One `<Connect><Stream>`: until the server closes it, or the call moves on."""
        who = self._who
        if (url := self._checked(verb)) is None:
            return
        stream = MediaStream(f"MZ{secrets.token_hex(16)}", self._heard, self.debugger, who.conditions, self._stirred)
        headers = {"User-Agent": "Twilio.TmeWs/1.0", **self._webhooks.signed(url)}
        try:
            where = await self._webhooks.reached(url)
            await stream.open(where, headers, self._sid, who.account_sid, dict(verb.parameters))
        except Unavailable as error:
            self.debugger.warn(31920, str(error))
            return
        self.streams.append(stream)
        self.live = stream
        self.status = "in-progress"
        if not self.answered.done():
            self.answered.set_result(None)
        await self._until(stream.closed)
        stream.stop()
        self.live = None
        await stream.closed

    def _checked(self, verb: twiml.Stream) -> str | None:
        """The stream's URL as the carrier dials it; None when it would not."""
        parts = urlsplit(verb.url)
        if parts.scheme != "wss" and not (parts.scheme == "ws" and _this_machine(parts.hostname or "")):
            self.debugger.warn(31922, f"<Stream url> must be wss: {verb.url}")
            return None
        if verb.track != "inbound_track":
            self.debugger.warn(31941, f"<Stream track> must be inbound_track: {verb.track}")
            return None
        if parts.query:
            self.debugger.warn(12200, "<Stream url> has a query, which is dropped")
        for name, value in verb.parameters:
            if not name or len(name) + len(value) >= 500:
                self.debugger.warn(12200, f"<Parameter> {name!r} has no name, or 500 characters and more")
        return parts._replace(query="", fragment="").geturl()

    async def _until(self, what: asyncio.Future[Any] | None = None, timeout_s: float | None = None) -> None:
        """Until `what` is done, the time is up, or something else is to be done with the call."""
        waiting: set[asyncio.Future[Any]] = {self._interrupt} | ({what} if what is not None else set())
        await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)


def _this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
