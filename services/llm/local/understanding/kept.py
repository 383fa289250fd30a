"""The meanings of an agent's phrases, kept on disk beside their model: seconds of work once, not at each start."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import numpy as np
import structlog

from parley.embedding import Vectors
from services.llm.local.understanding.understanding import Embeds

log = structlog.get_logger()

LONG = 16
"""Shorter lists are not kept: working them out takes no longer than reading them."""
MOST_FILES = 48
"""Of two lists for each agent, 1 to 2 MB for a large one; those that were longest not asked for go."""


class Kept:
    """An embedder that keeps what it worked out for long lists in `folder`. Several processes may share it. Where the
    folder cannot be written, or a file in it is broken, it works like the embedder alone."""

    def __init__(self, embedder: Embeds, folder: Path) -> None:
        self._embedder = embedder
        self._folder = folder

    async def embed_async(self, texts: list[str]) -> Vectors:
        """As `Embedder.embed_async`."""
        if len(texts) < LONG:
            return await self._embedder.embed_async(texts)
        path = self._folder / f"{hashlib.sha256(chr(0).join(texts).encode()).hexdigest()[:32]}.npy"
        if (found := await asyncio.to_thread(_read, path, len(texts))) is not None:
            return found
        made = await self._embedder.embed_async(texts)
        await asyncio.to_thread(_write, path, made)
        return made


def _read(path: Path, count: int) -> Vectors | None:
    try:
        found = np.load(path, allow_pickle=False)
        os.utime(path)
    except (OSError, ValueError, EOFError):
        return None
    sound = found.ndim == 2 and len(found) == count and found.dtype == np.float32
    return found if sound else None


def _write(path: Path, vectors: Vectors) -> None:
    """Whole or not at all; the oldest of too many go."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}")
        with new.open("wb") as file:
            np.save(file, vectors)
        new.replace(path)
        newest_first = sorted(path.parent.glob("*.npy"), key=lambda each: each.stat().st_mtime, reverse=True)
        for old in newest_first[MOST_FILES:]:
            old.unlink(missing_ok=True)
    except OSError as e:
        log.info("the meanings of an agent's phrases are not kept", reason=str(e))
