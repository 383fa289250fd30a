"""pocketsphinx decoders: reused from utterance to utterance, with the channel of each caller kept apart.

What a channel does to the sound is taken out by subtracting a cepstral mean. Decoders of pocketsphinx start from a
mean of no use to a telephone and learn over many utterances; a call has few. So a session starts from the mean usual
for its sample rate, and each utterance corrects it by its own first second before it is decoded.

A decoder keeps the noise it heard, and frames that count for the mean. Its front end is made anew before each
utterance (some microseconds), or a caller would be heard by what the one before said.

The acoustic model knows wide-band speech only. What a telephone takes away above 4 kHz moves all cepstra: for callers
on one, the model's means are moved along by `telephone_band.txt` (see `bench/engines/telephone_band.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import pocketsphinx

from services.stt.local.arpa import trigrams
from services.stt.local.level import gain_for, levelled
from services.stt.local.model import Model

if TYPE_CHECKING:
    from parley.audio import Samples

FRAMES_PER_S = 100
MAX_IDLE = 20
# Means of the 13 cepstra over speech, telephone (nothing above 4 kHz) and wide band.
TELEPHONE_MEAN = (48.0, 27.0, -42.0, 41.0, -23.0, 2.0, 8.0, -35.0, 18.0, -18.0, 0.0, 8.0, -17.0)
WIDE_MEAN = (55.0, 3.0, -12.0, 18.0, -12.0, 4.0, -8.0, -12.0, 1.0, -10.0, 5.0, -2.0, 0.0)
TELEPHONE_BAND = Path(__file__).parent / "telephone_band.txt"
"""MLLR transform of the model's means: feature streams of 13 cepstra, their deltas and their second deltas."""
# The vocabulary is small, so the search can afford what is wide for pocketsphinx: with its own beams the right word
# was often given up in the first pass. Costs about half as much CPU again.
_SEARCH: dict[str, float] = {
    "beam": 1e-64, "wbeam": 1e-40, "pbeam": 1e-64, "lpbeam": 1e-50, "lponlybeam": 1e-40,
    "fwdflatbeam": 1e-80, "fwdflatwbeam": 1e-40, "topn": 8, "lw": 10, "fwdflatlw": 12, "bestpathlw": 13,
}  # fmt: skip
# Nothing is looked for in earnest.
_IDLE: dict[str, float] = {"topn": 1, "ds": 4, "pl_window": 0, "beam": 0.1, "pbeam": 0.1, "wbeam": 0.1}
_OWN_SHARE = 0.3
_KEEP = 0.5

Mean = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HeardWord:
    """`start_ms`, `end_ms` from the utterance's start; `probability` among the alternatives considered."""

    text: str
    start_ms: int
    end_ms: int
    probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """`probability`: posterior of the whole sentence among all that the search kept. `familiarity`: see Decoders."""

    words: tuple[HeardWord, ...]
    probability: float
    familiarity: float


class Decoders:
    """Idle decoders of one model, those for telephones apart. A new one takes about 12 ms and 7 MB.

    At most 20 of each kind stay idle.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._idle: dict[bool, list[pocketsphinx.Decoder]] = {True: [], False: []}
        self._familiar = trigrams(model.lm.read_text("utf-8"))
        self.front = Front(model)
        self.out = 0

    def take(self, telephone: bool) -> pocketsphinx.Decoder:
        """A decoder that remembers nothing."""
        idle = self._idle[telephone]
        decoder = idle.pop() if idle else self._new(telephone)
        decoder.reinit_feat()
        self.out += 1
        return decoder

    def familiarity(self, words: list[str]) -> float:
        """0..1: the share of the sentence's trigrams that the language model has seen."""
        edged = ["<s>", *words, "</s>"]
        grams = [tuple(edged[i : i + 3]) for i in range(len(edged) - 2)]
        return sum(gram in self._familiar for gram in grams) / len(grams) if grams else 0.0

    def give_new(self, telephone: bool) -> None:
        """Make one ahead of the first utterance, so that a model that cannot be read is found when a call begins."""
        if not self._idle[telephone] and not self.out:
            self._idle[telephone].append(self._new(telephone))

    def _new(self, telephone: bool) -> pocketsphinx.Decoder:
        lm, words = str(self._model.lm), str(self._model.words)
        band = {"mllr": str(TELEPHONE_BAND)} if telephone else {}
        return pocketsphinx.Decoder(samprate=16000, loglevel="FATAL", lm=lm, dict=words, **_SEARCH, **band)

    def give(self, decoder: pocketsphinx.Decoder, telephone: bool) -> None:
        self.out -= 1
        if len(self._idle[telephone]) < MAX_IDLE:
            self._idle[telephone].append(decoder)


class Front:
    """pocketsphinx's front end: sound to cepstra. A decoder runs only with a search: here, for one word."""

    def __init__(self, model: Model) -> None:
        word = model.words.read_text("utf-8").partition(" ")[0]
        self._decoder = pocketsphinx.Decoder(samprate=16000, loglevel="FATAL", lm=None, dict=str(model.words), **_IDLE)
        self._decoder.add_jsgf_string("one", f"#JSGF V1.0; grammar one; public <one> = {word};")
        self._decoder.activate_search("one")

    def mean(self, samples: Samples) -> Mean | None:
        """Cepstral mean of some sound, in 0.3 ms a second; None of digital silence."""
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), True, True)
        mean = _read_mean(self._decoder)
        self._decoder.end_utt()
        return mean if all(map(isfinite, mean)) else None


class Channel:
    """The running cepstral mean of one caller."""

    def __init__(self, rate: int) -> None:
        self.telephone = rate <= 8000
        self.mean: Mean = TELEPHONE_MEAN if self.telephone else WIDE_MEAN

    def learn(self, mean: Mean) -> None:
        self.mean = tuple(a + _KEEP * (b - a) for a, b in zip(self.mean, mean, strict=True))


class Decoding:
    """One utterance on one decoder. `begin` with its first second, `feed` the rest, then `finish` or `drop`."""

    def __init__(self, decoders: Decoders, channel: Channel) -> None:
        self._decoders = decoders
        self._decoder = decoders.take(channel.telephone)
        self._channel = channel
        self._open = False
        self._gain = 1.0

    def begin(self, opening: Samples) -> None:
        """Learn level and channel from the opening. It is to be fed as well, afterwards."""
        # Browsers level their microphones themselves; lines do not.
        self._gain = gain_for(opening) if self._channel.telephone else 1.0
        opening = levelled(opening, self._gain)
        own = self._decoders.front.mean(opening) or self._channel.mean
        mean = tuple(a + _OWN_SHARE * (b - a) for a, b in zip(self._channel.mean, own, strict=True))
        self._decoder.set_cmn(",".join(f"{value:.3f}" for value in mean))
        self._decoder.start_utt()
        self._open = True

    def feed(self, samples: Samples) -> None:
        self._decoder.process_raw(levelled(samples, self._gain).tobytes(), False, False)

    def words_so_far(self) -> list[str]:
        hypothesis = self._decoder.hyp()
        return [_plain(word) for word in hypothesis.hypstr.split()] if hypothesis else []

    def finish(self) -> Heard:
        """The last two passes (25-50 ms) and the result; the decoder is given back."""
        self._close()
        self._channel.learn(_read_mean(self._decoder))
        words = tuple(self._words())
        probability = float(self._decoder.get_prob()) if words else 0.0
        heard = Heard(words, probability, self._decoders.familiarity([word.text for word in words]))
        self._decoders.give(self._decoder, self._channel.telephone)
        return heard

    def drop(self) -> None:
        self._close()
        self._decoders.give(self._decoder, self._channel.telephone)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._decoder.end_utt()

    def _words(self) -> Iterator[HeardWord]:
        for segment in self._decoder.seg() or ():
            if segment.word[0] in "<[+":
                continue
            start, end = (frame * 1000 // FRAMES_PER_S for frame in (segment.start_frame, segment.end_frame + 1))
            yield HeardWord(_plain(segment.word), start, end, min(1.0, float(segment.prob)))


def _read_mean(decoder: pocketsphinx.Decoder) -> Mean:
    return tuple(float(value) for value in decoder.get_cmn().split(","))


def _plain(word: str) -> str:
    """Without the number of the pronunciation: "the(2)" -> "the"."""
    return word.partition("(")[0]
