"""The recognisers by name; each is imported only when chosen."""

KNOWN = {
    "deepgram": "services.stt.providers.deepgram:Deepgram",
    "flux": "services.stt.providers.flux:Flux",
    "local": "services.stt.providers.local:Local",
    "whisper": "services.stt.providers.whisper:Whisper",
}
