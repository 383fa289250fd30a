"""The voices, one row each. See parley.engines."""

from parley.engines import EngineSpec, Price

ENGINES = {
    "elevenlabs": EngineSpec(
        loads="services.tts.providers.elevenlabs:ElevenLabs",
        settings="services.tts.providers.elevenlabs_settings:ElevenLabsSettings",
        vendor=True,
        needs=("elevenlabs", "websockets"),
        price=Price(tts_thousand_chars=0.05),
    ),
    "hibari": EngineSpec(
        loads="services.tts.providers.hibari:Hibari",
        settings="services.tts.hibari.settings:HibariSettings",
        needs=("hibari", "onnxruntime", "onnx", "soxr"),
        languages=("en",),
        about="services.tts.hibari.about:about",
    ),
    "local": EngineSpec(loads="services.tts.providers.local:Local", needs=("espeakng_loader", "soxr")),
}
