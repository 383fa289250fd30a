"""What a server refused, and in which other form it may take the request. Remembered for each model of the server.

A refused request is never sent again as it was: in another form, or not at all. At most one other form is tried for a
template (no system role, tools told as text), one for fields, one for a history that is too long.
"""

from __future__ import annotations

import re
from dataclasses import replace

import structlog

from services.llm.providers.openai_request import Form

log = structlog.get_logger()

# What compatible servers refuse though an answer does not depend on it.
OPTIONAL = ("stream_options", "temperature", "tool_choice", "max_completion_tokens", "max_tokens")
_TOOLS = frozenset(("tools", "tool_choice"))
_TEMPLATE = re.compile(
    r"template|jinja|alternat|\broles?\b|raise_exception|message_order|system (?:message|prompt)|tool_call_id|"
    r"after the optional system|last message",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(
    r"enable-auto-tool-choice|tool-call-parser|(?:not|n't) support (?:tools?|function)|"
    r"(?:tools?|function.calling)(?: use| calling)? (?:is|are) not (?:supported|enabled)|--jinja",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context.{0,20}(?:length|size|window)|too many (?:input )?tokens|prompt is too long|maximum.{0,30}tokens",
    re.IGNORECASE,
)
PATIENCE = 8
"""Refusals after which the plain form is tried again, where it did not help."""
_NEVER = (401, 402, 403, 408, 429)


class Server:
    """What one model's server has shown so far."""

    def __init__(self) -> None:
        self.form = Form()
        self._accepted = False
        self._suspected = False  # a plain request was taken where another was not: why is not known
        self._rests = 0  # so many refusals are taken as they are: the plain form did not help

    def took(self, form: Form) -> None:
        """It answered to this form."""
        guessed = form.plain and not self.form.plain and self._suspected
        self.form = replace(form, plain=form.plain and not guessed, short=False)
        self._suspected = guessed
        self._accepted, self._rests = True, 0

    def other(self, status: int, said: str, form: Form, sent: frozenset[str]) -> Form | None:
        """A form that it may take after it refused this one, which had the fields `sent`. None: there is none."""
        if status in _NEVER or status > 501:
            return None
        if (named := self._named(status, said, sent)) and not named <= form.without:
            log.warning("model server refuses fields; going on without", fields=sorted(named))
            return replace(form, without=form.without | named)
        if status in (400, 413, 422) and _TOO_LONG.search(said):
            return None if form.short else replace(form, short=True)
        if form.plain:
            self._rests = PATIENCE
            return None
        if self._rests:
            self._rests -= 1
            return None
        return self._plainer(status, said, form)

    def _plainer(self, status: int, said: str, form: Form) -> Form | None:
        if _TEMPLATE.search(said):
            log.warning("model server refuses the roles of a history; telling it plainly", status=status)
            self._suspected = False
            return replace(form, plain=True)
        if status not in (400, 422, 500):
            return None
        if self._suspected and self._accepted:
            self._suspected, self.form = False, replace(self.form, plain=True)
            return self.form
        if self._accepted:
            return None
        log.warning("model server refuses its first request; asking in the plainest form", status=status)
        self._suspected = True
        return replace(form, plain=True, without=form.without | {"stream_options"})

    def _named(self, status: int, said: str, sent: frozenset[str]) -> frozenset[str]:
        """Optional fields that the refusal names."""
        if "tools" in sent and _NO_TOOLS.search(said):
            return _TOOLS
        if status not in (400, 422):
            return frozenset()
        return frozenset(field for field in OPTIONAL if field in sent and field in said)
