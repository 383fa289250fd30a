"""ElevenLabs' wire, outwards: addresses, formats, and what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from parley.audio import AudioFormat
from parley.errors import BadInput, Misconfigured
from services.tts.contract import TtsConfig

_PCM_RATES = (8000, 16000, 24000)
_SLOWEST, _FASTEST = 0.7, 1.2


@dataclass(frozen=True, slots=True)
class Base:
    """The vendor's address in both schemes, without `/v1`: what of the path stands before it is kept."""

    http: str
    ws: str

    @classmethod
    def parse(cls, url: str) -> Base:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme not in ("http", "https", "ws", "wss") or not parts.netloc:
            raise Misconfigured(
                f"ELEVENLABS_BASE_URL: {url!r} is no address; write it as https://host or ws://host:port"
            )
        secure = "s" if parts.scheme in ("https", "wss") else ""
        path = f"{parts.path}/".partition("/v1/")[0].rstrip("/")
        return cls(f"http{secure}://{parts.netloc}{path}", f"ws{secure}://{parts.netloc}{path}")


def output_format(audio: AudioFormat) -> str:
    """The vendor's name of a format. Raises BadInput for what it cannot give."""
    if audio.rate == 8000 and (law := {"mulaw": "ulaw", "alaw": "alaw"}.get(audio.encoding)):
        return f"{law}_8000"
    if audio.encoding == "pcm_s16le" and audio.rate in _PCM_RATES:
        return f"pcm_{audio.rate}"
    rates = ", ".join(map(str, _PCM_RATES))
    raise BadInput(
        f"format: elevenlabs gives mulaw and alaw at 8000, pcm_s16le at {rates}; not {audio.encoding} at {audio.rate}"
    )


def language_code(model: str, language: str) -> str:
    """ "en-US" -> "en", for models that take a language; the others refuse the parameter."""
    return language.partition("-")[0].lower() if model.endswith("_v2_5") else ""


def socket_url(base: Base, voice: str, model: str, config: TtsConfig) -> str:
    query = {
        "model_id": model,
        "output_format": output_format(config.format),
        # Whole phrases come in: no waiting for more text before the first audio.
        "auto_mode": "true",
        "sync_alignment": "true",
        "inactivity_timeout": "180",
    }
    if language := language_code(model, config.language):
        query["language_code"] = language
    return f"{base.ws}/v1/text-to-speech/{quote(voice, safe='')}/stream-input?{urlencode(query)}"


def speed(config: TtsConfig) -> float:
    return min(max(config.speed, _SLOWEST), _FASTEST)


def opening(config: TtsConfig) -> str:
    """The first message. Settings of the voice are left as they are stored, unless a speed is asked for."""
    message: dict[str, Any] = {"text": " "}
    if config.speed != 1:
        message["voice_settings"] = {"speed": speed(config)}
    return orjson.dumps(message).decode()


def phrase(text: str) -> str:
    """Text to be spoken now. `flush` for servers that do not know `auto_mode`; it must end with a space."""
    return orjson.dumps({"text": text if text[-1:].isspace() else text + " ", "flush": True}).decode()


CLOSING = '{"text":""}'
