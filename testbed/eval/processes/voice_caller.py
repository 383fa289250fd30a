"""The caller's side of a call with sound: a voice, noise beneath it, and when it speaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from parley.agents.conversations.conversation import Turn
from parley.audio import mulaw_to_pcm, pcm_to_mulaw
from testbed.eval.course import Exchange
from testbed.telephone.phone import Call, CallOver
from testbed.telephone.stream import FRAME

GREETING_S, ANSWER_S = 8.0, 20.0
PAUSE_S = 2.0
"""Silence after which an answer is taken to be over: longer than the pauses before a filler and behind one."""
_NOISE_S = 10


class Microphone:
    """The caller's side of the line: speech, and noise beneath it all the time. `noise_db`: in dBFS; None: silence."""

    def __init__(self, noise_db: float | None) -> None:
        count = _NOISE_S * 8000
        level = 32768 * 10 ** (noise_db / 20) if noise_db is not None else 0.0
        self._noise = np.random.default_rng(1).normal(0, 1, count) * level
        self._place = 0
        self._speech: NDArray[np.int16] = np.zeros(0, np.int16)
        self._said: asyncio.Future[float] | None = None

    async def say(self, mulaw: bytes) -> float:
        """Until the last frame was sent; when that was."""
        self._speech = mulaw_to_pcm(mulaw)
        self._said = asyncio.get_running_loop().create_future()
        return await self._said

    def hung_up(self) -> None:
        if self._said is not None and not self._said.done():
            self._said.set_exception(CallOver("the call ended while the caller spoke"))

    def __call__(self, now: float) -> bytes:
        frame = np.zeros(FRAME)
        speech, self._speech = self._speech[:FRAME], self._speech[FRAME:]
        frame[: len(speech)] = speech
        frame += np.take(self._noise, np.arange(self._place, self._place + FRAME), mode="wrap")
        self._place += FRAME
        if not len(self._speech) and self._said is not None and not self._said.done():
            self._said.set_result(now)
        return pcm_to_mulaw(np.clip(frame, -32768, 32767).astype(np.int16))


class SpokenCaller:
    """Says the lines, and notes when it did what."""

    def __init__(self, sounds: dict[str, bytes], noise_db: float | None) -> None:
        self._sounds = sounds
        self._microphone = Microphone(noise_db)
        self.acts: list[Exchange] = []
        self.at: list[int] = []

    async def talks(self, call: Call, turns: Sequence[Turn]) -> None:
        """Raises CallOver, TimeoutError (no answer)."""
        call.microphone = self._microphone
        over = asyncio.ensure_future(call.until_over())
        over.add_done_callback(lambda _: self._microphone.hung_up())
        try:
            with suppress(TimeoutError):  # it may be for the caller to speak first
                await call.until_bot_speaks(call.born, GREETING_S)
            await call.until_bot_silent(PAUSE_S * 1000)
            for turn in turns:
                if call.over or call.dialled:  # handed over: it still rings
                    return
                await self._act(call, turn)
        finally:
            over.cancel()

    async def _act(self, call: Call, turn: Turn) -> None:
        act = Exchange(caller=turn.caller, keys=turn.keys, silent_s=turn.silent_s)
        self.acts.append(act)
        self.at.append(int(time.time() * 1000))
        if turn.silent_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(turn.silent_s):
                    await call.until_over()
        else:
            if turn.keys:
                call.dtmf(turn.keys)
            since = time.monotonic() if turn.keys else await self._microphone.say(self._sounds[turn.caller])
            act.first_word_ms = (await call.until_bot_speaks(since, ANSWER_S) - since) * 1000
        await call.until_bot_silent(PAUSE_S * 1000)
