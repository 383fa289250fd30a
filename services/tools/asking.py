"""The question that a consequential tool waits for a yes to: words made from its arguments, by the tool or by us."""

from __future__ import annotations

import asyncio
import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson
import structlog

from parley.agents.confirmation import Confirmation
from parley.errors import Misconfigured
from parley.text import telling
from parley.text.answers.consent import MAX_ASKED_CHARS, base_of, lone_yes
from parley.text.placeholders import filled, names_in
from parley.tooling import CallContext, Question, ToolError
from parley.v1 import tools_pb2
from services.tools.contract import Intent, Outcome, failed
from services.tools.execution.threads import Threads
from services.tools.results import fit
from services.tools.schema import BadArguments, LoadedTool, place_of

log = structlog.get_logger()

QUESTION_S = 5.0
MAX_CHOICES = 20
MAX_CERTAIN_BYTES = 4_000
"""Of arguments as a question has made them: they are carried in the call's state until the yes."""
FAILED = "It cannot be said what would be done, so it is not done. Apologise, and offer another way."
TOO_LONG = "That is too long to be read back to the caller, so it is not done. Make its texts shorter."
_CARD = {"en": "your card", "es": "su tarjeta", "de": "Ihre Karte", "fr": "votre carte"}
"""What stands for a number that nobody may say."""
_GENERIC = {  # without words that callers say for yes
    "en": "Shall I go on with this: {what}?",
    "es": "¿Hago esto: {what}?",
    "de": "Soll ich das tun: {what}?",
    "fr": "Dois-je faire ceci : {what} ?",
}


def checked(tool: LoadedTool, where: str) -> LoadedTool:
    """A tool whose question can be asked. Raises Misconfigured naming `where`, the tool and the place."""
    confirm, known = tool.marks.confirm, _parameters(tool)
    at = place_of(tool.name, tool.function, where)
    if confirm and not tool.marks.consequential:
        raise Misconfigured(f"{at}: confirm is for a tool with consequential=True")
    if isinstance(confirm, str):
        for name in names_in(confirm):
            if name not in known["properties"]:
                raise Misconfigured(f"{at}: confirm: there is no parameter {{{name}}}")
            if name not in known["required"] and known["properties"][name].get("default") is None:
                raise Misconfigured(
                    f"{at}: confirm: {{{name}}} may be missing; give it a default that is no "
                    "None, or make the question with a function"
                )
    elif callable(confirm):
        names = {*known["properties"]}
        wanted = [name for name in inspect.signature(confirm).parameters if name != _context_name(confirm)]
        if unknown := [name for name in wanted if name not in names]:
            raise Misconfigured(
                f"{at}: confirm: {unknown[0]} is no parameter of the tool; it has {', '.join(sorted(names)) or 'none'}"
            )
    else:
        raise Misconfigured(f"{at}: confirm: expected a sentence or a function")
    return tool


def yes_in(tool: LoadedTool, language: str, words: Confirmation) -> str:
    """A word for yes that its own sentence has in it, and that callers could not answer with; "" if there is none."""
    if not isinstance(tool.marks.confirm, str):
        return ""
    return lone_yes(filled(tool.marks.confirm, lambda name: ""), language, words.yes, words.no)


async def ask(
    tool: LoadedTool,
    intent: Intent,
    arguments: Mapping[str, Any],
    context: CallContext,
    language: str,
    threads: Threads,
) -> Outcome:
    """The outcome that asks; FAILED when the tool's own function for the question says so, or breaks."""
    try:
        async with asyncio.timeout(QUESTION_S):
            question, certain = await _question(tool, arguments, context, language, threads)
            wanted = _certain(tool, _typed(intent, arguments), certain)
    except ToolError as e:
        return failed(fit(str(e), 1000))
    except Exception as e:  # from the agent's own code; without a question nothing is done
        log.error("a question could not be made", tool=tool.name, agent=intent.agent, exc_info=e)
        return failed(FAILED)
    if len(question) > MAX_ASKED_CHARS:  # cut, it would be agreed to unheard
        log.warning("a question is too long", tool=tool.name, agent=intent.agent, most=MAX_ASKED_CHARS)
        return failed(TOO_LONG)
    asked = tools_pb2.Ask(question=fit(question, MAX_ASKED_CHARS), digest=wanted.digest, choices=_choices(tool))
    if wanted is not intent:
        asked.arguments_json = orjson.dumps(wanted.arguments).decode()
    return Outcome(status=Outcome.STATUS_ASK, ask=asked)


async def _question(
    tool: LoadedTool, arguments: Mapping[str, Any], context: CallContext, language: str, threads: Threads
) -> tuple[str, Mapping[str, Any]]:
    """The words, and arguments that they have made certain."""
    confirm = tool.marks.confirm
    if isinstance(confirm, str):
        return _told(tool, arguments, context, language), {}
    given: dict[str, Any] = {**_defaults(tool), **arguments, _context_name(confirm): context}
    wanted = {name: given[name] for name in inspect.signature(confirm).parameters if name in given}
    made = await _called(confirm, wanted, threads)
    question = made if isinstance(made, Question) else Question(made)
    if not isinstance(question.text, str) or not question.text.strip():
        raise TypeError(f"confirm of {tool.name} gave no sentence")
    return question.text, question.arguments


def _typed(intent: Intent, arguments: Mapping[str, Any]) -> Intent:
    """The intent with plain arguments as the tool takes them: 6 for the "6" that a model or a slot gave, so that a
    correction ("no, make it ten") knows a number when it sees one."""
    plain = {name: value for name, value in arguments.items() if type(value) in (bool, int, float, str)}
    typed = {**intent.arguments, **plain}
    if typed == intent.arguments or len(orjson.dumps(typed)) > MAX_CERTAIN_BYTES:
        return intent
    return replace(intent, arguments=typed)


def _certain(tool: LoadedTool, intent: Intent, certain: Mapping[str, Any]) -> Intent:
    """The intent with arguments that the question has made certain. Raises TypeError: the tool does not take them."""
    if not certain:
        return intent
    arguments = {**intent.arguments, **_json(certain)}
    try:
        tool.check(arguments)
    except BadArguments as e:
        raise TypeError(f"confirm of {tool.name} gave arguments that it does not take: {e}") from e
    if len(orjson.dumps(arguments)) > MAX_CERTAIN_BYTES:
        raise TypeError(f"confirm of {tool.name} gave arguments of more than {MAX_CERTAIN_BYTES} bytes")
    return replace(intent, arguments=arguments)


def _context_name(function: Callable[..., Any]) -> str:
    """The parameter that is given the call; "" if none is."""
    hints = typing.get_type_hints(function)
    return next((name for name, hint in hints.items() if hint is CallContext and name != "return"), "")


async def _called(function: Callable[..., Any], wanted: dict[str, Any], threads: Threads) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(**wanted)
    return await threads.run(lambda: function(**wanted))


def _told(tool: LoadedTool, arguments: Mapping[str, Any], context: CallContext, language: str) -> str:
    """The tool's own sentence with the arguments in words; without one, or where a place of it would be empty (a server
    may call its arguments otherwise than agent.yaml does), all of them behind its name."""
    plain = _json(arguments)
    today = context.now.date()
    words = {name: telling.value(given, language, today) for name, given in {**_defaults(tool), **plain}.items()}
    hidden = {"card": _CARD.get(base_of(language), _CARD["en"]), "code": ""}
    words |= {name: hidden[kind] for name, kind in tool.vaulted.items() if name in plain}
    if isinstance(confirm := tool.marks.confirm, str) and confirm:
        if not (empty := [name for name in names_in(confirm) if not words.get(name)]):
            return filled(confirm, words.__getitem__)
        log.warning("a question has places without words", tool=tool.name, places=empty)
    known = _parameters(tool)["properties"]
    given = [name for name in (*known, *(each for each in plain if each not in known)) if words.get(name)]
    told = (_of_generic(name, plain[name], words[name]) for name in given if name in plain)
    what = ", ".join([_spoken(tool.name), *told])
    return _GENERIC.get(base_of(language), "{what}?").format(what=what)


def _of_generic(name: str, value: object, words: str) -> str:
    """What is or is not is told by its name: a question with a "yes" in it could not be answered with one."""
    if not isinstance(value, bool):
        return words
    return _spoken(name) if value else f"{_spoken(name)}: {words}"


def _spoken(name: str) -> str:
    return re.sub(r"_+", " ", name).strip()


def _json(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """As the arguments stand in JSON: dates as text."""
    made: dict[str, Any] = orjson.loads(orjson.dumps(dict(arguments), default=str))
    return {name: value for name, value in made.items() if value is not None}


def _parameters(tool: LoadedTool) -> dict[str, Any]:
    schema: dict[str, Any] = orjson.loads(tool.parameters_json)
    return {"properties": schema.get("properties", {}), "required": schema.get("required", [])}


def _defaults(tool: LoadedTool) -> dict[str, Any]:
    return {n: p["default"] for n, p in _parameters(tool)["properties"].items() if p.get("default") is not None}


def _choices(tool: LoadedTool) -> list[tools_pb2.Choice]:
    """Arguments that are one of a few words: a correction is understood by them."""
    found = []
    for name, schema in _parameters(tool)["properties"].items():
        values = schema.get("enum", ())
        if 0 < len(values) <= MAX_CHOICES and all(isinstance(value, str) for value in values):
            found.append(tools_pb2.Choice(argument=name, values=values))
    return found
