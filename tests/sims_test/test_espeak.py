"""The voice behind the stand-ins and the simulated callers."""

import numpy as np
import pytest

from testbed.vendors.espeak import speak


@pytest.mark.parametrize("voice", ["en-us+klatt4", "en-us", "en-us+f2"])
def test_the_same_words_sound_the_same_whatever_was_said_before(voice: str) -> None:
    first, rate = speak("where is my order", voice, 130)
    speak("a quite different sentence", "en-us+m3", 200)
    assert np.array_equal(speak("where is my order", voice, 130)[0], first)
    assert 0.8 < len(first) / rate < 2.5


def test_an_unknown_voice_is_named_and_the_next_is_served() -> None:
    with pytest.raises(ValueError, match="no voice 'nobody'"):
        speak("hello", "nobody", 130)
    assert len(speak("hello", "en-us", 130)[0])
