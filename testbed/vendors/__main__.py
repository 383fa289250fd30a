"""All stand-ins in one process: `python -m testbed.vendors --openai-ttft-ms 300`.

Prints one JSON line with their addresses and the environment that points the product at them, then runs until
SIGTERM, SIGINT or, with --stdin, the end of its standard input.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from parley.errors import ParleyError
from parley.settings import Settings
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.script import Script, Thinks, by_rules, polite, rules_from
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.twilio_rest import TwilioRestSim
from testbed.vendors.vendors import Vendors


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m testbed.vendors", description=__doc__)
    for vendor in ("deepgram", "openai", "elevenlabs", "twilio"):
        parser.add_argument(f"--{vendor}-port", type=int, default=0, help="0: a free one")
        parser.add_argument(f"--{vendor}-key", default=None, help="the only key taken (default: any)")
    parser.add_argument("--deepgram-final-delay-ms", type=float, default=0)
    parser.add_argument("--deepgram-interim-delay-ms", type=float, default=0)
    parser.add_argument("--deepgram-interim-ms", type=float, default=250, help="audio between two interims")
    parser.add_argument("--openai-ttft-ms", type=float, default=0)
    parser.add_argument("--openai-tokens-per-s", type=float, default=0, help="0: at once")
    parser.add_argument("--openai-rules", type=Path, default=None, help="JSON list of rules: heard, told, say, call...")
    parser.add_argument("--openai-agents", type=Path, default=None, help="a folder of agents: their own engine answers")
    parser.add_argument("--elevenlabs-ttfb-ms", type=float, default=0)
    parser.add_argument("--elevenlabs-speed", type=float, default=0, help="times real time; 0: at once")
    parser.add_argument("--elevenlabs-chunk-ms", type=float, default=240)
    parser.add_argument("--stdin", action="store_true", help="stop when standard input ends")
    return parser.parse_args(arguments)


@asynccontextmanager
async def answers(given: argparse.Namespace) -> AsyncIterator[Script | Thinks]:
    """Raises ValueError (the file of rules), ParleyErrors (the agents' files)."""
    if given.openai_agents is None:
        yield script_of(given.openai_rules)
        return
    from testbed.vendors.openai.brain import Brain  # brings the engine

    async with Brain(Settings.read(agents_dir=given.openai_agents)) as brain:
        yield brain


def script_of(path: Path | None) -> Script:
    """Rules from a file, or the polite answer. Raises ValueError that names the file."""
    if path is None:
        return polite
    try:
        return by_rules(rules_from(json.loads(path.read_text())))
    except (OSError, ValueError) as error:
        raise ValueError(f"--openai-rules {path}: {error}") from error


def vendors_of(given: argparse.Namespace, script: Script | Thinks) -> Vendors:
    return Vendors(
        deepgram=DeepgramSim(
            port=given.deepgram_port,
            api_key=given.deepgram_key,
            final_delay_ms=given.deepgram_final_delay_ms,
            interim_delay_ms=given.deepgram_interim_delay_ms,
            interim_ms=given.deepgram_interim_ms,
        ),
        openai=OpenAISim(
            port=given.openai_port,
            api_key=given.openai_key,
            script=script,
            ttft_ms=given.openai_ttft_ms,
            tokens_per_s=given.openai_tokens_per_s,
        ),
        elevenlabs=ElevenLabsSim(
            port=given.elevenlabs_port,
            api_key=given.elevenlabs_key,
            ttfb_ms=given.elevenlabs_ttfb_ms,
            speed=given.elevenlabs_speed,
            chunk_ms=given.elevenlabs_chunk_ms,
        ),
        twilio=TwilioRestSim(port=given.twilio_port, auth_token=given.twilio_key, accept_unknown=True),
    )


async def serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    stdin = sys.stdin.fileno() if given.stdin else -1
    if given.stdin:
        loop.add_reader(stdin, lambda: None if os.read(stdin, 4096) else stop.set())
    async with answers(given) as script, vendors_of(given, script) as vendors:
        print(json.dumps({**vendors.urls, "environment": vendors.environment()}), flush=True)
        await stop.wait()
        if given.stdin:
            loop.remove_reader(stdin)


def main() -> None:
    given = parse()
    try:
        uvloop.run(serve(given))
    except (OSError, ValueError, ParleyError) as error:
        sys.exit(f"testbed.vendors: {error}")


if __name__ == "__main__":
    main()
