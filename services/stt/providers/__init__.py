"""The recognisers by name; each is imported only when chosen."""

from collections.abc import Mapping
from typing import Any

KNOWN = {
    "deepgram": "services.stt.providers.deepgram:Deepgram",
    "flux": "services.stt.providers.flux:Flux",
    "local": "services.stt.providers.local:Local",
    "whisper": "services.stt.providers.whisper:Whisper",
}


def introduce(engines: Mapping[str, Any]) -> None:
    """Those that ask each other: whisper asks local about numbers."""
    if "whisper" in engines and "local" in engines:
        engines["whisper"].second = engines["local"]
