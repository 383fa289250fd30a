"""Whole calls over `Converse`, on real NATS and real gRPC; only the model, tools and knowledge are scripted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from parley import telemetry
from parley.errors import BadInput, NotFound, Superseded, Unavailable
from parley.v1 import conversation_pb2, events_pb2, llm_pb2, tools_pb2
from services.orchestrator.mind.history import messages
from services.orchestrator.mind.turn import step
from services.orchestrator.wire import codec
from testbed.organs import house
from testbed.patience import PATIENCE_S


async def test_a_call_from_greeting_to_hang_up(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway()
        await g.opens()
        session = await g.until("session")
        assert session.voice == "elevenlabs=amy;local=en-us"
        utterance, greeting = await g.said()
        assert greeting == "Bellweather Bikes, how can I help?"
        await g.hears(utterance)
        await g.types("do you rent bikes")
        utterance, answer = await g.said()
        assert answer == "You said do you rent bikes."
        assert h.model.requests[0].passages[0].text == "About do you rent bikes"
        await g.hears(utterance)
        await g.tell(seq=True, leg={"kind": conversation_pb2.Leg.KIND_ENDED, "reason": "caller hung up"})
        async with asyncio.timeout(PATIENCE_S):
            while await g.stream.read() is not None:
                pass


async def test_with_the_first_words_comes_when_the_model_began(tmp_path: Path) -> None:
    more = asyncio.Event()
    async with house(tmp_path) as h:
        h.model.reply = lambda request: ["Your ", more, "order shipped on Monday. ", "It is blue."]
        g = await h.gateway()
        await g.opens()
        greeting = await g.until("say")
        assert not greeting.HasField("first_token_ms"), "nobody thought about it"
        await g.hears(greeting.utterance)
        await g.types("where is my order")
        async with asyncio.timeout(PATIENCE_S):
            while not h.model.requests:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        more.set()
        first = await g.until("say")
        assert 50 <= first.first_token_ms <= 1_000, "the model's first word had to wait for the rest of its phrase"
        assert not (await g.until("say")).HasField("first_token_ms"), "told once"


async def test_a_tool_is_done_once_and_its_result_comes_back(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.model.reply = lambda request: (
            ["Booked: ", request.messages[-1].text]
            if request.messages[-1].role == llm_pb2.Message.ROLE_TOOL
            else ["One moment. ", llm_pb2.ToolCall(id="c1", name="book_visit", arguments_json="{}")]
        )
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await g.types("book a visit")
        assert (await g.said())[1] == "One moment. "
        assert (await g.said())[1] == 'Booked: {"summary": "done"}'
        assert [(e.intent, e.name) for e in h.actions.executed] == [(1, "book_visit")]


async def test_what_a_tool_tells_is_heard_while_it_works_and_what_it_proves_opens_the_next(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        calls, offered = iter(("check_identity", "read_balance")), list[list[str]]()

        def reply(request: llm_pb2.ChatRequest) -> list[Any]:
            offered.append([tool.name for tool in request.tools])
            name = next(calls, "")
            return [llm_pb2.ToolCall(id="c", name=name, arguments_json="{}")] if name else ["You have ten euros."]

        h.model.reply = reply
        infos = [tools_pb2.ToolInfo(name="check_identity"), tools_pb2.ToolInfo(name="read_balance", level=2)]

        async def listing(request: Any, context: Any) -> tools_pb2.ListToolsResponse:
            return tools_pb2.ListToolsResponse(tools=infos)

        h.actions.listing, h.actions.tells = listing, "I am looking at your account."
        h.actions.outcome.level, h.actions.outcome.customer = 2, "C1"
        await h.calls._rosters._folder._look("bikes")
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await g.types("what is my balance")
        utterance, text = await g.said()
        assert text == "I am looking at your account."
        h.actions.told.set()
        await g.hears(utterance)
        while text != "You have ten euros.":
            _, text = await g.said()
        executed = [(e.name, e.level, e.customer) for e in h.actions.executed]
        assert executed == [("check_identity", 0, ""), ("read_balance", 2, "C1")]
        assert offered == [["check_identity"], ["check_identity", "read_balance"], ["check_identity", "read_balance"]]


async def test_each_sound_over_the_bot_is_counted_once(tmp_path: Path) -> None:
    def counted() -> dict[str, float]:
        outcomes = ("stopped", "backchannel", "noise", "echo")
        return {name: telemetry.BARGE_IN_TOTAL.labels(name)._value.get() for name in outcomes}

    async with house(tmp_path) as h:
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await g.types("tell me all")
        utterance, _ = await g.said()
        await g.tell(utterance_started={"utterance": utterance})
        before = counted()
        await g.tell(speech={"speech_started": {}})
        await g.tell(paused={"utterance": utterance, "chars": 3})
        await g.tell(speech={"speech_stopped": {}})
        await g.until("resume")
        await g.tell(speech={"speech_started": {}})
        await g.tell(paused={"utterance": utterance, "chars": 9})
        await g.tell(seq=True, speech={"final": {"text": "uh-huh"}})
        await g.tell(speech={"speech_stopped": {}})
        await g.until("resume")
        await g.speaks("what color is it")
        await g.until("stop")
        after = counted()
    assert {name: after[name] - before[name] for name in after} == {
        "stopped": 1.0,
        "backchannel": 1.0,
        "noise": 1.0,
        "echo": 0.0,
    }


async def test_breaking_in_closes_the_models_stream_and_says_cancel_on_nats(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with house(tmp_path) as h:
        client = await nats.connect(h.nats.url)
        cancels = await client.subscribe("call.*.cancel")
        await client.flush()
        h.model.reply = lambda request: ["Well, let me tell you a long story. ", never]
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await g.types("tell me")
        say = await g.until("say")
        await g.tell(utterance_started={"utterance": say.utterance})
        await g.tell(speech={"speech_started": {"offset_ms": 100}})
        await g.tell(speech={"interim": {"text": "stop please"}})
        await g.until("stop")
        cancel = events_pb2.CancelTurn.FromString((await cancels.next_msg(timeout=PATIENCE_S)).data)
        assert (cancel.call_id, cancel.turn.turn) == ("CA1", 2)
        async with asyncio.timeout(PATIENCE_S):
            while not h.model.closed:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await client.close()


async def test_the_state_stands_in_kv_and_the_events_replay_to_it(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await g.types("hello there")
        await g.hears((await g.said())[0])
        await g.tell(seq=True, leg={"kind": conversation_pb2.Leg.KIND_ENDED})
        while await g.stream.read() is not None:
            pass
        client = await nats.connect(h.nats.url)
        js = client.jetstream()
        kv = await js.key_value("calls")
        async with asyncio.timeout(PATIENCE_S):
            while (stored := await _stored(kv)) is None or stored.state.floor.WhichOneof("floor") != "ended":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            records: list[events_pb2.EventRecord] = []
            sub = await js.subscribe("call.CA1.event", ordered_consumer=True)
            while len(records) < stored.records:
                records.append(events_pb2.EventRecord.FromString((await sub.next_msg(timeout=PATIENCE_S)).data))
        records.sort(key=lambda r: r.n)
        assert [r.n for r in records] == list(range(1, stored.records + 1))
        assert [r.ended for r in records].index(True) == stored.records - 1
        assert [r.HasField("engines") for r in records] == [n == 0 for n in range(len(records))]
        decided = [each for r in records for each in r.decisions]
        assert [(each.turn, each.said.utterance) for each in decided if each.HasField("said")] == [(1, 1), (2, 2)]
        assert decided[-1].HasField("ended")
        call = None
        for record in records:
            for item in record.inputs:
                call, _ = step(call, codec.event_from_proto(item))
        assert call is not None
        assert codec.state_from_proto(stored.state) == call
        assert [m.text for m in messages(call)][1:] == ["hello there", "You said hello there."]
        await client.close()


async def test_the_state_of_an_ended_call_is_purged(tmp_path: Path) -> None:
    async with house(tmp_path, call_linger_s=0.1) as h:
        g = await h.gateway()
        await g.opens()
        await g.until("state")
        await g.tell(seq=True, leg={"kind": conversation_pb2.Leg.KIND_ENDED})
        while await g.stream.read() is not None:
            pass
        client = await nats.connect(h.nats.url)
        kv = await client.jetstream().key_value("calls")
        async with asyncio.timeout(PATIENCE_S):
            while await _keys(kv):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await client.close()


async def _stored(kv: KeyValue) -> events_pb2.StoredCall | None:
    try:
        return events_pb2.StoredCall.FromString((await kv.get("CA1")).value or b"")
    except KeyNotFoundError:
        return None


async def _keys(kv: object) -> list[str]:
    try:
        return list(await kv.keys())  # type: ignore[attr-defined]
    except nats.js.errors.NoKeysError:
        return []


async def test_another_owner_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await g.types("hello there")
        utterance, _ = await g.said()
        state = await g.state(lambda stored: stored.state.turn == 2)
        g.stream.cancel()
        second = await h.gateway(1, 2)
        await second.opens(
            state=state,
            mouth={
                "utterance": utterance,
                "text": "You said hello there.",
                "complete": True,
                "turn": 2,
                "last_utterance": utterance,
            },
        )
        second.seq = g.seq
        await second.hears(utterance)
        await second.types("and again")
        assert (await second.said())[1] == "You said and again."
        told = [m.text for m in h.model.requests[-1].messages]
        assert told[1:] == ["hello there", "You said hello there.", "and again"]


async def test_the_older_of_two_owners_is_told_to_go(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        new = await h.gateway(2, 1)
        await new.opens()
        await new.said()
        old = await h.gateway(1, 1)
        await old.opens()
        with pytest.raises(Superseded, match="owner 2.1"):
            await old.said()


async def test_a_call_without_an_agent_is_told_which_there_are(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway()
        await g.opens(agent="boats")
        with pytest.raises(NotFound, match="known are bikes"):
            await g.said()


async def test_a_stream_that_does_not_open_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway()
        await g.types("hello")
        with pytest.raises(BadInput, match="first event"):
            await g.said()


async def test_calls_go_on_while_nats_is_away(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await h.nats.kill()
        await g.types("are you there")
        assert (await g.said())[1] == "You said are you there."
        fresh = await h.gateway()
        await fresh.opens("CA2")
        assert (await fresh.said())[1] == "Bellweather Bikes, how can I help?"


async def test_new_calls_are_refused_while_nats_is_away_where_that_is_set_and_live_ones_go_on(tmp_path: Path) -> None:
    async with house(tmp_path, without_nats="refuse") as h:
        g = await h.gateway()
        async with asyncio.timeout(PATIENCE_S):
            while not h.calls._means.bus.connected:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await g.opens()
        await g.hears((await g.said())[0])
        await h.nats.kill()
        async with asyncio.timeout(PATIENCE_S):
            while h.calls._means.bus.connected:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await g.types("are you there")
        assert (await g.said())[1] == "You said are you there."
        fresh = await h.gateway()
        await fresh.opens("CA2")
        with pytest.raises(Unavailable, match="PARLEY_WITHOUT_NATS"):
            await fresh.said()
