"""A size in words, as the terminal and docs/scale.md have it (Markdown)."""

from __future__ import annotations

from collections.abc import Mapping

from cli.doctor.engines import STAGES
from cli.sizing import figures
from cli.sizing.size import Load, connections, database_rows, minute, nats, network, rows
from parley.engines import EngineSpec, engines_of
from parley.settings import Stage


def _engine(load: Load, stage: Stage) -> tuple[str, EngineSpec]:
    """The first engine of a stage that the profile has."""
    vendor = load.profile == "cloud"
    return next((name, row) for name, row in engines_of(stage).items() if row.vendor == vendor)


def text(load: Load) -> str:
    found, bus = rows(load), nats(load)
    names = {stage: _engine(load, stage) for stage in STAGES}
    cores, megabytes = sum(row.cores for row in found), sum(row.mb for row in found)
    memory = megabytes + load.calls * figures.CALL_MB
    lines = [
        f"{load.calls:,} calls at once, profile {load.profile} "
        f"({', '.join(f'{stage} {name}' for stage, (name, _) in names.items())}).",
        "",
        "| service | replicas | cores | one carries, calls | PARLEY_CAPACITY | ms per call-second | measured in |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for row in found:
        its = row.figure
        lines.append(
            f"| {row.service} | {row.replicas} | {row.cores:g} | {its.carries:,} | {its.capacity:,}"
            f" | {its.cpu_ms:.2f} | {its.source} |"
        )
    lines.append(f"| NATS, three nodes | 3 | {max(3, 3 * bus.cores):.0f} | | | {figures.NATS_MS} | {figures.LARGEST} |")
    lines += [
        "",
        f"- **Together**: {sum(row.replicas for row in found)} replicas, {cores:,.0f} cores, {memory / 1000:,.0f} GB "
        f"({megabytes / 1000:,.0f} GB of processes without calls, {figures.CALL_MB} MB a call).",
        f"- **NATS**: {bus.writes:,.0f} states and {bus.writes:,.0f} event records a second, {bus.megabytes:.1f} MB/s; "
        f"{bus.states_mb:,.0f} MB of states; {figures.EVENTS_HOURS} hours of events are {bus.events_mb:,.0f} MB "
        f"(PARLEY_EVENTS_MB).",
        f"- **Database of tools**: {database_rows(load):,.1f} rows a second, each updated once.",
        f"- **Connections** between services: {connections(found):,} "
        f"(each with each would be {connections(found, 10**6):,}).",
        f"- **Network**: {', '.join(f'{way} {rate:,.0f} MB/s' for way, rate in network(load).items())}.",
        f"- **Money**, US dollars a minute of a call: {_money(load, names)}.",
        "",
        f"Assumed: a turn every {load.turn_s:g} s, calls of {load.call_s:g} s, {load.tools:g} tool with effects each, "
        f"{load.input_tokens:,} tokens read and {load.output_tokens} written a turn, a core at ${load.core_hour:g} an "
        f"hour, {figures.STATE_BYTES:,} bytes for a state, streams of llm, tts, tools, rag open for a part of a call. "
        "Memory, network, connections and money are reckoned, not measured; the carrier's minutes are not in it.",
    ]
    return "\n".join(lines)


def _money(load: Load, engines: Mapping[Stage, tuple[str, EngineSpec]]) -> str:
    ears, mind, voice = (engines[stage][1].price for stage in STAGES)
    called: dict[str, str] = {stage: name for stage, (name, _) in engines.items()}
    parts = minute(load, ears, mind, voice)
    told = ", ".join(f"{called.get(part, part)} {usd:.5f}" for part, usd in parts.items())
    total = sum(parts.values())
    return f"{told}; together {total:.5f}, that is {total * 60 * load.calls:,.0f} an hour at this height"
