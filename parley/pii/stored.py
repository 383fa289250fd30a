"""Transcripts as they are kept: with personal data masked, as it was said, or sealed in its place. Pure.

`encrypt` leaves `[card:<sealed>]`, base64 of what the given function makes of it; who may see it opens it again.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Literal

from parley.pii.finding import find_in_lines
from parley.pii.kinds import ALL, KINDS, Kind, Span
from parley.pii.masking import token

Policy = Literal["mask", "keep", "encrypt"]
LINES = 8
"""So many lines of a call are looked at together; a number that is said over more is not seen."""
_SEALED = re.compile(rf"\[({'|'.join(KINDS)}):([A-Za-z0-9_=-]{{1,4000}})\]")


def kept(
    lines: Sequence[str],
    policy: Policy,
    seal: Callable[[bytes], bytes] | None = None,
    kinds: frozenset[Kind] = ALL,
) -> list[str]:
    """The lines of one call, in order, as they may be stored. What is sealed already stays as it is.

    The last LINES are enough for one more line; earlier ones of them may change: a number that was begun in them.
    Raises ValueError: `encrypt`, and nothing to seal with.
    """
    if policy == "encrypt" and seal is None:
        raise ValueError("encrypt: nothing to seal with; set PARLEY_BACKOFFICE_KEY")
    if policy == "keep":
        return list(lines)
    return [_replaced(line, spans, seal if policy == "encrypt" else None) for line, spans in _spans(lines, kinds)]


def opened(text: str, open_: Callable[[bytes], bytes]) -> str:
    """With what was sealed in it as it was said; what cannot be opened any more stays a mask."""
    return _SEALED.sub(lambda match: _opened(match, open_), text)


def covered(text: str) -> str:
    """With masks where something is sealed: for who may not see it."""
    return _SEALED.sub(lambda match: f"[{match[1]}]", text)


def _spans(lines: Sequence[str], kinds: frozenset[Kind]) -> list[tuple[str, list[Span]]]:
    found = find_in_lines([covered(line) if _SEALED.search(line) else line for line in lines], kinds)
    return [(line, [] if _SEALED.search(line) else spans) for line, spans in zip(lines, found, strict=True)]


def _replaced(line: str, spans: Sequence[Span], seal: Callable[[bytes], bytes] | None) -> str:
    parts, at = [], 0
    for span in spans:
        said = line[span.start : span.end]
        sealed = f"[{span.kind}:{urlsafe_b64encode(seal(said.encode())).decode()}]" if seal else token(span.kind)
        parts += [line[at : span.start], sealed]
        at = span.end
    return "".join([*parts, line[at:]])


def _opened(match: re.Match[str], open_: Callable[[bytes], bytes]) -> str:
    try:
        return open_(urlsafe_b64decode(match[2])).decode()
    except Exception:  # a key that was destroyed: whatever the cipher says of it
        return f"[{match[1]}]"
