"""The language model that reads transcripts: the llm service, off the voice path."""

from __future__ import annotations

import asyncio

from parley.agents.agent import Agent
from parley.errors import NotBuilt
from parley.rpc import Peers
from parley.settings import Settings
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.backoffice.records.call import Call
from services.backoffice.watchers.outcomes.outcome import Outcome
from services.backoffice.watchers.outcomes.reading import Wanted, instructions, transcript, understood

ANSWER_S = 30.0
MAX_TOKENS = 600
MAX_ANSWER_CHARS = 20_000
LOCAL = "local"
"""The engine of this machine makes dialogue and reads no transcripts."""


class Model:
    """`llm`: the replicas. `engine`: the one that is preferred, whose models the agents name."""

    def __init__(self, llm: Peers, settings: Settings) -> None:
        self._llm = llm
        engines = settings.engines("llm")
        self.can_read = any(engine != LOCAL for engine in engines)
        self._engine = engines[0]

    async def read(self, call: Call, agent: Agent | None) -> Outcome:
        """Raises ParleyErrors: nobody could be asked, or the answer makes no sense."""
        wanted = Wanted.of(agent)
        models = {**agent.models, **agent.outcomes.models} if agent is not None else {}
        request = llm_pb2.ChatRequest(
            call_id=f"outcome-{call.call_id}"[:200],
            agent=call.agent,
            agent_version=call.version,
            model=models.get(self._engine, ""),
            system=instructions(wanted),
            messages=[llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text=transcript(call))],
            tool_choice=llm_pb2.TOOL_CHOICE_NONE,
            max_output_tokens=MAX_TOKENS,
            temperature=0.0,
            language=call.language,
        )
        answer, vendor, model = "", "", ""
        async with asyncio.timeout(ANSWER_S):
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
        return understood(answer, wanted, model[:100])
