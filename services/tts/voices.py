"""Which voice an engine uses, from the one string that a caller sends."""

from __future__ import annotations


def voice_for(engine: str, value: str, preferred: bool) -> str:
    """The voice for `engine` in `value`; "" = the engine's own default.

    `value` is one voice, meant for the preferred engine ("Xb7hH8MSUJpSbSDYk0k2"), or names engines:
    "vendor=Xb7hH8MSUJpSbSDYk0k2;local=en-us+f3".
    """
    if "=" not in value:
        return value.strip() if preferred else ""
    named = (part.partition("=") for part in value.split(";"))
    return next((voice.strip() for name, _, voice in named if name.strip().lower() == engine), "")
