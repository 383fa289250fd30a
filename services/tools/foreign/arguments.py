"""Arguments that a model wrote, checked against a JSON Schema that is `tamed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.tools.foreign.words import one_line
from services.tools.schema import BadArguments

MAX_TOLD = 5  # of what is wrong, at once
MAX_DEPTH = 20
MAX_VALUE_CHARS = 60

_BOUNDS = {
    "minimum": "must be at least",
    "maximum": "must be at most",
    "exclusiveMinimum": "must be above",
    "exclusiveMaximum": "must be below",
    "minLength": "its length must be at least",
    "maxLength": "its length must be at most",
    "minItems": "the number of its parts must be at least",
    "maxItems": "the number of its parts must be at most",
    "multipleOf": "must be a multiple of",
    "const": "must be",
}
_LITERALS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class SchemaArguments:
    """`schema`: of the whole, an object."""

    schema: Mapping[str, Any]

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as they were meant: "3" where a number is wanted is one, and a choice is found in any letter
        case. Raises BadArguments."""
        import jsonschema  # some 100 ms, which agents without such tools do without

        if _deeper(arguments, MAX_DEPTH):
            raise BadArguments(f"the arguments are nested deeper than {MAX_DEPTH} levels")
        known: Mapping[str, Any] = self.schema.get("properties", {})
        meant = {name: _meant(known.get(name, {}), value) for name, value in arguments.items()}
        formats = jsonschema.FormatChecker(formats=())
        formats.checks("date", raises=ValueError)(_is_date)
        found = jsonschema.Draft202012Validator(self.schema, format_checker=formats).iter_errors(meant)
        wrong = [_words(error, known) for _, error in zip(range(MAX_TOLD), found, strict=False)]
        if wrong:
            raise BadArguments("; ".join(dict.fromkeys(wrong)))
        return meant


def _is_date(value: object) -> bool:
    if isinstance(value, str):
        date.fromisoformat(value)
    return True


def _meant(schema: Mapping[str, Any], value: Any) -> Any:
    """What models and callers write loosely, as the schema has it. What cannot be read stays, and is told."""
    types = schema.get("type", ())
    types = [types] if isinstance(types, str) else types
    if isinstance(value, str):
        if choices := [each for each in schema.get("enum", ()) if isinstance(each, str)]:
            spelled = {each.casefold(): each for each in choices}
            return value if value in choices else spelled.get(value.strip().casefold(), value)
        if "string" in types or not types:
            return value
        return _number(value.strip(), types)
    if isinstance(value, int | float) and not isinstance(value, bool) and types and "string" in types:
        return value if {"number", "integer"} & set(types) else str(value)
    if isinstance(value, list) and isinstance(items := schema.get("items"), Mapping):
        return [_meant(items, each) for each in value]
    return value


def _number(text: str, types: list[str]) -> Any:
    for name, read in (("integer", int), ("number", float)):
        if name in types:
            try:
                number = read(text)
                return number if number == number and abs(number) != float("inf") else text
            except ValueError:
                continue
    return _LITERALS.get(text.casefold(), text) if "boolean" in types else text


def _words(error: Any, known: Mapping[str, Any]) -> str:
    """In words fit for the model, naming the argument."""
    name = ".".join(one_line(str(part), 40) for part in error.absolute_path)
    if error.validator == "required":
        missing = [each for each in error.validator_value if each not in error.instance]
        return f"argument {'.'.join(filter(None, [name, *missing[:1]]))}: missing"
    if error.validator == "additionalProperties" and not name:
        extra = next((each for each in error.instance if each not in known), "")
        names = ", ".join(known) or "none"
        return f"there is no argument {one_line(extra, 40)}; known are {one_line(names, 400)}"
    return f"argument {name or 'of the tool'}: {_remedy(error)}"


def _remedy(error: Any) -> str:
    wanted = error.validator_value
    match error.validator:
        case "type":
            return f"must be {' or '.join([wanted] if isinstance(wanted, str) else wanted)}"
        case "enum":
            return f"must be one of {one_line(', '.join(map(str, wanted)), 300)}"
        case "format":
            return "must be a date as 2026-11-29"
        case "anyOf" | "oneOf" | "allOf" | "not":
            return "is not of a kind that is taken here"
        case _:
            said = _BOUNDS.get(error.validator, error.validator)
            return f"{said} {one_line(str(wanted), MAX_VALUE_CHARS)}"


def _deeper(value: Any, levels: int) -> bool:
    if isinstance(value, Mapping):
        return levels == 0 or any(_deeper(each, levels - 1) for each in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_deeper(each, levels - 1) for each in value)
    return False
