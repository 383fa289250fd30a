"""The voices by name; each is imported only when chosen."""

KNOWN = {
    "elevenlabs": "services.tts.providers.elevenlabs:ElevenLabs",
    "hibari": "services.tts.providers.hibari:Hibari",
    "local": "services.tts.providers.local:Local",
}
HERE = {"hibari": ("hibari", "onnxruntime", "onnx"), "local": ("espeakng_loader",)}
"""Those of this machine, best first, and the packages that each needs."""
LANGUAGES = {"hibari": ("en",)}
"""Of an engine that does not speak all of them; by their first part, as in `en-US`."""

ABOUT = {"hibari": "services.tts.hibari.about:about"}
"""What an engine of this machine has to tell of itself, from the settings; it may take a second or two."""


def speaks(name: str, language: str) -> bool:
    its = LANGUAGES.get(name)
    return its is None or not language or language.lower().replace("_", "-").split("-")[0] in its
