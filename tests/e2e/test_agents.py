"""Every agent holds its own conversations (agents/<name>/conversations/) end to end, through real processes.

Typed at the chat: on the local profile, and on the vendor's SDK with a stand-in behind the wire that knows the agents'
trades. Aloud: on the SDKs of the ears and the voice. In the ordinary run one conversation of each agent, in one house,
on one profile or the other; all of them on both with PARLEY_SOAK=1 (`make agents`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from parley.agents.conversations.conversation import Conversation
from parley.agents.conversations.files import conversations_of
from parley.agents.files import known_agents
from parley.settings import Settings
from testbed.eval.processes.chat_house import ChatHouse
from testbed.eval.processes.house import Processes, processes
from testbed.eval.processes.voice_house import VoiceHouse
from testbed.eval.report import told
from testbed.eval.trials import House, trial
from testbed.house import speech
from testbed.telephone.phone import Clock
from testbed.vendors.faults import Fault
from testbed.vendors.openai.brain import Brain
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.vendors import Vendors
from tests.e2e.page import page

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]
AGENTS = Path(__file__).parents[2] / "agents"
SOURCES = {name: AGENTS / name for name in known_agents(AGENTS)}
CONVERSATIONS = {
    (agent, name): each
    for agent, source in SOURCES.items()
    for name, each in conversations_of(source).items()
    if not each.asks_model
}
TWO = sorted(SOURCES)[::2], sorted(SOURCES)[1::2]
"""In the ordinary run an agent answers on the vendor's SDK, the next one on this machine."""
ON_VENDORS = {"PARLEY_STT": "deepgram", "PARLEY_TTS": "elevenlabs"}


def first(agent: str) -> Conversation:
    """One in which something is done, and nobody waits."""
    mine = [each for (of, _), each in CONVERSATIONS.items() if of == agent]
    brisk = [each for each in mine if not any(turn.silent_s for turn in each.turns)]
    return next((each for each in brisk if each.expect.tools or any(turn.tools for turn in each.turns)), brisk[0])


async def holds(house: House, conversation: Conversation) -> None:
    found = await trial(house, conversation)
    assert found.passed, "\n".join(told(found))


@asynccontextmanager
async def vendors_with_a_brain(data_dir: Path) -> AsyncIterator[Vendors]:
    settings = Settings.read(agents_dir=AGENTS, data_dir=data_dir)
    async with Brain(settings) as brain, Vendors(openai=OpenAISim(script=brain)) as vendors:
        yield vendors


class Short:
    """One house for both: who answers first is the vendor, and once it is away this machine."""

    def __init__(self, of: Processes, vendors: Vendors) -> None:
        self._of = of
        self._vendors = vendors

    def at(self, engine: str, agent: str) -> House:
        """From the first one on this machine on, the vendor is away."""
        if engine == "local":
            self._vendors.openai.faults.add(Fault("refuse", times=None))
        return ChatHouse(self._of, agent)

    @property
    def asked(self) -> int:
        return len(self._vendors.openai.records)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def short(learned_dir: Path) -> AsyncIterator[Short]:
    async with vendors_with_a_brain(learned_dir) as vendors:
        env = {**vendors.environment(), **ON_VENDORS, "PARLEY_LLM": "openai,local", "PARLEY_DATA_DIR": str(learned_dir)}
        async with processes(SOURCES, env) as of:
            yield Short(of, vendors)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def on_vendors(learned_dir: Path) -> AsyncIterator[Processes]:
    async with vendors_with_a_brain(learned_dir) as vendors:
        env = {**vendors.environment(), **ON_VENDORS, "PARLEY_LLM": "openai", "PARLEY_DATA_DIR": str(learned_dir)}
        async with processes(SOURCES, env) as of:
            yield of


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def on_this_machine(learned_dir: Path) -> AsyncIterator[Processes]:
    async with processes(SOURCES, {"PARLEY_PROFILE": "local", "PARLEY_DATA_DIR": str(learned_dir)}) as of:
        yield of


@pytest.mark.parametrize(
    ("engine", "agent"), [*(("openai", each) for each in TWO[0]), *(("local", each) for each in TWO[1])]
)
async def test_one_of_each(short: Short, engine: str, agent: str) -> None:
    asked = short.asked
    await holds(short.at(engine, agent), first(agent))
    assert (short.asked > asked) is (engine == "openai"), "who has answered"


@pytest.mark.soak
@pytest.mark.parametrize(("agent", "name"), CONVERSATIONS, ids=["/".join(key) for key in CONVERSATIONS])
async def test_typed_on_the_local_profile(on_this_machine: Processes, agent: str, name: str) -> None:
    await holds(ChatHouse(on_this_machine, agent), CONVERSATIONS[agent, name])


@pytest.mark.soak
@pytest.mark.parametrize(("agent", "name"), CONVERSATIONS, ids=["/".join(key) for key in CONVERSATIONS])
async def test_typed_on_the_vendors_sdk(on_vendors: Processes, agent: str, name: str) -> None:
    await holds(ChatHouse(on_vendors, agent), CONVERSATIONS[agent, name])


async def codec(lines: Sequence[str]) -> list[bytes]:
    """As the stand-in of the ears understands them."""
    return [speech(line) for line in lines]


@pytest.mark.soak
@pytest.mark.parametrize("agent", SOURCES)
async def test_aloud_on_the_vendors_sdks(on_vendors: Processes, agent: str) -> None:
    async with Clock() as clock:
        await holds(VoiceHouse(on_vendors, agent, clock, codec), first(agent))


@pytest.mark.soak
@pytest.mark.parametrize("agent", SOURCES)
async def test_typed_to_it_answers_in_its_own_voice(on_this_machine: Processes, agent: str) -> None:
    """madrid-cafe in Spanish: nobody hears Spanish on this machine, but it is spoken."""
    conversation = first(agent)
    await on_this_machine.fresh(agent, conversation)
    line = next(turn.caller for turn in conversation.turns if turn.caller)
    async with page(on_this_machine.stack.gateway_url, "voice", agent) as visitor:
        await visitor.until(type="subtitle", side="bot", final=True)
        before = len(visitor.audio)
        await visitor.send(type="text", text=line)
        answer = await visitor.until(type="subtitle", side="bot", final=True)
        sound = np.frombuffer(bytes(visitor.audio[before:]), "<i2").astype(np.int32)
    words = len(answer["text"].split())
    assert np.count_nonzero(np.abs(sound) > 500) / 16000 > 0.05 * words, (answer["text"], "seconds of audible speech")
