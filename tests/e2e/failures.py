"""What the vendors do wrong in these tests: one fault for the calls of one agent, which has the fault's name."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from testbed.vendors.elevenlabs.socket import Received
from testbed.vendors.faults import Fault
from testbed.vendors.vendors import Vendors

LISTENING = {
    "stt-refuses": Fault("refuse", status=401),
    "stt-slow": Fault("slow", after_ms=2500),
    "stt-garbage": Fault("garbage", after_items=1),
    "stt-closes": Fault("close", code=1011, after_items=1, times=1),
    "stt-cut": Fault("close", code=0, after_items=1, times=1),
    "stt-stalls": Fault("stall", after_items=1, times=1),
}
THINKING = {
    "llm-refuses": Fault("refuse", status=401),
    "llm-busy": Fault("refuse", status=429, times=1),
    "llm-away": Fault("refuse", status=503, times=6),
    "llm-slow": Fault("slow", after_ms=2500),
    "llm-garbage": Fault("garbage", after_items=3),
    "llm-cut": Fault("close", after_items=3, times=1),
    "llm-stalls": Fault("stall", after_items=3),
}
SPEAKING = {
    "tts-refuses": Fault("refuse", status=401),
    "tts-slow": Fault("slow", after_ms=3000),
    "tts-garbage": Fault("garbage", after_items=1, times=1),
    "tts-cut": Fault("close", code=0, after_items=1, times=1),
    "tts-closes": Fault("close", code=1008, after_items=1, times=1),
    "tts-stalls": Fault("stall", after_items=1, times=1),
}


def fail(vendors: Vendors) -> None:
    """From now on the vendors fail for the calls of these agents."""
    for faults, vendor in (
        (LISTENING, vendors.deepgram),
        (THINKING, vendors.openai),
        (SPEAKING, vendors.elevenlabs),
    ):
        for name, fault in faults.items():
            vendor.faults.add(replace(fault, only=name))


def mute(vendors: Vendors) -> None:
    """These voices end politely and give no sound: once, or whenever they are to say "green"."""
    muted: set[int] = set()

    def twist(seen: Received, message: dict[str, Any]) -> Iterable[dict[str, Any]]:
        if seen.voice == "tts-mute-once" and (id(seen) in muted or not muted):
            muted.add(id(seen))
            return [] if message["audio"] else [message]
        if seen.voice == "tts-mute-green" and "green" in seen.text:
            return [] if message["audio"] else [message]
        return [message]

    vendors.elevenlabs.twist = twist


MUTE = ("tts-mute-once", "tts-mute-green", "mute-model", "mute-page")
AGENTS = (*LISTENING, *THINKING, *SPEAKING, *MUTE)
