"""An agent's knowledge files into the index: what changed is replaced, what is gone removed, the rest left alone."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import Counter

from parley.embedding import Embedder
from services.rag import words
from services.rag.index import Entry, VectorIndex
from services.rag.passages import Document, split

log = structlog.get_logger()

FILES_REFUSED = Counter("voice_rag_files_refused_total", "Knowledge files that were not read", ["why"])

MOST_FILES = 1000
MOST_BYTES = 1 << 20
_SUFFIXES = (".md", ".txt")
# Part of each file's hash: raise it when files are to be cut or embedded in another way.
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Ingested:
    """`files`: read; `passages`: of those that changed."""

    files: int
    changed: int
    removed: int
    passages: int


async def ingest(folder: Path, agent: str, language: str, embedder: Embedder, index: VectorIndex) -> Ingested:
    """Bring the index up to date with `folder`/*.md|txt. Raises what the index raises; safe to repeat."""
    texts = await asyncio.to_thread(_read, folder)
    known = await index.files(agent)
    salt = f"{_VERSION}\0{embedder.name}\0{language}\0"
    changed = passages = 0
    for file, text in texts.items():
        content = hashlib.sha256((salt + text).encode()).hexdigest()[:32]
        if known.get(file) == content:
            continue
        document = await asyncio.to_thread(split, text, embedder.tokens)
        entries = await _entries(file, document, language, embedder)
        if not entries and file not in known:
            continue
        await index.replace(agent, file, content, entries)
        changed += 1
        passages += len(entries)
    gone = sorted(set(known) - set(texts))
    for file in gone:
        await index.remove(agent, file)
    return Ingested(len(texts), changed, len(gone), passages)


async def _entries(file: str, document: Document, language: str, embedder: Embedder) -> list[Entry]:
    # The heading is what a passage is about, so it is searched with; it is not said, so it is not in the text.
    searched = [f"{passage.heading}\n{passage.text}".strip() for passage in document.passages]
    vectors = await embedder.embed_async(searched)
    return [
        Entry(
            text=passage.text,
            source=f"{file} > {passage.heading}" if passage.heading else file,
            dense=vector,
            sparse=words.of_passage(text, language),
            meta=document.meta,
        )
        for passage, text, vector in zip(document.passages, searched, vectors, strict=True)
    ]


def _read(folder: Path) -> dict[str, str]:
    """File name -> text. A file that cannot be read is named in the log, counted and left out."""
    paths = sorted(path for path in folder.glob("*") if path.suffix in _SUFFIXES and path.is_file())
    for path in paths[MOST_FILES:]:
        _refuse(path, "too many", f"at most {MOST_FILES} files are read from a folder")
    texts = {}
    for path in paths[:MOST_FILES]:
        if path.stat().st_size > MOST_BYTES:
            _refuse(path, "too large", f"at most {MOST_BYTES} bytes; cut it into several files")
            continue
        try:
            texts[path.name] = path.read_text("utf-8")
        except (UnicodeDecodeError, OSError) as e:
            _refuse(path, "unreadable", f"save it as UTF-8 text ({e})")
    return texts


def _refuse(path: Path, why: str, remedy: str) -> None:
    FILES_REFUSED.labels(why).inc()
    log.warning("knowledge file not read", file=str(path), why=why, remedy=remedy)
