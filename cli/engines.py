"""Which engine serves each stage, and why: in words, for `parley run` and `parley doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from parley.settings import Settings, Stage

STAGES: tuple[Stage, ...] = ("stt", "llm", "tts")
BODILY = {"stt": "ears", "llm": "mind", "tts": "voice"}


@dataclass(frozen=True)
class Vendor:
    """A vendor as the settings know it. `key`, `url`: names of variables."""

    name: str
    key: str
    url: str
    key_value: str
    url_value: str


def vendor(settings: Settings, stage: Stage) -> Vendor:
    """The vendor of a stage."""
    return {
        "stt": Vendor(
            "deepgram", "DEEPGRAM_API_KEY", "DEEPGRAM_BASE_URL",
            settings.deepgram_api_key.get_secret_value(), settings.deepgram_base_url,
        ),
        "llm": Vendor(
            "openai", "OPENAI_API_KEY", "OPENAI_BASE_URL",
            settings.openai_api_key.get_secret_value(), settings.openai_base_url,
        ),
        "tts": Vendor(
            "elevenlabs", "ELEVENLABS_API_KEY", "ELEVENLABS_BASE_URL",
            settings.elevenlabs_api_key.get_secret_value(), settings.elevenlabs_base_url,
        ),
    }[stage]  # fmt: skip


def why(settings: Settings, stage: Stage) -> str:
    """Why `settings.engines(stage)` is what it is."""
    named = {"stt": settings.stt, "llm": settings.llm, "tts": settings.tts}[stage]
    its = vendor(settings, stage)
    if named:
        return f"PARLEY_{stage.upper()} names it"
    if settings.profile:
        return f"PARLEY_PROFILE is {settings.profile}"
    return f"{its.key} is set" if its.key_value else f"{its.key} is not set"


def known(stage: Stage) -> list[str]:
    """Names of the engines a stage can have."""
    return sorted(import_module(f"services.{stage}.providers").KNOWN)


def about(stage: Stage) -> dict[str, str]:
    """Of the engines of a stage that can tell of themselves, "module:function" by name."""
    return getattr(import_module(f"services.{stage}.providers"), "ABOUT", {})
