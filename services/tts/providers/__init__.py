"""The voices by name; each is imported only when chosen."""

KNOWN = {
    "elevenlabs": "services.tts.providers.elevenlabs:ElevenLabs",
    "local": "services.tts.providers.local:Local",
}
