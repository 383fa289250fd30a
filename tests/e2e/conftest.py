"""One running house for all tests of this folder, on the vendors' SDKs and their stand-ins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from parley.process import garbage
from runner.stack import Stack
from testbed.chaos import agents as chaos
from testbed.chaos.bookings import Bookings
from testbed.chaos.cells import MOMENTS
from testbed.chaos.succession import chatter
from testbed.house import PUBLIC_URL, House, told_by_rest
from testbed.telephone.phone import Clock
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.script import Messages, Reply, Tools, text_of
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.twilio_rest import TwilioRestSim
from testbed.vendors.vendors import Vendors
from tests.e2e.agents import write_agents
from tests.e2e.failures import AGENTS as FAILING
from tests.e2e.failures import fail, mute
from tests.e2e.model import SCRIPT
from tests.payments import model as paying

HERE = Path(__file__).parent
REPLAY = HERE / "test_replay.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Calls that are all on the line come first: later tests kill their services, or count what calls leave behind."""
    mine = [item for item in items if HERE in item.path.parents]
    if not mine:
        return
    first = items.index(mine[0])
    others = [item for item in items if HERE not in item.path.parents]
    mine.sort(key=lambda item: item.get_closest_marker("on_the_line") is None)
    mine.sort(key=lambda item: item.path == REPLAY)  # it replays what the others said
    items[:] = [*others[:first], *mine, *others[first:]]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    agents = write_agents(folder / "agents", FAILING)
    async with stand_ins() as vendors, Bookings() as bookings:
        chaos.write_agents(agents, len(MOMENTS), bookings.url)
        fail(vendors)
        mute(vendors)
        env = {
            **vendors.environment(),
            "PARLEY_AGENTS_DIR": str(agents),
            "PARLEY_PUBLIC_URL": PUBLIC_URL,
            "PARLEY_CALL_LINGER_S": "1",
        }
        async with Stack(data_dir=folder / "data", env=env, replicas=2) as stack, Clock() as clock:
            garbage.freeze()
            yield House(stack, vendors, clock, bookings)


def answer(messages: Messages, tools: Tools) -> Reply:
    """The model's stand-in; for the calls under which processes die, that of the rig."""
    system = text_of(messages[0]) if messages else ""
    if paying.PROMPT in system:
        return paying.pays(messages, tools)
    return chatter.answer(messages, tools) if chaos.PROMPT in system else SCRIPT(messages, tools)


def stand_ins() -> Vendors:
    return Vendors(
        openai=OpenAISim(script=answer, tokens_per_s=100),
        elevenlabs=ElevenLabsSim(speed=4),
        twilio=TwilioRestSim(accept_unknown=True, on_update=told_by_rest),
    )
