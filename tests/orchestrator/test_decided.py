"""What a record tells of decisions: for who reads it and does not decide again."""

from __future__ import annotations

from dataclasses import replace

from parley.v1 import conversation_pb2
from services.orchestrator.mind import effects
from services.orchestrator.mind.state import Call, Ended, Epoch
from services.orchestrator.own.decided import Decided

CALL = Call(call_id="CA1", epoch=Epoch(1, 1), agent="frontdesk")


def test_words_of_one_utterance_stand_together_and_the_rest_as_it_was_decided() -> None:
    decided = Decided()
    first = conversation_pb2.CallCommand(say=conversation_pb2.Say(utterance=2, first_token_ms=40))
    decided.note(effects.Say(3, 2, "Your order "), first, 3, 1_000)
    decided.note(effects.Say(3, 2, "has shipped.", complete=True), conversation_pb2.CallCommand(), 3, 1_200)
    decided.note(effects.StartTimer("away", 9_000), None, 3, 1_200)
    decided.note(effects.BargeIn("stopped"), None, 3, 1_500)
    decided.note(effects.Execute(7, "book_visit", "{}"), None, 4, 2_000)
    decided.note(effects.Transfer("+15550001111"), None, 4, 3_000)
    decided.note(effects.HandOver("front", "billing"), None, 4, 3_000)
    decided.note(effects.HangUp("said goodbye"), None, 4, 4_000)
    said, barge_in, executed, transfer, handed, hang_up = decided.taken(CALL)
    assert (said.at_ms, said.turn, said.said.utterance) == (1_000, 3, 2)
    assert said.said.chars == len("Your order has shipped.")
    assert (said.said.kind, said.said.first_token_ms) == ("answer", 40)
    assert barge_in.barge_in == "stopped"
    assert (executed.executed.intent, executed.executed.name) == (7, "book_visit")
    assert executed.executed.arguments_pii == "{}"
    assert transfer.transfer_pii == "+15550001111"
    assert (handed.handed_over.giver, handed.handed_over.to) == ("front", "billing")
    assert (hang_up.hang_up, hang_up.turn, hang_up.at_ms) == ("said goodbye", 4, 4_000)
    assert decided.taken(CALL) == []


def test_why_a_call_is_over() -> None:
    (ended,) = Decided().taken(replace(CALL, floor=Ended("caller hung up")))
    assert ended.ended == "caller hung up"
