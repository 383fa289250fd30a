"""A leg has one body, whatever it is made of: here, a model that hears and speaks, played by an echo."""

from __future__ import annotations

from pathlib import Path

from parley.v1 import conversation_pb2, llm_pb2
from services.gateway.call import Call, Wire
from services.gateway.leg.body import Reports
from services.gateway.organs import Organs
from tests.gateway.conftest import House, running
from tests.gateway.handset import LOUD, Handset

CallEvent = conversation_pb2.CallEvent


class Echo:
    """Says what it hears, as soon as the mind tells it to respond."""

    hearing = waiting = speaking = paused = False
    sounded = 0, 0.0

    def __init__(self, call: Call, wire: Wire, organs: Organs, reports: Reports) -> None:
        self.mouth = self
        self._wire, self._reports = wire, reports
        self.given: list[conversation_pb2.Live] = []

    def progress(self) -> None: ...

    def audio(self, frame: bytes, now: float) -> None:
        if self.given:
            self._wire.send_audio(frame)

    def returned(self, mark: str) -> bool:
        return False

    def typed(self) -> None: ...

    def button(self, pressed: bool) -> None: ...

    def push_to_talk(self, on: bool) -> None: ...

    def take(self, command: conversation_pb2.CallCommand) -> bool:
        if not (is_mine := command.HasField("live")):
            return False
        self.given.append(command.live)
        if command.live.HasField("respond"):
            self._reports.tell(CallEvent(live_tool_call=llm_pb2.ToolCall(id="1", name="look")))
        else:
            self._reports.tell(CallEvent(bot_words=conversation_pb2.BotWords(utterance=1, item="a", text="Hello")))
            self._reports.tell(CallEvent(live_done=llm_pb2.LiveDone(item="a")))
        return is_mine

    def state(self, turn: int) -> conversation_pb2.Mouth:
        return conversation_pb2.Mouth(turn=turn)

    async def run(self) -> None: ...

    async def close(self) -> None: ...


async def test_a_model_that_hears_and_speaks_serves_a_call_and_answers_to_the_mind(tmp_path: Path) -> None:
    async with running(tmp_path) as house:
        house.gateway.make_body = Echo
        phone = await Handset().dial(house.url)
        owner = await house.mind.call()
        owner.command(1, live=conversation_pb2.Live(respond=llm_pb2.LiveRespond()))
        asked = await owner.next("live_tool_call")
        assert (asked.seq, asked.live_tool_call.name) == (1, "look")
        result = llm_pb2.LiveToolResult(tool_call_id="1", result_json="{}")
        owner.command(1, live=conversation_pb2.Live(tool_result=result))
        said, done = await owner.next("bot_words"), await owner.next("live_done")
        assert (said.seq, done.seq) == (0, 2)
        await phone.speak(320)
        await phone.until(lambda: phone.played.count(LOUD) == 16)
        await phone.hang_up()
        assert (await owner.next("leg")).seq == 3
    assert house.stt.talks == house.voice.talks == []


async def test_ears_and_a_voice_drop_what_is_meant_for_a_live_model(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.command(1, live=conversation_pb2.Live(instructions="Be brief."))
    owner.say(1, "Hello, how can I help?", turn=1)
    assert (await owner.next("heard")).heard.complete
    await phone.hang_up()
