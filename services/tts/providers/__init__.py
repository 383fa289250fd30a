"""The voices by name; each is imported only when chosen."""

KNOWN = {
    "elevenlabs": "services.tts.providers.elevenlabs:ElevenLabs",
    "hibari": "services.tts.providers.hibari:Hibari",
    "local": "services.tts.providers.local:Local",
}
