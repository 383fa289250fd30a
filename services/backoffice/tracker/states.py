"""How each capability stands here: proven by its tests, turned on by its setting. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from parley.settings import Settings
from services.backoffice.tracker.capabilities import Capability
from services.backoffice.tracker.proof import Outcome, Proof

State = Literal["proven", "unproven", "off"]


@dataclass(frozen=True)
class Standing:
    """`missing`: tests of it that did not pass, or were not run."""

    capability: Capability
    state: State
    missing: tuple[str, ...] = ()


def standings(
    capabilities: Iterable[Capability], proof: Proof, settings: Settings, given: Mapping[str, str] | None = None
) -> list[Standing]:
    """In the order of the file. `given`: settings as the processes that have them tell; others as they are here."""
    return [_standing(each, proof, settings, given or {}) for each in capabilities]


def _standing(capability: Capability, proof: Proof, settings: Settings, given: Mapping[str, str]) -> Standing:
    missing = tuple(test for test in capability.tests if not proof.files.get(test, Outcome()).proves)
    if missing:
        return Standing(capability, "unproven", missing)
    its = given.get(capability.setting, _value(settings, capability.setting))
    off = capability.setting and its == capability.without
    return Standing(capability, "off" if off else "proven")


def field_of(setting: str) -> str:
    """The field of Settings that a variable sets; empty: there is none."""
    return next((name for name, field in Settings.model_fields.items() if field.alias == setting), "")


def _value(settings: Settings, setting: str) -> str:
    value = getattr(settings, field_of(setting), "")
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "" if value is None else str(value)
