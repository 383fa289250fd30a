"""What lies in the knowledge folder is what is found; only what changed is read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.embedding import Embedder
from services.rag import ingestion, words
from services.rag.index import Entry, Found, VectorIndex, whole_files
from services.rag.ingestion import Ingested, ingest
from tests.rag.conftest import HOURS


async def ask(index: VectorIndex, embedder: Embedder, question: str, **filters: str) -> list[Found]:
    dense = embedder.embed([question])[0]
    return await index.search("desk", dense, words.of_question(question, "en"), 3, filters)


async def read(agents: Path, embedder: Embedder, index: VectorIndex) -> Ingested:
    return await ingest(agents / "desk" / "knowledge", "desk", "en", embedder, index)


async def test_a_question_in_other_words_finds_its_passage(
    agents: Path, embedder: Embedder, index: VectorIndex
) -> None:
    assert await read(agents, embedder, index) == Ingested(files=3, changed=3, removed=0, passages=4)
    best = (await ask(index, embedder, "can I get my money back for something I bought"))[0]
    assert best.source == "returns.md > Returns > Refunds"
    assert best.text.startswith("You can send back any purchase")
    assert 0.3 < best.score <= 1


async def test_a_part_number_is_found_by_its_word(agents: Path, embedder: Embedder, index: VectorIndex) -> None:
    await read(agents, embedder, index)
    for question in ("ZX-4471", "what about zx-4471"):
        assert (await ask(index, embedder, question))[0].source.endswith("Exchanges")


async def test_both_halves_decide_the_order(agents: Path, embedder: Embedder, index: VectorIndex) -> None:
    await read(agents, embedder, index)
    found = await ask(index, embedder, "do you work on sundays")
    assert found[0].source.startswith("hours.md")
    assert all(0 <= one.score <= 1 for one in found)
    assert len({one.text for one in found}) == 3


async def test_a_filter_leaves_only_what_it_names(agents: Path, embedder: Embedder, index: VectorIndex) -> None:
    await read(agents, embedder, index)
    for filters in ({"topic": "hours"}, {"file": "hours.md"}, {"file": "hours.md", "topic": "hours"}):
        found = await ask(index, embedder, "can I get my money back", **filters)
        assert {one.source for one in found} == {"hours.md > Opening hours"}
    assert await ask(index, embedder, "can I get my money back", topic="cars") == []
    assert await ask(index, embedder, "can I get my money back", agent="other") == []


async def test_another_agent_knows_nothing_of_it(agents: Path, embedder: Embedder, index: VectorIndex) -> None:
    await read(agents, embedder, index)
    dense = embedder.embed(["refund"])[0]
    assert await index.search("other", dense, words.of_question("refund", "en"), 3, {}) == []
    assert await index.files("other") == {}


async def test_only_what_changed_is_read_again(agents: Path, embedder: Embedder, index: VectorIndex) -> None:
    await read(agents, embedder, index)
    assert await read(agents, embedder, index) == Ingested(files=3, changed=0, removed=0, passages=0)
    knowledge = agents / "desk" / "knowledge"
    (knowledge / "hours.md").write_text(HOURS.replace("six in the evening", "eight at night"))
    (knowledge / "shipping.txt").unlink()
    assert await read(agents, embedder, index) == Ingested(files=2, changed=1, removed=1, passages=1)
    texts = [one.text for one in await ask(index, embedder, "opening hours in the evening")]
    assert "eight at night" in texts[0]
    assert not any("six in the evening" in text or "Parcels" in text for text in texts)


async def test_another_version_in_the_index_is_replaced(agents: Path, embedder: Embedder, index: VectorIndex) -> None:
    await read(agents, embedder, index)
    whole = (await index.files("desk"))["returns.md"]
    old = Entry("old words", "returns.md", embedder.embed(["old words"])[0], words.of_passage("old words", "en"))
    await index.replace("desk", "returns.md", "another", [old])
    assert (await index.files("desk"))["returns.md"] == "another"
    assert (await read(agents, embedder, index)).changed == 1
    assert (await index.files("desk"))["returns.md"] == whole
    assert "old words" not in [one.text for one in await ask(index, embedder, "old words")]


def test_what_a_kill_leaves_behind_reads_as_a_file_to_be_replaced() -> None:
    whole = [{"file": "a.md", "content": "new", "of": 2}] * 2
    assert whole_files(whole) == {"a.md": "new"}
    assert whole_files(whole[:1]) == {"a.md": ""}
    assert whole_files([*whole, {"file": "a.md", "content": "old", "of": 1}]) == {"a.md": ""}


async def test_a_file_that_cannot_be_read_is_left_out(
    agents: Path, embedder: Embedder, index: VectorIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge = agents / "desk" / "knowledge"
    (knowledge / "latin.md").write_bytes("Prix : 5 \xa4".encode("latin-1"))
    (knowledge / "long.txt").write_text("word " * 1000)
    (knowledge / "empty.md").write_text("\n\n")
    (knowledge / "photo.jpg").write_bytes(b"\xff\xd8")
    monkeypatch.setattr(ingestion, "MOST_BYTES", 4000)
    before = {why: ingestion.FILES_REFUSED.labels(why)._value.get() for why in ("unreadable", "too large")}
    assert (await read(agents, embedder, index)).changed == 3
    for why, count in before.items():
        assert ingestion.FILES_REFUSED.labels(why)._value.get() == count + 1
    assert sorted(await index.files("desk")) == ["hours.md", "returns.md", "shipping.txt"]
