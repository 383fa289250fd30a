"""What the words of a turn tell about the caller's way of pausing."""

from __future__ import annotations

from services.stt.contract import Final, Interim, Pauses

PAUSE_MS = 200  # less is articulation
CUT_IN_MS = 1200  # who goes on so soon after the end of the turn had not ended it


def learned(known: Pauses, final: Final, before: Final | None) -> Pauses:
    """`known`, and the pauses between the words of `final`, the first one counted from the final before it."""
    spans = [(word.start_ms, word.end_ms) for word in final.words] or [(final.start_ms, final.end_ms)]
    end = before.end_ms if before is not None else spans[0][0]
    for begin, until in spans:
        pause = begin - end
        if pause >= PAUSE_MS:
            mean = (known.mean_ms * known.count + pause) // (known.count + 1)
            known = Pauses(known.count + 1, mean, max(known.max_ms, pause))
        end = until
    return known


def cut_in(last: Final | None, words: Final | Interim) -> bool:
    """`words` go on with the turn that ended with `last`: its end was decided too early."""
    return last is not None and 0 < words.start_ms - last.end_ms <= CUT_IN_MS
