"""What each kind of input tells of a call: one function for each. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parley.engines import engines_of
from parley.v1 import events_pb2
from services.backoffice.records.call import MAX_TEXT, Call, Line, Pending, Tool, Turn

MAX_MS = 2_000_000_000
CHAT = "chat"
"""The channel of typed calls: nothing is heard or spoken, and paid for."""


def engines(call: Call, names: events_pb2.EngineNames, at_ms: int) -> None:
    ears_until(call, at_ms)
    if call.ears == call.stt:  # one that fell over is still at it: its stream is not the owner's
        call.ears = names.stt
    if call.mouth == call.tts:
        call.mouth = names.tts
    call.stt, call.llm, call.tts = names.stt, names.llm, names.tts


def ears_until(call: Call, at_ms: int) -> None:
    """The seconds that an engine has listened until now are its own."""
    if call.ears_since_ms and call.channel != CHAT and at_ms > call.ears_since_ms:
        call.use("stt", call.ears).seconds += (at_ms - call.ears_since_ms) / 1000
    call.ears_since_ms = at_ms


def _fell_over(call: Call, stage: str, before: str, engine: str, at_ms: int) -> None:
    """Another engine is at it than before. Back to the preferred one is no fallback, nor is one that had to be taken
    because the preferred one does not know the language."""
    preferred = call.stt if stage == "stt" else call.tts
    row = engines_of(stage).get(preferred)
    if preferred and engine != preferred and (row is None or row.speaks(call.language)):
        call.fallbacks += 1
        call.note(at_ms, "fallback", f"{stage} {before} {engine}")


# Owners


def _opened(call: Call, event: events_pb2.StepOpened, at_ms: int) -> None:
    if not call.started_ms:
        call.started_ms = call.ears_since_ms = at_ms
    call.agent, call.version = event.agent, event.agent_version
    call.channel, call.direction = event.channel, event.direction
    call.caller, call.called = event.caller_pii, event.called
    call.language, call.purpose = event.language, event.purpose[:MAX_TEXT]
    call.legs = max(call.legs, event.epoch.leg, 1)
    call.ended, call.reason = False, ""


def _taken_over(call: Call, event: events_pb2.StepTakenOver, at_ms: int) -> None:
    if not call.started_ms:
        call.started_ms = call.ears_since_ms = at_ms
    call.ended, call.ended_ms, call.reason, call.hung_up, call.swept = False, 0, "", False, False
    call.version = event.agent_version or call.version
    call.takeovers += 1
    if event.new_leg:
        call.legs += 1
        call.pending = Pending()
    call.note(at_ms, "new_leg" if event.new_leg else "taken_over")
    if event.transfer:
        call.transferred = ""
        call.note(at_ms, "came_back", event.transfer)
    if event.mouth_utterance:
        line = line_of(call, event.mouth_utterance, at_ms)
        if len(event.mouth_text) > len(line.text):
            line.text = event.mouth_text[:MAX_TEXT]
        line.heard = max(line.heard, event.mouth_heard)
        call.changed_lines.add(line.nr)
    _settled(call, event, at_ms)


def _settled(call: Call, event: Any, at_ms: int) -> None:
    for use in event.settled:
        if use.HasField("outcome"):
            _tool_over(call, use.intent, use.name, use.outcome, at_ms, use.arguments)


def _leg_lost(call: Call, event: events_pb2.StepLegLost, at_ms: int) -> None:
    call.note(at_ms, "leg_lost", event.reason)


def _leg_ended(call: Call, event: events_pb2.StepLegEnded, at_ms: int) -> None:
    call.note(at_ms, "leg_ended", event.reason)
    call.reason = call.reason or event.reason


def _dropped(call: Call, event: events_pb2.StepDropped, at_ms: int) -> None:
    call.note(at_ms, "dropped", event.kind)


def _tools_known(call: Call, event: events_pb2.StepToolsKnown, at_ms: int) -> None:
    call.version = event.agent_version or call.version


# The caller


def _speech_started(call: Call, event: Any, at_ms: int) -> None:
    call.pending.since_ms = call.pending.since_ms or at_ms


def _final(call: Call, event: events_pb2.StepFinal, at_ms: int) -> None:
    if event.engine and event.engine != call.ears:
        ears_until(call, at_ms)
        _fell_over(call, "stt", call.ears, event.engine, at_ms)
        call.ears = event.engine
    pending, late = call.pending, event.leg_ms if event.leg_ms else 0
    if not pending.texts:
        start = at_ms - (late - event.start_ms) if late else pending.since_ms or at_ms
        pending.since_ms = min(start, at_ms)
    pending.texts.append(event.text)
    pending.end_ms = min(at_ms, at_ms - (late - event.end_ms)) if late else at_ms
    pending.final_ms = at_ms


def _turn_ended(call: Call, event: events_pb2.StepTurnEnded, at_ms: int) -> None:
    pending = call.pending
    if event.kind == "eager":
        pending.eager_ms = at_ms
    elif event.kind == "resumed":
        pending.eager_ms = 0
    else:
        text = " ".join(pending.texts).strip() or event.text
        call.pending = Pending()
        if text.strip():
            kind = "aside" if pending.aside else "speech"
            turn = begin(call, kind, text, pending.end_ms or at_ms, pending.since_ms or at_ms)
            turn.final = after(turn, pending.final_ms)
            turn.eager = after(turn, pending.eager_ms)
            turn.ears = after(turn, at_ms)


def _typed(call: Call, event: events_pb2.StepTyped, at_ms: int) -> None:
    turn = begin(call, "typed", event.text, at_ms, at_ms)
    turn.ears = 0


def _dtmf(call: Call, event: events_pb2.StepDtmf, at_ms: int) -> None:
    call.digits = (call.digits + event.digit)[:200]


def begin(call: Call, by: str, text: str, end_ms: int, since_ms: int) -> Turn:
    turn = Turn(len(call.turns) + 1, end_ms, by)
    call.turns.append(turn)
    call.changed_turns.add(turn.nr)
    turn.line = call.add_line("caller", by, turn.nr, since_ms, text)
    turn.line.until_ms, turn.line.heard = end_ms, len(turn.line.text)
    return turn


def after(turn: Turn, at_ms: int) -> int | None:
    return min(max(0, at_ms - turn.at_ms), MAX_MS) if at_ms else None


# The mouth


def line_of(call: Call, utterance: int, at_ms: int) -> Line:
    line = call.utterances.get(utterance)
    if line is None:
        line = call.add_line("bot", "answer", call.turns[-1].nr if call.turns else 0, at_ms)
        line.utterance, line.status = utterance, "saying"
        call.utterances[utterance] = line
    return line


def _utterance_started(call: Call, event: events_pb2.StepUtteranceStarted, at_ms: int) -> None:
    line = line_of(call, event.utterance, at_ms)
    if not line.started:
        line.started, line.at_ms = True, at_ms
        call.changed_lines.add(line.nr)
        sounds(call, line)


def sounds(call: Call, line: Line) -> None:
    """The first sound of an answer, once it is known to be one, and when the caller heard it."""
    turn = _turn_of(call, line)
    if turn is None or not line.started or line.kind != "answer":
        return
    if turn.sound is None:
        turn.sound, turn.answer = after(turn, line.at_ms), line
        call.changed_turns.add(turn.nr)
    if turn.answer is line and line.ear_ms:
        turn.heard = after(turn, max(line.ear_ms, line.at_ms))
        call.changed_turns.add(turn.nr)


def _turn_of(call: Call, line: Line) -> Turn | None:
    return call.turns[line.turn - 1] if 0 < line.turn <= len(call.turns) else None


def _progress(call: Call, event: events_pb2.StepProgress, at_ms: int) -> None:
    """Where the voice is. Told again when it has changed, until it has sounded."""
    line = line_of(call, event.utterance, at_ms)
    if line.started and event.places and event.in_ms and event.places[0] == 0:
        line.ear_ms = at_ms + event.in_ms[0]
        sounds(call, line)


def _heard(call: Call, event: events_pb2.StepHeard, at_ms: int) -> None:
    line = line_of(call, event.utterance, at_ms)
    if line.status != "saying":
        return
    if len(event.text) > len(line.text):
        line.text = event.text[:MAX_TEXT]
    line.heard = len(line.text) if event.complete else min(event.chars, len(line.text))
    line.until_ms = at_ms
    call.changed_lines.add(line.nr)
    if not (event.complete or event.cut):
        return
    _spoken_by(call, line, event.engine, at_ms)
    line.status = "heard" if event.complete or line.heard >= len(line.text.rstrip()) > 0 else "cut"
    turn = _turn_of(call, line)
    if turn is not None and line.kind == "answer":
        turn.over, turn.cut = after(turn, at_ms), line.status == "cut"
        call.changed_turns.add(turn.nr)
    if line.status == "cut" and not call.told and call.pending.since_ms:
        interrupted(call, at_ms)  # an older version's record, which does not tell it


def _spoken_by(call: Call, line: Line, engine: str, at_ms: int) -> None:
    if not engine:
        return
    if engine != call.mouth:
        _fell_over(call, "tts", call.mouth, engine, at_ms)
        call.mouth = engine
    if engine != line.engine and line.chars:
        call.use("tts", line.engine).chars -= line.chars
        call.use("tts", engine).chars += line.chars
        line.engine = engine


def interrupted(call: Call, at_ms: int) -> None:
    call.interruptions += 1
    call.note(at_ms, "interrupted")
    if call.turns:
        call.turns[-1].interruptions += 1
        call.changed_turns.add(call.turns[-1].nr)


def _paused(call: Call, event: events_pb2.StepPaused, at_ms: int) -> None:
    call.pauses += 1
    call.note(at_ms, "paused", event.cause)


def _resumed(call: Call, event: events_pb2.StepResumed, at_ms: int) -> None:
    call.note(at_ms, "resumed", event.cause)


# The mind and its organs


def _phrase_ready(call: Call, event: events_pb2.StepPhraseReady, at_ms: int) -> None:
    if event.turn > call.minds_turn:
        call.first_words.setdefault(event.turn, at_ms)


def _round_ended(call: Call, event: events_pb2.StepRoundEnded, at_ms: int) -> None:
    if event.text and event.turn > call.minds_turn:
        call.first_words.setdefault(event.turn, at_ms)
    engine = event.engine or call.llm
    used = call.use("llm", engine, event.model)
    used.read += event.input_tokens
    used.written += event.output_tokens
    used.requests += max(1, event.requests)
    if call.turns:
        call.turns[-1].rounds += 1
        call.changed_turns.add(call.turns[-1].nr)
    if event.error:
        call.note(at_ms, "round_failed", event.error)
    elif event.engine and call.llm and event.engine != call.llm:
        call.fallbacks += 1
        call.note(at_ms, "fallback", f"llm {call.llm} {event.engine}")
    for use in event.tools:
        if use.HasField("outcome"):
            _tool_over(call, 0, use.name, use.outcome, at_ms, use.arguments)


def _round_closed(call: Call, event: events_pb2.StepRoundClosed, at_ms: int) -> None:
    used = call.use("llm", call.llm, "")
    used.read += event.input_tokens
    used.written += event.output_tokens
    used.requests += 1


def _tool_ended(call: Call, event: events_pb2.StepToolEnded, at_ms: int) -> None:
    _tool_over(call, event.intent, event.name, event.outcome, at_ms)


def _tool_over(
    call: Call, intent: int, name: str, outcome: events_pb2.StateOutcome, at_ms: int, arguments: str = ""
) -> None:
    tool: Tool | None = call.intents.get(intent) if intent else None
    if tool is None:
        tool = call.add_tool(intent, name, at_ms, arguments)
    if tool.status not in ("running", "ask"):
        return  # the first outcome counts
    tool.name = tool.name or name
    tool.status, tool.until_ms = outcome.status or "unknown", at_ms
    tool.result = (outcome.message or outcome.result)[:MAX_TEXT]
    call.changed_tools.add(tool.nr)


def _organ_failed(call: Call, event: events_pb2.StepOrganFailed, at_ms: int) -> None:
    call.note(at_ms, "organ_failed", event.organ)


def _guarded(call: Call, event: events_pb2.StepGuarded, at_ms: int) -> None:
    call.guarded += 1
    call.note(at_ms, "guarded", f"{event.rule} {event.action}".strip())


def _timer_fired(call: Call, event: events_pb2.StepTimerFired, at_ms: int) -> None:
    if event.id == "away":
        call.note(at_ms, "silence")


def _signal(call: Call, event: events_pb2.StepSignal, at_ms: int) -> None:
    call.note(at_ms, "signal", event.name)


INPUTS: dict[str, Callable[[Call, Any, int], None]] = {
    "opened": _opened,
    "taken_over": _taken_over,
    "settled": _settled,
    "leg_lost": _leg_lost,
    "leg_ended": _leg_ended,
    "dropped": _dropped,
    "tools_known": _tools_known,
    "speech_started": _speech_started,
    "final": _final,
    "turn_ended": _turn_ended,
    "typed": _typed,
    "dtmf": _dtmf,
    "utterance_started": _utterance_started,
    "progress": _progress,
    "heard": _heard,
    "paused": _paused,
    "resumed": _resumed,
    "phrase_ready": _phrase_ready,
    "round_ended": _round_ended,
    "round_closed": _round_closed,
    "tool_ended": _tool_ended,
    "organ_failed": _organ_failed,
    "guarded": _guarded,
    "timer_fired": _timer_fired,
    "signal": _signal,
}
