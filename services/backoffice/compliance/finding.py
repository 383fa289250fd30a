"""What a check comes to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["pass", "fail", "unknown", "declare", "declared"]


@dataclass(frozen=True)
class Finding:
    """`declare`: nothing here can check it, and nobody has declared it; `unknown`: it could not be looked at now."""

    result: Result
    detail: str


def holds(good: bool, well: str, ill: str) -> Finding:
    return Finding("pass", well) if good else Finding("fail", ill)


def unknown(what: str) -> Finding:
    return Finding("unknown", f"{what}: could not be looked at; see the service's log")
