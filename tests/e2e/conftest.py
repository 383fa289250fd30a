"""One running house for all tests of this folder, on the vendors' SDKs and their stand-ins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cli.phone import Clock
from cli.stack import Stack
from tests.e2e.agents import write_agents
from tests.e2e.failures import AGENTS as FAILING
from tests.e2e.failures import fail
from tests.e2e.house import PUBLIC_URL, House, told_by_rest
from tests.e2e.model import SCRIPT
from tests.sims.elevenlabs import ElevenLabsSim
from tests.sims.openai import OpenAISim
from tests.sims.twilio_rest import TwilioRestSim
from tests.sims.vendors import Vendors


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    agents = write_agents(folder / "agents", FAILING)
    async with stand_ins() as vendors:
        fail(vendors)
        env = {
            **vendors.environment(),
            "PARLEY_AGENTS_DIR": str(agents),
            "PARLEY_PUBLIC_URL": PUBLIC_URL,
            "PARLEY_CALL_LINGER_S": "1",
        }
        async with Stack(data_dir=folder / "data", env=env) as stack, Clock() as clock:
            yield House(stack, vendors, clock)


def stand_ins() -> Vendors:
    return Vendors(
        openai=OpenAISim(script=SCRIPT, tokens_per_s=100),
        elevenlabs=ElevenLabsSim(speed=4),
        twilio=TwilioRestSim(accept_unknown=True, on_update=told_by_rest),
    )


def logs_of(folder: Path) -> str:
    """All the services' logs of a run, to look for what must not stand there."""
    return "".join(path.read_text(errors="replace") for path in sorted(folder.glob("*.log")))
