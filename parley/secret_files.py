"""Secret settings may stand in files: `<NAME>_FILE` names the file of `<NAME>`, as container platforms mount them.

Any setting whose value is a SecretStr has one. What the variable itself says counts more; an empty file says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from parley.errors import Misconfigured

SUFFIX = "_FILE"
MAX_BYTES = 16 * 1024


def secret_names(rows: type[BaseSettings]) -> list[str]:
    """The variables of these rows that hold secrets."""
    return [field.alias for field in rows.model_fields.values() if field.annotation is SecretStr and field.alias]


def read_files(rows: type[BaseSettings], given: Mapping[str, object]) -> dict[str, str]:
    """Variable -> value, of those whose file is named in `given` or the environment, and which are not set themselves.

    Raises Misconfigured naming the variable of a file that cannot be read.
    """
    found = {}
    for name in secret_names(rows):
        variable = f"{name}{SUFFIX}"
        path = str(given.get(variable) or os.environ.get(variable, ""))
        if path and not (given.get(name) or os.environ.get(name)):
            found[name] = _read(variable, Path(path))
    return found


def _read(variable: str, path: Path) -> str:
    """A last line's end does not belong to the secret."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Misconfigured(f"{variable}: {path} has more than {MAX_BYTES} bytes")
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Misconfigured(f"{variable}: {path} is not UTF-8 text") from None
    except OSError as e:
        raise Misconfigured(f"{variable}: cannot read {path}: {e.strerror}") from None
