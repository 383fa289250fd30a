"""The pure parts of the ears and of the line."""

from __future__ import annotations

from typing import cast

import pytest

from parley.audio import BROWSER, TELEPHONE
from parley.rpc import Peers
from parley.v1 import call_pb2, conversation_pb2, stt_pb2
from services.gateway.doors.flood import MAX_AHEAD_MS
from services.gateway.ears.backlog import IDLE_MS, MAX_MS, Backlog
from services.gateway.ears.ears import Ears
from services.gateway.ears.level import Level
from services.gateway.ears.report import Report
from services.gateway.leg.resend import Resend
from services.gateway.mouth.clock import now_ms
from tests.gateway.handset import LOUD, SILENCE

Event = stt_pb2.RecognizeEvent
CallEvent = conversation_pb2.CallEvent
CallCommand = conversation_pb2.CallCommand


def started(offset_ms: int, turn: int = 0) -> Event:
    return Event(turn=turn, speech_started=stt_pb2.SpeechStarted(offset_ms=offset_ms))


def stopped(offset_ms: int, turn: int = 0) -> Event:
    return Event(turn=turn, speech_stopped=stt_pb2.SpeechStopped(offset_ms=offset_ms))


def interim(text: str, start_ms: int, end_ms: int, turn: int = 0) -> Event:
    return Event(turn=turn, interim=stt_pb2.Interim(text=text, start_ms=start_ms, end_ms=end_ms))


def final(text: str, start_ms: int, end_ms: int, turn: int = 0) -> Event:
    return Event(turn=turn, final=stt_pb2.Final(text=text, start_ms=start_ms, end_ms=end_ms))


def confirmed(text: str, offset_ms: int, turn: int = 0) -> Event:
    kind = stt_pb2.TurnEnded.KIND_CONFIRMED
    return Event(turn=turn, turn_ended=stt_pb2.TurnEnded(kind=kind, text=text, offset_ms=offset_ms))


@pytest.mark.parametrize(
    ("sound", "quiet", "loud"),
    [(TELEPHONE, SILENCE, LOUD), (BROWSER, bytes(640), b"\x00\x10\x00\xf0" * 160)],
)
def test_the_level_rises_once_and_falls_once(sound: object, quiet: bytes, loud: bytes) -> None:
    level = Level(sound)  # type: ignore[arg-type]
    edges = [level.heard(frame) for frame in [quiet] * 20 + [loud] * 20 + [quiet] * 20]
    assert [i for i, edge in enumerate(edges) if edge] == [20, 40]


def test_single_frames_go_where_the_caller_begins_and_where_the_turn_may_end() -> None:
    sent: list[int] = []
    ears = Ears(TELEPHONE, cast(Peers, None), "CA1", lambda event: None)
    ears._post = lambda request: sent.append(len(request.audio) // 8)  # type: ignore[method-assign]
    quiet, loud = TELEPHONE.silence(20), b"\x10" * 160

    def messages(frame: bytes, ms: int) -> list[int]:
        sent.clear()
        for _ in range(ms // 20):
            ears.feed(frame, now_ms())
        return list(sent)

    assert set(messages(quiet, 1200)) == {80}
    assert set(messages(loud, 320)) == {20}  # onset
    assert set(messages(loud, 800)[-5:]) == {80}  # speech
    assert set(messages(quiet, 100)) <= {80}  # the gap between two words
    assert set(messages(loud, 300)) <= {80}
    assert set(messages(quiet, 700)[-20:]) == {20}  # the turn may be over
    assert set(messages(quiet, 800)[-5:]) == {80}


def test_the_backlog_keeps_what_is_not_final() -> None:
    backlog = Backlog(TELEPHONE)
    for n in range(10):
        backlog.put(bytes([n]) * 480, in_speech=True)
    backlog.settle(200)
    assert backlog.start_ms == 180
    assert backlog.end_ms == 600
    audio = b"".join(backlog.since(200))
    assert len(audio) == 400 * 8
    assert audio[0] == 3
    assert max(len(piece) for piece in backlog.since(0)) == 800


def test_the_backlog_keeps_a_second_of_what_is_final() -> None:
    backlog = Backlog(TELEPHONE)
    sound = b"".join(bytes([n]) * 160 for n in range(200))
    for at in range(0, len(sound), 640):
        backlog.put(sound[at : at + 640], in_speech=True)
    backlog.settle(190)
    assert backlog.lead == sound[: 190 * 8]
    backlog.settle(190)
    backlog.settle(210)
    assert backlog.lead == sound[: 210 * 8]
    backlog.settle(1790)
    assert backlog.lead == sound[790 * 8 : 1790 * 8]
    for _ in range(100):
        backlog.put(TELEPHONE.silence(80), in_speech=False)
    assert backlog.lead == sound[790 * 8 : 1790 * 8]


def test_the_backlog_is_bounded_in_speech_and_short_without() -> None:
    backlog = Backlog(TELEPHONE)
    for _ in range(200):
        backlog.put(bytes(400), in_speech=False)
    assert backlog.end_ms - backlog.start_ms == IDLE_MS
    assert backlog.dropped_ms == 0
    for _ in range(1300):
        backlog.put(bytes(400), in_speech=True)
    assert backlog.end_ms - backlog.start_ms == MAX_MS
    assert backlog.dropped_ms > 0


def test_what_comes_at_once_after_a_standstill_is_kept_although_nobody_has_heard_it_yet() -> None:
    backlog = Backlog(TELEPHONE)
    backlog.put(bytes(round(MAX_AHEAD_MS) * 8), in_speech=False)
    assert len(b"".join(backlog.since(0))) == MAX_AHEAD_MS * 8
    assert IDLE_MS > MAX_AHEAD_MS


def test_what_was_reported_is_not_reported_again() -> None:
    report = Report()
    assert report.accept(started(100, turn=1))
    assert report.accept(final("where is", 100, 900, turn=1))
    report.replayed(2000)
    assert not report.accept(started(950, turn=1))
    assert report.accept(final("my order", 1000, 1900, turn=1))
    assert report.accept(confirmed("where is my order", 2400, turn=1))
    assert not report.accept(confirmed("where is my order", 2400, turn=1))
    late = [interim("my order", 1000, 1900, turn=1), final("my order", 1000, 1900, turn=1), started(1000, turn=1)]
    assert [report.accept(event) for event in late] == [False] * 3
    assert (report.open_turn, report.in_speech) == (False, False)


def test_the_next_recogniser_is_told_which_turn_it_is_and_what_was_said_of_it() -> None:
    report = Report()
    assert (report.turn, report.said) == (1, None)
    report.accept(final("where is", 100, 900, turn=1))
    report.accept(final("", 900, 1000, turn=1))
    report.accept(final("my order", 1000, 1900, turn=1))
    assert (report.turn, report.said) == (1, stt_pb2.Final(text="where is my order", start_ms=100, end_ms=1900))
    report.accept(confirmed("where is my order", 2400, turn=1))
    assert (report.turn, report.said) == (2, None)


def test_two_turns_may_end_at_the_same_moment_and_each_is_told_once() -> None:
    """A recogniser that was late gives everything at once."""
    report = Report()
    report.accept(final("tell me quickly", 100, 900, turn=1))
    assert report.accept(confirmed("tell me quickly", 3400, turn=1))
    report.accept(final("of alpha", 900, 1600, turn=2))
    assert report.accept(confirmed("of alpha", 3400, turn=2))
    assert not report.accept(confirmed("of alpha", 3400, turn=2))
    assert not report.open_turn


def test_ears_of_the_version_before_do_not_count_and_their_turns_are_counted_here() -> None:
    report = Report()
    first = [started(100), final("no", 100, 300), stopped(320), confirmed("no", 900)]
    second = [started(1100), interim("no", 1100, 1300), final("no", 1100, 1300), stopped(1320), confirmed("no", 1900)]
    assert all(report.accept(event) for event in first + second)
    assert [event.turn for event in first + second] == [1] * 4 + [2] * 5
    assert report.turn == 3
    newer = final("no", 2100, 2300, turn=3)  # the next replica counts again
    assert report.accept(newer)


def test_the_end_of_an_older_sound_that_is_heard_again_does_not_end_the_new_one() -> None:
    """The ears die in an "uh-huh"; the next hear the last word before it end, then the "uh-huh"."""
    report = Report()
    report.accept(final("tell me more", 100, 900))
    report.accept(confirmed("tell me more", 1200))
    assert report.accept(started(2500))
    report.replayed(2800)
    assert not report.accept(started(900))
    assert not report.accept(stopped(960))
    assert report.in_speech
    assert not report.accept(started(2510))
    assert report.accept(stopped(3010))


def test_events_with_a_number_are_kept_until_stored() -> None:
    ledger = Resend(leg=2)
    assert ledger.opens() == call_pb2.Epoch(leg=2, open=1)
    events = [
        CallEvent(speech=final("a", 0, 1)),
        CallEvent(utterance_started=conversation_pb2.UtteranceStarted(utterance=1)),
        CallEvent(heard=conversation_pb2.Heard(utterance=1)),
        CallEvent(dtmf=conversation_pb2.Dtmf(digit="1")),
    ]
    for event in events:
        ledger.number(event)
    assert [e.seq for e in events] == [1, 0, 2, 3]
    assert not ledger.take(CallCommand(epoch=ledger.epoch, ack_seq=2))
    assert [e.seq for e in ledger.unacked()] == [3]
    assert ledger.acked == 2


@pytest.mark.parametrize(
    ("epoch", "turn", "command", "reason"),
    [
        ((1, 1), 9, {"say": conversation_pb2.Say()}, "lower epoch"),
        ((1, 2), 3, {"say": conversation_pb2.Say()}, "stopped turn"),
        ((1, 2), 2, {"show": conversation_pb2.Show()}, ""),
        ((1, 2), 2, {"hang_up": conversation_pb2.HangUp()}, ""),
        ((1, 2), 4, {"say": conversation_pb2.Say()}, ""),
        ((1, 2), 0, {"session": conversation_pb2.Session()}, ""),
        ((1, 2), 1, {"stop": conversation_pb2.Stop()}, ""),
        ((1, 3), 4, {"say": conversation_pb2.Say()}, ""),
    ],
)
def test_commands_of_lost_owners_and_stopped_turns_are_dropped(
    epoch: tuple[int, int], turn: int, command: dict[str, object], reason: str
) -> None:
    ledger = Resend(leg=1)
    ledger.opens()
    ledger.opens()
    ledger.take(CallCommand(epoch=ledger.epoch, turn=3, stop=conversation_pb2.Stop()))
    owner = call_pb2.Epoch(leg=epoch[0], open=epoch[1])
    assert ledger.take(CallCommand(epoch=owner, turn=turn, **command)) == reason  # type: ignore[arg-type]


def test_the_newest_state_is_held() -> None:
    ledger = Resend(leg=1)
    ledger.opens()
    for version, data in [(5, b"new"), (4, b"old")]:
        ledger.take(CallCommand(epoch=ledger.epoch, state=conversation_pb2.State(version=version, data=data)))
    assert ledger.state == b"new"
