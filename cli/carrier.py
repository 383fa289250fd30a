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
    """Asks the server what to do with a call. `public_url`: the base it is signed for, when it is another one."""

    def __init__(self, gateway_url: str, public_url: str, token: str) -> None:
        self._gateway_url = gateway_url
        self._public_url = public_url or gateway_url
        self._token = token
        self._client = httpx.AsyncClient(
            timeout=WEBHOOK_S, trust_env=False, verify=gateway_url.startswith("https"), follow_redirects=False
        )

    def signed(self, url: str, form: Mapping[str, str] | None = None) -> dict[str, str]:
        """The signature's header, none without a token."""
        return {"X-Twilio-Signature": signature(self._token, url, form)} if self._token else {}

    def reached(self, url: str) -> str:
        """Where an address below the public one is really found."""
        if url.startswith(self._public_url):
            return self._gateway_url + url.removeprefix(self._public_url)
        public, real = (base.replace("http", "ws", 1) for base in (self._public_url, self._gateway_url))
        return real + url.removeprefix(public) if url.startswith(public) else url

    async def ask(self, url: str, form: Mapping[str, str]) -> str:
        """The document at `url`. Raises Unavailable (nobody there, an error status), BadInput (no XML)."""
        headers = {"User-Agent": "TwilioProxy/1.1", "Accept": "*/*", **self.signed(url, form)}
        try:
            answer = await self._client.post(self.reached(url), data=dict(form), headers=headers)
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
