"""What a listener at the other end of the line would have heard."""

import numpy as np

from testbed.vendors import mulaw
from testbed.vendors.decoder import Decoder, Word
from testbed.vendors.mulaw import Pcm


def heard_words(audio: bytes | Pcm, rate: int = 8000) -> list[Word]:
    """The words in a recording: µ-law bytes or int16 samples. Times are ms from its start; cut words are absent."""
    pcm = mulaw.to_pcm(audio) if isinstance(audio, bytes) else np.asarray(audio, np.int16)
    decoder = Decoder(rate)
    return [*decoder.feed(pcm), *decoder.finish()]


def heard_text(audio: bytes | Pcm, rate: int = 8000) -> str:
    """The same as one lower-case string, for assertions."""
    return " ".join(word.text for word in heard_words(audio, rate))
