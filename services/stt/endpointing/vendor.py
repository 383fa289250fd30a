"""The recogniser's own opinion: Flux's end of turn, or v1's `speech_final` and `UtteranceEnd`; at last, silence.

Its early opinion becomes the eager end; `min_delay_ms` is kept all the same.
"""

from __future__ import annotations

from services.stt.contract import Expect
from services.stt.endpointing.eager import LIKELY
from services.stt.endpointing.policy import Quiet, Wait


def vendor(quiet: Quiet) -> Wait:
    if quiet.wish.expect is Expect.BUTTON:
        return Wait(None, 0.0, quiet.flush_ms)
    if quiet.vendor_final:
        return Wait(quiet.wish.min_delay_ms, 1.0, quiet.max_ms)
    early = quiet.vendor_over
    return Wait(quiet.max_ms, 0.0 if early is None else max(LIKELY, early), quiet.max_ms)
