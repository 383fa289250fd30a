"""`python -m services.llm`: the language model service."""

from __future__ import annotations

from parley.rpc import run
from services.llm.wiring import wire

if __name__ == "__main__":
    run("llm", wire)
