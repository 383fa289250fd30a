"""The engines of a stage: recognisers, language models, voices. One row says all that the house knows of one.

The rows stand in `ENGINES` of `services.<stage>.providers`, a module that imports no engine; they are read by name, so
that a new engine is a row and the file behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from parley.errors import Misconfigured

Provider = TypeVar("Provider", covariant=True)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per minute heard, per million tokens read and written, per thousand characters spoken."""

    stt_minute: float = 0.0
    input_million: float = 0.0
    output_million: float = 0.0
    tts_thousand_chars: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """`loads`: "module:Class", imported when the engine is chosen. `settings`: the class of its own settings, likewise.

    `vendor`: it is somebody else's service; `settings` is then a VendorSettings. `needs`: modules that must be
    installed. `languages`: the only ones it speaks, by their first part as in `en-US`; empty: any. `driven_by_vad`: it
    is told when somebody speaks, and hears nothing without. `about`: "module:function" of what it has to tell of
    itself, from the settings; it may take a second or two. `price`: by its list, in November 2026, of the model that is
    asked when an agent names none; `models`: of others, by how their names begin (the longest counts).
    """

    loads: str
    settings: str = ""
    vendor: bool = False
    needs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    driven_by_vad: bool = False
    about: str = ""
    price: Price = Price()
    models: Mapping[str, Price] = field(default_factory=dict)

    def price_of(self, model: str) -> Price:
        """By a model's name; an unknown one counts as the engine's own."""
        known = [name for name in self.models if model.startswith(name)]
        return self.models[max(known, key=len)] if known else self.price

    def lacks(self) -> list[str]:
        """Modules that are not installed."""
        return [module for module in self.needs if find_spec(module) is None]

    def speaks(self, language: str) -> bool:
        first = language.lower().replace("_", "-").split("-")[0]
        return not self.languages or not first or first in self.languages


@dataclass(frozen=True, slots=True)
class Engine(Generic[Provider]):
    """One that serves in this process."""

    name: str
    provider: Provider


def engines_of(stage: str) -> Mapping[str, EngineSpec]:
    """All engines of a stage by name, best first among their kind: vendors, then those of this machine."""
    rows: Mapping[str, EngineSpec] = import_module(f"services.{stage}.providers").ENGINES
    return rows


@cache
def engines_here(stage: str, vad: bool = True) -> tuple[str, ...]:
    """The engines of a stage that need no vendor and have their packages, best first; never none."""
    own = {name: row for name, row in engines_of(stage).items() if not row.vendor and (vad or not row.driven_by_vad)}
    # The best one says then what it lacks.
    return tuple(name for name, row in own.items() if not row.lacks()) or tuple(own)[:1]


def load(stage: str, name: str) -> Any:
    """The class of an engine. Raises Misconfigured for an unknown name, or for a package that is not installed."""
    rows, variable = engines_of(stage), f"PARLEY_{stage.upper()}"
    if name not in rows:
        raise Misconfigured(f"{variable}: there is no engine {name!r}; known are {', '.join(sorted(rows))}")
    try:
        return named(rows[name].loads)
    except ModuleNotFoundError as e:
        raise Misconfigured(f"{variable}: engine {name!r} needs the package {e.name!r}, which is not installed") from e


def loaded(stage: str, names: Iterable[str], settings: object) -> list[Engine[Any]]:
    """These engines, made from the settings. Raises Misconfigured as `load` does, and for what an engine refuses."""
    return [Engine(name, load(stage, name)(settings)) for name in names]


def named(path: str) -> Any:
    """What "module:attribute" names. Raises ModuleNotFoundError."""
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
