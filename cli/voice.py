"""A caller's voice: espeak-ng, which is GPL and therefore speaks in the process of the local voice."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from parley.errors import BadInput, Misconfigured
from parley.words import has_words
from services.tts.local import pipe
from services.tts.local.client import Voice, VoiceProcess
from services.tts.local.pieces import pause_ms, pieces, readable

VOICE = "en-us+klatt4"
PACE = 130
"""Words per minute: an unhurried caller, whom the local recogniser understands best."""
MAX_TEXT = 1000
_VOICES_OWN_PACE = 155
"""`WORDS_PER_MINUTE` of the voice's process, which only that process may import."""


async def speak(texts: Sequence[str], voice: str = VOICE, pace: int = PACE) -> list[bytes]:
    """Each text as 8 kHz µ-law. Raises BadInput (nothing to say, too long), Misconfigured, VendorLost (no voice)."""
    for text in texts:
        if not has_words(text):
            raise BadInput("there are no words to say")
        if len(text) > MAX_TEXT:
            raise BadInput(f"a sentence has {len(text)} characters; at most {MAX_TEXT} can be said at once")
    if find_spec("espeakng_loader") is None:
        raise Misconfigured("no voice to say this with: pip install 'parley[espeak]', or give a WAV file")
    process = VoiceProcess()
    try:
        async with process.stream() as stream:
            return [await _say(stream, text, voice, pace) for text in texts]
    finally:
        await process.aclose()


async def _say(stream: Voice, text: str, voice: str, pace: int) -> bytes:
    sound, before = bytearray(), ""
    for _, part in pieces(readable(text)):
        piece = pipe.Piece(part, voice, pace / _VOICES_OWN_PACE, "mulaw", 8000, pause_ms(before))
        await stream.say(piece)
        before = part
        while True:
            kind, payload = await stream.hear()
            if kind == pipe.DONE:
                if payload:
                    raise BadInput(payload.decode())
                break
            sound += pipe.unpack_audio(payload)[1]
    return bytes(sound)
