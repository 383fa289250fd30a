"""Knowledge for what the caller says: looked for once per question, and waited for only a little."""

from __future__ import annotations

from dataclasses import replace

from parley.text.words import clipped_bytes
from services.orchestrator.mind.effects import Effect, Retrieve
from services.orchestrator.mind.history import MAX_QUERY_BYTES
from services.orchestrator.mind.rules import same_words, start
from services.orchestrator.mind.state import Call
from services.orchestrator.mind.timers import T


def look(call: Call, text: str, at_ms: int, out: list[Effect]) -> tuple[Call, str]:
    """Look for passages on `text`. Gives the question that is to be waited for; empty when there is nothing to wait."""
    query = clipped_bytes(text, MAX_QUERY_BYTES)
    if not call.policy.retrieve or same_words(call.passages_for, query):
        return call, ""
    if not same_words(call.retrieving, query):
        out.append(Retrieve(query))
    call = replace(call, retrieving=query)
    return start(call, out, T.RETRIEVE, at_ms + call.policy.retrieve_wait_ms), query
