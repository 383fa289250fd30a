"""One public origin: each path belongs to the gateway or to backoffice, and what stands before them sends it there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from starlette.routing import Mount, Route

from parley.settings import Settings
from services.gateway import app as gateways
from services.gateway.carriers.twilio.carrier import Twilio
from tests.backoffice.api.conftest import Desk

ROOT = Path(__file__).parents[3]
OWN = {"/", "/health", "/ready", "/metrics"}
"""Each process has these for itself: probes ask it there, and its own port has a first page."""
SOCKETS = ("/ws/voice", "/ws/chat", "/twilio-stream")


def paths(app: Any) -> set[str]:
    """With something in place of what varies."""
    found = set()
    for route in _routes(app):
        found.add(re.sub(r"\{[^}]*\}", "x", route))
    return found - OWN


def _routes(app: Any) -> Iterator[str]:
    for route in app.routes:
        if isinstance(route, Route | Mount):
            yield route.path


def gateway_paths() -> set[str]:
    carrier = Twilio(Settings.read())
    organs: Any = SimpleNamespace(carriers={"twilio": carrier})
    made = gateways._web(SimpleNamespace(settings=Settings.read(), organs=organs))  # type: ignore[arg-type]
    assert isinstance(made, FastAPI)
    return (paths(made) | set(SOCKETS)) - {""}  # "": the page's files


@pytest.fixture
def ours(desk: Desk) -> set[str]:
    described = {re.sub(r"\{[^}]*\}", "x", path) for path in desk.app.openapi()["paths"]}
    return described | {"/admin", "/admin/files", "/tracker"}


def by_ingress(path: str) -> str:
    """As the Ingress of k8s/ says: an exact path first, then the longest beginning."""
    ingress = yaml.safe_load((ROOT / "k8s/components/ingress/ingress.yaml").read_text())
    rules = ingress["spec"]["rules"][0]["http"]["paths"]
    exact = [rule for rule in rules if rule["pathType"] == "Exact" and rule["path"] == path]
    begins = [
        rule
        for rule in rules
        if rule["pathType"] == "Prefix" and (path + "/").startswith(rule["path"].rstrip("/") + "/")
    ]
    rule = exact[0] if exact else max(begins, key=lambda rule: len(rule["path"]))
    return str(rule["backend"]["service"]["name"])


def by_nginx(path: str) -> str:
    """As deploy/nginx says: an exact path first, then the first expression that fits."""
    conf = (ROOT / "deploy/nginx/nginx.conf").read_text()
    found = re.findall(r"location\s+(=|~)?\s*(\S+)\s*\{([^}]*)\}", conf)
    rules = [(kind, where, body) for kind, where, body in found if "proxy_pass" in body or "return" in body]
    fits = [body for kind, where, body in rules if kind == "=" and where == path]
    fits += [body for kind, where, body in rules if kind == "~" and re.search(where, path)]
    fits += [body for kind, where, body in rules if not kind and path.startswith(where)]
    passed = re.search(r"proxy_pass http://(\w+)", fits[0])
    return passed[1] if passed else "nobody"


async def test_no_path_belongs_to_both(ours: set[str]) -> None:
    theirs = gateway_paths()
    assert {"/api/agent", "/api/session", "/twilio-webhook"} <= theirs
    assert {"/api/call-logs", "/api/calls/x/live", "/admin", "/tracker"} <= ours
    assert ours & theirs == set()


async def test_what_stands_before_both_sends_each_path_to_whom_it_belongs(ours: set[str]) -> None:
    for path in ours:
        assert (path, by_ingress(path), by_nginx(path)) == (path, "backoffice", "backoffice")
    for path in gateway_paths() - {"/calls/x/timeline"}:  # for its own machine only
        assert (path, by_ingress(path), by_nginx(path)) == (path, "gateway", "gateway")
