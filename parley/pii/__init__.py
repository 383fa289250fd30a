"""Personal data in text: found and masked before text leaves a process. Pure.

`find(text)` gives spans, `mask(text)` the text with `[card]` in their places. Written and spoken forms; English first,
German, Spanish and French where their forms differ. How well it does: docs/privacy.md.
"""

from parley.pii.finding import MAX_CHARS, Window, find, find_in_lines
from parley.pii.kinds import ALL, KINDS, Kind, Span
from parley.pii.masking import mask, mask_value

__all__ = ["ALL", "KINDS", "MAX_CHARS", "Kind", "Span", "Window", "find", "find_in_lines", "mask", "mask_value"]
