"""Twilio's REST API: ending a call and handing it on."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import structlog
import twilio.rest.api  # noqa: F401 - or the SDK loads it at the first hang-up, while every call stands still
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, VoiceResponse

from parley.errors import BadInput, Misconfigured, Unavailable
from parley.settings import Settings
from services.gateway.call import Call
from services.gateway.metrics import CARRIER

log = structlog.get_logger()

TIMEOUT_S = 5.0
RING_S = 20
"""How long a transfer rings: shorter than the orchestrator waits for a lost leg (40 s)."""
_NO_SUCH_CALL = 20404
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def auth_tokens(settings: Settings) -> list[str]:
    """The account's tokens: one, or two during a rotation; none when signatures cannot be checked."""
    return [t.strip() for t in settings.twilio_auth_token.get_secret_value().split(",") if t.strip()]


class Account:
    """Needs an account SID and token; without them calls end by closing their socket, and transfers are refused."""

    def __init__(self, settings: Settings) -> None:
        self._sid = settings.twilio_account_sid
        self._token = next(iter(auth_tokens(settings)), "")
        self._base_url = settings.twilio_api_base_url.rstrip("/")
        self._public_url = settings.public_url.rstrip("/")
        self._client: Client | None = None

    async def hang_up(self, call_id: str) -> None:
        """End the call. Never raises: when the carrier does not answer, the webhook will say `<Hangup/>`."""
        if not (self._sid and self._token):
            CARRIER.labels("hang_up", "no account").inc()
            return
        try:
            await self._update(call_id, "hang_up", status="completed")
        except (Unavailable, Misconfigured) as error:
            log.error("carrier did not hang up", call_id=call_id, error=str(error))

    async def transfer(self, call: Call, to: str) -> None:
        """Connect the caller to a number; a call nobody takes comes back to the webhook as the next leg.

        Without PARLEY_PUBLIC_URL there is no way back: then the call ends after the attempt.
        Raises BadInput (not E.164), Misconfigured (no account, or refused), Unavailable.
        """
        if not _E164.fullmatch(to):
            raise BadInput("transfer.to must be a number in E.164, such as +15550100")
        if not (self._sid and self._token):
            raise Misconfigured("transfers need TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
        response = VoiceResponse()
        dial = Dial(answer_on_bridge=True, timeout=RING_S)
        if self._public_url:
            back = f"{self._public_url}{call.way_back}"
            dial = Dial(answer_on_bridge=True, timeout=RING_S, action=back, method="POST")
        dial.number(to)
        response.append(dial)
        await self._update(call.call_id, "transfer", twiml=str(response))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.http_client.close()
            self._client = None

    async def _update(self, call_id: str, request: str, **change: Any) -> None:
        outcome = "failed"
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._rest().calls(call_id).update_async(**change)
            outcome = "ok"
        except TwilioRestException as error:
            if error.code == _NO_SUCH_CALL or error.status == 404:
                outcome = "was over"
                return
            raise Misconfigured(f"the carrier refused ({error.status}, code {error.code})") from error
        except TimeoutError as error:
            raise Unavailable(f"the carrier did not answer in {TIMEOUT_S:.0f} s") from error
        except Exception as error:
            raise Unavailable(f"the carrier cannot be reached ({type(error).__name__})") from error
        finally:
            CARRIER.labels(request, outcome).inc()

    def _rest(self) -> Client:
        if self._client is None:
            self._client = Client(self._sid, self._token, http_client=AsyncTwilioHttpClient(timeout=TIMEOUT_S))
            self._client.api.base_url = self._base_url
        return self._client
