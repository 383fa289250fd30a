"""Each live setting is taken by the services that use it, for new calls; a call keeps what it began with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import structlog

from parley import telemetry
from parley.audio import TELEPHONE
from parley.audio.wire import to_wire
from parley.bus import Bus
from parley.bus.live import Live
from parley.bus.presence import present
from parley.configuration.table import live_settings
from parley.errors import AtCapacity
from parley.rpc import Admission, Peers, Server
from parley.settings import Settings, Stage
from parley.v1 import llm_pb2, llm_pb2_grpc, stt_pb2, stt_pb2_grpc, tts_pb2, tts_pb2_grpc
from services.gateway.configured import keep_configured, told
from services.gateway.gateway import opened
from services.llm.wiring import wire as wire_llm
from services.orchestrator.wiring import wired
from services.stt.__main__ import wire as wire_stt
from services.tts.__main__ import wire as wire_tts
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.sim import OpenAISim
from tests.configuration.world import KEY, Operator, operated, serving, until

USER = llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text="where is my order")
AGENT = "company: Bikes\ngreeting: Hello\nprompt: Be kind.\n"


def settings(operator: Operator, data: Path, **own: Any) -> Settings:
    return Settings.read(nats_url=operator.nats.url, data_dir=data, config_key=KEY, metrics_port=-1, **own)


async def asked(peers: Peers, call_id: str) -> None:
    request = llm_pb2.ChatRequest(call_id=call_id, messages=[USER])
    stream = await peers.open(llm_pb2_grpc.LanguageModelStub, "Chat", request=request)
    assert [event async for event in stream]


async def test_a_model_and_its_key_for_new_calls(tmp_path: Path) -> None:
    """The key came live too, sealed; the old call asks as it began."""
    async with OpenAISim(api_key="sk-first-0123456789") as sim, operated(tmp_path) as operator:
        own = settings(operator, tmp_path / "llm", OPENAI_BASE_URL=sim.base_url, PARLEY_LLM="openai")
        async with serving("llm", wire_llm, own) as peers:
            await operator.taken("llm", await operator.set(OPENAI_API_KEY="sk-first-0123456789"))
            await asked(peers, "old")
            changed = await operator.set(
                OPENAI_API_KEY="sk-second-0123456789", PARLEY_OPENAI_MODEL="gpt-4o-mini", PARLEY_LLM_STALL_S="1.5"
            )
            state = await operator.taken("llm", changed)
            assert (state.refused, state.locked) == ({}, ("PARLEY_LLM",))
            await asked(peers, "old")
            sim.api_key = "sk-second-0123456789"
            await asked(peers, "new")
            models = [record.body["model"] for record in sim.records if record.path.endswith("completions")]
        assert models == ["gpt-4.1-mini", "gpt-4.1-mini", "gpt-4o-mini"]
        assert [engine.name for engine in state.engines] == ["openai"]


async def said(peers: Peers, call_id: str) -> None:
    stream = await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")
    config = tts_pb2.SynthesizeConfig(call_id=call_id, format=to_wire(TELEPHONE))
    await stream.write(tts_pb2.SynthesizeRequest(config=config))
    await stream.write(tts_pb2.SynthesizeRequest(text="Hello there."))
    await stream.done_writing()
    assert [event async for event in stream]


async def test_a_voice_for_new_calls_and_a_refused_engine_leaves_it(tmp_path: Path) -> None:
    async with ElevenLabsSim() as sim, operated(tmp_path) as operator:
        vendor = {"ELEVENLABS_BASE_URL": sim.url, "ELEVENLABS_API_KEY": "sk-0123456789"}
        async with serving("tts", wire_tts, settings(operator, tmp_path / "tts", **vendor)) as peers:
            await said(peers, "old")
            state = await operator.taken(
                "tts", await operator.set(PARLEY_ELEVENLABS_VOICE="amy", PARLEY_TTS_STALL_S="2")
            )
            assert "ELEVENLABS_API_KEY" in state.locked
            await said(peers, "old")
            await said(peers, "new")
            voices = [record.voice for record in sim.records]
            assert voices == ["21m00Tcm4TlvDq8ikWAM", "21m00Tcm4TlvDq8ikWAM", "amy"]
            state = await operator.told("tts", lambda process: process.engines and process.engines[0].count == 3)
            assert state.engines[0].p50_ms is not None


async def test_a_recogniser_for_new_calls(tmp_path: Path) -> None:
    async with DeepgramSim() as sim, operated(tmp_path) as operator:
        own = {"DEEPGRAM_BASE_URL": sim.url, "PARLEY_VAD": "off", "DEEPGRAM_API_KEY": "dg-0123456789abcdef"}
        async with serving(
            "stt", wire_stt, settings(operator, tmp_path / "stt", PARLEY_STT="deepgram", **own)
        ) as peers:
            changed = await operator.set(PARLEY_DEEPGRAM_MODEL="nova-9")
            state = await operator.taken("stt", changed)
            assert not state.refused
            stream = await peers.open(stt_pb2_grpc.SpeechToTextStub, "Recognize")
            config = stt_pb2.RecognizeConfig(call_id="new", format=to_wire(TELEPHONE))
            await stream.write(stt_pb2.RecognizeRequest(config=config))
            await stream.write(stt_pb2.RecognizeRequest(audio=b"\xff" * 160))
            await until(lambda: sim.records)
            assert "nova-9" in str(sim.records[0])
            stream.cancel()


async def test_an_engine_that_cannot_be_had_is_refused_and_the_others_serve_on(tmp_path: Path) -> None:
    async with ElevenLabsSim() as sim, operated(tmp_path) as operator:
        vendor = {"ELEVENLABS_BASE_URL": sim.url}
        await operator.set(ELEVENLABS_API_KEY="sk-0123456789abcdef")
        async with serving("tts", wire_tts, settings(operator, tmp_path / "tts", **vendor)) as peers:
            state = await operator.taken("tts", await operator.set(ELEVENLABS_API_KEY=None, PARLEY_TTS="elevenlabs"))
            assert "ELEVENLABS_API_KEY: the engine elevenlabs needs a key" in state.refused["PARLEY_TTS"]
            await said(peers, "new")
            assert [engine.name for engine in state.engines] == ["elevenlabs"]


async def test_the_gateway_the_default_agent_and_what_the_page_is_told(tmp_path: Path) -> None:
    for name in ("frontdesk", "bank"):
        (tmp_path / "agents" / name).mkdir(parents=True)
        (tmp_path / "agents" / name / "agent.yaml").write_text(AGENT)
    async with operated(tmp_path) as operator:
        own = settings(operator, tmp_path / "gateway", agents_dir=tmp_path / "agents")
        async with (
            opened(own) as gateway,
            Bus(own, "gateway") as bus,
            Live(own, bus, "gateway").kept() as live,
            present(bus, live, lambda: told(gateway)),
        ):
            await keep_configured(gateway, live)
            spoken = gateway.organs.rehearsal.spoken
            config = tts_pb2.SynthesizeConfig(call_id="old", format=to_wire(TELEPHONE))
            before = spoken.key(config, "One moment.")
            changed = await operator.set(
                PARLEY_AGENT="bank", PARLEY_MAX_REENTRIES="2", PARLEY_TTS="elevenlabs,local", PARLEY_DOOR_BURST="1"
            )
            state = await operator.taken("gateway", changed)
            assert (gateway.settings.agent, gateway.settings.max_reentries) == ("bank", 2)
            assert gateway.settings.engines("tts") == ["elevenlabs", "local"]
            assert state.agents == ("bank", "frontdesk")
            assert gateway.crowd._door.rule is not None
            assert gateway.crowd._door.rule.most == 1
            assert spoken.key(config, "One moment.") == before, "a call that is here keeps its voice"
            config.call_id = "new"
            assert spoken.key(config, "One moment.").voices < 0, "which voice it has is not known yet"
            state = await operator.taken("gateway", await operator.set(PARLEY_AGENT="nobody"))
            assert "known are bank, frontdesk" in state.refused["PARLEY_AGENT"]
            assert gateway.settings.agent == "bank"


async def test_the_orchestrator_prices_linger_and_who_answers_without_nats(tmp_path: Path) -> None:
    (tmp_path / "agents" / "frontdesk").mkdir(parents=True)
    (tmp_path / "agents" / "frontdesk" / "agent.yaml").write_text(AGENT)
    async with operated(tmp_path) as operator:
        own = settings(operator, tmp_path / "orchestrator", agents_dir=tmp_path / "agents", llm="local")
        server = Server("orchestrator", "127.0.0.1:0", Admission(own.capacity))
        calls, close = await wired(own, server=server)
        try:
            before = calls._means
            assert not before.refuse_without_nats
            changed = await operator.set(PARLEY_CALL_LINGER_S="5", PARLEY_WITHOUT_NATS="refuse", PARLEY_STT="deepgram")
            await operator.taken("orchestrator", changed)
            now = calls._means
            assert (now.linger_s, now.refuse_without_nats) == (5.0, True)
            assert now.prices.ears.price.stt_minute > 0
            assert before.linger_s == 30.0, "who has it goes on with it"
        finally:
            await close()


async def test_how_much_a_process_takes_and_what_it_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logs("test", "info", "json")
    log = structlog.get_logger("leveled")
    log.debug("not yet")
    async with operated(tmp_path) as operator:
        own = settings(operator, tmp_path / "rag")
        server = Server("rag", "127.0.0.1:0", Admission(own.capacity))
        async with Bus(own, "rag") as bus, Live(own, bus, "rag").kept() as live, present(bus, live):
            await server.configured(live)
            await operator.taken("rag", await operator.set(PARLEY_CAPACITY="1", PARLEY_LOG_LEVEL="debug"))
            log.debug("from now on")
            with server.admission.admit(), pytest.raises(AtCapacity), server.admission.admit():
                pass
            await operator.taken("rag", await operator.set(PARLEY_LOG_LEVEL="error"))
            log.warning("no more")
            log.error("this yet")
    telemetry.set_level("info")
    out = capsys.readouterr().out
    assert "from now on" in out
    assert "this yet" in out
    assert "not yet" not in out
    assert "no more" not in out


async def test_no_live_setting_does_nothing() -> None:
    """Each is taken by a service: what the tests above see taken, and of tools what it audits."""
    from parley.configuration.table import of_stage
    from services.gateway.configured import ENGINES, LIMITS
    from services.orchestrator.wiring import CHANGED_LIVE

    stages = frozenset[str]().union(*(of_stage(stage) for stage in get_args(Stage)))
    assert stages == ENGINES
    taken = CHANGED_LIVE | stages | {"PARLEY_AGENT", "PARLEY_MAX_REENTRIES", "PARLEY_CAPACITY", "PARLEY_LOG_LEVEL"}
    taken |= LIMITS | {"PARLEY_API_PER_MINUTE"}
    taken |= {"PARLEY_LLM_FIRST_TOKEN_S", "PARLEY_LLM_STALL_S", "PARLEY_TTS_STALL_S", "PARLEY_AUDIT_DAYS"}
    assert live_settings().keys() == taken
