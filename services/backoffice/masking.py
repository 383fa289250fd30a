"""Callers' numbers for those who may not see them."""

from __future__ import annotations


def masked(caller: str) -> str:
    """`***42`: a number without what tells who it is; other addresses leave nothing."""
    digits = sum(char.isdigit() for char in caller)
    if not caller:
        return ""
    return f"***{caller[-2:]}" if digits >= 7 and caller[-2:].isdigit() else "***"
