"""A caller's voice: hibari where it is installed, else espeak-ng. Each speaks in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from parley.engines import engines_here, engines_of, load
from parley.errors import BadInput, Misconfigured
from parley.settings import Settings
from parley.text.words import has_words
from services.tts.contract import TextToSpeechProvider, TtsConfig

ESPEAK = "local"
PACES = {"hibari": 165, ESPEAK: 130}
"""Words per minute: unhurried callers, whom recognisers understand best."""
MAX_TEXT = 1000
_OWN_PACES = {"hibari": 190, ESPEAK: 155}
"""At speed 1. espeak-ng's is `WORDS_PER_MINUTE` of its process, hibari's was measured beside it."""


async def speak(texts: Sequence[str], voice: str = "", pace: int = 0) -> list[bytes]:
    """Each text as 8 kHz µ-law. A `voice` that is named is one of espeak-ng's, as "en-us+klatt4". `pace` as PACES.

    Raises BadInput (nothing to say, too long, no such voice), Misconfigured (none is installed), VendorLost.
    """
    for text in texts:
        if not has_words(text):
            raise BadInput("there are no words to say")
        if len(text) > MAX_TEXT:
            raise BadInput(f"a sentence has {len(text)} characters; at most {MAX_TEXT} can be said at once")
    engine = _engine(voice)
    provider = load("tts", engine)(Settings.read())
    config = TtsConfig(voice=voice, speed=(pace or PACES[engine]) / _OWN_PACES[engine])
    try:
        return [await _say(provider, text, config) for text in texts]
    except Misconfigured as e:
        if not voice:
            raise
        raise BadInput(str(e)) from e
    finally:
        await provider.aclose()


def _engine(voice: str) -> str:
    engine = ESPEAK if voice else engines_here("tts")[0]
    if not engines_of("tts")[engine].lacks():
        return engine
    if voice:
        raise Misconfigured(f"no voice {voice!r} to say this with: pip install 'parley[espeak]', or name none")
    raise Misconfigured("no voice to say this with: pip install 'parley[local]', or give a WAV file")


async def _say(provider: TextToSpeechProvider, text: str, config: TtsConfig) -> bytes:
    async with aclosing(provider.synthesize(_once(text), config)) as chunks:  # type: ignore[type-var]
        return b"".join([chunk.data async for chunk in chunks])


async def _once(text: str) -> AsyncIterator[str]:
    yield text
