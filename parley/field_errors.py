"""What is wrong in a YAML file, as its author is told: field, remedy, line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

Place = Sequence[str | int]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAMED = re.compile(r"([A-Za-z_][\w.]*): ")
"""What is about several fields names the one to change itself, from where it is told."""


def told(error: ValidationError, source: str, model: type[BaseModel]) -> str:
    """All that is wrong in `source`, each with its field, the remedy, and the line where the field stands, or what
    holds it when it is missing. No `source`: without lines."""
    root = yaml.compose(source, _LOADER)
    lines, errors = [], error.errors()
    for each in errors:
        place: Place = each["loc"]
        if each["type"] == "too_short" and any(other["loc"][:-1] == place for other in errors):
            continue  # what stands in it is wrong, and was not counted
        if each["type"] == "extra_forbidden":
            message = _unknown(model, place)
        elif each["type"].startswith("union_tag"):
            place, message = _kind(place, each.get("ctx", {}))
        elif each["type"] == "string_pattern_mismatch" and (wanted := _described(model, place)):
            message = f"must be {wanted}, not {each['input']!r}"
        else:
            message = _remedy(_plainly(each["type"], each["msg"]), each["input"])
        place = _written(root, place, missing=each["type"] == "missing")
        deeper = _deeper(root, place, message)
        joint = "." if len(deeper) > len(place) + 1 else ": "
        told = f"{'.'.join(map(str, place))}{joint}{message}" if place else message
        place = deeper
        lines.append(f"{told} (line {line_of(root, place)})" if root is not None else told)
    return "; ".join(lines)


_COLUMNS = "fields that belong together begin in the same column, and what follows a quoted text is a new line"
_SIGN = "write spaces and no tabs in front of a field, and a text that begins with a sign in quotes"
_MENDS = {
    "a tab character": _SIGN,
    "cannot start any token": _SIGN,
    "mapping values are not allowed": "a text with a colon and a space in it stands in quotes, a field in its column",
    "could not find expected ':'": "every line is a field and a colon, or belongs to the text before it: indent it",
    "expected <block end>": _COLUMNS,
    "did not find expected key": _COLUMNS,
    "did not find expected '-'": "the lines of a list begin in the same column, each with a dash and a space",
    "',' or": "a bracket that was opened is not closed, or a comma is missing",
    "unexpected end of stream": "a quote or a bracket that was opened is not closed",
    "unknown escape": "in double quotes a backslash is written twice; or use single quotes",
    "undefined alias": "a text that begins with * stands in quotes",
    "tag": "a text that begins with ! stands in quotes",
}
"""Of what YAML's reader says, and what is to be done."""


def yaml_told(error: yaml.YAMLError) -> str:
    """What is wrong with text that is no YAML: what was found, where what it is in began, the remedy, the line."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem is None:
        return f"not valid YAML: {str(error).splitlines()[0]}; write plain text, in UTF-8"
    began, at = error.context_mark, error.problem_mark or error.context_mark
    inside = f", in what begins in line {began.line + 1}" if began and at and began.line != at.line else ""
    mends = (mend for words, mend in _MENDS.items() if words in error.problem)
    mend = next(mends, "look at the end of the line before, too")
    return f"not valid YAML: {error.problem}{inside}: {mend}" + (f" (line {at.line + 1})" if at else "")


def line_in(source: str, place: Place) -> int:
    """The line, from 1, of a field of a YAML text."""
    return line_of(yaml.compose(source, _LOADER), place)


def near(name: str, known: Iterable[str]) -> str:
    """The one that was meant, perhaps; empty: none is like it."""
    return next(iter(get_close_matches(name, known, 1)), "")


def line_of(root: yaml.Node | None, place: Place) -> int:
    """The line, from 1, of a field; as far as the file goes on the way to it."""
    line, node = 1, root
    for part in place:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line


def _written(root: yaml.Node | None, place: Place, missing: bool) -> Place:
    """A place as it stands in the file: which of several kinds is meant is a part of it to the model only. `missing`:
    its last part does not stand there."""
    node, written = root, list[str | int]()
    for number, part in enumerate(place):
        found = _child(node, part)
        if found is None and isinstance(node, yaml.MappingNode) and not (missing and number == len(place) - 1):
            continue
        node = found[1] if found is not None else None
        written.append(part)
    return written


def _deeper(root: yaml.Node | None, place: Place, message: str) -> Place:
    """The field below a place that a message names: what is about several fields is told of what holds them."""
    named = _NAMED.match(message)
    names = named[1].split(".") if named else []
    node = root
    for part in (*place, *names[:1]):
        found = _child(node, part)
        if found is None:
            return place
        node = found[1]
    return [*place, *names]


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item: yaml.Node = node.value[part]
        return item.start_mark.line + 1, item
    return None


def _fields(model: type[BaseModel], place: Place) -> list[str]:
    """What stands at a place, by the model; empty: anything may."""
    models, keyed = [model], False
    for part in place:
        if isinstance(part, int) or keyed:
            keyed = False
            continue
        if len(models) > 1:  # the part says which kind of them it is
            models = [each for each in models if part in get_args(each.model_fields["kind"].annotation)]
            continue
        field = _field(models[0], part) if models else None
        models = _models(field.annotation) if field is not None else []
        keyed = field is not None and get_origin(field.annotation) is dict
    return [field.alias or name for name, field in models[0].model_fields.items()] if len(models) == 1 else []


def _described(model: type[BaseModel], place: Place) -> str:
    """What a field is, in words for people, where the model has them."""
    here: type[BaseModel] | None = model
    field = None
    for part in place:
        field = _field(here, part) if here is not None and isinstance(part, str) else None
        models = _models(field.annotation) if field is not None else []
        here = models[0] if len(models) == 1 else None
    return (field.description or "") if field is not None else ""


def _field(model: type[BaseModel], name: str) -> FieldInfo | None:
    """By its name, or as the file spells it."""
    return next((field for own, field in model.model_fields.items() if name in (own, field.alias)), None)


def _models(annotation: object) -> list[type[BaseModel]]:
    """Those that may stand at a field, or in what it holds; several are kinds of one thing, told apart by `kind`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found = [model for each in get_args(annotation) for model in _models(each)]
    return found if len(found) < 2 or all("kind" in model.model_fields for model in found) else []


def _unknown(model: type[BaseModel], place: Place) -> str:
    known = _fields(model, place[:-1])
    if near := get_close_matches(str(place[-1]), known, 1):
        return f"there is no such field, did you mean {near[0]}?"
    return f"there is no such field here, there are {', '.join(known)}" if known else "there is no such field here"


def _kind(place: Place, known: Mapping[str, Any]) -> tuple[Place, str]:
    """Which of several kinds is meant is not said, or is none."""
    name = str(known.get("discriminator", "kind")).strip("'")
    if "tag" not in known:
        return place, f"{name}: missing; it says which kind this is"
    return [*place, name], f"must be one of {known['expected_tags']}, not {known['tag']!r}"


def _plainly(kind: str, message: str) -> str:
    """Without the names that things have in Python."""
    if kind in ("tuple_type", "list_type", "set_type"):
        return "Input should be a list, as [a, b]"
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return "Input should be fields with values, as {name: value}"
    return message


def _remedy(message: str, value: object) -> str:
    """What is wrong and what is right, with the value as it was written when it is a plain one."""
    message = message.removeprefix("Value error, ")
    plain_value = isinstance(value, str | int | float) and len(str(value)) <= 60
    about_it = message.startswith(("Input should", "String should"))
    return f"{message}, not {value!r}" if plain_value and about_it else message
