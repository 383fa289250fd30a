"""Owners of a call that come, go, race and break, on real NATS and real gRPC."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from parley.agents.files import load_agent
from parley.agents.speaking import Sentences
from parley.bus.callstate import CallStore
from parley.errors import BadInput, NotFound, ParleyError, Superseded, Unavailable
from parley.v1 import call_pb2, conversation_pb2, events_pb2, llm_pb2, tools_pb2
from services.gateway.stored import ended_by_state
from services.orchestrator import wiring
from services.orchestrator.mind import turn
from services.orchestrator.own import calls as calls_of_process
from services.orchestrator.own import latest_state
from services.orchestrator.run import conductor, prompt, rounds
from services.orchestrator.wire import replay
from services.orchestrator.wiring import wired
from testbed.organs import Gateway, House, house, replica
from testbed.patience import PATIENCE_S
from tests.orchestrator.test_replay import records


async def started(h: House) -> tuple[Gateway, bytes]:
    """A call that was greeted, and its newest state."""
    g = await h.gateway()
    await g.opens()
    await g.hears((await g.said())[0])
    await g.types("hello there")
    utterance, _ = await g.said()
    await g.hears(utterance)
    state = await g.until("state")
    return g, state.data


async def test_of_two_owners_at_once_the_higher_stays_and_the_other_is_told_to_go(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g, state = await started(h)
        asked, go = [], asyncio.Event()

        async def settling() -> None:
            asked.append(1)
            await go.wait()

        h.actions.settling = settling
        g.stream.cancel()
        second, third = await h.gateway(1, 2), await h.gateway(1, 3)
        await second.opens(state=state)
        await third.opens(state=state)
        async with asyncio.timeout(PATIENCE_S):
            while len(asked) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        go.set()
        third.seq = g.seq
        await third.types("and now")
        assert (await third.said())[1] == "You said and now."
        with pytest.raises(Superseded):
            await second.until("say")
        assert len(h.calls) == 1


@pytest.mark.parametrize("left", [True, False])
async def test_an_owner_that_stood_still_does_nothing_before_it_knows_that_its_gateway_is_there(
    tmp_path: Path, left: bool
) -> None:
    """What the caller said meanwhile another owner has heard, if the gateway has left."""
    async with house(tmp_path) as h, replica(h) as other:
        g, state = await started(h)
        asked = len(h.model.requests)
        await g.types("words that waited")
        time.sleep(conductor.STOOD_STILL_S + 0.1)  # noqa: ASYNC251 - the process stands still
        if left:
            g.stream.cancel()
            second = await other.gateway(1, 2)
            await second.opens(state=state, acked_seq=g.seq, last_seq=g.seq, mouth={"turn": 2, "last_utterance": 2})
            second.seq = g.seq
            await second.types("words for the other owner")
            assert (await second.said())[1] == "You said words for the other owner."
            async with asyncio.timeout(PATIENCE_S):
                while len(h.calls):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert len(h.model.requests) == asked + 1
        else:
            assert (await g.said())[1] == "You said words that waited."


async def test_without_the_ledger_a_call_is_answered_and_nothing_is_done_until_it_tells(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g, state = await started(h)

        async def settling() -> None:
            raise Unavailable("the ledger is away")

        h.actions.settling = settling
        g.stream.cancel()
        second = await h.gateway(1, 2)
        await second.opens(state=state, acked_seq=g.seq, last_seq=g.seq, mouth={"turn": 2, "last_utterance": 2})
        second.seq = g.seq
        await second.types("and now")
        utterance, text = await second.said()
        assert text == "You said and now."
        assert h.model.requests[-1].tool_choice == llm_pb2.TOOL_CHOICE_NONE
        await second.hears(utterance)
        done = tools_pb2.ToolOutcome(status=tools_pb2.ToolOutcome.STATUS_OK, result_json='{"summary": "booked"}')
        h.actions.rows = [tools_pb2.LedgerRow(intent=1, name="book_visit", arguments_json="{}", outcome=done)]
        h.model.reply = lambda request: [f"Done: {request.messages[-1].text}."]
        h.actions.settling = None
        utterance, text = await second.said()
        assert text == 'Done: {"summary": "booked"}.'
        await second.hears(utterance)
        h.model.reply = lambda request: (
            [llm_pb2.ToolCall(id="c1", name="book_visit", arguments_json="{}")]
            if request.messages[-1].role == llm_pb2.Message.ROLE_USER
            else ["Booked again."]
        )
        await second.types("book another one")
        assert (await second.said())[1] == "Booked again."
        assert [(e.intent, e.epoch.open) for e in h.actions.executed] == [(2, 2)]


async def test_a_turn_in_which_something_may_have_been_done_waits_for_the_ledger(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g, state = await started(h)
        asked = 0

        async def settling() -> None:
            nonlocal asked
            asked += 1
            if asked == 3:
                h.actions.rows = [tools_pb2.LedgerRow(intent=1, name="book_visit", arguments_json="{}", running=True)]
                return
            raise Unavailable("the ledger is away")

        h.actions.settling = settling
        g.stream.cancel()
        second = await h.gateway(1, 2)
        await second.opens(state=state, acked_seq=g.seq, last_seq=g.seq + 1, mouth={"turn": 2, "last_utterance": 2})
        second.seq = g.seq
        await second.types("book me in")
        assert (await second.said())[1] == "You said book me in."
        assert asked == 3
        async with asyncio.timeout(PATIENCE_S):
            while not h.actions.executed:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert [e.intent for e in h.actions.executed] == [1]


async def test_an_event_that_breaks_the_logic_is_left_out_and_sent_to_nobody_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(call: Any, event: Any) -> Any:
        if getattr(event, "text", "") == "the evil word":
            raise ZeroDivisionError(event.text)
        return turn.step(call, event)

    async with house(tmp_path) as h:
        g, _ = await started(h)
        monkeypatch.setattr(conductor, "step", fragile)
        await g.types("the evil word")
        await g.types("and now")
        assert (await g.said())[1] == "You said and now."
        (owner,) = h.calls._conductors.values()
        async with asyncio.timeout(PATIENCE_S):
            while owner.paper.acked < g.seq:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert owner.paper.stored is not None
        monkeypatch.undo()
        assert owner.paper.stored.state.seen_seq == g.seq


async def test_a_new_owner_goes_on_with_the_agent_as_its_files_are_now(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g, state = await started(h)
        g.stream.cancel()
        stored = events_pb2.StoredCall.FromString(state)
        stored.state.agent_version, stored.state.policy.away_ms = "older", 1
        second = await h.gateway(1, 2)
        await second.opens(state=stored.SerializeToString(), mouth={"turn": 2, "last_utterance": 2})
        newest = events_pb2.StoredCall.FromString((await second.until("state")).data)
        version = load_agent(h.settings.agents_dir, "bikes").version
        assert (newest.state.agent_version, newest.state.policy.away_ms) == (version, 8000)


async def test_a_call_that_begins_while_the_tools_are_away_is_greeted_at_once_and_has_them_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "TOOLS_S", 0.05)
    async with house(tmp_path) as h:
        listed = asyncio.Event()

        async def late(request: Any, context: Any) -> tools_pb2.ListToolsResponse:
            await listed.wait()
            return tools_pb2.ListToolsResponse(tools=[tools_pb2.ToolInfo(name="book_visit", effects=True)])

        monkeypatch.setattr(h.actions, "listing", late)
        async with replica(h) as other:
            g = await other.gateway()
            async with asyncio.timeout(0.5):
                await g.opens()
                await g.hears((await g.said())[0])
            (owner,) = other.calls._conductors.values()
            assert not owner._current().effect_tools
            listed.set()
            async with asyncio.timeout(PATIENCE_S):
                while not owner._current().effect_tools:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await g.types("book me in")
            assert (await g.said())[1] == "You said book me in."
            assert [tool.name for tool in h.model.requests[-1].tools] == ["book_visit"]


@pytest.mark.parametrize(("learnt_s", "offered"), [(PATIENCE_S, ["book_visit"]), (0.0, [])])
async def test_a_question_that_comes_before_the_tools_waits_for_them_but_not_for_long(
    learnt_s: float, offered: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "TOOLS_S", 0.05)
    monkeypatch.setattr(rounds, "LEARNT_S", learnt_s)
    async with house(tmp_path) as h:
        asked, listed = asyncio.Event(), asyncio.Event()

        async def late(request: Any, context: Any) -> tools_pb2.ListToolsResponse:
            await listed.wait()
            return tools_pb2.ListToolsResponse(tools=[tools_pb2.ToolInfo(name="book_visit", effects=True)])

        def reply(request: llm_pb2.ChatRequest) -> list[str]:
            asked.set()
            return ["Well."]

        monkeypatch.setattr(h.actions, "listing", late)
        h.model.reply = reply
        async with replica(h) as other:
            g = await other.gateway()
            await g.opens()
            await g.hears((await g.said())[0])
            await g.types("book me in")
            if offered:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await asked.wait()
                listed.set()
            assert (await g.said())[1] == "Well."
            assert [tool.name for tool in h.model.requests[-1].tools] == offered


async def test_an_owner_whom_nobody_hears_any_more_does_not_end_the_call_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_of_process, "ORPHAN_S", 0.3)
    async with house(tmp_path, call_linger_s=0) as h:
        g, state = await started(h)
        elsewhere, close = await wired(h.settings)
        epoch = call_pb2.Epoch(leg=1, open=2)
        message = conversation_pb2.Open(call_id="CA1", agent="bikes", state=state, epoch=epoch)
        try:
            async with elsewhere.opened(message) as owner:
                g.stream.cancel()
                async with asyncio.timeout(PATIENCE_S):
                    while not owner.paper.acked or len(h.calls):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                found = await owner.means.store.read("CA1")
                assert found is not None
                assert (found[0].epoch.open, found[0].state.floor.WhichOneof("floor")) == (2, "listening")
        finally:
            await close()


async def test_a_call_whose_gateway_never_comes_back_ends_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_of_process, "ORPHAN_S", 0.1)
    async with house(tmp_path, call_linger_s=0.1) as h:
        g, _ = await started(h)
        store = next(iter(h.calls._conductors.values())).means.store
        g.stream.cancel()
        async with asyncio.timeout(PATIENCE_S):
            while len(h.calls) or await store.read("CA1"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_call_that_is_over_and_cleared_away_is_not_begun_again(tmp_path: Path) -> None:
    async with house(tmp_path, call_linger_s=0.1) as h:
        g, _ = await started(h)
        store = next(iter(h.calls._conductors.values())).means.store
        await g.tell(seq=True, leg={"kind": "KIND_ENDED", "reason": "hung up"})
        async with asyncio.timeout(PATIENCE_S):
            while await store.find("CA1") != "cleared":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        again = await h.gateway(2, 1)
        await again.opens()
        with pytest.raises(NotFound, match="is over"):
            await again.until("session")
        assert await ended_by_state(store)("CA1"), "the webhook says so too"


async def test_who_is_back_before_the_last_leg_is_known_to_be_lost_has_heard_what_had_sounded(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g, _ = await started(h)
        await g.types("and now")
        utterance, text = await g.said()
        await g.tell(utterance_started={"utterance": utterance})
        await g.tell(progress={"utterance": utterance, "chars": 9})
        (owner,) = h.calls._conductors.values()
        async with asyncio.timeout(PATIENCE_S):
            while not (owner._current().voice and owner._current().voice[-1].told):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        second = await h.gateway(2, 1)
        await second.opens()  # the first leg's stream is open still
        assert [(await second.said())[1] for _ in range(2)] == [Sentences().cut_off, text]
        await second.types("hello there")
        await second.said()
        assert "You said" in [m.text for m in h.model.requests[-1].messages]
        with pytest.raises(Superseded):
            await g.until("session")
        result = replay.replayed(replay.valid(await records(h)))
        assert (result.differs, result.compared) == (None, result.records)


async def test_a_caller_who_comes_back_before_anything_was_stored_is_greeted(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway(2, 1)
        await g.opens()
        assert (await g.said())[1] == "Bellweather Bikes, how can I help?"


async def test_a_caller_who_comes_back_while_nothing_can_be_read_is_not_greeted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(store: CallStore, call_id: str) -> None:
        raise Unavailable("electing")

    monkeypatch.setattr(latest_state, "READ_S", 0.1)
    monkeypatch.setattr(CallStore, "find", unreadable)
    async with house(tmp_path) as h:
        g = await h.gateway(2, 1)
        await g.opens()
        own = Sentences()
        utterance, said = await g.said()
        assert said == f"{own.cut_off} {own.not_heard}"
        await g.hears(utterance)
        await g.types("hello there")
        assert (await g.said())[1] == "You said hello there."


async def test_a_greeting_whose_owner_was_lost_before_its_first_state_is_not_said_again(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway(1, 2)
        text = "Bellweather Bikes, how can I help?"
        mouth = {"utterance": 1, "text": text, "complete": True, "heard_chars": 5, "turn": 1, "last_utterance": 1}
        await g.opens(mouth=mouth)
        await g.hears(1)
        await g.types("hello there")
        assert await g.said() == (2, "You said hello there.")
        assert [m.text for m in h.model.requests[0].messages] == [text, "hello there"]


async def test_a_state_that_is_none_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g = await h.gateway(1, 2)
        await g.opens(state=b"\xff\xff garbage")
        with pytest.raises(BadInput, match=r"open\.state"):
            await g.until("session")


async def test_a_state_of_a_newer_version_is_left_to_that_version(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        stored = events_pb2.StoredCall(version=3)
        stored.epoch.leg, stored.epoch.open = 1, 1
        stored.state.call_id, stored.state.agent = "CA1", "bikes"
        stored.state.floor.SetInParent()
        g = await h.gateway(1, 2)
        await g.opens(state=stored.SerializeToString())
        with pytest.raises(Unavailable, match="newer version"):
            await g.until("session")
        assert not len(h.calls)


async def test_an_event_that_breaks_ends_the_stream_instead_of_hanging_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    async with house(tmp_path) as h:
        g, _ = await started(h)
        monkeypatch.setattr(conductor, "step", broken)
        await g.types("anything")
        with pytest.raises(ParleyError, match="ZeroDivisionError"):
            await g.until("say")


async def test_a_round_that_breaks_is_said_instead_of_leaving_the_caller_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    async with house(tmp_path) as h:
        g, _ = await started(h)
        monkeypatch.setattr(prompt, "request", broken)
        await g.types("anything")
        assert "something went wrong" in (await g.said())[1]
