"""What `parley doctor` tells of the voice: which it is, what it speaks, and how fast this machine is at it."""

from __future__ import annotations

import time

from parley.settings import Settings
from services.tts.english.reading import reading
from services.tts.hibari import voices
from services.tts.hibari.network import RATE, Network
from services.tts.hibari.phonemes import Speller
from services.tts.hibari.settings import HibariSettings

_SENTENCE = "Your order has shipped on Monday, and it is due on Friday morning. Is there anything else that I can do?"
_TIMES = 3


def about(settings: Settings) -> str:
    """Loads the voice and has it speak: a second or two. Raises Misconfigured."""
    file = voices.find(settings.own(HibariSettings).voice)
    network, speller = Network(file), Speller(file.british)
    said_s, took_s = 0.0, float("inf")
    for _ in range(_TIMES):
        begun = time.thread_time()  # of the core, whoever else is at work
        said_s = _speak(network, speller)
        took_s = min(took_s, time.thread_time() - begun)
    accent = "British" if file.british else "American"
    times = int(said_s / took_s)
    return (
        f"hibari speaks English ({accent}), voice {file.name}: {said_s:.1f} s of speech in {took_s * 1000:.0f} ms of a "
        f"core (RTF {took_s / said_s:.3f}); one core carries some {times} calls that speak at once"
    )


def _speak(network: Network, speller: Speller) -> float:
    """Seconds of speech."""
    utterance = network.utter(speller.spell(reading(_SENTENCE)), 1.0)
    return sum(len(part) for part, _ in utterance.slices()) / RATE if utterance else 0.0
