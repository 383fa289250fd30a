"""Whether the nodes of NATS have leaders and keep every stream as often as they should. Pure, but for `asked`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from cli.cluster.kubectl import Kubectl
from cli.doctor.findings import Finding
from parley.errors import Misconfigured, Unavailable
from runner.nats_users import STREAMS

MONITOR_PORT = 8222
_ASKED = "/jsz?streams=true&config=true"

Answers = Mapping[str, Mapping[str, Any] | None]
"""What each node said at /jsz, by its name; None: nothing."""


async def asked(kubectl: Kubectl, nodes: Sequence[str]) -> dict[str, Mapping[str, Any] | None]:
    answers = await asyncio.gather(*(_jsz(kubectl, node) for node in nodes))
    return dict(zip(nodes, answers, strict=True))


async def _jsz(kubectl: Kubectl, node: str) -> Mapping[str, Any] | None:
    try:
        async with (
            kubectl.forwarded(f"pod/{node}", MONITOR_PORT) as port,
            httpx.AsyncClient(timeout=5.0, trust_env=False) as client,
        ):
            answer = await client.get(f"http://127.0.0.1:{port}{_ASKED}")
            found: Mapping[str, Any] = answer.raise_for_status().json()
            return found
    except (Misconfigured, Unavailable, httpx.HTTPError, ValueError):
        return None


def examined(answers: Answers, copies: int) -> list[Finding]:
    """`copies`: how often streams are to be kept, PARLEY_NATS_REPLICAS."""
    silent = [node for node, answer in answers.items() if answer is None]
    if silent:
        return [Finding("missing", "nats", f"{', '.join(silent)}: no answer at its monitor")]
    said = {node: answer for node, answer in answers.items() if answer is not None}
    findings = []
    if len(said) > 1:
        clusters = {node: answer.get("meta_cluster") or {} for node, answer in said.items()}
        leaders = {cluster.get("leader", "") for cluster in clusters.values()}
        if len(leaders) > 1 or not all(leaders):
            return [Finding("missing", "nats", "the nodes have no leader in common: a majority is needed")]
        sizes = {cluster.get("cluster_size", 0) for cluster in clusters.values()}
        line = f"{'/'.join(map(str, sorted(sizes)))} of {len(said)} nodes know each other, led by {leaders.pop()}"
        findings.append(Finding("ok" if sizes == {len(said)} else "missing", "nats", line))
    streams = _streams(said)
    lacking = [name for name in STREAMS if name not in streams]
    if lacking:
        findings.append(
            Finding("missing", "streams", f"{', '.join(lacking)}: not made yet; the orchestrator makes them")
        )
    wrong = [f"{name} {why}" for name, its in streams.items() if (why := _wrong(its, copies))]
    if wrong:
        findings.append(Finding("missing", "streams", "; ".join(wrong)))
    elif not lacking:
        kept = f"kept {copies} times" if copies > 1 else "kept once"
        findings.append(Finding("ok", "streams", f"{', '.join(streams)}: {kept}, each with a leader, none behind"))
    return findings


def _streams(said: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """By name, as its leader tells it; only a leader knows who is behind."""
    found: dict[str, Mapping[str, Any]] = {}
    for node, answer in said.items():
        for account in answer.get("account_details") or ():
            for stream in account.get("stream_detail") or ():
                leads = (stream.get("cluster") or {}).get("leader") in (node, None) or len(said) == 1
                if leads or stream["name"] not in found:
                    found[stream["name"]] = stream
    return found


def _wrong(stream: Mapping[str, Any], copies: int) -> str:
    cluster = stream.get("cluster") or {}
    others = cluster.get("replicas") or ()
    if cluster and not cluster.get("leader"):
        return "has no leader"
    if (kept := stream.get("config", {}).get("num_replicas", 1)) != copies:
        return f"is kept {kept} times, not {copies}"
    behind = [each["name"] for each in others if not each.get("current") or each.get("offline")]
    return f"is behind at {', '.join(behind)}" if behind else ""
