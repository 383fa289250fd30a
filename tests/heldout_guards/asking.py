"""A call in which a tool waits for a yes, for `step`: who says what, and what is then done on whose yes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.orchestrator.mind import effects, events
from services.orchestrator.mind.actions import Ask, Choice, Outcome, ToolUse
from services.orchestrator.mind.effects import Execute, Say
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Epoch
from tests.orchestrator.calls import POLICY, Script, of, replayed

QUESTION = "Shall I cancel your appointment on Tuesday at three?"
ARGUMENTS = '{"day": "2026-12-01", "at": "15:00"}'
CANCEL = ToolUse("c1", "cancel_visit", ARGUMENTS)
CLOSE = ToolUse("c2", "close_account", '{"account": "1234"}')
UNCLEAR = "Sorry, I need a clear answer."
ASKING = replace(POLICY, unclear=UNCLEAR)


class Asked(Script):
    """A call that was asked for something consequential."""

    def __init__(self, policy: Policy = ASKING, **opened: Any) -> None:
        super().__init__(policy, effect_tools=("cancel_visit", "close_account"), **opened)

    def wants(self, *tools: ToolUse, words: str = "") -> None:
        """The caller wants it and the model calls for it; the question is not there yet."""
        self.says("please cancel my appointment")
        self.finishes(words, tools=tools or (CANCEL,))

    def asks(self, intent: int | None = None, digest: str = "d1", question: str = QUESTION) -> list[effects.Effect]:
        """The tools service answers with the question."""
        ask = Ask(question, digest, (Choice("reason", ("a", "b")),))
        return self._feed(events.ToolEnded, intent=intent or self.state.intent, outcome=Outcome("ask", ask=ask))

    def heard(self) -> None:
        """Everything that is being said is heard to its end."""
        for said in {say.utterance for say in self.all_of(Say)}:
            if said > 1 and said not in getattr(self, "ears", set()):
                self.ears = {*getattr(self, "ears", set()), said}
                self.hears(said)

    def asked(self, **opened: Any) -> Asked:
        """The question was heard to its end."""
        self.wants()
        self.asks()
        self.heard()
        return self

    def new_owner(self, **values: Any) -> list[effects.Effect]:
        values = {"epoch": Epoch(1, 2), "turn": self.state.turn, "utterance": self.state.utterance, **values}
        return self._feed(events.TakenOver, **values)

    @property
    def done(self) -> list[tuple[int, str, str, str]]:
        """What was done on a yes, each intent once (the ledger does an intent once)."""
        return sorted({(e.intent, e.name, e.arguments, e.confirmed) for e in self.all_of(Execute) if e.confirmed})

    def ends_with(self, *digests: str) -> None:
        assert [digest for *_, digest in self.done] == list(digests)
        assert replayed(self) == self.outputs

    @property
    def questions(self) -> int:
        return sum(QUESTION in say.text for say in self.all_of(Say))


def executed(out: list[effects.Effect]) -> list[str]:
    return [e.confirmed for e in of(Execute, out)]
