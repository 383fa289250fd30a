"""`python -m services.tools`: the agents' actions, each of them once."""

from __future__ import annotations

from parley import rpc
from services.tools.wiring import wire

if __name__ == "__main__":
    rpc.run("tools", wire)
