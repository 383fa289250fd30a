"""What people who follow a call want of it, through all processes."""

from __future__ import annotations

import time
import uuid

from parley.bus import Bus
from parley.settings import Settings
from parley.v1 import events_pb2
from testbed.house import House, answer, ask, ends, same, words
from testbed.patience import PATIENCE_S
from testbed.telephone.phone import Call
from tests.e2e.agents import OWN
from tests.e2e.together import on_the_line


async def tell(house: House, call: Call, name: str, data: str, times: int = 1) -> None:
    """Send a signal into a call, as whoever may."""
    file = house.stack.plan.files["mcp-actions.env"]
    env = dict(line.split("=", 1) for line in file.splitlines() if line)
    settings = Settings.read(
        nats_url=env["PARLEY_NATS_URL"], nats_user=env["PARLEY_NATS_USER"], nats_password=env["PARLEY_NATS_PASSWORD"]
    )
    signal = events_pb2.CallSignal(call_id=call.sid, name=name, data=data, id=str(uuid.uuid4()))
    async with Bus(settings, "test") as bus:
        assert await bus.ready(PATIENCE_S)
        for _ in range(times):
            signal.at_ms = int(time.time() * 1000)
            await bus.publish(f"call.{call.sid}.signal", signal.SerializeToString())
        assert await bus.flushed(PATIENCE_S)


@on_the_line.one
async def test_an_upset_caller_is_offered_a_colleague_and_taken_there_on_a_yes(house: House) -> None:
    """A supervisor's note reaches the model meanwhile, and nobody's ear."""
    async with house.phone("upset", dial_s=0.5).dial() as call:
        house.carry_out(call)
        await answer(call, call.born)
        await tell(house, call, "note", "offer ten percent")
        assert await ask(call, "what color is it") == "the bicycle is green"
        asked = next(each for each in house.asked("what color is it") if each.body["model"] == "upset")
        assert "offer ten percent" in str(asked.body["messages"][0]["content"])
        since = time.monotonic()
        await tell(house, call, "escalate", "three angry turns", times=2)
        assert same(call, await answer(call, since), words(OWN["upset"]["escalation"]["ask"]))
        assert ends(call, await ask(call, "yes please"), words(OWN["upset"]["escalation"]["say"]))
        assert await call.until_bot_speaks(timeout_s=PATIENCE_S), "nobody took them, and they are back"
        assert call.dialled == ["+15550100"]
