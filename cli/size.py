"""`parley size`: what so many calls take, from measured figures."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.sizing.figures import TURN_S, Profile
from cli.sizing.size import Load
from cli.sizing.text import text


def size(
    calls: Annotated[int, typer.Option(help="open at once, at the day's height", min=1, max=1_000_000)] = 10_000,
    profile: Annotated[Profile, typer.Option(help="vendors, or everything on our own machines")] = "cloud",
    call_s: Annotated[float, typer.Option(help="length of a call, seconds", min=1)] = 180.0,
    turn_s: Annotated[float, typer.Option(help="from a turn to the next, seconds", min=1)] = TURN_S,
    tools: Annotated[float, typer.Option(help="tools with effects that a call uses", min=0)] = 1.0,
    input_tokens: Annotated[int, typer.Option(help="tokens the model reads in a turn", min=0)] = 1500,
    output_tokens: Annotated[int, typer.Option(help="tokens it writes in a turn", min=0)] = 40,
    core_hour: Annotated[float, typer.Option(help="US dollars for a core and hour", min=0)] = 0.04,
) -> None:
    """Say how many replicas, cores, gigabytes, writes and dollars so many calls take."""
    print(text(Load(calls, profile, call_s, turn_s, tools, input_tokens, output_tokens, core_hour)))
