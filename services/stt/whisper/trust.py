"""Whether the model's words were said. Pure.

A Whisper model finds words in everything: "you" or "Thank you." in noise and silence, "Beep beep beep" in tones, the
same again where it does not see the end. What gives it away, measured in `bench/quality`: its own opinion that there
was no speech, words that are improbable to itself, text that repeats, more words than anybody can say.
"""

from __future__ import annotations

import re
import zlib

from services.stt.whisper.wire import Heard

SURE_NONE = 0.6
"""Its opinion at or above which no words are believed: of speech, even of a single word, it says less than 0.35."""
MAYBE_NONE, FOUNDED = 0.35, -0.5
"""Between the two, words must be well founded."""
UNSURE = -0.7
"""Score below which another try is worth its time."""
HOPELESS = -1.0
"""The same for the last try, which takes longest; a few words by themselves are often so improbable."""
FEW = 2
GUESSED, GUESSED_FEW = -1.3, -2.0
"""Score below which it is no more than a guess; of a few words."""
REPEATS = 2.0
"""How much zlib makes of the text: sentences that people say stay below."""
MOST_OFTEN = 4
"""Words of a text that may be one said twice; fewer are said twice by people: "no, no"."""
RUN = 6
"""Words that are the same, one after the other; nobody says a digit so often."""
WORDS_PER_S, WORDS_MORE = 5.0, 2
SPEECH_MS = 250
"""Voice for which no words were found: from here on somebody spoke and was not understood; before, it was a noise."""
LEARNED = frozenset((
    "you", "thank you", "thanks", "thanks for watching", "thank you for watching", "bye", "bye bye", "okay", "oh",
    "so", "i", "the", "hmm", "mm", "um", "uh", "subtitles by the amara org community",
    "please subscribe", "thank you very much", "thank you so much", "i m sorry", "i m so sorry",
))  # fmt: skip
"""What films taught it to hear where there is nothing. Callers say much of it too: it must be better founded."""
SOUNDS = frozenset(("beep", "beeping", "ding", "ringing", "buzz", "click", "music", "applause", "laughter", "silence"))
"""Its words for what is no speech."""
LEARNED_NONE = 0.4
_WORDS = re.compile(r"[^\W_]+")


def believed(heard: Heard, voice_ms: int, *, asked_for: bool = False) -> bool:
    """Whether the words may be acted upon. `voice_ms`: how much of the sound our own detector calls a voice.

    `asked_for`: letters or digits, when they were expected. To the model a letter is hardly speech; noise is not heard
    as a row of them.
    """
    words = _counted(heard.text)
    if not words or heard.no_speech >= SURE_NONE or SOUNDS.issuperset(words):
        return False
    if heard.score < (GUESSED_FEW if len(words) <= FEW else GUESSED):
        return False
    if heard.no_speech >= MAYBE_NONE and heard.score < FOUNDED and not asked_for:
        return False
    if heard.no_speech >= LEARNED_NONE and plain(heard.text) in LEARNED:
        return False
    return not babbles(heard, voice_ms / 1000)


def noise(heard: Heard, voice_ms: int) -> bool:
    """Whether what gave no words was no speech at all, so that nobody is asked to say it again."""
    return voice_ms < SPEECH_MS or heard.no_speech >= SURE_NONE


def unsure(heard: Heard, seconds: float) -> bool:
    """Whether another try may do better."""
    return not heard.text or heard.score < UNSURE or babbles(heard, seconds)


def hopeless(heard: Heard, seconds: float) -> bool:
    """Whether only the last try can help."""
    if heard.no_speech >= SURE_NONE:
        return False
    words = len(_counted(heard.text))
    return babbles(heard, seconds) or (heard.score < HOPELESS and (words > FEW or not words))


def babbles(heard: Heard, seconds: float) -> bool:
    """It says the same again and again, or more than anybody can in the time."""
    text = heard.text.encode()
    words = _counted(heard.text)
    if len(words) > seconds * WORDS_PER_S + WORDS_MORE:
        return True
    if text and len(text) / len(zlib.compress(text)) > REPEATS:
        return True
    return any(len(set(words[at : at + RUN])) == 1 for at in range(len(words) - RUN + 1))


def twice(text: str) -> bool:
    """It says all of it twice: what it was told to expect leads it to that, in a short sentence with silence behind."""
    words = plain(text).split()
    half = len(words) // 2
    return len(words) >= MOST_OFTEN and words[:half] == words[half:]


def mostly_digits(text: str) -> bool:
    """A number, and little around it."""
    digits = sum(c.isdigit() for c in text)
    return digits > 0 and digits * 2 >= sum(c.isalnum() for c in text)


def plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.lower()))


def _counted(text: str) -> list[str]:
    """Words as they are said: figures one by one."""
    return [part for word in _WORDS.findall(text.lower()) for part in (word if word.isdigit() else [word])]
