"""What a telephone does to the cepstra that the local recogniser's acoustic model knows, learned from both sides.

    python -m bench.engines.telephone_band [--out FILE]

Synthetic voices say the same sentences in wide band and over 8 kHz µ-law. A least-squares map from the one's cepstra
to the other's becomes an MLLR transform of the model's means, `services/stt/local/telephone_band.txt`, for each of
the three feature streams (cepstra, deltas, second deltas). Means are removed on both sides, as the recogniser does;
variances are left alone. The map knows the band, not the words: none of the sentences is any agent's.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from parley.audio import Resampler, mulaw_to_pcm
from services.stt.local.decoding import TELEPHONE_BAND
from testbed.voice import as_mulaw, noise, voice

if TYPE_CHECKING:
    from parley.audio import Samples

CEPSTRA = 13
WPM = 140
QUIET_SHARE = 15  # percent of the frames, the most silent ones, teach nothing
VOICES = (
    "en-us", "en-us+klatt4", "en-us+klatt2", "en-us+klatt3", "en-us+f1", "en-us+f2", "en-us+f3", "en-us+f4",
    "en-us+m1", "en-us+m2", "en-us+m3", "en-us+m4", "en-us+m7",
)  # fmt: skip
SENTENCES = (
    "the quick brown fox jumps over the lazy dog while seven children watch",
    "she sells sea shells by the shore and he thinks that it is funny",
    "my father bought four large cars before the war was over",
    "please call me back tomorrow afternoon about the yellow vehicle",
    "zero one two three four five six seven eight nine oh double",
    "how would you choose between a good book and a short voyage",
    "they usually measure the azure treasure with extreme pleasure",
    "I heard a boy shout loudly at the noisy birds in the garden",
    "the judge and the jury found that the charge was strange",
    "we should pull the wool over the roof before it rains again",
    "thirty thousand thoughtful thieves thanked the mother",
    "very few people have the time to view the valley every evening",
    "an ugly uncle cut the onions up and put them under the oven",
    "ask the captain about the last path past the castle",
    "king john sang a long song as he was bringing in the rings",
)

Frames = NDArray[np.float64]


class Front:
    """pocketsphinx's own front end: sound in, cepstra out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._decoder = pocketsphinx.Decoder(samprate=16000, loglevel="FATAL", mfclogdir=str(folder))

    def cepstra(self, samples: Samples) -> Frames:
        """A row of 13 for each 10 ms."""
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), True, True)
        self._decoder.end_utt()
        (log,) = self._folder.glob("*.mfc")
        data = log.read_bytes()
        log.unlink()
        order = ">f4" if int.from_bytes(data[:4], "big") == (len(data) - 4) // 4 else "<f4"
        return np.frombuffer(data[4:], order).reshape(-1, CEPSTRA).astype(np.float64)


def over_telephone(samples: Samples) -> Samples:
    """As the recogniser gets it: 8 kHz µ-law, brought back to 16 kHz."""
    return Resampler(8000, 16000).push(mulaw_to_pcm(as_mulaw(samples)))


def streams(cepstra: Frames) -> list[Frames]:
    """The features of pocketsphinx's `1s_c_d_dd`: cepstra, their deltas over 2 frames, the deltas' deltas over 1."""
    padded = np.pad(cepstra, ((3, 3), (0, 0)), mode="edge")
    at = {shift: padded[3 + shift : 3 + shift + len(cepstra)] for shift in range(-3, 4)}
    return [cepstra, at[2] - at[-2], (at[3] - at[-1]) - (at[1] - at[-3])]


def pairs() -> tuple[list[Frames], list[Frames]]:
    """Features of the same frames, wide band and telephone, for each stream."""
    wide: list[list[Frames]] = [[], [], []]
    narrow: list[list[Frames]] = [[], [], []]
    with tempfile.TemporaryDirectory() as folder:
        front = Front(Path(folder))
        for i, text in enumerate(SENTENCES):
            for name in VOICES[i % 3 :: 3]:
                sound = np.concatenate([noise(0.3, -70, i), voice().say(text, name, WPM), noise(0.3, -70, i + 1)])
                a, b = front.cepstra(sound), front.cepstra(over_telephone(sound))
                size = min(len(a), len(b))
                a, b = a[:size] - a[:size].mean(0), b[:size] - b[:size].mean(0)
                speech = a[:, 0] > np.percentile(a[:, 0], QUIET_SHARE)
                for stream, (x, y) in enumerate(zip(streams(a), streams(b), strict=True)):
                    wide[stream].append(x[speech])
                    narrow[stream].append(y[speech])
    return [np.concatenate(each) for each in wide], [np.concatenate(each) for each in narrow]


def transform(wide: list[Frames], narrow: list[Frames]) -> str:
    """pocketsphinx's MLLR file: classes, streams, then for each stream its size, matrix, offsets, variance factors."""
    lines = ["1", str(len(wide))]
    for x, y in zip(wide, narrow, strict=True):
        # A constant takes up what the silent frames left out; the recogniser's means are removed, so it is dropped.
        solved = np.linalg.lstsq(np.hstack([x, np.ones((len(x), 1))]), y, rcond=None)[0]
        rest = y - np.hstack([x, np.ones((len(x), 1))]) @ solved
        print("explained:", " ".join(f"{share:.2f}" for share in 1 - rest.var(0) / y.var(0)))
        lines.append(str(CEPSTRA))
        lines += [_row(row) for row in solved[:CEPSTRA].T]
        lines += [_row(np.zeros(CEPSTRA)), _row(np.ones(CEPSTRA))]
    return "\n".join(lines) + "\n"


def _row(values: Frames) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.engines.telephone_band", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, default=TELEPHONE_BAND)
    args = parser.parse_args()
    args.out.write_text(transform(*pairs()), "utf-8")
    print(f"written to {args.out}")


if __name__ == "__main__":
    main()
