"""An agent's sentences as its file may write them: as they stand, or `{text: ..., interruptible: false}`."""

from __future__ import annotations

from typing import Any

MUST_HEAR = ("unavailable", "too_long", "time_is_up")
"""Not interrupted unless the file says otherwise: short words that end something."""


def plain(data: dict[str, Any]) -> dict[str, Any]:
    """The file's mapping with every sentence as text, and in `must_hear` the names of those not to be interrupted.

    Raises ValueError that names the field and the remedy.
    """
    if "must_hear" in data:
        raise ValueError("must_hear: not a field; write {text: ..., interruptible: false} at the sentence itself")
    out, names = dict(data), set(MUST_HEAR)
    for key, section in (("greeting", ""), ("goodbye", "silence"), *((k, "sentences") for k in _keys(data))):
        holder = out.get(section) if section else out
        if not isinstance(holder, dict) or not isinstance(holder.get(key), dict):
            continue
        field = f"{section}.{key}" if section else key
        text, interruptible = read(field, holder[key])
        names.discard(key)
        names.update(() if interruptible else (key,))
        if section:
            out[section] = {**holder, key: text}
        else:
            out[key] = text
    return {**out, "must_hear": tuple(sorted(names))}


def _keys(data: dict[str, Any]) -> list[str]:
    sentences = data.get("sentences")
    return [str(key) for key in sentences] if isinstance(sentences, dict) else []


def read(field: str, value: dict[str, Any], interruptible: bool = True) -> tuple[str, bool]:
    """The words of a marked sentence, and whether they may be interrupted: `interruptible` unless it says so.

    Raises ValueError that names the field and the remedy.
    """
    if unknown := sorted(set(map(str, value)) - {"text", "interruptible"}):
        raise ValueError(f"{field}: unknown {', '.join(unknown)}; a sentence has `text` and `interruptible`")
    text, interruptible = value.get("text"), value.get("interruptible", interruptible)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{field}.text: missing; write the words to be said")
    if not isinstance(interruptible, bool):
        raise ValueError(f"{field}.interruptible: {interruptible!r} is neither true nor false")
    return text, interruptible
