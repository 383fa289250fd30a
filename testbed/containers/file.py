"""docker-compose.yml as a value, and how it becomes one for an engine that has the host's network only."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("gateway", "orchestrator", "stt", "llm", "tts", "tools", "rag", "backoffice")
TWICE = ("orchestrator", "tts")
"""Of these there are two, so that one may be killed."""
GRPC, MONITOR = 50051, 9190
"""On the host's network each container has ports of its own: these and those above; NATS has 4222, PostgreSQL 5432."""

Compose = dict[str, Any]
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def read() -> Compose:
    found: Compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def filled(value: Any, env: Mapping[str, str]) -> Any:
    """With `${NAME:-default}` put in, as Compose does."""
    if isinstance(value, dict):
        return {key: filled(each, env) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, env) for each in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: env.get(match[1]) or match[2] or "", value)
    return value


def on_the_host(compose: Compose, images: Mapping[str, str], port: int) -> Compose:
    """The same house on 127.0.0.1, the gateway at `port` and backoffice at the next: without Qdrant, with `images` in
    place of others', and with two of TWICE. All else is as in the file."""
    made: Compose = filled(deepcopy(compose), {**os.environ, **images})
    house = made["services"]
    for name in [
        name for name, service in house.items() if service.get("profiles") in (["monitoring"], ["production"])
    ]:
        del house[name]
    del house["qdrant"], house["rag"]["depends_on"]["qdrant"]
    house["rag"]["environment"]["PARLEY_QDRANT_URL"] = ""
    for name in TWICE:
        house[f"{name}-2"] = deepcopy(house[name])
    listen: dict[str, list[str]] = {}
    replicas = [*SERVICES, *(f"{name}-2" for name in TWICE)]
    for n, name in enumerate(replicas):
        listen.setdefault(name.removesuffix("-2"), []).append(f"{name}:{GRPC + n}")
        house[name]["environment"] |= {
            "PARLEY_LISTEN": f"127.0.0.1:{GRPC + n}",
            "PARLEY_METRICS_HOST": "127.0.0.1",
            "PARLEY_METRICS_PORT": str(MONITOR + n),
        }
    called = {name: ",".join(its) for name, its in listen.items() if name not in ("gateway", "backoffice")}
    addresses = {f"PARLEY_{name.upper()}_ADDRESS": its for name, its in called.items()}
    addresses["PARLEY_TELEPHONY_ADDRESS"] = listen["gateway"][0]
    house["gateway"]["environment"] |= {"PARLEY_GATEWAY_HOST": "127.0.0.1"}
    house["backoffice"]["environment"] |= {
        "PARLEY_BACKOFFICE_HOST": "127.0.0.1",
        "PARLEY_BACKOFFICE_PORT": str(port + 1),
    }
    house["postgres"]["environment"]["LISTEN"] = "127.0.0.1"
    house["keys"]["command"] = ["/keys", "127.0.0.1"]
    names = [*replicas, "nats", "postgres"]
    for name, service in house.items():
        service.pop("ports", None)
        service.pop("build", None)
        if "PARLEY_NATS_URL" in service.get("environment", {}):
            service["environment"] |= {**addresses, "PARLEY_GATEWAY_PORT": str(port)}
        if name != "keys":
            service["network_mode"] = "host"
            service["extra_hosts"] = [f"{other}:127.0.0.1" for other in names]
    used = {str(volume).partition(":")[0] for service in house.values() for volume in service.get("volumes", ())}
    made["volumes"] = {name: value for name, value in made["volumes"].items() if name in used}
    return made
