"""The language model that reads transcripts: the llm service, off the voice path."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from parley.agents.agent import Agent
from parley.errors import NotBuilt, ParleyError
from parley.rpc import Peers
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.backoffice.records.call import Call
from services.backoffice.watchers.outcomes.engines import EnginesNow
from services.backoffice.watchers.outcomes.outcome import Outcome
from services.backoffice.watchers.outcomes.reading import Wanted, instructions, transcript, understood

ANSWER_S = 45.0
"""For all tries together."""
PAUSES_S = (1.0, 5.0)
"""Before it is asked again, where it is away, or has too much to do. Not what made no sense: that would again."""
MAX_TOKENS = 600
MAX_ANSWER_CHARS = 20_000
LOCAL = "local"
"""The engine of this machine makes dialogue and reads no transcripts."""


class Model:
    """`llm`: the replicas. `engines`: theirs; the agents name the models of the first one that is a vendor's."""

    def __init__(
        self, llm: Peers, engines: EnginesNow, *, pauses_s: Sequence[float] = PAUSES_S, answer_s: float = ANSWER_S
    ) -> None:
        self._llm = llm
        self._engines = engines
        self._pauses_s, self._answer_s = pauses_s, answer_s

    async def can_read(self) -> bool:
        return any(engine != LOCAL for engine in await self._engines())

    async def read(self, call: Call, agent: Agent | None) -> Outcome:
        """Raises ParleyErrors: nobody could be asked, or the answer makes no sense; TimeoutError."""
        wanted = Wanted.of(agent)
        models = {**agent.models, **agent.outcomes.models} if agent is not None else {}
        preferred = (await self._engines())[0]
        request = llm_pb2.ChatRequest(
            call_id=f"outcome-{call.call_id}"[:200],
            agent=call.agent,
            agent_version=call.version,
            model=models.get(preferred, ""),
            system=instructions(wanted),
            messages=[llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text=transcript(call))],
            tool_choice=llm_pb2.TOOL_CHOICE_NONE,
            max_output_tokens=MAX_TOKENS,
            temperature=0.0,
            language=call.language,
        )
        async with asyncio.timeout(self._answer_s):
            answer, model = await self._answered(request)
        return understood(answer, wanted, model[:100])

    async def _answered(self, request: llm_pb2.ChatRequest) -> tuple[str, str]:
        """What was said, and by which model."""
        for pause_s in self._pauses_s:
            try:
                return await self._asked(request)
            except ParleyError as e:
                if not e.retryable:
                    raise
            await asyncio.sleep(pause_s)
        return await self._asked(request)

    async def _asked(self, request: llm_pb2.ChatRequest) -> tuple[str, str]:
        answer, vendor, model = "", "", ""
        stream = await self._llm.open(llm_pb2_grpc.LanguageModelStub, "Chat", request=request)
        try:
            while (event := await stream.read()) is not None and len(answer) < MAX_ANSWER_CHARS:
                kind = event.WhichOneof("event")
                if kind == "text_delta":
                    answer += event.text_delta
                elif kind == "unsay":
                    answer = ""
                elif kind == "usage":
                    vendor, model = event.usage.vendor, event.usage.model
        finally:
            stream.cancel()
        if vendor == LOCAL:
            raise NotBuilt("only the engine of this machine has answered, and it reads no transcripts")
        return answer, model
