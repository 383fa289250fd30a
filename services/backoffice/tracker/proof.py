"""What the last whole run of the suite came to, file by file: `proof.json` beside this file, written by `make test`.

It is made where the tests are, and goes into the image with the code. Without it nothing is proven.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from parley.errors import Misconfigured

FILE = Path(__file__).with_name("proof.json")


class Outcome(BaseModel):
    """Of the tests of one file. `left`: skipped or not run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    passed: Annotated[int, Field(ge=0)] = 0
    failed: Annotated[int, Field(ge=0)] = 0
    left: Annotated[int, Field(ge=0)] = 0

    @property
    def proves(self) -> bool:
        return self.passed > 0 and not self.failed and not self.left


class Proof(BaseModel):
    """`at`: when the run ended, ISO 8601; `commit`: what was tested, with `+` where files had been changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: str = ""
    commit: str = ""
    files: Mapping[str, Outcome] = {}


def read(file: Path = FILE) -> Proof:
    """Nothing where there is no such file. Raises Misconfigured: it cannot be read."""
    try:
        return Proof.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return Proof()
    except (OSError, ValidationError) as e:
        raise Misconfigured(f"{file.name}: not what `make test` writes; run it again ({type(e).__name__})") from e
