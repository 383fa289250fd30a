"""How well and how fast the local recogniser hears an agent's callers, with synthetic speech.

    python -m bench.engines.recogniser AGENT SENTENCES [--foreign SENTENCES] [--agents DIR] [--voice V ...] [--wpm N]

SENTENCES are text files, one spoken sentence a line, without punctuation. Prints word error rate, exact sentences,
sentences not understood, foreign sentences taken for the agent's, CPU per second of audio, time from the end of speech
to the final, and memory per speaking caller. The speech is synthetic and clean: people on telephones are harder.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from parley.agents.files import load_agent
from parley.audio import BROWSER, TELEPHONE, AudioFormat
from services.stt.contract import Final, SttConfig
from services.stt.local import model
from services.stt.local.decoding import Channel, Decoders, Decoding
from services.stt.local.detector import END_QUIET_MS
from services.stt.local.hearing import Hearing
from testbed.score import word_errors
from testbed.voice import KLATT, as_mulaw, noise, voice

MESSAGE_MS = 60


@dataclass
class Result:
    errors: int = 0
    words: int = 0
    sentences: int = 0
    exact: int = 0
    not_understood: int = 0
    cpu_s: float = 0.0
    audio_s: float = 0.0
    finish_ms: list[float] = field(default_factory=list)

    def add(self, said: str, finals: list[Final]) -> None:
        wrong = word_errors(said, " ".join(w.text for f in finals for w in f.words))
        self.errors += wrong
        self.words += len(said.split())
        self.sentences += 1
        self.exact += wrong == 0
        self.not_understood += not any(f.text for f in finals)


def hear(speech: NDArray[np.int16], form: AudioFormat, decoders: Decoders, result: Result) -> list[Final]:
    """One call of one sentence, in messages of 60 ms; times go into `result`."""
    samples = np.concatenate([noise(0.5, -65), speech, noise(0.8, -65, seed=2)])
    data = as_mulaw(samples) if form is TELEPHONE else samples.tobytes()
    hearing = Hearing(SttConfig(format=form), decoders)
    finals: list[Final] = []
    step = form.bytes_per_ms * MESSAGE_MS
    for at in range(0, len(data), step):
        start = time.process_time()
        found = [e for e in hearing.push(data[at : at + step]) if isinstance(e, Final)]
        took = time.process_time() - start
        result.cpu_s += took
        if found:
            result.finish_ms.append(took * 1000)
        finals += found
    finals += [e for e in hearing.end() if isinstance(e, Final)]
    result.audio_s += len(samples) / 16000
    return finals


def memory_per_caller(decoders: Decoders, speech: NDArray[np.int16], callers: int = 10) -> float:
    """MB for each caller who speaks at the same time."""
    process = psutil.Process()
    before: int = process.memory_info().rss
    open_now = [Decoding(decoders, Channel(16000)) for _ in range(callers)]
    for decoding in open_now:
        decoding.begin(speech[:14400])
        decoding.feed(speech)
    grown: int = process.memory_info().rss - before
    for decoding in open_now:
        decoding.drop()
    return grown / callers / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.engines.recogniser", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("agent")
    parser.add_argument("sentences", type=Path)
    parser.add_argument("--foreign", type=Path)
    parser.add_argument("--agents", type=Path, default=Path("agents"))
    parser.add_argument("--voice", action="append")
    parser.add_argument("--wpm", type=int, default=130)
    args = parser.parse_args()
    agent = load_agent(args.agents, args.agent)
    said = args.sentences.read_text("utf-8").split("\n")
    foreign = args.foreign.read_text("utf-8").split("\n") if args.foreign else []
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        built = model.build(Path(folder) / "model", agent, args.agents / args.agent)
        took = time.perf_counter() - start
        print(f"model built in {took:.1f} s; guessed sounds: {', '.join(built.guessed) or 'none'}")
        decoders = Decoders(built)
        for name in args.voice or [KLATT]:
            for form in (BROWSER, TELEPHONE):
                report(name, args.wpm, form, decoders, [s for s in said if s], [s for s in foreign if s])
        print(f"memory per speaking caller: {memory_per_caller(decoders, voice().say(said[0])):.1f} MB")


def report(name: str, wpm: int, form: AudioFormat, decoders: Decoders, said: list[str], foreign: list[str]) -> None:
    result = Result()
    for text in said:
        result.add(text, hear(voice().say(text, name, wpm), form, decoders, result))
    accepted = sum(
        any(f.text for f in hear(voice().say(text, name, wpm), form, decoders, Result())) for text in foreign
    )
    finish = sorted(result.finish_ms) or [0.0]
    print(
        f"{name} {wpm} wpm, {form.encoding} {form.rate}: WER {100 * result.errors / max(1, result.words):.1f} %, "
        f"exact {result.exact}/{result.sentences}, not understood {result.not_understood}, "
        f"foreign accepted {accepted}/{len(foreign)}, CPU {result.cpu_s / result.audio_s:.3f} s per s, "
        f"end of speech to final {END_QUIET_MS} ms of quiet + p50 {finish[len(finish) // 2]:.0f} "
        f"max {finish[-1]:.0f} ms"
    )


if __name__ == "__main__":
    main()
