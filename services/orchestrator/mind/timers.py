"""The timers of a call, by name. What each does when it is due stands in `turn.py`."""

from __future__ import annotations

from enum import StrEnum


class T(StrEnum):
    AWAY = "away"  # nobody speaks
    MONOLOGUE = "monologue"  # the caller does not stop
    RETRIEVE = "retrieve"  # knowledge is looked for, or where the bot was stopped
    AGAIN = "again"  # before a round is tried again
    STABLE = "stable"  # the caller's words have not changed
    LATE = "filler"  # the answer is late
    LONG = "tool_filler"  # a tool takes long
    UNHEARD = "unheard"  # the gateway owes what was heard
    BARGE_IN = "barge_in"  # a voice over the bot's
    WORDLESS = "wordless"  # a voice without a word
    HOLD = "hold"  # words wait for the caller to be quiet
    RESUME = "resume"  # the bot has paused, and nothing comes
    PROTECTED = "protected"  # the first moments of what must be heard
    RELEASED = "released"  # the button was let go
    DTMF = "dtmf"  # more keys may come
    CALL = "call"  # the longest a call may be
    ENDING = "ending"  # the leg is to end
