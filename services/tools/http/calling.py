"""An endpoint as a tool's function: send, try again where that is harmless, and say what came of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from parley.errors import Misconfigured
from parley.secrets import Secrets
from parley.tooling import CallContext, Result, ToolError
from services.tools.contract import Away, Unsure
from services.tools.foreign.summary import summary_of
from services.tools.foreign.trouble import BROKE_OFF, BUSY, FAULT, TOO_LATE, UNREACHABLE
from services.tools.foreign.words import cleaned, visible
from services.tools.http.endpoint import Endpoint
from services.tools.http.request import Request, request_of
from services.tools.http.web import Answer, Lost, NotSent, Web

log = structlog.get_logger()

CONTEXT = " context"
"""The name of the context among the arguments: no argument has a space in front."""
MAX_TEXT_CHARS = 4_000
PAUSE_S = 0.2
AGAIN = (429, 502, 503, 504)
UNTOUCHED = (501,)
"""The service says that it did not do it. A 503 may come from a proxy whose service has it, and did it."""
OURS = (401, 429)
"""No fault of the values: the service is not to be had, as with a 5xx."""

NOT_SET_UP = "This tool is not set up here. Apologise, and offer another way."
REFUSED = {
    400: "The service did not accept these values. Check them with the caller.",
    401: NOT_SET_UP,
    403: "The service does not allow this. Apologise, and offer another way.",
    404: "There is nothing of that kind. Check the values with the caller.",
    409: "That is not possible as things are now: it conflicts with something that is there already.",
    410: "That is not there any more.",
    422: "The service did not accept these values. Check them with the caller.",
    429: BUSY,
}
OTHER_REFUSAL = "The service refused it. Nothing was done."


@dataclass(frozen=True, slots=True)
class Calling:
    """One for each endpoint; calls share it."""

    endpoint: Endpoint
    web: Web
    secrets: Secrets

    async def __call__(self, **given: Any) -> Result:
        """Raises ToolError (not done), Unsure (who knows)."""
        context: CallContext = given.pop(CONTEXT)
        request = request_of(self.endpoint, given, context, self._secret())
        return self._result(await self._sent(request, context.call_id), given)

    def _secret(self) -> str:
        if self.endpoint.auth is None:
            return ""
        name = self.endpoint.auth.secret
        try:
            secret = self.secrets.get(name)
        except Misconfigured as e:
            log.error("a tool's secret is missing", tool=self.endpoint.tool, error=str(e))
            raise Away(NOT_SET_UP) from None
        if not (secret.isascii() and secret.isprintable()):
            log.error("a tool's secret cannot be sent: it is not one line of ASCII", tool=self.endpoint.tool, name=name)
            raise Away(NOT_SET_UP)
        return secret

    async def _sent(self, request: Request, call_id: str) -> Answer:
        """The answer; the last one, where the first were no good and it was tried again."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.endpoint.marks.limit_s
        tries = 1 + (self.endpoint.retries if self.endpoint.repeatable else 0)
        failure: Exception = Unsure(BROKE_OFF)
        for left in reversed(range(tries)):
            pause = PAUSE_S * 2 ** (tries - 1 - left) * (0.5 + random.random())  # noqa: S311 - spreads callers
            try:
                answer = await self.web.send(request, self.endpoint.timeout_s, self.endpoint.repeatable)
                trouble = f"status {answer.status}" if answer.status in AGAIN else ""
                pause = max(pause, answer.retry_after_s)
            except (NotSent, Lost) as e:
                answer, trouble = None, f"{type(e).__name__} {e}"
                failure = Away(UNREACHABLE) if isinstance(e, NotSent) else Unsure(TOO_LATE if e.late else BROKE_OFF)
            if not trouble and answer is not None:
                return answer
            log.warning("a tool's service is in trouble", tool=self.endpoint.tool, call_id=call_id, trouble=trouble)
            if left and loop.time() + pause < until:
                await asyncio.sleep(pause)
            elif answer is not None:
                return answer
            else:
                raise failure
        raise AssertionError

    def _result(self, answer: Answer, arguments: Mapping[str, Any]) -> Result:
        if not 200 <= answer.status < 300:
            raise self._refusal(answer.status)
        data, left_out = self._data(answer)
        if left_out and not self.endpoint.marks.effects:
            raise Away(FAULT)
        value: dict[str, Any] = dict(data) if isinstance(data, dict) else {} if data is None else {"result": data}
        if left_out:
            value["left_out"] = left_out
        if not value and not self.endpoint.marks.effects:
            value["result"] = None  # the model is not to take silence for an answer
        said = {**arguments, **value}
        return Result({**value, "summary": summary_of(self.endpoint.summary, said, self.endpoint.marks.effects)})

    def _refusal(self, status: int) -> Exception:
        log.warning("a tool's service refused", tool=self.endpoint.tool, status=status)
        own = self.endpoint.errors.get(status)
        if 400 <= status < 500:
            words = own or REFUSED.get(status, OTHER_REFUSAL)
            return Away(words) if status in OURS and not own else ToolError(words)
        if status in (307, 308) or status in UNTOUCHED or not self.endpoint.marks.effects:
            return ToolError(own) if own else Away(FAULT)
        return Unsure(own or FAULT)  # a fault in the middle: who knows how far it came

    def _data(self, answer: Answer) -> tuple[Any, str]:
        """What is for the model, and what was left out and why."""
        if answer.too_large or answer.packed:
            return None, self._unusable("too large" if answer.too_large else "packed")
        if not answer.body.strip():
            return None, ""
        if answer.kind == "text/plain":
            return {"text": visible(answer.body.decode("utf-8", "replace"))[:MAX_TEXT_CHARS]}, ""
        try:
            data = orjson.loads(answer.body)
            return cleaned(data if self.endpoint.result is None else self.endpoint.result.search(data)), ""
        except Exception as e:  # JMESPath has errors of many kinds
            return None, self._unusable(type(e).__name__)

    def _unusable(self, why: str) -> str:
        log.error("a tool's service gave an answer that cannot be used", tool=self.endpoint.tool, why=why)
        return "the answer of the service"
