"""What each decision of the mind tells of a call. Pure."""

from __future__ import annotations

from parley.v1 import events_pb2
from services.backoffice.records.call import Call
from services.backoffice.records.inputs import CHAT, after, begin, interrupted, line_of, sounds


def decided(call: Call, decision: events_pb2.Decision) -> None:
    kind, at_ms = decision.WhichOneof("decision"), decision.at_ms
    if kind == "said":
        _said(call, decision.said, decision.turn, at_ms)
    elif kind == "barge_in":
        _barge_in(call, decision.barge_in, at_ms)
    elif kind == "executed":
        each = decision.executed
        if each.intent not in call.intents:  # a new owner may do it again under the same number
            call.add_tool(each.intent, each.name, at_ms, each.arguments_pii)
    elif kind == "transfer_pii":
        call.transferred = decision.transfer_pii
        call.note(at_ms, "transfer")
    elif kind == "hang_up":
        call.hung_up = True
        call.note(at_ms, "hang_up", decision.hang_up)
    elif kind == "handed_over":
        call.note(at_ms, "handed_over", f"{decision.handed_over.giver} {decision.handed_over.to}")
    elif kind == "ended":
        call.reason = decision.ended


def _said(call: Call, said: events_pb2.Said, minds_turn: int, at_ms: int) -> None:
    if minds_turn > call.minds_turn:
        if call.digits:
            begin(call, "keys", call.digits, at_ms, at_ms)
            call.digits = ""
        turn = call.turn
        if turn is not None and not turn.minds and turn.by != "aside":
            turn.minds = minds_turn
        call.minds_turn = minds_turn
        call.first_words = {each: at for each, at in call.first_words.items() if each >= minds_turn}
    line = line_of(call, said.utterance, at_ms)
    line.kind = said.kind or line.kind
    turn = call.turn
    answers = turn is not None and turn.minds == minds_turn
    line.turn = turn.nr if turn is not None and answers else 0
    call.changed_lines.add(line.nr)
    if call.channel != CHAT:
        line.engine = line.engine or call.mouth
        line.chars += said.chars
        call.use("tts", line.engine).chars += said.chars
    if turn is not None and answers and line.kind == "answer":
        first = at_ms - said.first_token_ms if said.first_token_ms else call.first_words.get(minds_turn, at_ms)
        if turn.token is None:
            turn.token = after(turn, first)
        if turn.words is None:
            turn.words = after(turn, at_ms)
        call.changed_turns.add(turn.nr)
    sounds(call, line)


def _barge_in(call: Call, outcome: str, at_ms: int) -> None:
    pending, turn = call.pending, call.turn
    if outcome == "stopped":
        pending.aside = False
        interrupted(call, at_ms)
        return
    call.note(at_ms, "not_interrupted", outcome)
    if pending.texts or pending.since_ms:
        pending.aside = True
    elif turn is not None and not turn.minds and turn.line is not None and turn.by == "speech":
        turn.by = turn.line.kind = "aside"
        call.changed_turns.add(turn.nr)
        call.changed_lines.add(turn.line.nr)
