"""The network: phonemes to 24 kHz sound, with the durations that it gave them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from hibari import dsp
from hibari.tts import ASSETS
from numpy.typing import NDArray

from parley.errors import Misconfigured
from services.tts.hibari.phonemes import Word
from services.tts.hibari.voices import VoiceFile

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

RATE = dsp.SR
STEP_MS = 25.0
"""Of a duration; two frames of the spectrum."""
MOST_PHONEMES = 130
"""At once: some 8 s of speech, whose first sound costs 55 ms."""
_FRAMES_PER_STEP = 2
_FIRST, _NEXT = 40, 120  # frames in a slice: half a second is soon heard, the rest in fewer pieces
_MARGIN = 4  # frames that the sound of a frame hangs on, before and behind it
_EARLY_MS = 40.0  # a word is heard so much before its phonemes begin, by measurement
_BEFORE_MS = 100.0
_SEED = 1
_MARKS = ".,;:!?…—"
_PAUSES = frozenset(_MARKS + '()“”" ')
_OUTPUTS = ["lh", "theta", "ln", "lr", "phi", "f0"]


@dataclass(frozen=True, slots=True)
class RunTime:
    """When a run of text sounds, in ms of the utterance's sound."""

    run: int
    start_ms: float
    end_ms: float


class Network:
    """One voice. One object serves all threads, one utterance each at a time."""

    def __init__(self, file: VoiceFile) -> None:
        file.check()
        self._durations, model = _with_durations(file)
        """Of each phoneme in steps, as they are and as they were before they were rounded."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as e:  # of a kind of its own for each reason
            raise Misconfigured(f"voice: {file.path} cannot be loaded ({type(e).__name__}): {e}") from e
        self._vocabulary: dict[str, int] = json.loads((Path(ASSETS) / "vocab.json").read_text())

    def utter(self, words: Sequence[Word], speed: float) -> Utterance | None:
        """The sound of these words; None when there is none."""
        ids, owners = [0], [-1]
        for word in words:
            known = [char for char in word.phonemes if char in self._vocabulary]
            if known and len(ids) > 1:
                ids.append(self._vocabulary[" "])
                owners.append(-1)
            ids += [self._vocabulary[char] for char in known]
            # A mark lasts as long as the pause after the word.
            owners += [-1 if char in _PAUSES else word.run for char in known]
        if len(ids) == 1:
            return None
        feed = {"ids": np.array([[*ids, 0]], np.int64), "speed": np.array([speed], np.float32)}
        *spectrum, steps, exact = self._session.run([*_OUTPUTS, *self._durations], feed)
        longer = _correction(steps, exact, speed)
        return Utterance([_stretched(part[0], longer) for part in spectrum], steps.reshape(-1) * longer, [*owners, -1])


class Utterance:
    """What the network said of some words. `slices` makes sound of it, piece by piece: the sum is the whole."""

    def __init__(self, spectrum: Sequence[Floats], steps: NDArray[np.float64], owners: Sequence[int]) -> None:
        *self._parts, f0 = spectrum
        self._frames = len(f0)
        self._pulses = dsp.pulses(f0)
        ends = np.cumsum(steps) * STEP_MS
        # A quarter of a second of silence comes before the first phoneme, and its first breath just before it.
        self._begin = int(max(0.0, ends[0] - _BEFORE_MS) * _FRAMES_PER_STEP / STEP_MS)
        ends -= self._begin * STEP_MS / _FRAMES_PER_STEP
        self.times = list(_times(owners, np.concatenate([[0.0], ends[:-1]]), ends))
        """Counted from the first sample of the first slice."""

    def slices(self, first: int = _FIRST, others: int = _NEXT) -> Iterator[tuple[Floats, bool]]:
        """The sound, and whether it is the last of it: the same samples however they are cut. A short rest goes along
        with the last one."""
        fresh_noise = np.random.default_rng(_SEED)
        begin, size = self._begin, first
        kept = np.zeros((0, self._parts[0].shape[0]), np.complex64)  # noise of the frames that two slices share
        while begin < self._frames:
            end = begin + size if begin + 1.5 * size < self._frames else self._frames
            low, high = max(0, begin - _MARGIN), min(self._frames, end + _MARGIN)
            fresh = fresh_noise.standard_normal((high - low - len(kept), kept.shape[1], 2), np.float32)
            noise = np.concatenate([kept, fresh.view(np.complex64)[..., 0]])
            kept = noise[max(0, end - _MARGIN) - low :]
            sound = dsp.ola(self._spectrum(low, high, noise))
            yield sound[(begin - low) * dsp.HOP : (end - low) * dsp.HOP], end == self._frames
            begin, size = end, others

    def _spectrum(self, low: int, high: int, noise: Complexes) -> Complexes:
        """Harmonics, shaped noise and a free part, as the model's documentation has it."""
        lh, theta, ln, lr, phi = (part[:, low:high] for part in self._parts)
        harmonics: Complexes = dsp.stft(self._pulses[low * dsp.HOP : high * dsp.HOP], high - low)
        harmonics *= _turned(np.tanh(theta) * np.float32(np.pi)) * dsp.ex(lh)
        harmonics += noise.T * dsp.ex(ln)
        harmonics += _turned(phi) * dsp.ex(lr)
        return harmonics


def _turned(angle: Floats) -> Complexes:
    """e to the i angle; numpy's own takes twice as long."""
    turned = np.empty(angle.shape, np.complex64)
    np.cos(angle, out=turned.real)
    np.sin(angle, out=turned.imag)
    return turned


def batches(words: Sequence[Word]) -> Iterator[list[Word]]:
    """The words in portions that are spoken at once, cut after a mark where there is one."""
    batch: list[Word] = []
    for word in words:
        while batch and _size([*batch, word]) > MOST_PHONEMES:
            places = range(len(batch), len(batch) // 2, -1)
            cut = next((place for place in places if batch[place - 1].phonemes[-1] in _MARKS), len(batch))
            yield batch[:cut]
            batch = batch[cut:]
        batch.append(word)
    if batch:
        yield batch


def _size(words: Sequence[Word]) -> int:
    return sum(len(word.phonemes) + 1 for word in words)


def _times(owners: Sequence[int], starts: NDArray[np.float64], ends: NDArray[np.float64]) -> Iterator[RunTime]:
    """A run's first phoneme to its last; a word is over, at the latest, where the next begins."""
    spans: list[tuple[int, float, float]] = []
    for owner, start, end in zip(owners, starts, ends, strict=True):
        if owner < 0:
            continue
        if spans and spans[-1][0] == owner:
            spans[-1] = owner, spans[-1][1], float(end)
        else:
            spans.append((owner, max(0.0, float(start) - _EARLY_MS), float(end)))
    for place, (owner, begin, end) in enumerate(spans):
        following = spans[place + 1][1] if place + 1 < len(spans) else end
        yield RunTime(owner, begin, max(begin, min(end, following)))


def _correction(steps: NDArray[np.int64], exact: Floats, speed: float) -> float:
    """How much longer the sound must be, to be as quick as asked: most phonemes last a step or two, and whole steps are
    too coarse for a pace of 1.2."""
    plain = np.maximum(np.round(exact * np.float32(speed)), 1).sum()
    return float(plain / speed / steps.sum()) if speed != 1 else 1.0


def _stretched(part: Floats, longer: float) -> Floats:
    """Frames left out or said twice; the pitch is in them, and stays."""
    if longer == 1:
        return part
    count = part.shape[-1]
    places = ((np.arange(round(count * longer)) + 0.5) / longer).astype(np.int64)
    return part[..., np.minimum(places, count - 1)]


def _with_durations(file: VoiceFile) -> tuple[tuple[str, str], bytes]:
    """The model with two more outputs: how long each phoneme lasts, which it rounds and sums up to place them."""
    try:
        model = onnx.load(file.path)
    except Exception as e:  # of protobuf or of onnx
        raise Misconfigured(f"voice: {file.path} is no ONNX model ({type(e).__name__})") from e
    rounded, summed = ([node for node in model.graph.node if node.op_type == kind] for kind in ("Round", "CumSum"))
    if len(summed) != 1 or len(rounded) != 1 or not {*_OUTPUTS} <= {output.name for output in model.graph.output}:
        raise Misconfigured(f"voice: {file.path} is an ONNX model of another kind, not a voice of hibari")
    names = summed[0].input[0], rounded[0].input[0]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return names, model.SerializeToString()
