"""What the model is asked: one round's request, made from the call as it stands."""

from __future__ import annotations

from collections.abc import Sequence

from parley.agents.agent import Agent
from parley.v1 import call_pb2, llm_pb2, tools_pb2
from services.orchestrator.mind import effects, history, identity
from services.orchestrator.mind.bot import llm_retry
from services.orchestrator.mind.state import Answering, Call
from services.orchestrator.run import specialists

_ROLES = {
    "user": llm_pb2.Message.ROLE_USER,
    "assistant": llm_pb2.Message.ROLE_ASSISTANT,
    "tool": llm_pb2.Message.ROLE_TOOL,
}
CONTINUE = "(Your answer broke off after the words above. Continue right after them; do not repeat any of it.)"
NO_WORDS = "(You said nothing. Answer the caller now, in a sentence or two.)"
READ_BACK = (
    "The caller is asked for their yes by itself, in words made from the arguments, before this is done: call it as "
    "soon as you have the arguments, and do not ask for the yes yourself."
)


def tool_specs(agent: Agent, tools: Sequence[tools_pb2.ToolInfo]) -> list[llm_pb2.ToolSpec]:
    """The tools this agent may use, as the model sees them."""
    return [
        llm_pb2.ToolSpec(
            name=tool.name,
            description=f"{tool.description} {READ_BACK}".strip() if tool.consequential else tool.description,
            parameters_json=tool.parameters_json,
        )
        for tool in tools
        if agent.may_use(tool.name)
    ]


def proven_for(call: Call, tools: Sequence[llm_pb2.ToolSpec], at_ms: int) -> list[llm_pb2.ToolSpec]:
    """Of these tools those that the caller has proven enough for by now: of others the model is not told."""
    level = identity.level_at(call, at_ms)
    return [tool for tool in tools if identity.wanted_level(call, tool.name) <= level]


def request(
    call: Call, agent: Agent, engine: str, tools: Sequence[llm_pb2.ToolSpec], think: effects.Think, traceparent: str
) -> llm_pb2.ChatRequest:
    """The request of one round. Passages are given with the turn they were found for."""
    messages = [
        llm_pb2.Message(
            role=_ROLES[m.role],
            text=m.text,
            tool_calls=[
                llm_pb2.ToolCall(id=history.call_id(t), name=t.name, arguments_json=t.arguments) for t in m.tools
            ],
            tool_call_id=m.tool_id,
            interrupted=m.interrupted,
        )
        for m in history.messages(call)
    ]
    if think.continuing:
        messages.append(llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text=CONTINUE))
    elif think.empty:
        messages.append(llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text=NO_WORDS))
    return llm_pb2.ChatRequest(
        call_id=call.call_id,
        turn=call_pb2.TurnRef(epoch=call_pb2.Epoch(leg=call.epoch.leg, open=call.epoch.open), turn=think.turn),
        agent=agent.name,
        agent_version=agent.version,
        model=specialists.model(agent, call, engine),
        system=specialists.system(agent, call),
        messages=messages,
        tools=specialists.tools(agent, call, tools),
        tool_choice=llm_pb2.TOOL_CHOICE_NONE if think.tools_off else llm_pb2.TOOL_CHOICE_AUTO,
        passages=[
            llm_pb2.Passage(text=p.text, source=p.source, score=p.score)
            for p in call.passages
            if p.score >= agent.knowledge.min_score
        ],
        max_output_tokens=agent.limits.answer_tokens,
        language=call.language,
        traceparent=traceparent,
        attempt=think.tries,
        carry=call.floor.carry if isinstance(call.floor, Answering) else b"",
        requests_left=llm_retry.requests_left(call, think),
    )


def size(request: llm_pb2.ChatRequest) -> int:
    """Characters that the model reads, about: for the cost of a round whose vendor does not tell."""
    said = sum(len(m.text) + sum(len(t.arguments_json) for t in m.tool_calls) for m in request.messages)
    known = sum(len(passage.text) for passage in request.passages)
    tools = sum(len(tool.description) + len(tool.parameters_json) for tool in request.tools)
    return len(request.system) + said + known + tools
