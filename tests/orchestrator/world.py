"""A call in virtual time around `step`: a model, tools, a mouth and owners that do whatever `draw` says."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from parley.text.words import has_words
from services.orchestrator.mind import effects, events
from services.orchestrator.mind.actions import Notice, Outcome, Then, ToolUse
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Answering, Ended, Epoch, Listening
from tests.orchestrator.calls import Script

Draw = Callable[[list[Any]], Any]
WORDS = ["It ships on Friday.", "Yes. ", "Do you want me to book that?", "One, two, three and four."]
SILENT = ["", "...", "\u2014 ", "\U0001f642", "***"]
ERRORS = ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "FAILED_PRECONDITION", "INTERNAL"]
RESULTS = ["", "{}", "no JSON", json.dumps({"summary": "You are booked."}), json.dumps({"message": "..."})]
MS_A_CHAR = 20


@dataclass
class Utterance:
    id: int
    turn: int
    kind: str
    text: str = ""
    complete: bool = False
    started: bool = False
    planned: bool = False


@dataclass
class World:
    """`heard`: what had words and was heard, to its end or up to where the caller broke in; `over`: hung up."""

    draw: Draw
    policy: Policy
    effect_tools: tuple[str, ...] = ("book_visit",)
    tools: tuple[str, ...] = ("book_visit", "find_order")
    call: Script = field(init=False)
    mouth: dict[int, Utterance] = field(default_factory=dict)
    last_utterance: int = 0
    heard: list[str] = field(default_factory=list)
    thinks: list[effects.Think] = field(default_factory=list)
    over: bool = False
    owners: int = 1
    leg: int = 1

    def __post_init__(self) -> None:
        self._due: list[tuple[int, int, Callable[[], Any]]] = []
        self._count = itertools.count()
        self._live: set[tuple[int, int, int]] = set()
        self._tools: dict[int, tuple[str, Outcome | None]] = {}
        self.call = Script(self.policy, greet=False, effect_tools=self.effect_tools)
        self._carry_out()

    @property
    def listens(self) -> bool:
        return isinstance(self.call.state.floor, Listening)

    @property
    def answers(self) -> bool:
        return isinstance(self.call.state.floor, Answering)

    def runs(self, ms: int, until: Callable[[], bool] = lambda: False) -> None:
        """Time passes, until something holds or the call is over."""
        end = self.call.at + ms
        while not (self.over or until()):
            timers = [timer.at_ms for timer in self.call.state.timers]
            next_at = min([*timers, *(at for at, _, _ in self._due[:1])], default=end + 1)
            if next_at > end:
                break
            if self._due and self._due[0][0] <= next_at:
                at, _, happen = heapq.heappop(self._due)
                self.call.at = max(self.call.at, at)
                happen()
            else:
                self.call.wait(max(0, next_at - self.call.at))
            self._carry_out()
        else:
            return
        self.call.at = end

    def says(self, text: str) -> None:
        """A whole turn of the caller, from the first sound on."""
        for act in (
            self.call.starts,
            lambda: self.call.words(text),
            lambda: self.call.final(text),
            self.call.stops,
            lambda: self.call.ends(text),
        ):
            if not self.over:
                act()
                self._carry_out()
                self.runs(self.draw([0, 0, 30, 300]))

    def changes_owner(self) -> None:
        """The owner is lost; what its model gives is nobody's. The mouth and the ledger know where things stand."""
        self._live.clear()
        self.owners += 1
        words = [u for u in self.mouth.values() if u.kind != "filler"] or list(self.mouth.values())
        tells = next((u for u in words if not u.complete), words[0] if words else None)
        ledger = tuple(
            ToolUse("", name, "{}", intent, outcome) for intent, (name, outcome) in self._tools.items() if outcome
        )
        self.call._feed(
            events.TakenOver,
            epoch=Epoch(self.leg, self.owners),
            turn=self.call.state.turn,
            utterance=self.last_utterance,
            mouth_utterance=tells.id if tells else 0,
            mouth_text=tells.text if tells else "",
            mouth_complete=tells.complete if tells else False,
            settled=ledger,
        )
        self._carry_out()

    def comes_back(self) -> None:
        """The leg is lost, and the caller is back on another."""
        for utterance in list(self.mouth.values()):
            self.mouth.pop(utterance.id)
            chars = len(utterance.text) // 2 if utterance.started else 0
            self.call._feed(events.Heard, seq=True, utterance=utterance.id, chars=chars, text=utterance.text, cut=True)
            self._carry_out()
        self.call._feed(events.LegLost, seq=True, reason="socket closed")
        self._carry_out()
        self.runs(self.draw([0, 500, 3_000]))
        if self.ended:
            return
        self._live.clear()
        self.mouth.clear()
        self.leg, self.owners, self.last_utterance = self.leg + 1, self.owners + 1, 0
        self.call.seq, self.call.turn = 0, 1
        ledger = tuple(
            ToolUse("", name, "{}", intent, outcome) for intent, (name, outcome) in self._tools.items() if outcome
        )
        self.call._feed(events.TakenOver, epoch=Epoch(self.leg, 1), new_leg=True, settled=ledger)
        self._carry_out()

    def coughs(self) -> None:
        """Over the bot's voice, if it sounds: the mouth pauses, and goes on when it is told to."""
        front = next((u for u in self.mouth.values() if u.started), None)
        self.call.starts()
        if front is not None:
            self.call.pauses(front.id, 0)
        self._carry_out()
        self.runs(self.draw([50, 400]))
        self.call.stops()
        self._carry_out()

    # What `step` wants

    def _carry_out(self) -> None:
        seen = getattr(self, "_seen", 0)
        while seen < len(self.call.outputs):
            out, seen = self.call.outputs[seen], seen + 1
            self._seen = seen
            for effect in out:
                self._do(effect)

    def _do(self, effect: effects.Effect) -> None:
        match effect:
            case effects.Think():
                self.thinks.append(effect)
                self._live.add((effect.turn, effect.round, effect.tries))
                self._model(effect)
            case effects.CloseThink():
                self._live = {key for key in self._live if key[0] > effect.turn}
            case effects.Execute():
                self._tool(effect)
            case effects.Say():
                self._say(effect)
            case effects.Stop():
                for utterance in [u for u in self.mouth.values() if u.turn <= effect.turn]:
                    self._cut(utterance)
            case effects.HangUp() | effects.Transfer():
                self.over = True

    def _later(self, ms: int, happen: Callable[[], Any]) -> None:
        heapq.heappush(self._due, (self.call.at + ms, next(self._count), happen))

    # The model

    def _model(self, think: effects.Think) -> None:
        def phrase(text: str) -> None:
            if (think.turn, think.round, think.tries) in self._live:
                self.call.phrase(text, think)

        def end(text: str, tools: tuple[ToolUse, ...] = (), error: str = "") -> None:
            if (think.turn, think.round, think.tries) in self._live:
                self._live.discard((think.turn, think.round, think.tries))
                self.call.finishes(text, () if think.tools_off else tools, error, think)

        what = self.draw(["words", "words", "silent", "silent", "tools", "words, tools", "error", "words, error"])
        ms = self.draw([0, 200, 3000])
        if "words" in what:
            self._later(ms, lambda: phrase(self.draw(WORDS)))
        if what == "silent" and self.draw([True, False]):
            self._later(ms, lambda: phrase(self.draw(SILENT)))
        text = self.draw(WORDS) if what == "words" else self.draw(SILENT)
        tools = tuple(self._use(n, self.draw(list(self.tools))) for n in range(self.draw([1, 2])))
        error = self.draw(ERRORS) if "error" in what else ""
        self._later(ms + self.draw([0, 100]), lambda: end(text, tools if "tools" in what else (), error))

    def _use(self, n: int, name: str) -> ToolUse:
        to = {"to": self.draw(["billing", "front", "nobody"])} if name == "hand_over" else {}
        return ToolUse(f"c{n}", name, json.dumps(to))

    # Tools

    def _tool(self, effect: effects.Execute) -> None:
        known = self._tools.setdefault(effect.intent, (effect.name, None))[1]
        outcome = known or Outcome(
            self.draw(["ok", "ok", "ok", "failed", "unknown"]),
            self.draw(RESULTS),
            then=self.draw([None, None, None, Then("hang_up"), Then("transfer", "+15550100")]),
            say=self.draw([None, None, Notice(self.draw(WORDS)), Notice("...")]),
        )

        def ends() -> None:
            self._tools[effect.intent] = effect.name, outcome
            self.call._feed(events.ToolEnded, intent=effect.intent, outcome=outcome)

        self._later(self.draw([0, 500, 6000]), ends)

    # The mouth

    def _say(self, say: effects.Say) -> None:
        utterance = self.mouth.get(say.utterance)
        if utterance is None:
            if say.utterance <= self.last_utterance:
                return
            self.last_utterance = say.utterance
            utterance = self.mouth[say.utterance] = Utterance(say.utterance, say.turn, say.kind)
        if not utterance.complete:
            utterance.text += say.text
            utterance.complete = say.complete
        self._speaks()

    def _speaks(self) -> None:
        front = next(iter(self.mouth.values()), None)
        if front is None or front.planned or not front.complete:
            return
        front.planned = True
        if not has_words(front.text):
            self._later(20, lambda: self._heard(front, len(front.text)))
            return
        if self.draw([True, True, True, False]):
            self._later(50, lambda: self._starts(front))
            self._later(60 + MS_A_CHAR * len(front.text), lambda: self._heard(front, len(front.text)))
            return
        sounded = self.draw([0, 0, 3])
        if sounded:
            self._later(50, lambda: self._starts(front))
        if self.draw([True, False]):
            self._later(70, lambda: self._fails(front))
        self._later(100, lambda: self._heard(front, sounded, failed=True))

    def _starts(self, utterance: Utterance) -> None:
        if utterance.id in self.mouth:
            utterance.started = True
            self.call.sounds(utterance.id)

    def _fails(self, utterance: Utterance) -> None:
        if utterance.id in self.mouth:
            self.call._feed(events.OrganFailed, organ="mouth", utterance=utterance.id)

    def _heard(self, utterance: Utterance, chars: int, failed: bool = False) -> None:
        if self.mouth.pop(utterance.id, None) is None:
            return
        if not failed and has_words(utterance.text) and utterance.kind != "filler":
            self.heard.append(utterance.text)
        self._tell(utterance, chars, complete=not failed, cut=failed, failed=failed)

    def _cut(self, utterance: Utterance) -> None:
        self.mouth.pop(utterance.id, None)
        chars = len(utterance.text) // 2 if utterance.started else 0
        if chars and utterance.kind != "filler":
            self.heard.append(utterance.text[:chars])
        self._later(1, lambda: self._tell(utterance, chars, cut=True))

    def _tell(self, utterance: Utterance, chars: int, **how: bool) -> None:
        self.call._feed(events.Heard, seq=True, utterance=utterance.id, chars=chars, text=utterance.text, **how)
        self._speaks()

    @property
    def ended(self) -> bool:
        return self.over or isinstance(self.call.state.floor, Ended)
