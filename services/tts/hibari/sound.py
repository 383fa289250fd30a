"""What the network gives, made fit to be heard: without the silence around it, as loud as other voices, in the
caller's format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from parley.audio import AudioFormat, Resampler, from_pcm
from services.tts.contract import WordTime
from services.tts.english.reading import Said
from services.tts.hibari.network import RATE, Floats, Utterance

LEVEL_DB = -20.0
"""Of the voiced parts, under full scale: that of the other voices over a telephone."""
_QUIET_DB = -55.0  # under full scale, at that level: nobody hears it
_AFTER_MS = 40  # so much of it stays at the end: a word fades out
_WINDOW = RATE // 200
_KNEE = 0.8  # of full scale: peaks above are bent, none is cut off

Chunk = tuple[bytes, list[WordTime]]


def gain_for(sound: Floats) -> float:
    """What brings a voice to the level of the others, from something that it said."""
    levels = _levels(sound)
    voiced = levels[levels > levels.max() / 10]
    return float(10 ** (LEVEL_DB / 20) / np.sqrt(np.mean(voiced**2)))


def leveled(sound: Floats, gain: float) -> Floats:
    """Louder by `gain`, and never over full scale."""
    loud = sound * np.float32(gain)
    over = np.abs(loud) > _KNEE
    if over.any():
        room = 1 - _KNEE
        loud[over] = np.sign(loud[over]) * (_KNEE + room * np.tanh((np.abs(loud[over]) - _KNEE) / room))
    return loud


def chunks(
    utterance: Utterance, said: Sequence[Said], gain: float, audio: AudioFormat, pause_ms: int
) -> Iterator[Chunk]:
    """The utterance, after a pause. Times count from the first byte, places are those of the text that was read.

    Words come with the first bytes, the last one with the last: it ends where the sound does.
    """
    resampler = Resampler(RATE, audio.rate)
    words = [
        WordTime(said[time.run].begin, said[time.run].end, pause_ms + int(time.start_ms), pause_ms + int(time.end_ms))
        for time in utterance.times
    ]
    ready, size = audio.silence(pause_ms), 0
    quiet = np.zeros(0, np.float32)
    for part, last in utterance.slices():
        sound = np.concatenate([quiet, leveled(part, gain)])
        end = _end_of_sound(sound)
        quiet = sound[end:]
        pcm = np.rint(sound[:end] * 32767).astype(np.int16)
        ready += from_pcm(resampler.push(pcm, last=last), audio.encoding)
        size += len(ready)
        if last:
            until_ms = audio.ms(size)
            yield ready, [_until(word, until_ms) for word in words]
        elif ready:
            yield ready, words[:-1]
            ready, words = b"", words[-1:]


def _until(word: WordTime, end_ms: int) -> WordTime:
    return WordTime(word.char_start, word.char_end, min(word.start_ms, end_ms), min(word.end_ms, end_ms))


def _levels(sound: Floats) -> Floats:
    """Of windows of 5 ms; a rest counts as one."""
    padded = np.pad(sound, (0, -len(sound) % _WINDOW)).reshape(-1, _WINDOW)
    levels: Floats = np.sqrt(np.mean(padded**2, axis=1))
    return levels


def _end_of_sound(sound: Floats) -> int:
    """Where only silence follows, in samples."""
    heard = np.flatnonzero(_levels(sound) > 10 ** (_QUIET_DB / 20))
    end = (int(heard[-1]) + 1) * _WINDOW + _AFTER_MS * RATE // 1000 if len(heard) else 0
    return min(end, len(sound))
