"""The bench of cut-ins: what it counts, and that its own set is what its page says."""

import json
from pathlib import Path

import pytest

from bench import endpointing
from bench.endpointing import OWN, SIDE_BY_SIDE, interval, measure, read
from bench.turns.caller import Turn, call
from services.stt.contract import Endpointing


def turn(*words: tuple[str, int, int], **more: object) -> Turn:
    said = [{"text": text, "start_ms": begin, "end_ms": end} for text, begin, end in words]
    return Turn.read({"name": "x", "words": said, **more})


def test_a_pause_that_is_taken_for_the_end_is_a_cut_in() -> None:
    halves = turn(("the blue one", 0, 900), ("with the basket", 1600, 2500))
    patient, hasty = (call([halves], Endpointing(policy="fixed", min_delay_ms=ms))[0] for ms in (900, 300))
    assert (patient.cut_ins, hasty.cut_ins) == (0, 1)
    assert hasty.cut_at == "the blue one <700> "
    assert patient.wait_ms is not None
    assert 900 <= patient.wait_ms <= 940


def test_a_turn_that_was_not_over_has_no_wait_and_its_end_is_a_cut_in() -> None:
    heard = call([turn(("my number is", 0, 900), final=False)], Endpointing(policy="fixed", min_delay_ms=300))[0]
    assert heard.cut_ins == 1
    assert heard.wait_ms is None


def test_the_own_set_is_large_and_meaning_beats_silence_on_it() -> None:
    calls = read(OWN)
    assert sum(map(len, calls)) >= 150
    by_meaning, fixed_300, fixed_800 = (measure(calls, SIDE_BY_SIDE[n]) for n in ("meaning", "fixed 300", "fixed 800"))
    assert by_meaning.pauses >= 150
    assert by_meaning.cut_ins < 0.3 * fixed_300.cut_ins
    assert (
        sorted(by_meaning.waits)[len(by_meaning.waits) // 2] < 0.5 * sorted(fixed_800.waits)[len(fixed_800.waits) // 2]
    )


def test_wilsons_interval() -> None:
    low, high = interval(5, 161)
    assert (round(low, 1), round(high, 1)) == (1.3, 7.1)
    assert interval(0, 0) == (0.0, 100.0)


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps({"name": "a", "words": []}) + "\n")
    with pytest.raises(ValueError, match=r"set.jsonl:1: .*words: are missing"):
        read(path)


def test_each_set_is_reported_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(OWN.read_text().splitlines()[0] + "\n")
    endpointing.main([str(OWN), str(path), "--misses"])
    out = capsys.readouterr().out
    assert "own.jsonl: 42 callers" in out
    assert "other.jsonl: 1 callers, 1 turns" in out
    assert "| fixed 800 |" in out
