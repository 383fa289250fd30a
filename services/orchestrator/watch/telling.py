"""A call as whoever looks at it is told. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from parley.v1 import events_pb2
from services.orchestrator.mind import events
from services.orchestrator.mind.history import open_tools
from services.orchestrator.mind.state import Answering, Call, Ended, Line
from services.orchestrator.wire import codec

_MOMENTS: tuple[type[events.Event], ...] = (
    events.SpeechStarted,
    events.SpeechStopped,
    events.TurnEnded,
    events.Typed,
    events.Dtmf,
    events.Button,
    events.UtteranceStarted,
    events.Heard,
    events.Paused,
    events.Resumed,
    events.ToolEnded,
    events.TakenOver,
    events.LegLost,
    events.OrganFailed,
    events.Signal,
    events.Guarded,
)
"""What a time line shows; the rest is inside the mind."""


def state_of(call: Call) -> str:
    """`speaking`: the bot's voice sounds now. `thinking`: the caller waits for words."""
    if isinstance(call.floor, Ended):
        return "ended"
    if call.sounding and not call.paused:
        return "speaking"
    return "thinking" if isinstance(call.floor, Answering) and not call.paused else "listening"


def overview(call: Call, usd: float, at_ms: int) -> events_pb2.CallLive:
    tools = open_tools(call)
    told = events_pb2.CallLive(
        call_id=call.call_id,
        at_ms=at_ms,
        state=state_of(call),
        agent=call.agent,
        agent_version=call.agent_version,
        channel=call.channel,
        direction=call.direction or "inbound",
        caller_pii=call.caller_pii,
        called=call.called,
        language=call.language,
        started_ms=call.started_ms,
        turn=call.turn,
        interruptions=call.tally.barge_ins,
        tool=tools[-1].name if tools else "",
        specialist=call.specialist,
        cost_usd=round(usd, 6),
        end_reason=call.floor.reason if isinstance(call.floor, Ended) else "",
    )
    told.epoch.leg, told.epoch.open = call.epoch
    return told


def changed_lines(call: Call, before: tuple[Line, ...], dropped: int) -> tuple[list[events_pb2.LiveLine], bool]:
    """The lines that are not as they were in `before`, whose first is line `dropped` + 1; and whether to forget those
    told before, because some are gone."""
    if call.dropped_lines + len(call.history) < dropped + len(before):
        return numbered(call.history, call.dropped_lines), True
    skipped = call.dropped_lines - dropped
    found = [
        (n, line)
        for n, line in enumerate(call.history, 1)
        if not (0 <= n - 1 + skipped < len(before)) or before[n - 1 + skipped] is not line
    ]
    return [_line(call.dropped_lines + n, line) for n, line in found], False


def numbered(lines: Sequence[Line], dropped: int) -> list[events_pb2.LiveLine]:
    return [_line(dropped + n, line) for n, line in enumerate(lines, 1)]


def _line(n: int, line: Line) -> events_pb2.LiveLine:
    return events_pb2.LiveLine(n=n, line=codec.line_to_proto(line))


def moment_of(event: events.Event) -> events_pb2.LiveMoment | None:
    """None: a time line has no place for it."""
    if not isinstance(event, _MOMENTS) or (isinstance(event, events.TurnEnded) and event.kind != "confirmed"):
        return None
    told = events_pb2.LiveMoment(at_ms=event.at_ms, what=codec.kind_of(event))
    match event:
        case events.Heard(utterance=utterance, chars=chars, cut=cut):
            told.utterance, told.chars, told.cut = utterance, chars, cut
        case events.Paused() | events.Resumed():
            told.utterance, told.chars, told.cause = event.utterance, event.chars, event.cause
        case events.UtteranceStarted(utterance=utterance):
            told.utterance = utterance
        case events.Button(pressed=pressed):
            told.cause = "pressed" if pressed else "released"
        case events.Signal(name=name):
            told.cause = name
        case events.OrganFailed(organ=organ):
            told.cause = organ
        case events.ToolEnded(outcome=outcome):
            told.cause = outcome.status
        case events.Guarded(rule=rule):
            told.cause = rule
    return told
