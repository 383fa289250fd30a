"""What can not be undone is done on the caller's explicit yes only, and it is done as it was read back.

The tools service answers a consequential tool that nobody has confirmed with a question made from its arguments (an
outcome of status `ask`). The mind says it behind the model's words, and understands the answer itself:

    yes                     that very name and these arguments are executed, under an intent of their own, unless what
                            is said behind the yes puts a value right
    no                      it is not done, and the model is told so
    a value put right       the changed arguments are asked about anew
    a backchannel           the question again, a few times; then it is not done
    anything else           the model answers that, and behind its answer the question comes again

A yes counts when the question was the last that was said, and was heard but for its last words.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import NamedTuple

from parley.text.answers import consent
from parley.text.answers.correcting import corrected
from parley.text.scripts import joined
from parley.text.words import count
from services.orchestrator.mind import history
from services.orchestrator.mind.actions import Ask, Outcome, Pending, ToolUse
from services.orchestrator.mind.bot import specialists
from services.orchestrator.mind.effects import Confirmation, Effect
from services.orchestrator.mind.state import BotLine, Call

MAX_ASKED = 3  # times that a question is said
MAX_CHANGES = 5  # put right without the model
UNHEARD_WORDS = 2  # at the end of a question that is understood all the same
ASKED = (
    "Not done: it needs the caller's yes. They are being asked: {question} It is done by itself when they say yes: do "
    "not ask them yourself, and if they say something else, answer only that."
)
SAID_NO = "Not done: the caller was asked, and said no."
UNCLEAR = "Not done: the caller was asked, and gave no clear yes."
CHANGED = "Not done: the caller put something right in it, and is asked about that."
REPLACED = "Not done: the caller was asked about something else instead."
ONE_AT_A_TIME = "Not done: the caller is asked about one thing at a time. Call this again when they have answered."
SAID_YES = "The caller was asked, and said yes."
NOT_ASKED = "Not done: the caller went on before they could be asked."


def came_back(call: Call, tool: ToolUse, outcome: Outcome, in_turn: bool) -> tuple[Call, Outcome]:
    """A tool wants the caller's yes. Gives what stands in the history for its outcome. `in_turn`: of the turn that
    runs; else there is nobody to ask."""
    assert outcome.ask is not None
    before = call.pending
    if not in_turn:
        return call, Outcome("refused", message=NOT_ASKED)
    if before is not None and before.due and not before.asked and _beside(call, before.intent, tool.intent):
        return call, Outcome("refused", message=ONE_AT_A_TIME)
    asked, changes = 0, 0
    if before is not None:
        asked = before.asked if _same(before, tool, outcome.ask) else 0
        changes = before.changes
        call = _not_done(call, before.intent, REPLACED)
    ask = replace(outcome.ask, arguments="")
    pending = Pending(tool.name, outcome.ask.arguments or tool.arguments, ask, tool.intent, asked, changes, due=True)
    return replace(call, pending=pending), Outcome("ask", message=ASKED.format(question=ask.question))


def _same(before: Pending, tool: ToolUse, ask: Ask) -> bool:
    """The model has called for what is being asked about already."""
    return (before.name, before.ask.question) == (tool.name, ask.question)


def _beside(call: Call, one: int, other: int) -> bool:
    """Both were called in the same round."""
    lines = (line for line in call.history if isinstance(line, BotLine))
    return any({one, other} <= {tool.intent for tool in line.tools} for line in lines)


def due(call: Call) -> bool:
    """A question is to be said when the answer of this turn is complete."""
    return call.pending is not None and call.pending.due


def alone(call: Call) -> bool:
    """A question is due, and of the last tools of this turn there is nothing else to tell."""
    last = next((line for line in reversed(list(history.bot_lines(call, call.turn))) if line.tools), None)
    return due(call) and last is not None and all(_says_nothing(tool) for tool in last.tools)


def _says_nothing(tool: ToolUse) -> bool:
    return tool.outcome is not None and (tool.outcome.status == "ask" or tool.outcome.message == ONE_AT_A_TIME)


def question(call: Call, unclear: bool = False) -> tuple[Call, str]:
    """The words that ask now. `unclear`: the last answer was none."""
    assert call.pending is not None
    pending = replace(call.pending, due=False, asked=call.pending.asked + 1)
    text = pending.ask.question
    return replace(call, pending=pending), joined(call.policy.unclear, text) if unclear else text


def reminder(call: Call) -> tuple[Call, str]:
    """The question that is open, for a caller who says nothing; empty: none is."""
    if call.pending is None or call.pending.changing or call.pending.asked >= MAX_ASKED:
        return call, ""
    return question(call)


class Answered(NamedTuple):
    """`tool`: to be done or asked about now. `again`: the question is said once more, without the model. `behind`: what
    was said behind a yes, for the model. `people`: the caller wants a person, as they were offered."""

    call: Call
    tool: ToolUse | None = None
    again: bool = False
    behind: str = ""
    people: bool = False


def answered(call: Call, text: str, out: list[Effect], early: bool) -> Answered:
    """What the caller's turn says to the question that is open; all else is for the model. `early`: it was begun before
    the question was understood."""
    pending = call.pending
    if pending is None:
        return Answered(call)
    if pending.changing:  # what was put right is not read back yet: nobody knows what this is about
        return Answered(dropped(call, UNCLEAR, "left", out))
    asked = pending.ask.question
    kind = consent.answer(text, call.language, call.policy.yes, call.policy.no, asked=asked)
    heard = was_heard(call) and not early
    if offers_people(pending) and (kind == "other" or (kind == "yes" and heard)):
        return Answered(dropped(call, "", "yes" if kind == "yes" else "left", out), people=kind == "yes")
    behind = consent.behind_yes(text, call.language, call.policy.yes, call.policy.no) if kind == "yes" else ""
    puts_right = text if kind in ("no", "other") else behind
    if puts_right and heard and (changed := _changed(call, pending, puts_right)) is not None:
        out.append(Confirmation("changed"))
        waits = replace(pending, changes=pending.changes + 1, changing=True)
        return Answered(
            replace(_not_done(call, pending.intent, CHANGED), pending=waits), ToolUse("", pending.name, changed)
        )
    if kind == "yes" and heard:
        out.append(Confirmation("yes"))
        call = _not_done(replace(call, pending=None), pending.intent, "")
        done = ToolUse("", pending.name, pending.arguments, confirmed=pending.ask.digest)
        return Answered(call, done, behind=behind)
    if kind == "no":
        return Answered(dropped(call, SAID_NO, "no", out))
    if pending.asked >= MAX_ASKED:
        return Answered(dropped(call, UNCLEAR, "unclear", out))
    if kind == "other" or behind:
        return Answered(replace(call, pending=replace(pending, due=True)))
    return Answered(call, again=True)


def done_already(call: Call, tool: ToolUse) -> Call:
    """The ledger knows of a tool that the state does not: what it did is not asked about any more."""
    pending = call.pending
    if pending is None or (tool.name, _read(tool.arguments)) != (pending.name, _read(pending.arguments)):
        return call
    return _not_done(replace(call, pending=None), pending.intent, "")


def _read(arguments: str) -> object:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def dropped(call: Call, why: str, outcome: str, out: list[Effect]) -> Call:
    """It is not done, and nobody is asked about it any more."""
    assert call.pending is not None
    out.append(Confirmation(outcome))
    return _not_done(replace(call, pending=None), call.pending.intent, why)


def offers_people(pending: Pending | None) -> bool:
    """Whether the question is no tool's, but whether the caller wants a person: who speaks of other things does not."""
    return pending is not None and pending.name == specialists.ESCALATE and not pending.intent


def too_early(call: Call) -> bool:
    """Whether what the caller says was begun before the question was understood: over its beginning, or over what was
    said before it."""
    heard = call.hearing
    if call.pending is None or not heard.over:
        return False
    line = _last_said(call)
    if line is None or heard.over_of not in (0, line.utterance):
        return True
    return count(line.text[heard.over - 1 :]) > UNHEARD_WORDS


def _last_said(call: Call) -> BotLine | None:
    lines = (line for line in reversed(call.history) if isinstance(line, BotLine) and line.utterance)
    return next((line for line in lines if line.kind != "filler"), None)


def was_heard(call: Call) -> bool:
    """The question was the last that the bot said, and the caller heard it but for its last words."""
    assert call.pending is not None
    asked = call.pending.ask.question.strip()
    last = _last_said(call)
    if last is None or last.kind != "notice" or call.pending.due:
        return False
    said = last.text.strip()
    if not (said.endswith(asked) or (said and asked.endswith(said))):  # the rest of it, on a new leg
        return False
    return last.status == "heard" or count(last.text[last.heard :]) <= UNHEARD_WORDS


def _changed(call: Call, pending: Pending, text: str) -> str | None:
    """The arguments with what the caller puts right, as JSON."""
    if pending.changes >= MAX_CHANGES:
        return None
    arguments = _read(pending.arguments)
    choices = {each.argument: each.values for each in pending.ask.choices}
    changed = corrected(arguments, text, call.language, choices) if isinstance(arguments, dict) else None
    return None if changed is None else json.dumps(changed, ensure_ascii=False)


def _not_done(call: Call, intent: int, why: str) -> Call:
    """The tool call that was asked about; `why` empty: another of the same has been done for it."""
    told = Outcome("refused", message=why) if why else Outcome("ask", message=SAID_YES)
    return history.resettle(call, intent, told)
