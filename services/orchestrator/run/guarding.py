"""Guardrails around a model's rounds: what it says passes here; what was found is counted and recorded."""

from __future__ import annotations

import structlog

from parley.agents.agent import Agent
from parley.v1 import llm_pb2
from services.orchestrator.guards.answers import AnswerGuard, Finding
from services.orchestrator.mind import events
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.metrics import GUARDED

log = structlog.get_logger()


def of(agent: Agent, request: llm_pb2.ChatRequest) -> AnswerGuard | None:
    """For the words of one round; None where the agent does not ask for it."""
    if not agent.guardrails.looks_at_answers:
        return None
    return AnswerGuard(agent.guardrails, lambda: sources(agent, request), request.language or agent.language)


def sources(agent: Agent, request: llm_pb2.ChatRequest) -> list[str]:
    """What the model's numbers may come from, likeliest first: all that it was told, but not what it said."""
    told = (m.text for m in reversed(request.messages) if m.role != llm_pb2.Message.ROLE_ASSISTANT)
    return [*told, *(passage.text for passage in request.passages), request.system, agent.first_words]


def passed(guard: AnswerGuard | None, text: str) -> str:
    """What is to be said of the next words of the round."""
    return guard.take(text) if guard is not None and text else text


def event(agent: Agent, turn: int, found: Finding) -> events.Guarded:
    """Counted and logged, without what was said; the call's record has it."""
    rule, name, action = found.rule, found.name, found.action
    GUARDED.labels(agent.name, rule, action).inc()
    log.info("a guardrail has acted", agent=agent.name, turn=turn, rule=rule, about=name, action=action)
    return events.Guarded(at_ms=now_ms(), turn=turn, rule=rule, name=name, action=action, show=agent.guardrails.show)
