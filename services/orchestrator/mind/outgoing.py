"""What leaves the mind passes here: words, rounds of the model, actions. What a rule says is what leaves.

**Words** do not begin in the caller's voice. Who makes a sound after the end of their turn may have more to say: the
bot's first words then wait until they are quiet, or no longer than a voice without words is waited for anywhere; words
that count interrupt as always. What waits stands in the history as pending, and was never told to the gateway:
`call.said` is the highest utterance that was.

**Actions** wait while it is not known what an older owner has begun (`call.unsettled`), and rounds go without tools.
"""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator.mind import history
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.asked_cards import asked_card
from services.orchestrator.mind.effects import Effect, Execute, Say, Think
from services.orchestrator.mind.expecting import asks_for
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.rules import has_timer, start, stop_timers
from services.orchestrator.mind.state import Answering, BotLine, Call, CallerLine
from services.orchestrator.mind.timers import T

_NAMED = (
    "greeting",
    "goodbye",
    "trouble",
    "backend_down",
    "unavailable",
    "too_long",
    "not_heard",
    "not_transferred",
    "time_is_up",
    "cut_off",
    "before_greeting",
    "after_greeting",
    "before_transfer",
    "before_hang_up",
    "escalation_ask",
    "escalation_say",
)


def say(call: Call, out: list[Effect], line: BotLine, text: str, at_ms: int) -> Call:
    """`text` is what is new of the line; the line says the rest. It waits behind others that wait."""
    if line.utterance > call.said:
        if _waiting(call, line.utterance - 1):
            return call
        if _speaking(call, at_ms):
            return start(call, out, T.HOLD, call.hearing.since_ms + call.policy.wordless_ms)
    return _leaves(call, out, line, text)


def let_go(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """After every event: words that waited leave when the caller is quiet; those of a turn that is over never do."""
    if not (waiting := _waiting(call, call.utterance)):
        return call if call.said == call.utterance else replace(call, said=max(call.said, call.utterance))
    for line in waiting:
        if line.turn < call.turn or not isinstance(call.floor, Answering):
            call = history.edit(call, line.utterance, lambda x: replace(x, status="cut", complete=True))
    waiting = _waiting(call, call.utterance)
    if waiting and _speaking(call, at_ms):
        hold_ms = call.hearing.since_ms + call.policy.wordless_ms
        return call if has_timer(call, T.HOLD) else start(call, out, T.HOLD, hold_ms)
    call = stop_timers(call, out, T.HOLD)
    for line in waiting:
        call = _leaves(call, out, line, line.text)
    return replace(call, said=max(call.said, call.utterance))


def time_is_up(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The voice goes on without a word that counts: `let_go` says what waits."""
    return call


def think(call: Call, out: list[Effect], asked: Think) -> None:
    out.append(replace(asked, tools_off=asked.tools_off or call.unsettled))


def execute(call: Call, out: list[Effect], *tools: ToolUse) -> None:
    if not call.unsettled:
        out.extend(Execute(tool.intent, tool.name, tool.arguments, tool.confirmed) for tool in tools)


def _leaves(call: Call, out: list[Effect], line: BotLine, text: str) -> Call:
    expect = "button" if call.policy.push_to_talk else asks_for(line.text, call.language)
    if call.policy.payment:
        expect = asked_card(line.text) or expect
    out.append(
        Say(
            line.turn,
            line.utterance,
            text,
            line.kind,
            complete=line.complete,
            interruptible=line.interruptible,
            expect=expect,
            protect_ms=line.protect_ms,
            once=line.kind != "answer" and line.text not in _sentences(call.policy),
        )
    )
    return replace(call, said=max(call.said, line.utterance))


def _sentences(policy: Policy) -> frozenset[str]:
    """The agent's own, the same in every call."""
    own = (sentence for each in policy.fillers_of for sentence in each.sentences)
    lists = (*policy.fillers, *policy.tool_fillers, *policy.away_prompts, *own)
    return frozenset((*lists, *(getattr(policy, name) for name in _NAMED)))


def _waiting(call: Call, upto: int) -> list[BotLine]:
    return [line for line in history.unheard(call) if call.said < line.utterance <= upto]


def _speaking(call: Call, at_ms: int) -> bool:
    """A voice that began after the caller's turn was over, and has not gone on for too long."""
    since = call.hearing.since_ms
    if not since or at_ms - since >= call.policy.wordless_ms:
        return False
    turn = next((line for line in reversed(call.history) if isinstance(line, CallerLine)), None)
    return turn is not None and since > turn.at_ms
