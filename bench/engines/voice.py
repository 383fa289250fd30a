"""What the voice of this machine costs: `python -m bench.engines.voice`. CPU times: other work does not count."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import psutil

from parley.audio import TELEPHONE
from parley.settings import Settings
from services.tts.contract import TtsConfig
from services.tts.providers.hibari import Hibari

SENTENCES = (
    "Okay.",
    "Your order has shipped.",
    "Your order 4421 shipped on Monday, and it is due on Friday morning.",
    "Thank you for calling Bellweather Bikes, this is a recorded line; how can I help you today with your order, your "
    "repair, or anything else?",
)
CALLS = 20
RUNS = 30
TICK_S = 0.001


async def say(voice: Hibari, text: str) -> tuple[float, float, float]:
    """Ms to the first sound, CPU ms of the voice to it, and ms of sound."""

    async def once() -> AsyncIterator[str]:
        yield text

    begun, spent, first_ms, first_cpu_ms, size = time.perf_counter(), _cpu_s(voice), 0.0, 0.0, 0
    async with aclosing(voice.synthesize(once(), TtsConfig())) as chunks:
        async for chunk in chunks:
            if chunk.data and not first_ms:
                first_ms = (time.perf_counter() - begun) * 1000
                first_cpu_ms = (_cpu_s(voice) - spent) * 1000
            size += len(chunk.data)
    return first_ms, first_cpu_ms, TELEPHONE.ms(size)


async def gaps(until: asyncio.Event) -> list[float]:
    """How much later than asked the loop came back each time, in ms."""
    late = []
    while not until.is_set():
        asked = time.perf_counter()
        await asyncio.sleep(TICK_S)
        late.append((time.perf_counter() - asked - TICK_S) * 1000)
    return sorted(late)


async def caller(voice: Hibari, ends: float, begins_s: float) -> float:
    """Speaks in real time until then: the next sentence when the last is over. Ms of sound."""
    await asyncio.sleep(begins_s)
    said = 0.0
    while time.perf_counter() < ends:
        begun = time.perf_counter()
        _, _, ms = await say(voice, SENTENCES[2])
        said += ms
        await asyncio.sleep(max(0.0, ms / 1000 - (time.perf_counter() - begun)))
    return said


async def main() -> None:
    voice = Hibari(Settings.read())
    begun = time.perf_counter()
    await voice.warm()
    process = psutil.Process(voice.process.pid)
    spent = _cpu_s(voice)
    print(f"ready after {time.perf_counter() - begun:.1f} s, {spent:.2f} s of CPU; {_mb(process)} MB")
    for text in SENTENCES:
        before = _cpu_s(voice)
        runs = [await say(voice, text) for _ in range(RUNS)]
        took_ms, sound = (_cpu_s(voice) - before) / RUNS * 1000, runs[0][2]
        first_cpu_ms = sum(run[1] for run in runs) / RUNS
        print(
            f"{sound / 1000:5.1f} s of speech: first sound after {min(run[0] for run in runs):.0f} ms at best and "
            f"{first_cpu_ms:.0f} ms of CPU; {took_ms:.0f} ms of CPU in all, RTF {took_ms / sound:.4f}"
        )
    over = asyncio.Event()
    watch = asyncio.ensure_future(gaps(over))
    before, ours = _cpu_s(voice), time.process_time()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    ends = time.perf_counter() + seconds
    sound_s = sum(await asyncio.gather(*(caller(voice, ends, n / 5) for n in range(CALLS)))) / 1000
    used, ours = _cpu_s(voice) - before, time.process_time() - ours
    over.set()
    late = await watch
    print(
        f"{CALLS} calls that never stop speaking: {used / sound_s * 1000:.1f} ms of CPU for a second of speech in the "
        f"voice, {ours / sound_s * 1000:.1f} in the service; {sound_s / used:.0f} on a core; {_mb(process)} MB; "
        f"the loop late by {late[len(late) // 2]:.1f} / {late[int(len(late) * 0.99)]:.1f} / {late[-1]:.1f} ms "
        "(half, 99 %, at most)"
    )
    await voice.aclose()


def _cpu_s(voice: Hibari) -> float:
    return float(sum(psutil.Process(voice.process.pid).cpu_times()[:2]))


def _mb(process: psutil.Process) -> int:
    return int(process.memory_info().rss / 1e6)


if __name__ == "__main__":
    asyncio.run(main())
