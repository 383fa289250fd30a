"""`{name}` in an agent's own texts: places for what is known of a call. `{{name}}` is the text `{name}` itself."""

from __future__ import annotations

import re
from collections.abc import Callable

NAME = r"[A-Za-z][A-Za-z0-9_]{0,39}"
BUILT_IN = ("direction", "purpose")
"""Known of every call, whatever its variables are."""
RESERVED = (*BUILT_IN, "transfer")
"""Not for variables: Parley gives these."""
_PLACE = re.compile(r"\{\{(" + NAME + r")\}\}|\{(" + NAME + r")\}")


def names_in(text: str) -> tuple[str, ...]:
    """The names of its places, each once, in order. Braces around anything but a name are text."""
    return tuple(dict.fromkeys(found[2] for found in _PLACE.finditer(text) if found[2]))


def filled(text: str, value_of: Callable[[str], str]) -> str:
    """The text with a value in each place. A value is not looked into: its braces stay."""
    return _PLACE.sub(lambda found: value_of(found[2]) if found[2] else "{" + found[1] + "}", text)
