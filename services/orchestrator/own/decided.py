"""What a call's record tells of decisions, so that who reads it need not decide again."""

from __future__ import annotations

from parley.v1 import conversation_pb2, events_pb2
from services.orchestrator.mind import effects
from services.orchestrator.mind.state import Call, Ended


class Decided:
    """Those of the record to come."""

    def __init__(self) -> None:
        self._decisions: list[events_pb2.Decision] = []
        self._said: dict[int, events_pb2.Said] = {}

    def note(self, effect: effects.Effect, command: conversation_pb2.CallCommand | None, turn: int, at_ms: int) -> None:
        """`command`: as the gateway is told. `turn`: of the call. Most effects are nobody's news."""
        match effect:
            case effects.Say(utterance=utterance, text=text, kind=kind):
                said = self._said.get(utterance)
                if said is None:
                    decision = self._add(at_ms, effect.turn)
                    said = self._said[utterance] = decision.said
                    said.utterance, said.kind = utterance, kind
                said.chars += len(text)
                if command is not None and command.say.HasField("first_token_ms"):
                    said.first_token_ms = command.say.first_token_ms
            case effects.BargeIn(outcome=outcome):
                self._add(at_ms, turn).barge_in = outcome
            case effects.Execute(intent=intent, name=name, arguments=arguments):
                self._add(at_ms, turn).executed.CopyFrom(
                    events_pb2.Executed(intent=intent, name=name, arguments_pii=arguments)
                )
            case effects.Transfer(to=to):
                self._add(at_ms, turn).transfer_pii = to
            case effects.HangUp(reason=reason):
                self._add(at_ms, turn).hang_up = reason
            case effects.HandOver(giver=giver, to=to):
                self._add(at_ms, turn).handed_over.CopyFrom(events_pb2.HandedOver(giver=giver, to=to))

    def _add(self, at_ms: int, turn: int) -> events_pb2.Decision:
        self._decisions.append(events_pb2.Decision(at_ms=at_ms, turn=turn))
        return self._decisions[-1]

    def taken(self, call: Call) -> list[events_pb2.Decision]:
        """All of them, and why the call is over if it is; the next record begins without any."""
        taken, self._decisions, self._said = self._decisions, [], {}
        if isinstance(call.floor, Ended):
            at_ms = taken[-1].at_ms if taken else 0
            taken.append(events_pb2.Decision(at_ms=at_ms, turn=call.turn, ended=call.floor.reason))
        return taken
