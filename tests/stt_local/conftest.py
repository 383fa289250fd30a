"""The bakery's recogniser, with one worker, its language model built once for all tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parley.agents.files import load_agent
from parley.settings import Settings
from services.stt.local import model
from services.stt.local.decoding import Decoders
from services.stt.providers.local import Local
from testbed.voice import Voice, voice

AGENTS = Path(__file__).parent / "agents"


@pytest.fixture(scope="session")
def caller() -> Voice:
    return voice()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def bakery(data_dir: Path) -> model.Model:
    agent = load_agent(AGENTS, "bakery")
    folder = model.folder_of(data_dir / "stt", agent, ())
    return model.load(folder) or model.build(folder, agent, AGENTS / "bakery")


@pytest.fixture(scope="session")
def decoders(bakery: model.Model) -> Decoders:
    return Decoders(bakery)


@pytest.fixture
def settings(data_dir: Path, bakery: model.Model) -> Settings:
    return Settings.read(agents_dir=AGENTS, agent="bakery", data_dir=data_dir, workers=1)


@pytest.fixture
async def recogniser(settings: Settings) -> AsyncIterator[Local]:
    provider = Local(settings)
    yield provider
    await provider.aclose()
