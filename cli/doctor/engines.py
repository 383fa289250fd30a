"""Which engine serves each stage, and why: in words, for `parley run` and `parley doctor`."""

from __future__ import annotations

from parley.engines import engines_of
from parley.settings import Settings, Stage

STAGES: tuple[Stage, ...] = ("stt", "llm", "tts")
BODILY = {"stt": "ears", "llm": "mind", "tts": "voice"}


def why(settings: Settings, stage: Stage) -> str:
    """Why `settings.engines(stage)` is what it is."""
    if {"stt": settings.stt, "llm": settings.llm, "tts": settings.tts}[stage]:
        return f"PARLEY_{stage.upper()} names it"
    if settings.profile:
        return f"PARLEY_PROFILE is {settings.profile}"
    if its := settings.vendor(settings.engines(stage)[0], stage):
        return f"{its.variable('api_key')} is set"
    vendors = [its for name in engines_of(stage) if (its := settings.vendor(name, stage)) is not None]
    keys = dict.fromkeys(its.variable("api_key") for its in vendors)
    return f"{' and '.join(keys)} {'is' if len(keys) == 1 else 'are'} not set"
