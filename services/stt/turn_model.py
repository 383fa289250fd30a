"""A model that hears from the sound of a turn whether it is over: any ONNX file of the shape below.

Input: one float32 tensor, the last 8 s of the turn at 16 kHz with silence in front, as samples in -1..1 (1, 128000) or
as log-mel features (1, 80, 800), which is what smart-turn v3 takes. Output: first, one probability.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from prometheus_client import Counter, Histogram

from parley.audio import AudioFormat, Resampler, to_pcm
from parley.errors import Misconfigured
from services.stt.logmel import BANDS, RATE, Floats, log_mel, normalised

log = structlog.get_logger()

HEARD_MS = 8000
BOUND_S = 0.15
"""An opinion that comes later is none: the words have decided by then."""
WAITING = 8
"""Turns that may wait for the model's thread; with more it would be late for all."""
_SAMPLES = HEARD_MS * RATE // 1000

MISSED = Counter("voice_stt_turn_model_missed_total", "Silences without the model's opinion", ["why"])
TOOK = Histogram(
    "voice_stt_turn_model_seconds", "One run of the model", buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.3, 1)
)


class TurnModel:
    """One for all calls of the process, on a thread of its own. Tried once when it is made.

    Raises Misconfigured: no such file, no ONNX model, or one of another shape.
    """

    def __init__(self, path: Path) -> None:
        self._session = _load(path)
        given = self._session.get_inputs()
        shapes = [list(tensor.shape) for tensor in given]
        if len(given) != 1 or given[0].type != "tensor(float)" or len(shapes[0]) not in (2, 3):
            raise Misconfigured(
                f"PARLEY_TURN_MODEL: {path} takes {shapes}; "
                f"it must take one float32 tensor, (1, {_SAMPLES}) or (1, {BANDS}, 800)"
            )
        self._name, self._features = given[0].name, len(shapes[0]) == 3
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="turn-model")
        self._waiting = 0
        try:
            self._run(b"", AudioFormat("pcm_s16le", RATE))
        except Exception as e:
            raise Misconfigured(f"PARLEY_TURN_MODEL: {path} cannot be run on 8 s of audio: {e}") from e

    async def opinion(self, audio: bytes, format_: AudioFormat) -> float | None:
        """How likely the turn that ends with `audio` is over, 0..1. None: not known in time, which is counted."""
        if self._waiting >= WAITING:
            MISSED.labels("busy").inc()
            return None
        self._waiting += 1
        run = self._thread.submit(self._run, audio, format_)
        run.add_done_callback(self._done(asyncio.get_running_loop()))
        try:
            async with asyncio.timeout(BOUND_S):
                return await asyncio.wrap_future(run)
        except TimeoutError:
            MISSED.labels("late").inc()
        except Exception:
            MISSED.labels("failed").inc()
            log.exception("turn model failed")
        return None

    async def aclose(self) -> None:
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def _done(self, loop: asyncio.AbstractEventLoop) -> Any:
        def free() -> None:
            self._waiting -= 1

        def told(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(free)

        return told

    def _run(self, audio: bytes, format_: AudioFormat) -> float:
        """On the model's thread."""
        begin = time.perf_counter()
        whole = len(audio) - len(audio) % format_.sample_bytes
        pcm = Resampler(format_.rate, RATE).push(to_pcm(audio[:whole], format_.encoding), last=True)[-_SAMPLES:]
        heard: Floats = np.zeros(_SAMPLES, np.float32)
        if len(pcm):
            heard[-len(pcm) :] = pcm.astype(np.float32) / 32768
        out = self._session.run(None, {self._name: log_mel(normalised(heard))[None] if self._features else heard[None]})
        over = float(np.asarray(out[0]).reshape(-1)[0])
        if not 0.0 <= over <= 1.0:
            raise ValueError(f"its output is {over}, not a probability")
        TOOK.observe(time.perf_counter() - begin)
        return over


def _load(path: Path) -> Any:
    if not path.is_file():
        raise Misconfigured(f"PARLEY_TURN_MODEL: there is no file {path}")
    try:
        import onnxruntime
    except ModuleNotFoundError as e:
        raise Misconfigured("PARLEY_TURN_MODEL: needs the package onnxruntime; install parley[stt]") from e
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as e:
        raise Misconfigured(f"PARLEY_TURN_MODEL: {path} is no model that onnxruntime reads: {e}") from e
