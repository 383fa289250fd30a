"""The voices by name; each is imported only when chosen."""

KNOWN = {
    "elevenlabs": "services.tts.providers.elevenlabs:ElevenLabs",
    "hibari": "services.tts.providers.hibari:Hibari",
    "local": "services.tts.providers.local:Local",
}
HERE = {"hibari": "hibari", "local": "espeakng_loader"}
"""Those of this machine, best first, and the package that each needs."""
LANGUAGES = {"hibari": ("en",)}
"""Of an engine that does not speak all of them; by their first part, as in `en-US`."""


def speaks(name: str, language: str) -> bool:
    its = LANGUAGES.get(name)
    return its is None or not language or language.lower().replace("_", "-").split("-")[0] in its
