"""All vendors at once, and the environment that points the product at them."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.server import VendorSim
from testbed.vendors.twilio_rest import TwilioRestSim

ACCOUNT = "AC" + "0" * 32
_ANY_KEY = "stand-in-key"


class Vendors:
    """`async with Vendors() as vendors: start(env=vendors.environment())`. Stand-ins not given are made, at 0 ms."""

    def __init__(
        self,
        *,
        deepgram: DeepgramSim | None = None,
        openai: OpenAISim | None = None,
        elevenlabs: ElevenLabsSim | None = None,
        twilio: TwilioRestSim | None = None,
    ) -> None:
        self.deepgram = deepgram or DeepgramSim()
        self.openai = openai or OpenAISim()
        self.elevenlabs = elevenlabs or ElevenLabsSim()
        self.twilio = twilio or TwilioRestSim(accept_unknown=True)
        self._stack = AsyncExitStack()

    @property
    def urls(self) -> dict[str, str]:
        """Base URL of each, as its SDK takes it."""
        return {
            "deepgram": self.deepgram.url,
            "openai": self.openai.base_url,
            "elevenlabs": self.elevenlabs.url,
            "twilio": self.twilio.url,
        }

    def environment(self) -> dict[str, str]:
        """Variables that make the product run wholly on these stand-ins."""
        return {
            "DEEPGRAM_API_KEY": self.deepgram.api_key or _ANY_KEY,
            "DEEPGRAM_BASE_URL": self.deepgram.url,
            "OPENAI_API_KEY": self.openai.api_key or _ANY_KEY,
            "OPENAI_BASE_URL": self.openai.base_url,
            "ELEVENLABS_API_KEY": self.elevenlabs.api_key or _ANY_KEY,
            "ELEVENLABS_BASE_URL": self.elevenlabs.url,
            "TWILIO_ACCOUNT_SID": self.twilio.account_sid or ACCOUNT,
            "TWILIO_AUTH_TOKEN": self.twilio.auth_token or _ANY_KEY,
            "TWILIO_API_BASE_URL": self.twilio.url,
        }

    async def __aenter__(self) -> Self:
        sims: tuple[VendorSim, ...] = (self.deepgram, self.openai, self.elevenlabs, self.twilio)
        for sim in sims:
            await self._stack.enter_async_context(sim)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
