"""What is counted of an agent's calls, by version: whether a canary does as well as what it is to replace.

Names of versions come and go; those that new calls may have and the one to go back to have series of their own, all
others share `other`, and the folder's have `folder`.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from prometheus_client import Counter, Histogram

from parley import telemetry
from parley.agents.agent import Agent
from parley.published.bundle import is_published
from services.orchestrator.mind import events
from services.orchestrator.mind.state import Call, Ended
from services.orchestrator.run.metrics import count_loss, count_specialists
from services.orchestrator.run.prices import Prices, costs, spent_on

log = structlog.get_logger()

BEGUN = Counter("voice_agent_calls_total", "Calls begun", ["agent", "version"])
SECONDS = Histogram(
    "voice_agent_call_seconds",
    "Length of the calls that have ended",
    ["agent", "version"],
    buckets=(5, 15, 30, 60, 120, 300, 600, 1800),
)
TURNS = Counter("voice_agent_turns_total", "Turns in calls that have ended", ["agent", "version"])
COST = Counter("voice_agent_cost_usd_total", "Vendors' cost of the calls that have ended", ["agent", "version"])
PAID = Counter("voice_cost_usd_total", "Vendors' cost of the calls that have ended: stt, llm, tts", ["stage"])
TOOLS = Counter(
    "voice_agent_tools_total", "Tools by how they ended: ok, failed, refused, unknown", ["agent", "version", "status"]
)
HANDED_ON = Counter("voice_agent_handed_on_total", "Callers who were handed on to people", ["agent", "version"])
_ALL = (BEGUN, SECONDS, TURNS, COST, TOOLS, HANDED_ON)

Label = Callable[[str, str], str]
"""What a version of an agent is called."""


class Figures:
    """One for all calls of the process."""

    def __init__(self, label: Label = lambda agent, version: version) -> None:
        self._label = label
        self._seen: dict[str, set[str]] = {}

    def note(self, call: Call, event: events.Event) -> None:
        """An event that the call has taken."""
        match event:
            case events.Opened():
                BEGUN.labels(*self._of(call)).inc()
            case events.ToolEnded(outcome=outcome) if outcome.status != "ask":  # that has not ended yet
                TOOLS.labels(*self._of(call), outcome.status).inc()

    def handed_on(self, call: Call) -> None:
        HANDED_ON.labels(*self._of(call)).inc()

    def ended(self, call: Call, seconds: float, prices: Prices, by: Agent) -> None:
        """`by`: the agent as the call had it, whose models are paid."""
        paid = costs(prices, call, seconds, by)
        dollars = sum(paid.values())
        telemetry.COST_PER_CALL.observe(dollars)
        for stage, part in paid.items():
            PAID.labels(stage).inc(part)
        reason = call.floor.reason if isinstance(call.floor, Ended) else ""
        count_loss(call, reason)
        told = {"reason": reason, "seconds": round(seconds, 1), "turns": call.turn, "usd": round(dollars, 5)}
        specialists = count_specialists(call, spent_on(prices, call, by))
        log.info("call ended", call_id=call.call_id, **told, **specialists)
        agent, version = self._of(call)
        SECONDS.labels(agent, version).observe(seconds)
        TURNS.labels(agent, version).inc(call.turn)
        COST.labels(agent, version).inc(dollars)

    def _of(self, call: Call) -> tuple[str, str]:
        label, seen = self._label(call.agent, call.agent_version), self._seen.setdefault(call.agent, set())
        if label not in seen:
            for old in [name for name in seen if is_published(name) and self._label(call.agent, name) != name]:
                seen.discard(old)
                for figure in _ALL:
                    figure.remove_by_labels({"agent": call.agent, "version": old})
            seen.add(label)
        return call.agent, label
