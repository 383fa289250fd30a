"""The secrets of an overlay: `python -m runner.cluster_secrets k8s/overlays/prod/secrets`.

Writes a `<service>.env` for each, readable by its owner only. What stands there is kept, so that it may be run again:
passwords that are missing are made; what only its owner can know (keys of vendors, URLs) is left empty and named.
"""

from __future__ import annotations

import base64
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from parley.engines import engines_of, named
from parley.settings import Stage
from runner.nats_users import PERMISSIONS, variable
from runner.plan import BACKOFFICE, CONFIG_KEY, DEPLOYED, KEYED


def given(service: str) -> tuple[str, ...]:
    """What a service needs that nobody can make up: the keys of vendors, and these. Empty: it is done without."""
    if service in get_args(Stage):
        rows = (named(row.settings) for row in engines_of(service).values() if row.vendor)
        return tuple(dict.fromkeys(row.variable("api_key") for row in rows))
    return _GIVEN.get(service, ())


_GIVEN = {
    "gateway": ("TWILIO_AUTH_TOKEN",),
    "tools": ("PARLEY_DATABASE_URL",),
    "rag": ("QDRANT_API_KEY",),
    BACKOFFICE: ("PARLEY_BACKOFFICE_DATABASE_URL",),
}
ROUTE = "route"  # how the nodes of NATS know each other


def complete(found: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Service -> variable -> value: what is there, and what was missing."""
    users = {name: _password() for name in (*PERMISSIONS, ROUTE)}
    sealed = _password()
    users |= {name: value for name in users if (value := found.get("nats", {}).get(variable(name)))}
    wanted: dict[str, dict[str, str]] = {"nats": {variable(name): password for name, password in users.items()}}
    for service in DEPLOYED:
        wanted[service] = {"PARLEY_NATS_PASSWORD": users[service]}
        wanted[service] |= dict.fromkeys(given(service), "")
    wanted["gateway"]["PARLEY_SECRET"] = _password()
    wanted[BACKOFFICE]["PARLEY_BACKOFFICE_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
    sealing = [found.get(service, {}).get(CONFIG_KEY, "") for service in KEYED]
    for service in (service for service in KEYED if service in wanted):
        wanted[service][CONFIG_KEY] = next(filter(None, sealing), sealed)
    wanted["tools"]["PARLEY_VAULT_KEY"] = _password()
    # The servers' word counts: a service with another password would not be let in.
    kept = {name: {k: v for k, v in its.items() if k != "PARLEY_NATS_PASSWORD"} for name, its in found.items()}
    return {name: its | kept.get(name, {}) for name, its in wanted.items()}


def _password() -> str:
    """nats-server reads it as a word of its configuration: letters and digits, a letter first."""
    return f"p{secrets.token_hex(20)}"


def read(folder: Path) -> dict[str, dict[str, str]]:
    """The files that are there."""
    return {path.stem: _variables(path.read_text("utf-8")) for path in sorted(folder.glob("*.env"))}


def _variables(text: str) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name.strip(): value for name, _, value in pairs}


def write(folder: Path, wanted: Mapping[str, Mapping[str, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, its in wanted.items():
        path = folder / f"{name}.env"
        path.touch(mode=0o600)
        path.write_text("".join(f"{key}={value}\n" for key, value in its.items()), "utf-8")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m runner.cluster_secrets FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    wanted = complete(read(folder))
    write(folder, wanted)
    for name, its in wanted.items():
        for empty in [key for key, value in its.items() if not value]:
            print(f"{folder / name}.env: {empty} is empty; put it there if you have one")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
