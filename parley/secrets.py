"""Secrets of agents' tools: `PARLEY_SECRET_<NAME>`, or a file `<NAME>` in `PARLEY_SECRETS_DIR`.

They are looked up when they are used, so that a file that is changed counts at once. Their values stand in no file of
an agent, no log, no error and no message to a model.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from parley.errors import Misconfigured
from parley.settings import Settings

PREFIX = "PARLEY_SECRET_"
MAX_BYTES = 16 * 1024
HIDDEN = "***"


class Secrets:
    """`given`: variables by name. `folder`: with a file for each secret, as container platforms mount them."""

    def __init__(self, given: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        self._given = {name.removeprefix(PREFIX): v for name, v in (given or {}).items() if name.startswith(PREFIX)}
        self._folder = folder

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(os.environ, settings.secrets_dir if settings.secrets_dir != Path() else None)

    def get(self, name: str) -> str:
        """Raises Misconfigured, which says where it was looked for. A last line's end does not belong to it."""
        if value := self._given.get(name):
            return value
        if self._folder is not None and (value := _read(self._folder / name)):
            return value
        where = f", or write it to the file {self._folder / name}" if self._folder is not None else ""
        raise Misconfigured(f"secret {name}: not set; set {PREFIX}{name}{where}")

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that are not set."""
        return [name for name in dict.fromkeys(names) if not self._has(name)]

    def _has(self, name: str) -> bool:
        try:
            return bool(self.get(name))
        except Misconfigured:
            return False


def hidden(text: str, values: Iterable[str]) -> str:
    """`text` without these secrets."""
    for value in values:
        if value:
            text = text.replace(value, HIDDEN)
    return text


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Misconfigured(f"secret {path.name}: {path} has more than {MAX_BYTES} bytes")
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Misconfigured(f"secret {path.name}: {path} is not UTF-8 text") from None
    except OSError:
        return ""
