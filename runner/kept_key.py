"""A key that a run makes once and keeps in the data folder, beside what it seals."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from parley.errors import Misconfigured

CONFIG_KEY_FILE = "config.key"


def kept_key(path: Path) -> str:
    """The key in a file that only this user may read, made if it is not there. Raises Misconfigured."""
    try:
        if found := path.read_text().strip():
            return found
    except FileNotFoundError:
        pass
    except OSError as e:
        raise Misconfigured(f"PARLEY_DATA_DIR: cannot read {path}: {e.strerror}") from None
    made, new = secrets.token_urlsafe(32), path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made)
        new.replace(path)
    except OSError as e:
        raise Misconfigured(f"PARLEY_DATA_DIR: cannot write {path}: {e.strerror}") from None
    return made
