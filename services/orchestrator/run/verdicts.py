"""A caller's line, judged before a model is asked: answered in code, given to a person, known to be for somebody.

Beside the agent's own phrases, which take microseconds, only meaning is asked for, where the agent has examples for it;
nobody waits for that longer than `ROUTE_S`. What it does not know in time the model decides.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from parley.agents.agent import Agent
from parley.v1 import llm_pb2
from services.orchestrator.guards import lines
from services.orchestrator.mind import effects, history
from services.orchestrator.mind.actions import Outcome, Then, ToolUse
from services.orchestrator.mind.bot import specialists
from services.orchestrator.mind.state import Answering, BotLine, Call, CallerLine
from services.orchestrator.run.metrics import ROUTED
from services.orchestrator.run.organs import Organs


@dataclass(frozen=True, slots=True)
class Verdict:
    """`say`: the whole answer, no model is asked; with `tools`, what then follows. `specialist`: who is to answer, if
    it is not who has the call; `by`: what told so. `rule`, `name`, `action`: which guardrail acted."""

    say: str = ""
    tools: tuple[ToolUse, ...] = ()
    specialist: str = ""
    by: str = ""
    rule: str = ""
    name: str = ""
    action: str = ""


NOTHING = Verdict()


async def judged(call: Call, agent: Agent, think: effects.Think, organs: Organs, traceparent: str) -> Verdict:
    """Of the line that this round is to answer: `call` ends with it, as far as the round is concerned."""
    if not (agent.escalate or agent.specialists or agent.guardrails.refuse_topics):
        return NOTHING
    if think.round:
        return _beside_a_yes(call, agent, think)
    floor = call.floor
    if not think.speculative and not (isinstance(floor, Answering) and floor.asked and not floor.about):
        return NOTHING
    said = [line.text for line in call.history if isinstance(line, CallerLine)]
    if not said:
        return NOTHING
    line = said[-1]
    if (why := lines.escalates(agent, line, said[:-1])) and (verdict := _escalated(call, agent, why)) is not None:
        return verdict
    if topic := lines.refused(agent, line):
        return _refused(call, agent, topic)
    unrouted = bool(agent.specialists) and not specialists.current(call)
    if unrouted and (name := lines.specialist_of(agent, line)):
        return _routed(name, "phrases")
    if (unrouted and _by_meaning(agent)) or any(each.examples for each in agent.guardrails.refuse_topics.values()):
        return _meant(call, agent, await organs.route(call, line, traceparent), unrouted)
    return NOTHING


def _beside_a_yes(call: Call, agent: Agent, think: effects.Think) -> Verdict:
    """What the caller said with a yes is not seen by a model before what they said yes to is done. Of a refused topic
    it is answered with the tool's own words and the topic's."""
    tools = [tool for line in history.bot_lines(call, call.turn) for tool in line.tools]
    if think.round != 1 or not tools or not all(tool.confirmed for tool in tools):
        return NOTHING
    said = [line.text for line in call.history if isinstance(line, CallerLine)]
    topic = lines.refused(agent, said[-1]) if said else ""
    told = [_summary(tool) for tool in tools]
    if not topic or not all(told):
        return NOTHING
    verdict = _refused(call, agent, topic)
    return replace(verdict, say=" ".join((*told, verdict.say)))


def _summary(tool: ToolUse) -> str:
    """What a tool that was done wants said; empty: the model is to find words."""
    try:
        result = json.loads(tool.outcome.result) if tool.outcome is not None and tool.outcome.status == "ok" else {}
    except ValueError:
        return ""
    return str(result.get("summary", "")).strip() if isinstance(result, dict) else ""


def _meant(call: Call, agent: Agent, meant: llm_pb2.RouteResponse | None, unrouted: bool) -> Verdict:
    if meant is not None and meant.topic in agent.guardrails.refuse_topics:
        return _refused(call, agent, meant.topic)
    if meant is not None and unrouted and meant.specialist in agent.specialists:
        return _routed(meant.specialist, "meaning")
    if unrouted:
        ROUTED.labels("nobody").inc()
    return NOTHING


def _by_meaning(agent: Agent) -> bool:
    return any(each.examples or each.phrases for each in agent.specialists.values())


def _routed(name: str, by: str) -> Verdict:
    ROUTED.labels(by).inc()
    return Verdict(specialist=name, by=by)


def _refused(call: Call, agent: Agent, topic: str) -> Verdict:
    say = _rest_of(call, agent.guardrails.refuse_topics[topic].say)
    return Verdict(say, rule="refuse_topics", name=topic, action="refused")


def _escalated(call: Call, agent: Agent, why: str) -> Verdict | None:
    """None: there was enough of it, or who is to have the call has it."""
    assert agent.escalate is not None
    told = Verdict(rule="escalate", name=why, action="escalated")
    if to := agent.escalate.to:
        if specialists.current(call) == to:
            return None
        ROUTED.labels("escalation").inc()
        return replace(told, specialist=to, by="escalation")
    tools = [tool for line in call.history if isinstance(line, BotLine) for tool in line.tools]
    if sum(tool.name == specialists.ESCALATE for tool in tools) >= lines.MAX_ESCALATIONS:
        return None
    outcome = Outcome("ok", "{}", then=Then("transfer", agent.transfer_to, f"escalated: {why}"))
    use = ToolUse("", specialists.ESCALATE, json.dumps({"why": why}), outcome=outcome)
    return replace(told, say=_rest_of(call, agent.escalate.say), tools=(use,))


def _rest_of(call: Call, sentence: str) -> str:
    """What of it was not said by an earlier try of this turn."""
    for line in history.bot_lines(call, call.turn):
        if line.kind == "answer" and line.text and sentence.startswith(line.text.rstrip()):
            return sentence[len(line.text.rstrip()) :]
    return sentence
