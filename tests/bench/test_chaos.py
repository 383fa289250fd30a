"""What the chaos rig makes of a call: in which moment it was, and what a fault has cost it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.chaos import bounds, figures, report
from bench.chaos.course import Course, cast
from bench.chaos.store import Kept, Store
from parley.audio import pcm_to_mulaw
from parley.errors import BadInput
from services.orchestrator.run.prompt import CONTINUE
from testbed.chaos import cells
from testbed.chaos.bookings import Booking
from testbed.chaos.callers import understood
from testbed.chaos.evidence import begun_again_s, done_again_s, mind_of, moment_of
from testbed.chaos.lookups import Lookups
from testbed.chaos.scene import Played, fingerprint, prelude_s, scene
from testbed.chaos.talk import ANSWERS, STORY, answer
from testbed.chaos.verdict import Raw, Verdict, judge
from testbed.vendors.openai.sim import Asked
from testbed.vendors.wordcodec import render

TOLD = ANSWERS["quick"].format(mark="alpha bravo")


def sound(text: str, before_s: float = 0.0) -> bytes:
    return b"\xff" * int(8000 * before_s) + pcm_to_mulaw(render(text).pcm)


def raw(heard: bytes, **more: Any) -> Raw:
    given = {"said": "tell me", "reached": "tell me", "understood": ("Tell me.",), "answers": (TOLD,), "heard": heard}
    rest = {"caller": "c00", "aimed": cells.SPEAKING, "moment": cells.SPEAKING, "hit": True, "lost": "", "trouble": ""}
    return Raw(
        **{**given, **rest, "asked_s": 0.0, "gaps": (), "cut": "", "history": None, "booked": 0, "books": 0, **more}
    )


def test_a_right_answer_has_lost_nothing() -> None:
    verdict = judge(raw(sound(TOLD, before_s=0.5)))
    assert (verdict.turn_lost, verdict.bot_words_lost, verdict.bot_words_twice) == (False, [], [])
    assert verdict.delay_s == pytest.approx(0.5, abs=0.1)


def test_words_that_are_missing_or_said_twice_are_named() -> None:
    broken = TOLD.replace("today", "").replace("ready", "ready ready")
    verdict = judge(raw(sound(broken), said="tell me now", understood=("Tell tell me.",)))
    assert verdict.bot_words_lost == ["today"]
    assert verdict.bot_words_twice == ["ready"]
    assert (verdict.caller_words_lost, verdict.caller_words_twice) == (["now"], ["tell"])
    assert verdict.caller_words_unheard == ["now"]


def test_silence_is_a_lost_turn_and_an_effect_too_many_is_counted() -> None:
    verdict = judge(raw(b"\xff" * 8000, booked=2, books=1))
    assert verdict.turn_lost
    assert (verdict.effects_missing, verdict.effects_doubled) == (0, 1)


def test_a_history_longer_than_what_was_heard_is_found() -> None:
    cut = ANSWERS[STORY].format(mark="alpha bravo")
    heard = sound("the story of alpha") + sound(TOLD, before_s=1.0)
    asked = len(sound("the story of alpha")) / 8000 + 0.5
    known = raw(heard, asked_s=asked, cut=cut, history="the story of alpha")
    assert not judge(known).history_differs
    assert judge(replace(known, history="the story of alpha bravo which is")).history_differs
    on = sound("the story of alpha") + sound(f"bravo which is. {TOLD}", before_s=1.0)
    assert not judge(replace(known, heard=on, history="the story of alpha bravo which is")).history_differs


def test_the_moment_is_read_from_the_timeline() -> None:
    entries = [
        {"at_ms": 1000.0, "what": "mind", "address": "here"},
        {"at_ms": 2000.0, "what": "turn_ended"},
        {"at_ms": 3000.0, "what": "utterance_started", "utterance": 1},
        {"at_ms": 4000.0, "what": "paused", "utterance": 1},
        {"at_ms": 5000.0, "what": "resumed", "utterance": 1},
        {"at_ms": 6000.0, "what": "heard", "utterance": 1},
        {"at_ms": 6500.0, "what": "mind", "address": "there"},
    ]
    played = Played(scene(cells.SPEAKING, "alpha bravo", "alpha golf"))
    found = [moment_of(entries, at, played, ()) for at in (1.5, 2.5, 3.5, 4.5, 5.5, 6.5)]
    expected = [cells.LISTENING, cells.THINKING, cells.SPEAKING, cells.PAUSED, cells.SPEAKING, cells.LISTENING]
    assert found == expected
    assert (mind_of(entries, 6.0), mind_of(entries, 7.0)) == ("here", "there")


def test_the_models_stand_in_goes_on_where_an_answer_broke_off() -> None:
    asked = [{"role": "user", "content": "A story of alpha bravo."}]
    whole = answer(asked, ()).text
    said = {"role": "assistant", "content": whole[:20]}
    assert answer([*asked, said, {"role": "user", "content": CONTINUE}], ()).text == whole[20:].lstrip()


def test_cells_are_named_and_unknown_ones_are_refused() -> None:
    ((row, moments),) = cells.cells("kill/stt/being_interrupted")
    assert (row.name, moments) == ("kill/stt", (cells.INTERRUPTED,))
    with pytest.raises(BadInput, match="CELL=kill/nobody"):
        list(cells.cells("kill/nobody"))


def test_a_question_that_became_two_turns_has_lost_no_word() -> None:
    def body(*lines: str) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": line} for line in lines]}

    bodies = [body("Before.", "Now tell me."), body("Before.", "Now tell me.", "(Go on.)", "Of alpha.")]
    assert understood(bodies, 1) == ("Now tell me.", "Of alpha.")
    assert understood([], 1) == ()


def test_callers_are_sent_where_calls_are_lacking() -> None:
    two = (cells.LISTENING, cells.SPEAKING)
    assert Counter(cast(40, {cells.LISTENING: 20, cells.SPEAKING: 5}, two, 3)) == dict.fromkeys(two, 20)
    sent = Counter(cast(40, {cells.LISTENING: 20, cells.SPEAKING: 5}, cells.MOMENTS, 3))
    assert (sent[cells.LISTENING], sent[cells.SPEAKING]) == (10, 10)
    assert max(sent.values()) == 10
    assert cast(2, {cells.TOOL: 1}, (cells.TOOL,), 0) == [cells.TOOL, cells.TOOL]


def test_a_moment_in_which_knowledge_is_looked_for_is_told_by_the_end_of_the_turn() -> None:
    played = Played(scene(cells.LOOKUP, "alpha bravo", "alpha golf"))
    ended = [{"at_ms": 2400.0, "what": "turn_ended"}]
    assert moment_of(ended, 2.0, played, ()) == cells.LOOKUP
    assert moment_of(ended, 0.5, played, ()) == ""
    assert 2.0 < prelude_s([played.scene]) < 4.0


def test_calls_without_knowledge_are_named_by_the_orchestrators_logs(tmp_path: Path) -> None:
    log = tmp_path / "orchestrator-1.log"
    log.write_text('{"event": "answering without knowledge", "call_id": "CA1"}\n')
    lookups = Lookups(tmp_path)
    with log.open("a") as more:
        more.write('{"call_id": "CA2", "error": "rag is away", "event": "answering without knowledge"}\n')
        more.write('{"call_id": "CA3", "event": "something else"}\n')
    assert lookups.failed() == {"CA2"}


def test_time_of_the_vendor_counts_as_its_own_only_where_it_began_anew() -> None:
    def asked(at: float, over_at: float, *lines: str) -> Asked:
        messages = [{"role": "user", "content": line} for line in lines]
        return Asked("", {"messages": messages}, {}, at, over_at=over_at)

    broken, again = asked(1.0, 2.1, "Look."), asked(2.2, 0.0, "Look.", "(Go on.)")
    assert begun_again_s([broken, again], 2.0) == pytest.approx(1.0)
    assert begun_again_s([broken, asked(2.2, 0.0, "Wait.")], 2.0) == 0.0
    assert begun_again_s([asked(1.0, 1.5, "Look."), again], 2.0) == 0.0
    effect, twice = (Booking("c00", "alpha", "CA1", 1, at) for at in (1.5, 2.5))
    assert done_again_s([effect, twice], 2.0) == pytest.approx(0.5)
    assert done_again_s([effect], 2.0) == 0.0


def kept(row: str, scenes: str, moment: str, calls: int, **more: Any) -> Kept:
    verdicts = [Verdict("c00", moment, moment, True, delay_s=1.0, hole_s=0.2, **more) for _ in range(calls)]
    return Kept(row, "stt-1", "2026-01-01 00:00:00", calls, 10.0, 1.0, verdicts, scenes)


def test_waves_of_other_scenes_are_kept_and_not_used(tmp_path: Path) -> None:
    store = Store("now", tmp_path)
    store.add(kept("none/all", "before", cells.PAUSED, 20))
    assert store.lacking(cells.BASELINE, [cells.PAUSED]) == {cells.PAUSED: 20}
    assert not figures.usual(store)
    store.add(kept("none/all", "now", cells.PAUSED, 20))
    assert store.lacking(cells.BASELINE, [cells.PAUSED]) == {}
    assert figures.usual(store) == {cells.PAUSED: (1.0, 0.2)}
    assert len(list(store.every(cells.BASELINE))) == 2
    assert fingerprint("a") != fingerprint("b")


def test_the_report_tells_of_each_row_whether_its_bounds_were_kept(tmp_path: Path) -> None:
    store = Store("now", tmp_path)
    for moment in cells.BASELINE.moments:
        store.add(kept("none/all", "now", moment, 20))
    for moment in cells.ANSWERING:
        store.add(kept("kill/llm", "now", moment, 20, own_s=0.5))
    late = kept("freeze/tools", "now", cells.TOOL, 20, turn_lost=True)
    store.add(replace(late, verdicts=[replace(late.verdicts[0], delay_s=4.0, own_s=0.5, turn_lost=False)] * 19))
    store.add(kept("freeze/tools", "now", cells.TOOL, 1, turn_lost=True))
    rows = {row.name: (row, each) for row, each in figures.rows(store)}
    noise = bounds.noise(rows["none/all"][1])
    assert bounds.verdict(*rows["kill/llm"], noise) == "- **kill llm**: within bounds"
    assert bounds.verdict(*rows["freeze/tools"], noise) == (
        "- **freeze tools**: **missed** (tool started: 1 turns lost, "
        "2.5 s of extra silence beyond the vendor's own time (bound 2))"
    )
    assert bounds.verdict(*rows["kill/stt"], noise) == "- **kill stt**: not measured yet"
    page = report.page(store)
    assert "**5 of " in page
    assert "100 calls** hit. 1 of 2 rows" in page
    assert "| kill llm | listening, mid-word, tool started | n/a: no model is being asked |" in page


def test_the_end_of_a_run_is_foretold_from_what_is_lacking(tmp_path: Path) -> None:
    store = Store("now", tmp_path)
    rows = [(row, row.moments) for row in cells.ROWS if row.name in ("kill/stt", "is slow/openai")]
    course = Course(store, rows, 40, 14)
    assert course.waves_left() == 4 + 3
    course.played(rows[0][0], 10.0, 40)
    store.add(kept("kill/stt", "now", cells.LISTENING, 20))
    assert course.waves_left() == 3 + 3
    assert course.line().startswith("6 waves of 10 s are left: 1 min, until ")
    course.gave_up(rows[0][0])
    assert course.waves_left() == 3


def test_words_said_into_no_ear_are_excused_only_where_a_gateway_ended() -> None:
    rows = {row.name: row for row in cells.ROWS}
    assert rows["kill/gateway"].excused(cells.LISTENING, 3, 2) == 2
    assert rows["kill/gateway"].excused(cells.MID_WORD, 3, 0) == 3
    assert rows["freeze/gateway"].excused(cells.MID_WORD, 3, 3) == 0
    asked = raw(sound(TOLD.replace("alpha ", "")), said="tell me alpha", understood=("Tell me.",))
    assert (judge(asked).caller_words_lost, judge(asked).bot_words_lost) == (["alpha"], [])


def test_a_silence_that_cannot_be_compared_keeps_no_bound(tmp_path: Path) -> None:
    store = Store("now", tmp_path)
    store.add(kept("kill/tools", "now", cells.TOOL, 20))
    ((row, found),) = [each for each in figures.rows(store) if each[0].name == "kill/tools"]
    assert "not known" in bounds.verdict(row, found, {})


def test_every_cell_is_tried_or_has_a_reason_why_not() -> None:
    for row in cells.ROWS:
        tried, never = set(row.moments), set(row.never)
        assert not tried & never, row.name
        assert tried | never >= set(cells.MOMENTS), row.name
