"""From calls at once to everything that they take. Arithmetic: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cli.scaling.rule import needed
from cli.sizing import figures
from cli.sizing.figures import PROFILES, Figure, Profile
from parley.engines import Price


@dataclass(frozen=True, slots=True)
class Load:
    """What is assumed. `calls`: open at once, at the day's height; `call_s`: length of one; `turn_s`: from one turn to
    the next; `tools`: calls of tools with effects, for one call; tokens: of one turn; `core_hour`: US dollars."""

    calls: int
    profile: Profile = "cloud"
    call_s: float = 180.0
    turn_s: float = figures.TURN_S
    tools: float = 1.0
    input_tokens: int = 1500
    output_tokens: int = 40
    core_hour: float = 0.04

    @property
    def turns(self) -> float:
        """A second."""
        return self.calls / self.turn_s

    @property
    def begun(self) -> float:
        """Calls a second."""
        return self.calls / self.call_s


@dataclass(frozen=True, slots=True)
class Row:
    """One service."""

    service: str
    replicas: int
    cores: float
    mb: float
    figure: Figure


def rows(load: Load) -> list[Row]:
    """Replicas as the scaling rule counts them when so many calls are open: filled to three quarters, one to spare."""
    found = []
    for service, figure in PROFILES[load.profile].items():
        replicas = needed(load.calls, figure.carries)
        found.append(Row(service, replicas, replicas * figure.cores, replicas * figure.idle_mb, figure))
    return found


@dataclass(frozen=True, slots=True)
class Nats:
    """A second: `writes` of states and as many records, `megabytes` of both. `events_mb`: what the stream of events
    must hold; `cores` and `states_mb` of each of three nodes."""

    writes: float
    megabytes: float
    events_mb: float
    states_mb: float
    cores: float


def nats(load: Load) -> Nats:
    each = figures.BOUNDARIES
    boundaries = load.turns * each["turn"] + load.begun * (each["call"] + load.tools * each["tool"])
    size = (figures.STATE_BYTES + figures.RECORD_BYTES) / 1e6
    return Nats(
        writes=boundaries,
        megabytes=boundaries * size,
        events_mb=boundaries * figures.RECORD_BYTES * figures.EVENTS_HOURS * 3600 / 1e6,
        states_mb=load.calls * figures.STATE_BYTES / 1e6,
        cores=load.calls * figures.NATS_MS / 1000,
    )


def connections(found: list[Row], most: int = figures.PEERS) -> int:
    """gRPC connections in the whole house, when a process has at most so many of each service that it calls."""
    count = {row.service: row.replicas for row in found}
    ways = {"gateway": ("stt", "tts", "orchestrator"), "orchestrator": ("llm", "tools", "rag")}
    return sum(count[one] * min(most, count[other]) for one, others in ways.items() for other in others)


def network(load: Load) -> Mapping[str, float]:
    """Megabytes a second, both directions together, by way."""
    both = 1 + figures.SPEAKS
    ways = {
        "carrier and gateways": load.calls * both * figures.FRAME_BYTES * 50 / 1e6,
        "between services": load.calls * both * figures.SOUND_BYTES / 1e6
        + nats(load).writes * figures.STATE_BYTES / 1e6,
        "services and NATS": nats(load).megabytes,
    }
    if load.profile == "cloud":
        ways["services and vendors"] = load.calls * both * figures.SOUND_BYTES / 1e6
    return ways


def database_rows(load: Load) -> float:
    """Rows of the tools' ledger a second; each is updated once."""
    return load.begun * load.tools


def minute(load: Load, ears: Price, mind: Price, voice: Price) -> Mapping[str, float]:
    """US dollars for a minute of a call: each vendor by its list, and the cores."""
    turns = 60 / load.turn_s
    cores = sum(row.cores for row in rows(load)) + 3 * nats(load).cores
    return {
        "stt": ears.stt_minute,
        "llm": turns * (load.input_tokens * mind.input_million + load.output_tokens * mind.output_million) / 1e6,
        "tts": turns * figures.SPOKEN_CHARS * voice.tts_thousand_chars / 1000,
        "cores": cores * load.core_hour / 60 / load.calls,
    }
