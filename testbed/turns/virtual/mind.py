"""The orchestrator of one call: `step`, its timers, and a model and tools that take as long as the script says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.v1 import conversation_pb2, llm_pb2
from services.orchestrator.mind import effects, events
from services.orchestrator.mind.actions import Outcome, Then, ToolUse
from services.orchestrator.mind.bot.speculation import imagined
from services.orchestrator.mind.state import Answering, Call, Epoch
from services.orchestrator.mind.turn import step
from services.orchestrator.phrases.speakable import Phraser
from services.orchestrator.run import prompt
from services.orchestrator.wire import messages as wire
from testbed.turns import model
from testbed.turns.model import MODEL_MS
from testbed.turns.record import Asked
from testbed.turns.script import Script
from testbed.turns.virtual.time import Appointment, VirtualTime

_ROLES = {
    llm_pb2.Message.ROLE_USER: "user",
    llm_pb2.Message.ROLE_ASSISTANT: "assistant",
    llm_pb2.Message.ROLE_TOOL: "tool",
}
EFFECTS = ("book", "end_call")
SEARCH_MS = 5
SOUNDS_MS = 100
"""An answer is heard within so long."""


class Mind:
    """`take` an event of the gateway; commands go to `send`. `asked`, `tools`: what reached the model and the tools."""

    def __init__(self, time: VirtualTime, script: Script, send: Callable[[conversation_pb2.CallCommand], None]) -> None:
        self.asked: list[Asked] = []
        self.tools: list[tuple[str, float]] = []
        self.working = 0
        self.hung_up = False
        self.call: Call | None = None
        self._time = time
        self._script = script
        self._send = send
        self._agent = _agent(script)
        self._timers: dict[str, Appointment] = {}
        self._rounds: list[tuple[effects.Think, Appointment, Asked]] = []
        self._inbox: list[events.Event] = []
        self._sounds_ms = 0

    def open(self) -> None:
        self._tell(conversation_pb2.CallCommand(session=wire.session_of(self._agent, "en")))
        policy = wire.policy_of(self._agent)
        self._feed(
            events.Opened(
                at_ms=self._now,
                call_id="virtual",
                epoch=Epoch(1, 1),
                agent=self._agent.name,
                policy=policy,
                effect_tools=EFFECTS,
            )
        )

    @property
    def thinking(self) -> bool:
        """The model was asked and has not answered yet, or its answer is on its way to be heard."""
        floor = self.call.floor if self.call is not None else None
        return (isinstance(floor, Answering) and floor.thought is not None) or self._now < self._sounds_ms

    def take(self, message: conversation_pb2.CallEvent) -> None:
        if (event := wire.event_of(message, self._now)) is not None:
            self._feed(event)

    @property
    def _now(self) -> int:
        return int(self._time.now * 1000)

    def _feed(self, event: events.Event) -> None:
        self._inbox.append(event)
        if len(self._inbox) > 1:
            return
        while self._inbox:
            self.call, out = step(self.call, self._inbox[0])
            for effect in out:
                self._do(effect)
            self._inbox.pop(0)

    def _do(self, effect: effects.Effect) -> None:
        command = wire.command_of(effect)
        if command is not None:
            if not command.turn and self.call is not None:
                command.turn = self.call.turn
            self._tell(command)
        match effect:
            case effects.StartTimer():
                self._cancel(effect.id)
                self._timers[effect.id] = self._time.at(effect.at_ms / 1000, lambda: self._fire(effect.id))
            case effects.CancelTimer():
                self._cancel(effect.id)
            case effects.Think():
                self._think(effect)
            case effects.CloseThink():
                self._close(lambda think: think.turn <= effect.turn)
            case effects.SpeculationOver() if effect.outcome != "confirmed":
                for think, _, asked in self._rounds:
                    if (think.turn, think.tries) == (effect.turn, effect.tries) and asked in self.asked:
                        self.asked.remove(asked)
                self._close(lambda think: (think.turn, think.tries) == (effect.turn, effect.tries))
            case effects.Retrieve():
                self._time.after(SEARCH_MS, lambda: self._feed(events.Retrieved(at_ms=self._now, query=effect.query)))
            case effects.Execute():
                self._execute(effect)
            case effects.HangUp():
                self.hung_up = True

    def _tell(self, command: conversation_pb2.CallCommand) -> None:
        command.epoch.leg, command.epoch.open = 1, 1
        self._send(command)

    def _cancel(self, name: str) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()

    def _fire(self, name: str) -> None:
        self._timers.pop(name, None)
        self._feed(events.TimerFired(at_ms=self._now, id=name))

    # The model

    def _think(self, think: effects.Think) -> None:
        assert self.call is not None
        tools = [] if think.tools_off else [{"function": {"name": name}} for name in ("look_up", "book", "end_call")]
        request = prompt.request(imagined(self.call, think), self._agent, "openai", [], think, "")
        messages = [_message(each) for each in request.messages]
        reply = model.reply(self._script, messages, tools)
        asked = model.asked(self._script, self._time.now, messages)
        self.asked.append(asked)
        after = MODEL_MS + reply.wait_ms
        said = self._time.after(after, lambda: self._answer(think, reply.text, reply.calls))
        self._rounds.append((think, said, asked))

    def _answer(self, think: effects.Think, text: str, calls: tuple[Any, ...]) -> None:
        self._sounds_ms = self._now + SOUNDS_MS
        phraser = Phraser()
        for phrase in phraser.push(text):
            phrased = events.PhraseReady(
                at_ms=self._now, turn=think.turn, tries=think.tries, round=think.round, text=phrase
            )
            self._feed(phrased)
        used = tuple(ToolUse(f"c{think.turn}.{n}", call.name, call.wire) for n, call in enumerate(calls))
        self._feed(
            events.RoundEnded(
                at_ms=self._now,
                turn=think.turn,
                tries=think.tries,
                round=think.round,
                text=phraser.end(),
                tools=used,
            )
        )

    def _close(self, which: Callable[[effects.Think], bool]) -> None:
        for think, said, _ in self._rounds:
            if which(think):
                said.cancel()
        self._rounds = [each for each in self._rounds if not which(each[0])]

    # The tools

    def _execute(self, effect: effects.Execute) -> None:
        self.tools.append((effect.name, self._time.now))
        self.working += 1
        ms = model.row_by_tool(self._script, self._turn, effect.name).tool_ms if effect.name != "end_call" else 2
        self._time.after(ms, lambda: self._worked(effect))

    @property
    def _turn(self) -> str:
        return self.asked[-1].caller_turns[-1] if self.asked and self.asked[-1].caller_turns else ""

    def _worked(self, effect: effects.Execute) -> None:
        self.working -= 1
        then = Then("hang_up", reason="goodbye") if effect.name == "end_call" else None
        outcome = Outcome("ok", f'{{"done": "{effect.name}"}}', then=then)
        self._feed(events.ToolEnded(at_ms=self._now, intent=effect.intent, outcome=outcome))


def _agent(script: Script) -> Agent:
    """As the services read it, from its file."""
    with TemporaryDirectory() as folder:
        model.write_agent(Path(folder), script)
        return load_agent(Path(folder), script.slug)


def _message(message: llm_pb2.Message) -> Mapping[str, Any]:
    return {"role": _ROLES[message.role], "content": message.text}
