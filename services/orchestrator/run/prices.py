"""What a call costs at the vendors, by their list prices. Engines of this machine cost nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from parley.agents.agent import Agent
from parley.agents.specialists import FRONT
from parley.engines import EngineSpec, engines_of
from parley.settings import Settings, Stage
from parley.v1 import events_pb2
from services.orchestrator.mind.state import Call, Spent

_FREE = EngineSpec(loads="")


@dataclass(frozen=True, slots=True)
class Prices:
    """The preferred engines: all is paid to them. `llm`: the language model's name, for the agents' choice of model."""

    llm: str = ""
    stt: str = ""
    tts: str = ""
    ears: EngineSpec = _FREE
    mind: EngineSpec = _FREE
    voice: EngineSpec = _FREE

    @classmethod
    def of(cls, settings: Settings) -> Prices:
        """An engine without a known price counts as free."""
        stt, llm, tts = (settings.engines(stage)[0] for stage in ("stt", "llm", "tts"))
        return cls(llm, stt, tts, _row("stt", stt), _row("llm", llm), _row("tts", tts))

    @property
    def names(self) -> events_pb2.EngineNames:
        """For the record."""
        return events_pb2.EngineNames(stt=self.stt, llm=self.llm, tts=self.tts)


def cost(prices: Prices, call: Call, seconds: float, agent: Agent) -> float:
    """Dollars. `agent`: whose models were asked."""
    return sum(costs(prices, call, seconds, agent).values())


def costs(prices: Prices, call: Call, seconds: float, agent: Agent) -> Mapping[Stage, float]:
    """The same by what it is paid for. Text calls are neither heard nor spoken."""
    words = sum(spent_on(prices, call, agent).values())
    if call.channel == "chat":
        return {"llm": words}
    heard, said = seconds / 60 * prices.ears.price.stt_minute, call.tally.spoken_chars / 1000
    return {"stt": heard, "llm": words, "tts": said * prices.voice.price.tts_thousand_chars}


def spent_on(prices: Prices, call: Call, agent: Agent) -> Mapping[str, float]:
    """Dollars for language models by who had the call; the agent itself is `front`."""
    known = [each for each in call.spent_by if each.specialist]
    read = call.tally.input_tokens - sum(each.input_tokens for each in known)
    written = call.tally.output_tokens - sum(each.output_tokens for each in known)
    front = Spent("", 0, max(0, read), max(0, written))
    return {each.specialist or FRONT: _words(prices, each, agent) for each in (front, *known)}


def _words(prices: Prices, spent: Spent, agent: Agent) -> float:
    own = agent.specialists.get(spent.specialist)
    model = (own.models.get(prices.llm, "") if own is not None else "") or agent.models.get(prices.llm, "")
    price = prices.mind.price_of(model)
    return (spent.input_tokens * price.input_million + spent.output_tokens * price.output_million) / 1e6


def _row(stage: Stage, name: str) -> EngineSpec:
    return engines_of(stage).get(name, _FREE)
