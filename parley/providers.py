"""Engines by name: imported only when chosen."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from parley.errors import Misconfigured


def load(known: Mapping[str, str], name: str, variable: str) -> Any:
    """The class behind `name`, where `known` maps names to "module:Class".

    Raises Misconfigured: an unknown name (lists the known ones), or a package of the engine that is not installed.
    """
    if name not in known:
        raise Misconfigured(f"{variable}: there is no engine {name!r}; known are {', '.join(sorted(known))}")
    module, _, attribute = known[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as e:
        raise Misconfigured(f"{variable}: engine {name!r} needs the package {e.name!r}, which is not installed") from e
