"""The carriers by name; a call names the one it came by, and knows nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping

from parley.engines import named
from parley.settings import Settings
from services.gateway.carriers.carrier import Carrier

KNOWN = {"twilio": "services.gateway.carriers.twilio.carrier:Twilio"}

Carriers = Mapping[str, Carrier]


def carriers(settings: Settings) -> Carriers:
    """All that this gateway has doors for."""
    return {name: named(path)(settings) for name, path in KNOWN.items()}
