"""An agent with a server of tools: it is started once for all conversations, and waiting for nothing takes no time."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.eval.conftest import AGENT, TOOLS, Bench
from tests.tools.mcp.test_left import documented

MCP = f"""
mcp:
  stock:
    command: {sys.executable}
    args: [stock_server.py]
    tools:
      in_stock: {{effects: false, summary: "There are {{bunches}} bunches of {{flower}}."}}
"""
ASK = """
    stock:
      phrases: ["how many {flower} do you have"]
      tool: stock_in_stock
      needs: [flower]
"""
FLOWER = """
    flower: {kind: choice, values: [roses, tulips], ask: Which flowers?}
"""


def test_a_server_is_started_once_for_all_conversations(tmp_path: Path, data_dir: Path) -> None:
    source = tmp_path / "shop"
    source.mkdir()
    agent = AGENT.replace("\n  intents:", f"{FLOWER.rstrip()}\n  intents:{ASK.rstrip()}") + MCP
    (source / "agent.yaml").write_text(agent)
    (source / "tools.py").write_text(TOOLS)
    started = f'open("{tmp_path}/started", "a").write("once\\n")\n'
    (source / "stock_server.py").write_text(started + documented())
    bench = Bench(source, data_dir)
    try:
        for flower, words in (
            ("roses", "There are 40 bunches of roses."),
            ("tulips", "There are 0 bunches of tulips."),
        ):
            found = bench.holds(
                turns=[
                    {"caller": f"how many {flower} do you have", "tools": "stock_in_stock", "says": words},
                    {"silent_s": 600, "says": ["Are you there?", "Goodbye then."]},
                ]
            )
            assert found.passed, [str(failure) for failure in found.failures]
    finally:
        bench.close()
    assert (tmp_path / "started").read_text() == "once\n"
