"""The carrier's side of HTTP (Twilio): signed webhooks, and what it complains about."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from parley.errors import BadInput, Unavailable
from testbed.telephone.front import Front

WEBHOOK_S = 15.0
"""A webhook that has not answered by then has failed."""
MAX_WARNINGS = 100


@dataclass(frozen=True)
class Warned:
    """An entry in the carrier's debugger. `code` as in Twilio's list of errors and warnings."""

    code: int
    text: str
    at: float


class Debugger:
    """What the carrier complained about during one call; the first 100 are kept, all are counted."""

    def __init__(self) -> None:
        self.warnings: list[Warned] = []
        self.count = 0

    def warn(self, code: int, text: str) -> None:
        self.count += 1
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(Warned(code, text, time.monotonic()))


def signature(token: str, url: str, form: Mapping[str, str] | None = None) -> str:
    """`X-Twilio-Signature`: HMAC-SHA1 over the URL and the sorted fields (for an upgrade: none)."""
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form or {}) if form)
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


class Webhooks:
    """Asks the server what to do with a call."""

    def __init__(self, front: Front, token: str) -> None:
        self._front = front
        self._token = token
        secure = any(url.startswith("https") for url in front.gateway_urls)
        self._client = httpx.AsyncClient(timeout=WEBHOOK_S, trust_env=False, verify=secure, follow_redirects=False)

    def signed(self, url: str, form: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers of a request: the signature's, where there is a token, and what a load balancer keeps."""
        signed = {"X-Twilio-Signature": signature(self._token, url, form)} if self._token else {}
        return signed | self._front.headers

    async def reached(self, url: str) -> str:
        """Where an address below the public one is really found. Raises Unavailable: no gateway is ready."""
        return await self._front.route(url, self._client)

    async def ask(self, url: str, form: Mapping[str, str]) -> str:
        """The document at `url`. Raises Unavailable (nobody there, an error status), BadInput (no XML)."""
        headers = {"User-Agent": "TwilioProxy/1.1", "Accept": "*/*", **self.signed(url, form)}
        where = await self.reached(url)
        try:
            answer = await self._client.post(where, data=dict(form), headers=headers)
        except httpx.TimeoutException as error:
            raise Unavailable(f"{url} did not answer within {WEBHOOK_S:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"{url} cannot be reached ({error})") from error
        if not answer.is_success:
            raise Unavailable(f"{url} answered {answer.status_code} {answer.text.strip()[:200]}")
        if "xml" not in answer.headers.get("content-type", ""):
            raise BadInput(f"{url} answered {answer.headers.get('content-type', 'no type')}, not text/xml")
        return answer.text

    async def close(self) -> None:
        await self._client.aclose()
