"""`parley size`: its figures are those that were measured, its arithmetic is right, and the docs say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.sizing import figures
from cli.sizing.figures import PROFILES, round_down
from cli.sizing.size import Load, Row, connections, database_rows, minute, nats, network, rows
from cli.sizing.text import text
from parley.engines import Price

DOCS = Path(__file__).parents[2] / "docs"


def _table(document: str, head: str, server: str) -> dict[str, str]:
    """The last row of a server in the table with this head, within docs/benchmarks.md's part `largest`."""
    part = document.split("<!-- largest: begin -->")[1].split("<!-- largest: end -->")[0]
    lines = part.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(head))
    names = [cell.strip() for cell in lines[at].strip("|").split("|")]
    row = next(line for line in lines[at:] if line.startswith(f"| {server} |"))
    return dict(zip(names, (cell.strip() for cell in row.strip("|").split("|")), strict=True))


def test_the_figures_are_those_that_were_measured() -> None:
    document = (DOCS / "benchmarks.md").read_text("utf-8")
    measured = _table(document, "| server | calls | gateway", "parley+vad")
    for service, figure in PROFILES["cloud"].items():
        if figure.source in (figures.LARGEST, figures.IDLE):
            assert figure.cpu_ms == float(measured[service]), f"{service}: docs/benchmarks.md was measured anew"
    assert float(measured["nats"]) == figures.NATS_MS
    whole = _table(document, "| server | calls | turns", "parley+vad")
    assert float(whole["MB per call"]) == figures.CALL_MB
    assert float(whole["core"].rstrip(" %")) / 100 >= figures.CARRIED
    assert f"at {measured['calls']} calls" in figures.LARGEST
    whisper, voices = ((DOCS / name).read_text("utf-8") for name in ("whisper.md", "voices.md"))
    assert "| 12 (two of them went to the next engine) | 331 / 540 ms | 890 ms | 0.23 |" in whisper
    assert "| calls that never stop speaking, on one core | 85 |" in voices


def test_the_docs_say_what_the_command_says() -> None:
    document = (DOCS / "scale.md").read_text("utf-8")
    for load in (Load(10_000), Load(10_000, "local")):
        assert text(load) in document, f"put what `parley size --profile {load.profile}` prints into docs/scale.md"


def test_twice_the_calls_take_about_twice_of_everything() -> None:
    one, two = Load(10_000), Load(20_000)
    for few, many in zip(rows(one), rows(two), strict=True):
        assert few.replicas - 1 <= many.replicas / 2 <= few.replicas
    assert nats(two).writes == pytest.approx(2 * nats(one).writes)
    assert database_rows(two) == 2 * database_rows(one)
    for way, rate in network(one).items():
        assert network(two)[way] == pytest.approx(2 * rate)


def test_connections_do_not_grow_as_a_product() -> None:
    def house(replicas: int) -> list[Row]:
        names = ("gateway", "orchestrator", "stt", "tts", "llm", "tools", "rag")
        return [Row(name, replicas, 0, 0, PROFILES["cloud"]["gateway"]) for name in names]

    assert connections(house(3)) == 3 * 3 * 6
    assert connections(house(40)) == 40 * figures.PEERS * 6
    assert connections(house(80)) == 2 * connections(house(40))


def test_a_minute_costs_what_the_lists_say() -> None:
    load = Load(1000, turn_s=6, input_tokens=1000, output_tokens=100)
    mind = Price(input_million=1, output_million=10)
    told = minute(load, Price(stt_minute=0.01), mind, Price(tts_thousand_chars=0.1))
    assert told["stt"] == 0.01
    assert told["llm"] == pytest.approx(10 * (0.001 + 0.001))
    assert told["tts"] == pytest.approx(10 * figures.SPOKEN_CHARS / 1000 * 0.1)
    cores = sum(row.cores for row in rows(load))
    assert told["cores"] == pytest.approx((cores + 3 * nats(load).cores) * 0.04 / 60 / 1000)


def test_a_replica_takes_what_it_was_seen_to_carry() -> None:
    assert [round_down(number) for number in (254, 3061, 96, 7.9, 12_999)] == [250, 3000, 96, 7, 12_000]
    for profile in PROFILES.values():
        for figure in profile.values():
            assert figure.cpu_ms * figure.carries / 1000 <= figure.cores
            assert 1 <= figure.capacity <= figure.carries or figure.streams < 1
