"""`parley call`: a telephone call to a running gateway, over the carrier's protocol, in real time."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from cli.calling.conversation import Line, Script, converse
from cli.calling.report import report
from cli.calling.timeline import bot_said, caller_said, exchanges
from cli.reach.gateway import NoGateway, reach
from parley.errors import BadInput, Misconfigured, ParleyError
from parley.published.numbers import checked
from parley.settings import Settings
from testbed.telephone.phone import CALLED, Call, Clock, Phone
from testbed.telephone.voice import speak
from testbed.telephone.wav import read_wav, write_wav

INTERRUPTION = "sorry, what are your opening hours"


def call(
    file: Annotated[Path | None, typer.Argument(help="A WAV to play to the bot: 16-bit, any rate.")] = None,
    say: Annotated[str, typer.Option(help="Say this instead of a file.")] = "",
    then: Annotated[list[str] | None, typer.Option(help="Say this after the answer; may be repeated.")] = None,
    voice: Annotated[str, typer.Option(help="Say it in a voice of espeak-ng, as en-us+klatt4, instead.")] = "",
    barge_in: Annotated[float, typer.Option(min=0.0, max=60.0, help="Interrupt each answer after so many s.")] = 0.0,
    interruption: Annotated[str, typer.Option(help="What the interruption says.")] = INTERRUPTION,
    gateway: Annotated[str, typer.Option(help="Address of the gateway, or of several, comma-separated.")] = "",
    agent: Annotated[str, typer.Option(help="Who is to answer, unless the gateway's own choice is right.")] = "",
    to: Annotated[str, typer.Option(help="The number that is called, as the table of `parley number` has it.")] = "",
    out: Annotated[Path, typer.Option(help="What the caller heard, as WAV: 8 kHz, 16-bit.")] = Path("heard.wav"),
) -> None:
    """Call a gateway as the carrier would, say something, and see how fast it answers.

    Exit status: 0 everything was answered, 1 something was not, 2 wrong arguments or no gateway.
    """
    try:
        settings, called = Settings.read(), _number(to)
        spoken = asyncio.run(_sounds(file, say, then or [], interruption if barge_in else "", voice))
        script = Script(spoken[0], spoken[1], barge_in)
        answered = asyncio.run(place(settings, gateway, agent, called, script, out))
    except (BadInput, Misconfigured, NoGateway) as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if answered else 1)


async def _sounds(
    file: Path | None, say: str, then: list[str], interruption: str, voice: str
) -> tuple[list[Line], Line | None]:
    """What is to be said, as sound. Raises BadInput, Misconfigured, VendorLost."""
    if (file is None) == (not say):
        raise BadInput('give either a WAV file or --say "..."')
    texts = [text for text in (say, *then, interruption) if text]
    lines = [Line(text, sound) for text, sound in zip(texts, await speak(texts, voice), strict=True)] if texts else []
    last = lines.pop() if interruption else None
    if file is not None:
        lines.insert(0, Line(file.name, read_wav(file)))
    return lines, last


def _number(to: str) -> str:
    """Raises BadInput."""
    if not to:
        return CALLED
    if (known := checked(to)).endswith("*"):
        raise BadInput(f"--to {known}: one number, as +15551234567")
    return known


async def place(settings: Settings, gateway: str, agent: str, to: str, script: Script, out: Path) -> bool:
    """Place the call, print what became of it. Whether the bot answered everything."""
    urls = [await reach(each.strip(), settings) for each in gateway.split(",")]
    token = settings.twilio_auth_token.get_secret_value().split(",")[0].strip()
    async with Clock() as clock:
        phone = Phone(
            urls, clock, to=to, agent=agent, auth_token=token, public_url="" if gateway else settings.public_url
        )
        try:
            async with phone.dial() as placed:
                print(f"calling {', '.join(urls)}, call {placed.sid}", flush=True)
                said = await converse(placed, script)
        except ParleyError as error:
            print(f"parley: the call was not taken: {error}", file=sys.stderr)
            return False
    entries, turns = await _told(urls, placed.sid)
    write_wav(out, placed.heard.mulaw(placed.ended_at))
    caller = caller_said(placed, said)
    found = exchanges(placed, caller, entries, turns)
    for line in report(placed, caller, bot_said(placed, entries), found):
        print(line)
    print(f"\nheard   {out}")
    return _all_answered(placed, script, [each.answer for each in found])


def _all_answered(placed: Call, script: Script, answers: list[float | None]) -> bool:
    if len(answers) < len(script.lines):
        return False
    # After its last words the bot may have hung up, which answers a goodbye.
    return all(answer is not None for answer in answers)


async def _told(urls: list[str], call_sid: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The gateways' own account of the call, moments and turns; empty when none is told, as to another machine."""
    entries: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        for url in urls:
            try:
                told = (await client.get(f"{url}/calls/{call_sid}/timeline")).json()
                entries += told["entries"]
                turns += told.get("turns", [])
            except (httpx.HTTPError, ValueError, KeyError):
                continue
    return entries, turns
