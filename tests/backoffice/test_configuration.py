"""What operators change while calls go on, over the API: settings, agents, numbers; engines, trials. NATS is real."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from parley.bus import Bus, publishing
from parley.bus.live import Live
from parley.bus.presence import present
from parley.process.monitor import Monitor
from parley.published.changes import of_number, of_versions
from parley.published.numbers import Numbers
from parley.published.versions import Versions
from parley.rpc import Admission, Server
from parley.settings import Settings
from services.backoffice.api.engines import stage_of
from services.backoffice.app import build
from services.backoffice.configuration.trying import PER_MINUTE
from services.backoffice.configuration.witness import Witness
from services.backoffice.wiring import opened
from services.llm.wiring import wire as wire_llm
from services.tts.__main__ import wire as wire_tts
from testbed.patience import PATIENCE_S
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.script import Reply
from testbed.vendors.openai.sim import OpenAISim
from tests.backoffice.access.conftest import House, quick
from tests.configuration.world import KEY, Operator, operated
from tests.versions import world

__all__ = ["quick"]

AGENT = "company: Bikes\ngreeting: Hello\nprompt: Be kind.\n"


@dataclass
class Office:
    operator: Operator
    house: House
    admin: httpx.AsyncClient


@asynccontextmanager
async def running(tmp_path: Path, **settings: Any) -> AsyncIterator[Office]:
    async with operated(tmp_path) as operator, AsyncExitStack() as stack:
        own = {"PARLEY_DATA_DIR": tmp_path / "office", "PARLEY_NATS_URL": operator.nats.url, "PARLEY_CONFIG_KEY": KEY}
        parts = await stack.enter_async_context(opened(Settings.read(**own, **settings), Monitor()))
        assert await parts.bus.ready(PATIENCE_S)
        house = House(parts, build(parts))
        admin = await house.logged_in()
        stack.push_async_callback(admin.aclose)
        yield Office(operator, house, admin)


@asynccontextmanager
async def process(
    operator: Operator, service: str, data: Path, told: dict[str, Any], **own: Any
) -> AsyncIterator[Live]:
    """One that has PARLEY_AGENT and PARLEY_TTS, and tells `told`."""
    settings = Settings.read(nats_url=operator.nats.url, data_dir=data, **own)

    async def take(now: Settings) -> None: ...

    async with (
        Bus(settings, service) as bus,
        Live(settings, bus, service).kept() as live,
        present(bus, live, lambda: told),
    ):
        await live.part(("PARLEY_AGENT", "PARLEY_TTS"), take)
        await operator.told(service, lambda state: "PARLEY_TTS" in state.settings)
        yield live


async def test_settings_are_shown_set_and_undone_and_the_audit_has_it(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as office,
        process(office.operator, "gateway", tmp_path / "g", {"agents": ("bank", "frontdesk")}, tts="local"),
    ):
        shown = (await office.admin.get("/api/config")).json()
        by_name = {each["name"]: each for each in shown["settings"]}
        assert shown["seals"] is True
        assert (by_name["PARLEY_TTS"]["source"], by_name["PARLEY_TTS"]["locked_by"]) == ("environment", ["gateway"])
        assert by_name["PARLEY_TTS"]["has"] == {"gateway": ["local"]}
        assert (by_name["PARLEY_AGENT"]["source"], by_name["PARLEY_AGENT"]["default"]) == ("default", "frontdesk")

        changes = {"PARLEY_AGENT": "bank", "OPENAI_API_KEY": "sk-proj-0123456789ab3f2a"}
        answer = await office.admin.post("/api/config", json={"changes": changes, "note": "a try"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["waiting"] == []
        assert answer.json()["taken"] == 1
        shown = (await office.admin.get("/api/config")).text
        assert "sk-…3f2a" in shown
        assert "0123456789" not in shown
        one = (await office.admin.get("/api/config/PARLEY_AGENT")).json()
        assert (one["value"], one["source"], one["has"]) == ("bank", "live", {"gateway": ["bank"]})

        history = (await office.admin.get("/api/config/history")).json()["items"]
        assert [(each["who"], each["note"]) for each in history] == [("ada", "a try")]
        assert {"name": "OPENAI_API_KEY", "before": None, "after": "sk-…3f2a"} in history[0]["changes"]
        assert (await office.admin.post("/api/config/undo", json={})).json()["changed"] == [
            "OPENAI_API_KEY",
            "PARLEY_AGENT",
        ]
        entries = [(each.kind, each.who) for each in await office.house.parts.audit.page()]
        assert entries[:2] == [("config.undone", "ada"), ("config.changed", "ada")]
        assert "0123456789" not in str(await office.house.parts.audit.page())
        await office.operator.set(PARLEY_CAPACITY="7")  # a command
        for _ in range(2):
            await office.house.parts.witness.look()
        entries = [(each.kind, each.subject) for each in await office.house.parts.audit.page()]
        assert entries[:2] == [("config.changed", "PARLEY_CAPACITY"), ("config.undone", "OPENAI_API_KEY,PARLEY_AGENT")]


@pytest.mark.parametrize(
    ("changes", "status", "field", "says"),
    [
        ({"PARLEY_TTS": "elevenlabs"}, 422, "PARLEY_TTS", "the environment of gateway sets it"),
        ({"PARLEY_AGENT": "nobody"}, 422, "PARLEY_AGENT", "known are bank, frontdesk"),
        ({"PARLEY_LLM": "gpt"}, 422, "PARLEY_LLM", "no engine 'gpt'"),
        ({"PARLEY_NATS_URL": "x"}, 404, "PARLEY_NATS_URL", "no live setting"),
        ({}, 422, "body.changes", ""),
    ],
)
async def test_a_bad_change_is_refused_and_nothing_is_stored(
    office: Office, changes: Any, status: int, field: str, says: str
) -> None:
    answer = await office.admin.post("/api/config", json={"changes": changes})
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (status, field), answer.text
    assert says in problem["detail"] + problem["remedy"]
    assert (await office.admin.get("/api/config/history")).json()["items"] == []


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with (
        running(tmp_path) as made,
        process(made.operator, "gateway", tmp_path / "g", {"agents": ("bank", "frontdesk")}, tts="local"),
    ):
        yield made


async def test_who_looked_at_an_older_change_is_told(office: Office) -> None:
    await office.admin.post("/api/config", json={"changes": {"PARLEY_CAPACITY": "5"}, "revision": 0})
    answer = await office.admin.post("/api/config", json={"changes": {"PARLEY_CAPACITY": "6"}, "revision": 0})
    assert answer.status_code == 409
    assert "it is 1 by now" in answer.json()["detail"]


async def test_changes_are_for_admins_and_trials_for_supervisors(office: Office) -> None:
    viewer = await office.house.logged_in("viewer", "vic")
    assert (await viewer.get("/api/config")).status_code == 200
    for path, body in (
        ("/api/config", {"changes": {"PARLEY_CAPACITY": "5"}}),
        ("/api/config/undo", {}),
        ("/api/numbers", {"pattern": "*", "agent": "bank"}),
        ("/api/agents/bank/promote", None),
        ("/api/test-llm", {"text": "hi"}),
        ("/api/test-tts", {"text": "hi"}),
        ("/api/test-nlu", {"text": "hi"}),
    ):
        assert (await viewer.post(path, json=body)).status_code == 403, path
    nobody = office.house.browser()
    for path in ("/api/config", "/api/numbers", "/api/agents", "/api/engines"):
        assert (await nobody.get(path)).status_code == 401, path


async def test_numbers_with_hours_and_who_would_answer(office: Office) -> None:
    closed = {"zone": "Europe/Madrid", "week": {}, "outside": {"say": "We are closed."}}
    answer = await office.admin.post("/api/numbers", json={"pattern": "+1 555*", "agent": "bank", "hours": closed})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["pattern"], answer.json()["open"], answer.json()["gone"]) == ("+1555*", False, False)
    await office.admin.post("/api/numbers", json={"pattern": "*", "agent": "frontdesk"})
    await office.admin.post("/api/numbers", json={"pattern": "+1555*", "agent": "frontdesk"})
    table = (await office.admin.get("/api/numbers")).json()
    assert [(row["pattern"], row["agent"], row["open"]) for row in table["items"]] == [
        ("+1555*", "frontdesk", False),
        ("*", "frontdesk", True),
    ], "its hours stay"
    who = (await office.admin.get("/api/numbers/who", params={"called": "+15551234567"})).json()
    assert (who["row"], who["outside"]["say"]) == ("+1555*", "We are closed.")
    for body, says in (
        ({"pattern": "somebody", "agent": "bank"}, "neither a number"),
        ({"pattern": "*", "agent": "nobody"}, "known are bank, frontdesk"),
        ({"pattern": "*", "agent": "bank", "hours": {**closed, "zone": "Mars"}}, "no time zone"),
    ):
        refused = await office.admin.post("/api/numbers", json=body)
        assert refused.status_code in (404, 422)
        assert says in refused.text
    assert (await office.admin.delete("/api/numbers", params={"pattern": "+1555*"})).status_code == 204
    assert (await office.admin.delete("/api/numbers", params={"pattern": "+1555*"})).status_code == 404


async def test_versions_are_shown_tried_out_and_rolled_back(office: Office, tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    ids = []
    for greeting in ("Hello", "Good day"):
        world.write(agents, greeting)
        ids.append((await publishing.publish(office.operator.bus, "bikes", agents / "bikes", "en"))[1].current)
    shown = (await office.admin.get("/api/agents/bikes")).json()
    assert [(each["id"], each["share"], each["is_current"]) for each in shown["versions"]] == [
        (ids[1], 100, True),
        (ids[0], 0, False),
    ]
    assert (await office.admin.post("/api/agents/bikes/rollback", json={})).json()["current"] == ids[0]
    shown = (await office.admin.post("/api/agents/bikes/canary", json={"version": ids[1][:6], "percent": 10})).json()
    assert (shown["canary"], shown["percent"]) == (ids[1], 10)
    assert (await office.admin.post("/api/agents/bikes/promote")).json()["current"] == ids[1]
    assert (await office.admin.post("/api/agents/bikes/promote")).status_code == 422
    assert (await office.admin.post("/api/agents/bank/promote")).status_code == 404
    assert (await office.admin.post("/api/agents/bikes/unpublish")).json()["current"] == "folder"
    names = [each["name"] for each in (await office.admin.get("/api/agents")).json()["items"]]
    assert names == ["bank", "bikes", "frontdesk"]
    kinds = [each.kind for each in await office.house.parts.audit.page()]
    acts = [kind for kind in kinds if kind != "agent.published"]
    assert acts[:4] == ["agent.unpublished", "agent.promoted", "agent.canary", "agent.rolled_back"]


async def test_what_commands_do_to_agents_and_numbers_is_in_the_audit_once(office: Office, tmp_path: Path) -> None:
    world.write(tmp_path / "agents", "Hello")
    bus, who = office.operator.bus, "ann (command)"
    await publishing.publish(bus, "bikes", tmp_path / "agents" / "bikes", "en", who=who)
    told = of_versions(who, "agent.unpublished", "bikes")
    await publishing.change(bus, publishing.AGENT + "bikes", Versions, Versions.unpublish, told)
    steps: list[Callable[[Numbers], Numbers]] = [
        lambda now: now.set("+1555*", "bikes"),
        lambda now: now.remove("+1555*"),
    ]
    for step in steps:
        await publishing.change(bus, publishing.NUMBERS, Numbers, step, of_number(who, "+1555*"))
    await office.admin.post("/api/numbers", json={"pattern": "+1666*", "agent": "frontdesk"})
    for witness in (office.house.parts.witness, Witness(bus, office.house.parts.audit)):  # and after a restart
        await witness.look_at_published()
    found = [each for each in await office.house.parts.audit.page() if each.kind.split(".")[0] in ("agent", "number")]
    assert sorted((each.who, each.kind, each.subject) for each in found) == [
        ("ada", "number.set", "+1666*"),
        (who, "agent.published", "bikes"),
        (who, "agent.unpublished", "bikes"),
        (who, "number.removed", "+1555*"),
        (who, "number.set", "+1555*"),
    ]
    (unpublished,) = (each.detail for each in found if each.kind == "agent.unpublished")
    assert unpublished is not None
    assert unpublished["to"] == "folder"


async def test_without_nats_it_is_said_that_nothing_can_be_told(office: Office) -> None:
    await office.operator.nats.kill()
    for path in ("/api/config", "/api/numbers", "/api/agents", "/api/engines"):
        answer = await office.admin.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), path


async def test_one_sentence_through_the_model_and_the_voice(tmp_path: Path) -> None:
    async with (
        OpenAISim(script=lambda *_: Reply("It shipped.")) as mind,
        ElevenLabsSim() as voice,
        AsyncExitStack() as stack,
    ):
        own = {"PARLEY_NATS_URL": "", "PARLEY_DATA_DIR": tmp_path / "organs", "PARLEY_METRICS_PORT": -1}
        own |= {"OPENAI_BASE_URL": mind.base_url, "OPENAI_API_KEY": "k", "ELEVENLABS_BASE_URL": voice.url}
        settings = Settings.read(**own, ELEVENLABS_API_KEY="k")
        addresses = {}
        for name, wire in (("llm", wire_llm), ("tts", wire_tts)):
            server = Server(name, "127.0.0.1:0", Admission(10))
            stack.push_async_callback(await wire(server, settings))
            await server.start()
            stack.push_async_callback(server.drain, 0)
            addresses[f"PARLEY_{name.upper()}_ADDRESS"] = f"127.0.0.1:{server.port}"
        office = await stack.enter_async_context(running(tmp_path, **addresses))
        for peers in (office.house.parts.trials.llm, office.house.parts.trials.tts):
            assert await peers.ready(PATIENCE_S)
        answer = await office.admin.post("/api/test-llm", json={"text": "Where is my order?"})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["text"], told["engine"], told["model"]) == ("It shipped.", "openai", "gpt-4.1-mini")
        assert 0 < told["times"]["first_ms"] <= told["times"]["total_ms"]
        sound = await office.admin.post("/api/test-tts", json={"text": "It shipped."})
        assert (sound.status_code, sound.headers["content-type"]) == (200, "audio/wav"), sound.text
        assert sound.headers["parley-engine"] == "elevenlabs"
        with wave.open(io.BytesIO(sound.content)) as read:
            assert (read.getframerate(), read.getnchannels()) == (16000, 1)
            assert read.getnframes() > 1600
        for _ in range(PER_MINUTE - 2):
            office.house.parts.trials._lately["ada"].append(office.house.parts.trials._lately["ada"][-1])
        refused = await office.admin.post("/api/test-llm", json={"text": "once more"})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0


def test_the_figures_of_replicas_are_added_up() -> None:
    from parley.bus.presence import EngineState, ProcessState

    def replica(name: str, *engines: EngineState) -> ProcessState:
        return ProcessState(service="tts", replica=name, stage="tts", revision=1, engines=engines)

    fast, slow = {"100.0": 10, "200.0": 10, "+Inf": 10}, {"100.0": 0, "200.0": 10, "+Inf": 10}
    first = replica(
        "a", EngineState(name="elevenlabs", count=10, errors=5, open_s=12.0, histogram=fast), EngineState(name="local")
    )
    second = replica("b", EngineState(name="elevenlabs", count=10, histogram=slow), EngineState(name="local"))
    found = stage_of("tts", [first, second])
    vendor, local = found.engines
    assert (found.order, found.agreed, found.others) == (["elevenlabs", "local"], True, ["hibari"])
    assert (vendor.open, vendor.count, vendor.errors, vendor.error_rate, vendor.vendor) == (1, 20, 5, 0.2, True)
    assert vendor.p50_ms == pytest.approx(100)
    assert (local.error_rate, local.p50_ms) == (None, None)
    assert not stage_of("tts", [first, replica("c", EngineState(name="local"))]).agreed
