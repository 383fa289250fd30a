"""A process's own settings, and below them what was set live: the environment counts more, a default counts less."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from parley.configuration.table import live_settings
from parley.secret_files import SUFFIX
from parley.settings import Settings


def locked(settings: Settings) -> frozenset[str]:
    """Live settings that this process's environment sets. An empty variable sets nothing."""
    return frozenset(variable for variable in live_settings() if _is_given(settings, variable))


def configured(settings: Settings, values: Mapping[str, str]) -> Settings:
    """These settings with `values` (variable -> text, secrets in the clear) where the environment says nothing.

    Raises Misconfigured naming each wrong value.
    """
    fields = type(settings).model_fields
    given = {
        fields[name].alias or name: getattr(settings, name) for name in settings.model_fields_set if name in fields
    }
    given |= settings.model_extra or {}
    taken = {variable: text for variable, text in values.items() if not _is_given(settings, variable)}
    return Settings.read(**{**given, **taken})


def _is_given(settings: Settings, variable: str) -> bool:
    setting = live_settings()[variable]
    if setting.rows is Settings:
        if setting.name in settings.model_fields_set:
            value = getattr(settings, setting.name)
            return bool(value.get_secret_value() if isinstance(value, SecretStr) else str(value))
        return False
    extra = settings.model_extra or {}
    value = extra.get(variable) or os.environ.get(variable)
    return bool(
        value or (setting.is_secret and _is_in_file(extra.get(variable + SUFFIX) or os.environ.get(variable + SUFFIX)))
    )


def _is_in_file(path: object) -> bool:
    """An empty file says nothing; one that cannot be read is the environment's trouble."""
    try:
        return bool(path) and bool(Path(str(path)).read_bytes().strip())
    except OSError:
        return True
