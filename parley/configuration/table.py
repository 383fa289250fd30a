"""The settings marked `live` in `parley.settings` and in the engines' rows, and what each may be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from parley.engines import engines_of, named
from parley.errors import BadInput, NotFound
from parley.settings import Settings, Stage

MAX_TEXT = 500
"""Characters of a value."""
ENGINES = {f"PARLEY_{stage.upper()}": stage for stage in get_args(Stage)}


@dataclass(frozen=True, slots=True)
class LiveSetting:
    """One of them. `stage`: of the engine whose row it is; empty: the house's own."""

    variable: str
    name: str
    rows: type[BaseSettings]
    field: FieldInfo
    stage: str = ""

    @property
    def is_secret(self) -> bool:
        return self.field.annotation is SecretStr

    @property
    def choices(self) -> tuple[str, ...]:
        return get_args(self.field.annotation) if get_origin(self.field.annotation) is Literal else ()

    @property
    def kind(self) -> str:
        """`secret`, `choice`, `engines` (names in order), `number` or `text`."""
        if self.is_secret:
            return "secret"
        if self.choices:
            return "choice"
        if self.variable in ENGINES:
            return "engines"
        return "number" if self.field.annotation in (int, float) else "text"

    @property
    def default(self) -> str:
        return "" if self.is_secret else str(self.field.default)

    def of(self, settings: Settings) -> Any:
        """What it is in these settings; a secret in the clear."""
        value = getattr(settings if self.rows is Settings else settings.own(self.rows), self.name)
        return value.get_secret_value() if isinstance(value, SecretStr) else value


@cache
def live_settings() -> Mapping[str, LiveSetting]:
    """By variable, as they stand in docs/settings.md."""
    found = dict(_marked(Settings, ""))
    for stage in get_args(Stage):
        for path in dict.fromkeys(row.settings for row in engines_of(stage).values() if row.settings):
            found |= _marked(named(path), stage)
    return found


def of_stage(stage: str) -> frozenset[str]:
    """Those that say which engines serve a stage, and how."""
    own = {each.variable for each in live_settings().values() if each.stage == stage}
    return frozenset({"PARLEY_PROFILE", f"PARLEY_{stage.upper()}", *own})


def known(variable: str) -> LiveSetting:
    """Raises NotFound: no such setting, or not live."""
    if (setting := live_settings().get(variable)) is None:
        raise NotFound(f"{variable[:60]}: no live setting; `parley config get` lists those that can be changed")
    return setting


def checked(variable: str, text: str) -> str:
    """A value as it is stored. Raises NotFound (no such setting, or not live), BadInput (names it and what helps)."""
    setting, text = known(variable), text.strip()
    if len(text) > MAX_TEXT or not text.isprintable():
        raise BadInput(f"{variable}: at most {MAX_TEXT} printable characters, on one line")
    if setting.is_secret:
        if not text or not text.isascii() or " " in text:
            raise BadInput(f"{variable}: a key of letters, digits and signs, without spaces; `unset` takes it away")
        return text
    if not text and setting.default:
        raise BadInput(f"{variable}: is empty; `unset` brings back its default, {setting.default}")
    try:
        value = getattr(setting.rows(**{variable: text}), setting.name)  # type: ignore[arg-type]
    except ValidationError as e:
        why = next((err["msg"] for err in e.errors() if err["loc"][:1] == (variable,)), "it is not valid")
        raise BadInput(f"{variable}: {text[:60]!r}: {why}{_may_be(setting)}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput(f"{variable}: {text[:60]!r} is no number that a clock knows; seconds, such as {setting.default}")
    if variable in ENGINES:
        _engines(variable, value.split(",") if value else [])
    return str(value)


def _engines(variable: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name not in (known := engines_of(ENGINES[variable])):
            raise BadInput(f"{variable}: there is no engine {name[:40]!r}; known are {', '.join(sorted(known))}")
        if name in seen:
            raise BadInput(f"{variable}: {name!r} stands there twice; name each engine once, the preferred one first")
        seen.add(name)


def _may_be(setting: LiveSetting) -> str:
    return f"; one of {', '.join(choice for choice in setting.choices if choice)}" if setting.choices else ""


def _marked(rows: type[BaseSettings], stage: str) -> Iterable[tuple[str, LiveSetting]]:
    for name, field in rows.model_fields.items():
        extra = field.json_schema_extra
        if field.alias and isinstance(extra, dict) and extra.get("live"):
            yield field.alias, LiveSetting(field.alias, name, rows, field, stage)
