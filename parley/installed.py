"""Which engines run on this machine, by what is installed on it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec


@cache
def engines_here(stage: str, vad: bool = True) -> tuple[str, ...]:
    """The engines of a stage that need no vendor and have their packages, best first; never none.

    A stage says in `services.<stage>.providers`, a module of tables that imports nothing, which packages each of them
    needs, best first: `HERE = {"hibari": ("hibari",)}`. Without a table there is one engine, `local`. Without voice
    activity detection those in its `DRIVEN_BY_VAD` are of no use.
    """
    tables = import_module(f"services.{stage}.providers")
    needs: dict[str, tuple[str, ...]] = getattr(tables, "HERE", {"local": ()})
    if not vad:
        needs = {name: packages for name, packages in needs.items() if name not in getattr(tables, "DRIVEN_BY_VAD", ())}
    have = tuple(name for name, packages in needs.items() if all(find_spec(package) for package in packages))
    # The best one says then what it lacks.
    return have or tuple(needs)[:1]
