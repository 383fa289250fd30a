"""What the engine without a vendor worked out once, a process that starts later reads."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from parley.embedding import Vectors
from services.llm.local.understanding.kept import LONG, MOST_FILES, Kept

PHRASES = [f"where is order {n}" for n in range(LONG)]


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


class Counting:
    """An embedder that tells how many texts it was given."""

    def __init__(self) -> None:
        self.texts = 0

    async def embed_async(self, texts: list[str]) -> Vectors:
        self.texts += len(texts)
        return np.array([[len(text), hash(text) % 97] for text in texts], np.float32)


async def test_the_same_phrases_are_worked_out_once_for_all_processes(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    made = await Kept(first, tmp_path / "phrases").embed_async(PHRASES)
    again = await Kept(second, tmp_path / "phrases").embed_async(PHRASES)
    assert (again == made).all()
    assert (first.texts, second.texts) == (LONG, 0)
    await Kept(second, tmp_path / "phrases").embed_async([*PHRASES[:-1], "another"])
    assert second.texts == LONG, "an edit is other phrases"


async def test_what_callers_say_is_not_kept(tmp_path: Path) -> None:
    await Kept(Counting(), tmp_path / "phrases").embed_async(["my name is Ann"])
    assert not (tmp_path / "phrases").exists()


@pytest.mark.parametrize("broken", [b"", b"\x93NUMPY", b"no array"])
async def test_a_broken_file_is_made_anew(tmp_path: Path, broken: bytes) -> None:
    counting = Counting()
    kept = Kept(counting, tmp_path)
    made = await kept.embed_async(PHRASES)
    (file,) = files(tmp_path)
    file.write_bytes(broken)
    assert (await kept.embed_async(PHRASES) == made).all()
    assert (await kept.embed_async(PHRASES) == made).all()
    assert counting.texts == 2 * LONG


async def test_a_file_of_another_shape_is_not_taken(tmp_path: Path) -> None:
    counting = Counting()
    kept = Kept(counting, tmp_path)
    await kept.embed_async(PHRASES)
    (file,) = files(tmp_path)
    np.save(file, np.zeros((LONG, 2), np.float64))
    assert (await kept.embed_async(PHRASES)).dtype == np.float32
    assert counting.texts == 2 * LONG


async def test_where_nothing_can_be_written_it_works_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "phrases").write_text("no folder")
    assert len(await Kept(Counting(), tmp_path / "phrases").embed_async(PHRASES)) == LONG


async def test_there_are_not_ever_more_files(tmp_path: Path) -> None:
    for n in range(MOST_FILES):
        (tmp_path / f"old-{n}.npy").touch()
        os.utime(tmp_path / f"old-{n}.npy", (n, n))
    await Kept(Counting(), tmp_path).embed_async(PHRASES)
    left = [file.name for file in files(tmp_path)]
    assert len(left) == MOST_FILES
    assert "old-0.npy" not in left
