"""The Silero model on onnxruntime, for many calls in one run. Knows numbers only; `vad` makes edges of them.

Silero VAD 6 (silero_vad_op18_ifless.onnx): 32 ms windows at 8 or 16 kHz, each with the last 4 ms of
the one before in front; float32 samples in -1..1; one state of 2 x 128 a call.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parley.audio import AudioFormat, mulaw_to_pcm
from parley.errors import Misconfigured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WINDOW_MS = 32
# Below -54 dBFS peak, with nothing under way, the model says 0.00: it need not be asked.
_HUSHED = 64 / 32768
_CALM = 0.1


class Lane:
    """A call's row in the arrays of its format."""

    __slots__ = ("fresh", "row", "rows")

    def __init__(self, rows: Rows, row: int) -> None:
        self.rows = rows
        self.row = row
        self.fresh = True


class Rows:
    """State of all calls of one format. The arrays are touched by the model's thread only, `free` by the loop only."""

    def __init__(self, session: Any, audio: AudioFormat) -> None:
        self._session = session
        self._mulaw = audio.encoding == "mulaw"
        self._table: Floats = mulaw_to_pcm(bytes(range(256))).astype(np.float32) * np.float32(1 / 32768)
        self._window = WINDOW_MS * audio.rate // 1000
        self._context = 64 if audio.rate == 16000 else 32
        self._rate = np.array(audio.rate, np.int64)
        self._state: Floats = np.zeros((2, 0, 128), np.float32)
        self._tail: Floats = np.zeros((0, self._context), np.float32)
        self._last: Floats = np.zeros(0, np.float32)
        self._size = 0
        self.free: list[int] = []

    def new_lane(self) -> Lane:
        if not self.free:
            self.free = list(range(self._size + 15, self._size - 1, -1))
            self._size += 16
        return Lane(self, self.free.pop())

    def run(self, lanes: list[Lane], windows: list[bytes]) -> list[float]:
        """Probability of speech for one window of each lane. On the model's thread."""
        rows = np.array([lane.row for lane in lanes])
        self._grow(int(rows.max()) + 1)
        fresh = [lane.row for lane in lanes if lane.fresh]
        if fresh:
            self._state[:, fresh] = 0
            self._tail[fresh] = 0
            self._last[fresh] = 0
            for lane in lanes:
                lane.fresh = False
        x = np.empty((len(rows), self._context + self._window), np.float32)
        x[:, : self._context] = self._tail[rows]
        x[:, self._context :] = self._decode(b"".join(windows)).reshape(len(rows), self._window)
        self._tail[rows] = x[:, -self._context :]
        found = np.zeros(len(rows), np.float32)
        asked = np.flatnonzero((np.abs(x).max(axis=1) >= _HUSHED) | (self._last[rows] >= _CALM))
        if len(asked):
            some = rows[asked]
            feed = {"input": x[asked], "state": self._state[:, some], "sr": self._rate}
            out, state = self._session.run(None, feed)
            self._state[:, some] = state
            found[asked] = out[:, 0]
        self._last[rows] = found
        probabilities: list[float] = found.tolist()
        return probabilities

    def _decode(self, data: bytes) -> Floats:
        if self._mulaw:
            return self._table[np.frombuffer(data, np.uint8)]
        return np.frombuffer(data, "<i2").astype(np.float32) * np.float32(1 / 32768)

    def _grow(self, size: int) -> None:
        more = size - len(self._last)
        if more > 0:
            more = max(more, 16)
            self._state = np.concatenate([self._state, np.zeros((2, more, 128), np.float32)], axis=1)
            self._tail = np.concatenate([self._tail, np.zeros((more, self._context), np.float32)])
            self._last = np.concatenate([self._last, np.zeros(more, np.float32)])


def load() -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as e:
        raise Misconfigured("PARLEY_VAD: silero needs the package onnxruntime; install parley[stt]") from e
    # Importing the package itself would import torch; only its data file is wanted.
    spec = importlib.util.find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise Misconfigured("PARLEY_VAD: silero needs the package silero-vad; install it, or set PARLEY_VAD=off")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    path = Path(spec.submodule_search_locations[0]) / "data" / "silero_vad_op18_ifless.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
