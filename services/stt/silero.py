"""The Silero model on onnxruntime, for many calls in one run. Knows numbers only; `vad` makes edges of them.

Silero VAD 6 (silero_vad_op18_ifless.onnx): 32 ms windows at 8 or 16 kHz, each with the last 4 ms of
the one before in front; float32 samples in -1..1; one state of 2 x 128 a call.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parley.audio import AudioFormat, to_pcm
from parley.errors import Misconfigured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WINDOW_MS = 32
CONTEXT_MS = 4


class Lane:
    """A call's row in the arrays of its format."""

    __slots__ = ("fresh", "row", "rows")

    def __init__(self, rows: Rows, row: int) -> None:
        self.rows = rows
        self.row = row
        self.fresh = True


class Rows:
    """State of all calls of one format. `_state` is touched by the model's thread only, `free` by the loop only."""

    def __init__(self, session: Any, audio: AudioFormat) -> None:
        self._session = session
        self._table: Floats | None = None
        if audio.sample_bytes == 1:
            self._table = to_pcm(bytes(range(256)), audio.encoding).astype(np.float32) * np.float32(1 / 32768)
        self._context = CONTEXT_MS * audio.rate // 1000
        self._window = WINDOW_MS * audio.rate // 1000
        self._rate = np.array(audio.rate, np.int64)
        self._state: Floats = np.zeros((2, 0, 128), np.float32)
        self._size = 0
        self.free: list[int] = []

    def new_lane(self) -> Lane:
        if not self.free:
            self.free = list(range(self._size + 15, self._size - 1, -1))
            self._size += 16
        return Lane(self, self.free.pop())

    def run(self, lanes: list[Lane], windows: list[bytes]) -> tuple[list[float], list[float]]:
        """Probability of speech and mean power of one window of each lane, context in front. On the model's thread."""
        rows = np.array([lane.row for lane in lanes])
        more = int(rows.max()) + 1 - self._state.shape[1]
        if more > 0:
            self._state = np.concatenate([self._state, np.zeros((2, max(more, 16), 128), np.float32)], axis=1)
        for lane in lanes:
            if lane.fresh:
                lane.fresh = False
                self._state[:, lane.row] = 0
        x = self._decode(b"".join(windows)).reshape(len(rows), self._context + self._window)
        out, state = self._session.run(None, {"input": x, "state": self._state[:, rows], "sr": self._rate})
        self._state[:, rows] = state
        power = np.einsum("ij,ij->i", x, x) / x.shape[1]
        return out[:, 0].tolist(), power.tolist()

    def power(self, window: bytes) -> float:
        """Mean power of a piece of audio; full scale is 1. On the loop, so it is kept cheap."""
        samples = self._decode(window)
        return float(samples.dot(samples)) / len(samples)

    def _decode(self, data: bytes) -> Floats:
        if self._table is not None:
            return self._table.take(np.frombuffer(data, np.uint8))
        return np.frombuffer(data, "<i2").astype(np.float32) * np.float32(1 / 32768)


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
