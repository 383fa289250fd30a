"""A worker process: one model, one thread, one sound at a time."""

from __future__ import annotations

import os
import signal
import socket
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from parley.audio import to_pcm
from parley.workers.wire import Message, Unpacker
from services.stt.whisper.wire import Greeting, Heard, Kind, Wish, pack, unpack_wish

RATE = 16000
_READ = 1 << 18
_FULL_SCALE = 32768.0
_TRIALS = 3  # the first touches the model's memory


def entry(folder: Path) -> Any:
    """What the process runs, given one end of a socket pair."""
    return partial(main, str(folder))


def main(folder: str, sock: Any) -> None:
    """Serve until the other end closes. Ctrl-C is the service's to handle: it closes the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"
    with sock:
        try:
            _serve(sock, folder)
        except (ConnectionError, BrokenPipeError):
            return


def _serve(sock: socket.socket, folder: str) -> None:
    from services.stt.whisper.decoder import Decoder

    decoder = Decoder(Path(folder))
    sock.sendall(Message(Kind.READY, 0, pack(_greeting(decoder))).pack())
    unpacker = Unpacker(Kind)
    while data := sock.recv(_READ):
        for message in unpacker.push(data):
            sock.sendall(_answer(decoder, message).pack())


def measure(folder: Path) -> Greeting:
    """What a worker would say of itself here. Takes about a second."""
    from services.stt.whisper.decoder import Decoder

    return _greeting(Decoder(folder))


def _greeting(decoder: Any) -> Greeting:
    """In CPU time: the others that start beside it are no measure. What is busy later is seen by the pool."""
    sound = np.random.default_rng(1).normal(0, 0.01, RATE).astype(np.float32)
    took = []
    for _ in range(_TRIALS):
        start = time.process_time()
        decoder.hear(sound, decoder.languages[0])
        took.append(time.process_time() - start)
    return Greeting(min(took), decoder.languages)


def _answer(decoder: Any, message: Message) -> Message:
    try:
        wish, audio = unpack_wish(message.payload)
        return Message(Kind.HEARD, message.stream, pack(_hear(decoder, wish, audio)))
    except Exception as error:
        return Message(Kind.FAILED, message.stream, f"{type(error).__name__}: {error}"[:500].encode())


def _hear(decoder: Any, wish: Wish, audio: bytes) -> Heard:
    whole = len(audio) - len(audio) % wish.format.sample_bytes
    samples = to_pcm(audio[:whole], wish.format.encoding).astype(np.float32) / _FULL_SCALE
    if wish.format.rate != RATE:
        samples = soxr.resample(samples, wish.format.rate, RATE)
    heard: Heard = decoder.hear(
        samples,
        wish.language,
        final=wish.final,
        careful=wish.careful,
        hurried=wish.hurried,
        keyterms=wish.keyterms,
    )
    return heard
