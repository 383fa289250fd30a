"""The capabilities that Parley has, as `capabilities.yaml` names them.

- name: barge-in
  group: Turns
  title: Silence at the caller's first sound
  about: ...
  tests: [tests/gateway/test_barge_in.py]
  setting: PARLEY_VAD      # may be left out
  off: "off"               # the value at which it is turned off; left out: unset
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from parley.errors import Misconfigured

FILE = Path(__file__).with_name("capabilities.yaml")
Text = Annotated[str, Field(min_length=1, max_length=300)]


class Capability(BaseModel):
    """`tests`: files of the suite, all of whose tests must have passed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")]
    group: Text
    title: Text
    about: Text
    tests: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]
    setting: str = ""
    without: str = ""


@cache
def capabilities(file: Path = FILE) -> tuple[Capability, ...]:
    """Raises Misconfigured: the file is not what it should be."""
    try:
        found = tuple(Capability.model_validate(each) for each in yaml.safe_load(file.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError, TypeError) as e:
        raise Misconfigured(f"{file.name}: {e}") from e
    if len({each.name for each in found}) < len(found):
        raise Misconfigured(f"{file.name}: two capabilities have the same name")
    return found
