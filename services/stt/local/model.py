"""The language model and dictionary of one agent as files, built once and kept by the hash of what they come from."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from parley.agents.agent import Agent
from parley.text import phrases, spoken
from services.stt.local.arpa import arpa
from services.stt.local.corpus import Corpus, knowledge
from services.stt.local.dictionary import dictionary, read_cmudict

MAX_KEYTERMS = 100
KEPT = 16
_LM = "language.arpa"
_WORDS = "words.dict"
_GUESSED = "guessed.txt"


@dataclass(frozen=True, slots=True)
class Model:
    """`lm` an ARPA file, `words` a dictionary of the same words, `guessed` words whose sound is not in CMUdict."""

    lm: Path
    words: Path
    guessed: tuple[str, ...] = ()


def cmudict() -> Path:
    import pocketsphinx

    return Path(pocketsphinx.get_model_path()) / "en-us" / "cmudict-en-us.dict"


def folder_of(cache: Path, agent: Agent, keyterms: Sequence[str]) -> Path:
    """Where the model of this agent, these extra keyterms and this recipe lies, or will lie."""
    digest = hashlib.sha256(_recipe())
    for part in (agent.name, agent.version, *keyterms):
        digest.update(part.encode() + b"\0")
    return cache / digest.hexdigest()[:16]


def load(folder: Path) -> Model | None:
    """The model in `folder`, or None when it is not built yet."""
    if not (folder / _GUESSED).is_file():
        return None
    return Model(folder / _LM, folder / _WORDS, tuple((folder / _GUESSED).read_text("utf-8").split()))


def build(folder: Path, agent: Agent, agent_folder: Path, keyterms: Sequence[str] = ()) -> Model:
    """Build the model into `folder`, whole or not at all. Takes two to three seconds.

    Raises BadInput: a phrase of the agent that cannot be parsed. Removes the oldest of more than 16 models.
    """
    sentences = list(Corpus(agent, knowledge(agent_folder / "knowledge"), keyterms[:MAX_KEYTERMS]).sentences())
    lines, guessed = dictionary((word for sentence in sentences for word in sentence), read_cmudict(cmudict()))
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        (made / _LM).write_text(arpa(sentences), "utf-8")
        (made / _WORDS).write_text(lines, "utf-8")
        (made / _GUESSED).write_text("\n".join(guessed), "utf-8")
        os.rename(made, folder)
    except OSError:
        if load(folder) is None:  # not simply somebody who was faster
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    _prune(folder.parent)
    return Model(folder / _LM, folder / _WORDS, tuple(guessed))


def _prune(cache: Path) -> None:
    models = sorted((p for p in cache.iterdir() if (p / _GUESSED).is_file()), key=lambda p: p.stat().st_mtime)
    for old in models[:-KEPT]:
        logging.getLogger(__name__).info("old language model removed")
        shutil.rmtree(old, ignore_errors=True)


@lru_cache(maxsize=1)
def _recipe() -> bytes:
    """The code that makes a model: when it changes, models are made anew."""
    here = Path(__file__).parent
    files = [here / f"{name}.py" for name in ("acts", "arpa", "corpus", "dictionary", "model", "numbers")]
    files += [Path(str(module.__file__)) for module in (phrases, spoken)]
    return b"".join(path.read_bytes() for path in files)
