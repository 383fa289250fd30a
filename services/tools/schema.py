"""A tool's signature and docstring as a description for models, and its arguments checked against them."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Annotated, Any, Literal, Protocol, Union

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from parley.errors import Misconfigured
from parley.tooling import CallContext, Secret, ToolMarks, marks_of

PLAIN = (str, int, float, bool, date, time)
SUPPORTED = "str, int, float, bool, date, time, Literal, list of these, or one of them with `| None`"


TOKEN_NOTES = {
    "card": "The token in brackets that stands for the card's number, as [card-kwtm]; never digits.",
    "code": "The token in brackets that stands for the card's security code, as [code-kwtm]; never digits.",
}


class BadArguments(Exception):
    """In words fit for the model, naming the argument."""


class Arguments(Protocol):
    """What a tool takes."""

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the tool's function takes them. Raises BadArguments."""
        ...


@dataclass(frozen=True, slots=True)
class ModelArguments:
    """Those of a function, by its type hints."""

    model: type[BaseModel]

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            checked = self.model.model_validate(arguments)
        except ValidationError as e:
            raise BadArguments(_words(e, list(self.model.model_fields))) from None
        return {name: getattr(checked, name) for name in checked.model_fields_set}


@dataclass(frozen=True, slots=True)
class LoadedTool:
    """A tool, ready to be described and called: a function with `@tool`, or one that calls a service.

    `function` gets the arguments by name, and the call's `CallContext` as `context_name`, unless that is empty.
    `vaulted`: arguments that are tokens until the function is called, and of what kind.
    `secret`: what it was asked is not kept in the ledger once it has ended. `secrets`: the names of those it needs.
    """

    name: str
    description: str
    parameters_json: str
    marks: ToolMarks
    function: Callable[..., Any]
    is_async: bool
    context_name: str
    arguments: Arguments
    secret: bool = False
    secrets: tuple[str, ...] = ()
    vaulted: Mapping[str, Literal["card", "code"]] = field(default_factory=dict)

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them. Raises BadArguments."""
        return self.arguments.check(arguments)


def load_tool(function: Callable[..., Any], where: str) -> LoadedTool:
    """Read a function that has `@tool`. Raises Misconfigured naming `where`, the function and the parameter."""
    name = function.__name__
    marks = marks_of(function)
    assert marks is not None
    at = place_of(name, function, where)
    if not (isinstance(marks.limit_s, int | float) and 0 < marks.limit_s <= 600 and marks.level >= 0):
        raise Misconfigured(f"{at}: limit_s must be above 0 and at most 600, level 0 or more")
    if not re.fullmatch(r"[a-zA-Z_]\w{0,63}", name, re.ASCII):
        raise Misconfigured(f"{at}: a tool needs a name of at most 64 letters, digits and underscores")
    description, notes = _docstring(function)
    if not description:
        raise Misconfigured(f"{at}: needs a docstring, it tells the model when to use the tool")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception as e:
        raise Misconfigured(f"{at}: a type hint cannot be read: {e}") from e
    fields: dict[str, Any] = {}
    vaulted: dict[str, Literal["card", "code"]] = {}
    context_name = ""
    for parameter in inspect.signature(function).parameters.values():
        if hints.get(parameter.name) is CallContext:
            context_name = parameter.name
            continue
        hint = _checked_hint(parameter, hints, f"{at}, parameter {parameter.name}")
        default = ... if parameter.default is parameter.empty else parameter.default
        note = notes.pop(parameter.name, None) or _note(hint)
        if (kind := _secret(hint, f"{at}, parameter {parameter.name}")) is not None:
            vaulted[parameter.name] = kind
            note = " ".join(filter(None, (note, TOKEN_NOTES[kind])))
        fields[parameter.name] = (hint, Field(default, description=note))
    if notes:
        raise Misconfigured(f"{at}: the docstring describes {', '.join(notes)}, which is no parameter")
    try:
        model = create_model(name, __config__=ConfigDict(extra="forbid", coerce_numbers_to_str=True), **fields)
    except Exception as e:
        raise Misconfigured(f"{at}: {e}") from e
    return LoadedTool(
        name=name,
        description=description,
        parameters_json=parameters_of(model),
        marks=marks,
        function=function,
        is_async=inspect.iscoroutinefunction(function),
        context_name=context_name,
        arguments=ModelArguments(model),
        vaulted=vaulted,
    )


def place_of(name: str, function: Callable[..., Any], where: str) -> str:
    """File, line (where its `@tool` stands) and name of a tool, for whoever wrote it."""
    if not inspect.isfunction(function):
        return f"{where}: tool {name}"
    return f"{where}, line {inspect.unwrap(function).__code__.co_firstlineno}: tool {name}"


def parameters_of(model: type[BaseModel]) -> str:
    """The arguments as JSON Schema, in JSON."""
    return orjson.dumps(_schema(model), default=str).decode()


def _checked_hint(parameter: inspect.Parameter, hints: Mapping[str, Any], at: str) -> Any:
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise Misconfigured(f"{at}: *args, **kwargs and positional-only parameters cannot be described to a model")
    if parameter.name not in hints:
        raise Misconfigured(f"{at}: needs a type hint: {SUPPORTED}")
    hint = hints[parameter.name]
    if not _supported(hint):
        raise Misconfigured(f"{at}: type {hint} is not supported; use {SUPPORTED}")
    if parameter.name.startswith("_") or parameter.name.startswith("model_"):
        raise Misconfigured(f"{at}: choose a name that starts neither with _ nor with model_")
    return _forgiving(hint)


def _supported(hint: Any, nested: bool = False) -> bool:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _supported(args[0], nested)
    if origin is Literal:
        return all(isinstance(arg, str | int | bool) for arg in args)
    if origin in (Union, types.UnionType):
        rest = [arg for arg in args if arg is not type(None)]
        return not nested and len(rest) == 1 and _supported(rest[0])
    if origin is list:
        return len(args) == 1 and _supported(args[0], nested=True)
    return hint in PLAIN


def _forgiving(hint: Any) -> Any:
    """A choice of words is taken in any letter case: models and callers write Monday."""
    choices = hint
    for arg in typing.get_args(hint):
        if typing.get_origin(arg) is Literal:
            choices = arg
    if typing.get_origin(choices) is not Literal:
        return hint
    spelled = {str(arg).casefold(): arg for arg in typing.get_args(choices) if isinstance(arg, str)}
    return Annotated[hint, BeforeValidator(lambda v: spelled.get(v.strip().casefold(), v) if isinstance(v, str) else v)]


def _note(hint: Any) -> str | None:
    """The description in `Annotated[str, "..."]`."""
    found = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, str)]
    return found[0] if found else None


def _secret(hint: Any, at: str) -> Literal["card", "code"] | None:
    """What the `Secret` in an annotation says. Raises Misconfigured: it is not one for a text."""
    found = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Secret)), None)
    if found is None:
        return None
    if typing.get_args(hint)[0] not in (str, str | None) or found.kind not in TOKEN_NOTES:
        raise Misconfigured(f'{at}: write Annotated[str, Secret("card")], or "code"')
    return found.kind


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """What stands before `Args:`, as one line, and the notes on each parameter in it (Google style)."""
    head, _, tail = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    section = re.split(r"\n(?=\S)", tail)[0]
    notes: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if match := re.match(r" {1,4}(\w+)(?: \([^)]*\))?: (.*)", line):
            name, notes[match[1]] = match[1], match[2].strip()
        elif name and line.strip():
            notes[name] += " " + line.strip()
    return " ".join(head.split()), notes


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema as models like it: no titles, `X | None` as an X that may be left out."""
    raw = model.model_json_schema()
    properties = {name: _plain(prop) for name, prop in raw.get("properties", {}).items()}
    return {
        "type": "object",
        "properties": properties,
        "required": raw.get("required", []),
        "additionalProperties": False,
    }


def _plain(prop: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in prop.items() if key not in ("title", "anyOf", "default")}
    if prop.get("default") is not None:
        rest["default"] = prop["default"]
    for choice in prop.get("anyOf", ()):
        if choice != {"type": "null"}:
            rest = {**choice, **rest}
    return rest


def _words(error: ValidationError, known: list[str]) -> str:
    parts = []
    for err in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        name = ".".join(map(str, err["loc"])) or "arguments"
        if err["type"] == "extra_forbidden":
            parts.append(f"there is no argument {name}; known are {', '.join(known) or 'none'}")
        else:
            parts.append(f"argument {name}: {err['msg'][0].lower()}{err['msg'][1:]}")
    return "; ".join(parts)
