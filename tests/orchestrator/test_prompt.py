"""What the model is asked."""

from __future__ import annotations

from parley.agents.agent import Agent
from parley.v1 import tools_pb2
from services.orchestrator.run.prompt import READ_BACK, tool_specs

AGENT = Agent(company="Bellweather Bikes", greeting="Hello.", prompt="You answer.", tools=("cancel_order", "hours"))


def test_the_model_is_told_to_ask_before_a_tool_of_consequence() -> None:
    tools = [
        tools_pb2.ToolInfo(name="cancel_order", description="Cancels an order.", effects=True, consequential=True),
        tools_pb2.ToolInfo(name="hours", description="Tells the hours."),
        tools_pb2.ToolInfo(name="another_agents", description="Not for this one."),
    ]
    specs = {spec.name: spec.description for spec in tool_specs(AGENT, tools)}
    assert specs == {"cancel_order": f"Cancels an order. {READ_BACK}", "hours": "Tells the hours."}
