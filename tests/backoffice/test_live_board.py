"""What is told of calls that are up, folded into what each client sees."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from parley.aio import background
from parley.errors import Unavailable
from parley.v1 import events_pb2
from services.backoffice.live import board as boards
from services.backoffice.live import stream, topic
from services.backoffice.live.board import Board
from services.backoffice.live.stream import Followed
from services.backoffice.live.topic import Client, Topic
from testbed.virtual_loop import run


def live(call_id: str = "CA1", state: str = "listening", **more: Any) -> events_pb2.CallLive:
    return events_pb2.CallLive(
        call_id=call_id, state=state, agent="bank", caller_pii="+15550100142", started_ms=1000, at_ms=6000, **more
    )


def caller(n: int, text: str) -> events_pb2.LiveLine:
    return events_pb2.LiveLine(
        n=n, line=events_pb2.StateLine(caller_line=events_pb2.StateCallerLine(text=text, at_ms=n))
    )


def bot(n: int, text: str, heard: int, tools: list[events_pb2.StateToolUse] | None = None) -> events_pb2.LiveLine:
    line = events_pb2.StateBotLine(turn=2, text=text, heard=heard, status="cut" if heard else "heard", kind="answer")
    line.tools.extend(tools or [])
    return events_pb2.LiveLine(n=n, line=events_pb2.StateLine(bot_line=line))


def told(followed: Topic) -> list[tuple[str, Any]]:
    return [(news.event, news.data) for _, news in followed._kept]


def test_a_call_is_told_as_it_comes_changes_and_goes() -> None:
    board = Board()
    board.take(live(cost_usd=0.0123456, tool="book"))
    board.take(live(state="thinking"))
    board.take(live(state="ended", end_reason="caller hung up"))
    (first, call), (_, second), (last, gone) = told(board.all)
    assert (first, call["caller"], call["seconds"], call["started_at"]) == (
        "call",
        "+15550100142",
        5,
        "1970-01-01T00:00:01.000Z",
    )
    assert (call["cost_usd"], call["tool"], second["tool"], second["state"]) == (0.012346, "book", None, "thinking")
    assert (last, gone) == ("gone", {"call_id": "CA1"})
    assert not len(board)


def test_one_call_is_told_line_by_line_and_a_whole_one_replaces_all() -> None:
    board = Board()
    opened = board.open("CA1")
    running = events_pb2.StateToolUse(intent=1, name="book", arguments='{"party": 4}')
    first = events_pb2.LiveDetail(whole=True, lines=[bot(1, "Hello", 0)], hearing_pii="a ta")
    board.take(live(detail=first))
    board.take(live(detail=events_pb2.LiveDetail(lines=[caller(2, "a table"), bot(3, "", 0, [running])])))
    running.outcome.status = "ok"
    moments = [events_pb2.LiveMoment(at_ms=9, what="paused", utterance=2, cause="reflex")]
    again = events_pb2.LiveDetail(lines=[bot(3, "Done, see you", 4, [running])], moments=moments)
    board.take(live(detail=again))
    events = [(event, data) for event, data in told(opened.topic) if event != "call"]
    assert [event for event, _ in events] == ["snapshot", "line", "tool", "hearing", "line", "tool", "moment"]
    assert events[0][1]["lines"][0]["text"] == "Hello"
    assert events[0][1]["hearing"] == "a ta"
    assert (events[1][1]["who"], events[1][1]["text"]) == ("caller", "a table")
    assert (events[2][1]["status"], events[2][1]["arguments"]) == ("running", {"party": 4})
    assert (events[4][1]["heard"], events[4][1]["status"]) == (4, "cut")
    assert events[5][1]["status"] == "ok"
    assert events[6][1] == {"at_ms": 9, "what": "paused", "utterance": 2, "cause": "reflex", "chars": 0, "cut": False}
    board.take(live(detail=events_pb2.LiveDetail(whole=True, lines=[caller(5, "still here")])))
    assert [line["n"] for line in board.one_told("CA1")["lines"]] == [5]
    board.gone("CA1", "swept")
    assert told(opened.topic)[-1] == ("ended", {"call_id": "CA1", "reason": "swept"})
    assert "CA1" not in board.opened


def test_a_feeling_stands_at_the_call_and_at_its_line_and_stays() -> None:
    board = Board()
    board.open("CA1")
    said = [caller(1, "why"), caller(2, "this is the third time"), caller(900, "later")]
    detail = events_pb2.LiveDetail(whole=True, lines=said)
    board.take(live(detail=detail))
    board.felt("CA1", "frustrated", 2)
    board.felt("CA1", "frustrated", 2)
    board.felt("CA9", "sad", 2)
    board.take(live(state="thinking"))
    assert board.calls()[0]["emotion"] == "frustrated"
    assert [line["emotion"] for line in board.one_told("CA1")["lines"]] == [None, "frustrated", None]


def test_what_is_kept_of_calls_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "MAX_CALLS", 3)
    monkeypatch.setattr(boards, "SHOWN", 2)
    monkeypatch.setattr(boards, "MAX_LINES", 2)
    board = Board()
    board.open("CA1")
    for n in range(5):
        board.take(live(f"CA{n}"))
    assert len(board) == 3
    assert (len(board.all_told()["calls"]), board.all_told()["more"]) == (2, 1)
    board.take(live("CA1", detail=events_pb2.LiveDetail(whole=True, lines=[caller(n, "x") for n in range(1, 6)])))
    assert [line["n"] for line in board.one_told("CA1")["lines"]] == [4, 5]


def test_a_stored_state_is_told_until_its_owner_says_better() -> None:
    board = Board()
    stored = events_pb2.StoredCall(state=events_pb2.CallState(call_id="CA1", agent="bank", started_ms=1000))
    stored.state.floor.answering.SetInParent()
    board.stored(stored, 9000)
    assert (board.calls()[0]["state"], board.calls()[0]["cost_usd"], board.calls()[0]["seconds"]) == (
        "thinking",
        None,
        8,
    )
    board.take(live())
    board.stored(stored, 9000)
    assert board.calls()[0]["state"] == "listening"
    stored.state.call_id = "CA2"
    stored.state.floor.ended.reason = "over"
    board.stored(stored, 9000)
    assert "CA2" not in board


def test_who_comes_back_gets_what_was_missed_or_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    followed = Topic()
    for n in range(3):
        followed.tell("call", n)
    ids = [news.id for _, news in followed._kept]
    missed = followed.since(ids[0])
    assert missed is not None
    assert [news.data for news in missed] == [1, 2]
    assert followed.since(ids[-1]) == []
    for strange in ("", "x", "other-1", ids[0].replace("-1", "-99"), f"{ids[0]}{'9' * 30}", f"{followed._name}-²"):
        assert followed.since(strange) is None
    for n in range(topic.KEPT):
        followed.tell("call", n)
    assert followed.since(ids[0]) is None
    assert Topic().since(Topic().at) is None


def test_a_client_that_does_not_read_is_dropped_and_counted() -> None:
    followed = Topic()
    slow, before = followed.enter(), topic.DROPPED._value.get()
    for n in range(topic.QUEUED + 1):
        followed.tell("call", n)
    assert (slow.ended, len(followed)) == ("slow", 0)
    assert slow.news.get_nowait() is None
    assert topic.DROPPED._value.get() == before + 1
    brisk = followed.enter()
    followed.close("")
    assert (brisk.news.get_nowait(), brisk.ended) == (None, "")


class Wire:
    """The other end of a response. `stuck`: it takes nothing more after so many messages."""

    def __init__(self, stuck: int = 10**6) -> None:
        self.sent: list[dict[str, Any]] = []
        self.came = asyncio.Event()
        self.gone = asyncio.Event()
        self._stuck = stuck

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, what: Any) -> None:
        if len(self.sent) >= self._stuck:
            await asyncio.Event().wait()
        self.sent.append(what)
        self.came.set()

    def events(self) -> list[tuple[str, Any]]:
        text = b"".join(each.get("body", b"") for each in self.sent).decode()
        found = []
        for block in text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "event" in fields:
                found.append((fields["event"], json.loads(fields["data"])))
        return found

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.events()) < count:
                self.came.clear()
                await self.came.wait()


def serve(response: Followed, wire: Wire) -> asyncio.Task[None]:
    return asyncio.ensure_future(response({"type": "http"}, wire.receive, wire.send))


async def test_a_client_gets_a_snapshot_then_news_and_numbers_only_with_the_right() -> None:
    board = Board()
    board.take(live())
    wires = Wire(), Wire()
    tasks = [
        serve(Followed(board.all, board.all_told, numbers=right), wire)
        for right, wire in zip((True, False), wires, strict=True)
    ]
    board.take(live(state="speaking"))
    for wire in wires:
        await wire.until(2)
    board.close()
    await asyncio.gather(*tasks)
    shown, masked = (wire.events() for wire in wires)
    assert [event for event, _ in shown] == ["snapshot", "call", "bye"]
    assert shown[0][1]["calls"][0]["caller"] == shown[1][1]["caller"] == "+15550100142"
    assert masked[0][1]["calls"][0]["caller"] == masked[1][1]["caller"] == "***42"
    assert shown[2][1] == {"why": "going away"}
    assert not len(board.all)


async def test_who_comes_back_is_told_what_it_missed_and_nothing_twice() -> None:
    board = Board()
    board.take(live())
    last = board.all.at
    board.take(live(state="thinking"))
    wire = Wire()
    task = serve(Followed(board.all, board.all_told, numbers=True, last_id=last), wire)
    await wire.until(1)
    wire.gone.set()
    await task
    assert [(event, data["state"]) for event, data in wire.events()] == [("call", "thinking")]
    assert not len(board.all)


async def test_a_connection_that_takes_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SEND_S", 0.05)
    board, before = Board(), topic.DROPPED._value.get()
    await serve(Followed(board.all, board.all_told, numbers=True), Wire(stuck=2))
    assert (len(board.all), topic.DROPPED._value.get()) == (0, before + 1)


@pytest.mark.parametrize("busy", [False, True], ids=["a silent house", "news all the time"])
def test_a_client_whose_session_is_over_is_told_so_within_seconds(busy: bool) -> None:
    """It is asked for at the fifth second, and at the tenth."""
    asked: list[float] = []

    async def follow() -> list[tuple[str, dict[str, Any]]]:
        board, wire, clock = Board(), Wire(), asyncio.get_running_loop()
        begun = clock.time()

        async def still() -> bool:
            asked.append(round(clock.time() - begun, 3))
            return len(asked) < 2

        async def talk() -> None:
            while True:
                board.take(live(state="speaking"))
                await asyncio.sleep(0.1)

        async with background(*([talk()] if busy else [])):
            await serve(Followed(board.all, board.all_told, numbers=True, still=still), wire)
        return wire.events()

    events = run(follow())
    assert events[-1] == ("bye", {"why": "signed out"})
    assert (len(events) > 20) is busy
    assert len(asked) == 2
    assert 2 * stream.STILL_S <= asked[-1] <= 2 * stream.STILL_S + 0.5


def test_a_client_whose_session_nobody_can_look_up_has_to_come_back() -> None:
    async def follow() -> list[tuple[str, dict[str, Any]]]:
        board, wire = Board(), Wire()

        async def still() -> bool:
            raise Unavailable("the database is away")

        await serve(Followed(board.all, board.all_told, numbers=True, still=still), wire)
        return wire.events()

    assert run(follow())[-1] == ("bye", {"why": "going away"})


def test_a_silent_line_is_kept_open() -> None:
    async def follow() -> int:
        board, wire, clock = Board(), Wire(), asyncio.get_running_loop()
        begun = clock.time()

        async def still() -> bool:
            return clock.time() - begun < 40

        await serve(Followed(board.all, board.all_told, numbers=True, still=still), wire)
        return sum(each.get("body") == stream.COMMENT for each in wire.sent)

    assert run(follow()) == 2


def test_a_queue_that_is_full_at_the_end_of_a_topic_ends_at_once() -> None:
    client = Client()
    for _ in range(topic.QUEUED):
        client.put(topic.News("1", "call", {}))
    client.end("")
    assert (client.ended, client.news.get_nowait()) == ("slow", None)
