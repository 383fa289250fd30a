"""The ways to the services for one sentence of somebody who tries them, and how often one may."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from parley.errors import AtCapacity
from parley.rpc import Peers
from parley.security.certificates import Certificates
from parley.settings import Settings, addresses

AT_ONCE = 2
PER_MINUTE = 12
"""Of one person, all three together."""
PEOPLE = 1_000


class TooOften(AtCapacity):
    """`wait_s`: until one may again."""

    def __init__(self, what: str, wait_s: float) -> None:
        super().__init__(what)
        self.wait_s = wait_s


class Trials:
    """The ways to the services, and who has tried how often."""

    def __init__(self, llm: Peers, tts: Peers) -> None:
        self.llm = llm
        self.tts = tts
        self._active = 0
        self._lately: dict[str, deque[float]] = {}

    @contextmanager
    def one(self, who: str) -> Iterator[None]:
        """Raises TooOften: too many at a time, or within a minute."""
        if self._active >= AT_ONCE:
            raise TooOften(f"{AT_ONCE} are being tried at this moment", 2.0)
        now, lately = time.monotonic(), self._lately.pop(who, deque())
        while lately and lately[0] <= now - 60:
            lately.popleft()
        self._lately[who] = lately
        while len(self._lately) > PEOPLE:
            self._lately.pop(next(iter(self._lately)))
        if len(lately) >= PER_MINUTE:
            raise TooOften(f"no more than {PER_MINUTE} a minute", lately[0] + 60 - now)
        lately.append(now)
        self._active += 1
        try:
            yield
        finally:
            self._active -= 1


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Trials]:
    """Raises Misconfigured: the certificates."""
    certificates = Certificates.of(settings)
    async with AsyncExitStack() as stack:
        llm = await stack.enter_async_context(Peers("llm", addresses(settings.llm_address), certificates=certificates))
        tts = await stack.enter_async_context(Peers("tts", addresses(settings.tts_address), certificates=certificates))
        yield Trials(llm, tts)
