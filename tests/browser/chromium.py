"""A browser with a WAV as its microphone, and what a test wants to know of a page in it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from playwright.async_api import Browser, Page, Playwright, WebSocket, async_playwright

from testbed.patience import PATIENCE_S

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
DEVICE_RATE = 48_000
LOUD = 30
FRAME_S = 0.02
HUSH_FRAMES = 15
"""Silence by which it is known that the last word has passed: 300 ms."""
EAR = """
(() => {
  const connect = AudioNode.prototype.connect;
  window.__ear = { rate: 0, blocks: [] };
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target === this.context.destination && !(this instanceof ScriptProcessorNode)) {
      const ear = this.context.createScriptProcessor(512, 1, 1);
      window.__ear.rate = this.context.sampleRate;
      ear.onaudioprocess = ({ inputBuffer }) => {
        if (window.__ear.blocks.length < 4000) window.__ear.blocks.push(Array.from(inputBuffer.getChannelData(0)));
      };
      connect.call(this, ear);
      connect.call(ear, this.context.destination);
    }
    return connect.call(this, target, ...rest);
  };
})();
"""
"""Put into the page before its own scripts: keeps what goes to the loudspeaker."""

MOUTH = """
(() => {
  const context = new AudioContext({ sampleRate: RATE });
  const microphone = context.createMediaStreamDestination();
  navigator.mediaDevices.getUserMedia = async () => microphone.stream;
  window.__say = (base64) => new Promise((over) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const samples = Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32768);
    const buffer = context.createBuffer(1, samples.length, context.sampleRate);
    buffer.copyToChannel(samples, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.onended = () => over();
    source.connect(microphone);
    source.start();
  });
})();
""".replace("RATE", str(DEVICE_RATE))
"""The same, for a caller who speaks when a test says so: `Visit.say`. Silent in between."""


@dataclass
class Sockets:
    """What went over the page's WebSockets, each message with the time it passed."""

    sent: list[tuple[float, Any]] = field(default_factory=list)
    received: list[tuple[float, Any]] = field(default_factory=list)
    opened: int = 0

    def watch(self, socket: WebSocket) -> None:
        self.opened += 1
        socket.on("framesent", lambda payload: self.sent.append((time.monotonic(), _read(payload))))
        socket.on("framereceived", lambda payload: self.received.append((time.monotonic(), _read(payload))))

    def frames(self) -> list[tuple[float, bytes]]:
        """The sound the page sent."""
        return [(at, data) for at, data in self.sent if isinstance(data, bytes)]

    def controls(self, kind: str, *, sent: bool) -> list[tuple[float, dict[str, Any]]]:
        passed = self.sent if sent else self.received
        return [(at, data) for at, data in passed if isinstance(data, dict) and data["type"] == kind]


@dataclass
class Visit:
    """A page that is open, and all it complained of."""

    page: Page
    sockets: Sockets
    complaints: list[str]

    async def call(self) -> None:
        """Press the big button."""
        await self.page.get_by_role("button", name="Call", exact=True).click()

    async def hang_up(self) -> None:
        await self.page.get_by_role("button", name="Hang up", exact=True).click()

    async def say(self, samples: NDArray[np.int16], rate: int) -> None:
        """Speak into the microphone of a page visited with `speaking`; returns when the page has sent all of it."""
        before = len(self.sockets.frames())
        await self.page.evaluate("sound => window.__say(sound)", base64.b64encode(_for_device(samples, rate)).decode())
        # From the device to the socket it takes its time, most of it on a busy machine.
        loud = np.flatnonzero(np.abs(samples) > LOUD)
        least = int((loud[-1] - loud[0]) / rate / FRAME_S) if len(loud) else 0
        await self.until(lambda: _spoken([data for _, data in self.sockets.frames()[before:]], least))

    async def status(self, text: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the page says so."""
        await self.page.locator("#status", has_text=text).wait_for(timeout=timeout_s * 1000)

    async def entries(self) -> list[tuple[str, str, str]]:
        """The conversation: side, what was settled, what is open (interim, or not heard)."""
        found = await self.page.locator("#log .entry:not(.card)").evaluate_all(
            """items => items.map(item => [
                 item.classList.contains("caller") ? "caller" : "agent",
                 item.querySelector(".settled").textContent, item.querySelector(".open").textContent])"""
        )
        return [(side, settled, open_) for side, settled, open_ in found]

    async def until(self, holds: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
        """What `holds()` gives as soon as it is true; the sockets tell nobody, so it is asked every 10 ms."""
        async with asyncio.timeout(timeout_s):
            while not (found := holds()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return found

    async def played(self) -> tuple[int, NDArray[np.float32]]:
        """Rate and samples of what went to the loudspeaker."""
        ear = await self.page.evaluate(
            """() => {
                 const bytes = new Uint8Array(Float32Array.from(window.__ear.blocks.flat()).buffer);
                 const parts = [];
                 for (let i = 0; i < bytes.length; i += 8192)
                   parts.push(String.fromCharCode(...bytes.subarray(i, i + 8192)));
                 return {rate: window.__ear.rate, samples: btoa(parts.join(""))};
               }"""
        )
        return int(ear["rate"]), np.frombuffer(base64.b64decode(ear["samples"]), np.float32)


class Chromium:
    """Browsers, one for each microphone, kept for the next visit: starting one takes a second."""

    def __init__(self, executable: str, playwright: Playwright) -> None:
        self._executable = executable
        self._playwright = playwright
        self._browsers: dict[tuple[str, ...], Browser] = {}

    async def with_flags(self, *flags: str) -> Browser:
        browser = self._browsers.get(flags)
        if browser is None or not browser.is_connected():
            chromium = self._playwright.chromium
            browser = await chromium.launch(executable_path=self._executable, args=[*FLAGS, *flags])
            self._browsers[flags] = browser
        return browser


@asynccontextmanager
async def installed(executable: str) -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        yield Chromium(executable, playwright)


@asynccontextmanager
async def visiting(
    chromium: Chromium,
    url: str,
    *,
    microphone: Path | None = None,
    speaking: bool = False,
    allowed: bool = True,
    size: tuple[int, int] = (1200, 800),
    **context: Any,
) -> AsyncIterator[Visit]:
    """The page at `url`, by somebody new. Console errors, exceptions and failed requests are kept in `complaints`."""
    flags = ["--use-fake-ui-for-media-stream" if allowed else "--deny-permission-prompts"]
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    browser = await chromium.with_flags(*flags)
    visitor = await browser.new_context(viewport={"width": size[0], "height": size[1]}, **context)
    try:
        page = await visitor.new_page()
        visit = Visit(page, Sockets(), [])
        page.on("websocket", visit.sockets.watch)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("requestfailed", lambda request: visit.complaints.append(f"failed: {request.url}"))
        page.on(
            "console",
            lambda message: visit.complaints.append(message.text) if message.type == "error" else None,
        )
        await page.add_init_script(EAR + MOUTH if speaking else EAR)
        await page.goto(url)
        yield visit
    finally:
        await visitor.close()


def write_wav(path: Path, samples: NDArray[np.int16], rate: int) -> Path:
    """A file as Chromium's fake microphone wants it: 48 kHz mono 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(DEVICE_RATE)
        file.writeframes(_for_device(samples, rate))
    return path


def _for_device(samples: NDArray[np.int16], rate: int) -> bytes:
    if rate != DEVICE_RATE:
        samples = np.asarray(soxr.resample(samples, rate, DEVICE_RATE)).astype(np.int16)
    return samples.tobytes()


def _read(payload: str | bytes) -> Any:
    return payload if isinstance(payload, bytes) else json.loads(payload)


def _spoken(frames: list[bytes], least: int) -> bool:
    """Something was said, so many frames long with the holes that a busy machine makes, and a moment of silence
    followed."""
    loud = [np.abs(np.frombuffer(frame, "<i2")).max() > LOUD for frame in frames]
    return any(loud) and len(loud) - loud.index(True) >= least + HUSH_FRAMES and not any(loud[-HUSH_FRAMES:])
