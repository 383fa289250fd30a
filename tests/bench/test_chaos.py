"""What the chaos rig makes of a call: in which moment it was, and what a fault has cost it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.chaos import cells
from bench.chaos.callers import understood
from bench.chaos.evidence import mind_of, moment_of
from bench.chaos.scene import Played, scene
from bench.chaos.talk import ANSWERS, STORY, answer
from bench.chaos.verdict import Raw, judge
from parley.audio import pcm_to_mulaw
from parley.errors import BadInput
from services.orchestrator.prompt import CONTINUE
from tests.sims.wordcodec import render

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
    broken = TOLD.replace("called ", "").replace("ready", "ready ready")
    verdict = judge(raw(sound(broken), said="tell me now", understood=("Tell tell me.",)))
    assert verdict.bot_words_lost == ["called"]
    assert verdict.bot_words_twice == ["ready"]
    assert (verdict.caller_words_lost, verdict.caller_words_twice) == (["now"], ["tell"])
    assert verdict.caller_words_unheard == ["now"]


def test_silence_is_a_lost_turn_and_an_effect_too_many_is_counted() -> None:
    verdict = judge(raw(b"\xff" * 8000, booked=2, books=1))
    assert verdict.turn_lost
    assert (verdict.effects_missing, verdict.effects_doubled) == (0, 1)


def test_a_history_longer_than_what_was_heard_is_found() -> None:
    cut = ANSWERS[STORY].format(mark="alpha bravo")
    heard = sound("this is the story") + sound(TOLD, before_s=1.0)
    asked = len(sound("this is the story")) / 8000 + 0.5
    known = raw(heard, asked_s=asked, cut=cut, history="this is the story")
    assert not judge(known).history_differs
    assert judge(replace(known, history="this is the story of alpha bravo")).history_differs


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
    asked = [{"role": "user", "content": "Tell me a story of alpha bravo."}]
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
