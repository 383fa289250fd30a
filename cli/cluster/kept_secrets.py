"""Whether the secrets that pods are given are there, and how long certificates last. Values are told to nobody."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from cli.cluster.workloads import Objects, of_kind
from cli.doctor.findings import Finding

NEEDED = ("PARLEY_NATS_PASSWORD", "PARLEY_SECRET")
LATE_SHARE = 1 / 3
"""Of a certificate's life. With less left it should have been renewed."""


def value(secret: Mapping[str, Any], key: str) -> str:
    try:
        return base64.b64decode(secret.get("data", {}).get(key, "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def mounted(objects: Objects, deployment: str) -> str:
    """The name of the secret with what a service is told in files."""
    spec = of_kind(objects, "Deployment")[deployment]["spec"]["template"]["spec"]
    names = [each["secret"]["secretName"] for each in spec.get("volumes", ()) if each["name"] == "secrets"]
    return str(names[0]) if names else ""


def there(objects: Objects, secrets: Objects) -> list[Finding]:
    """A finding for each service that lacks one, or one for all."""
    kept = of_kind(secrets, "Secret")
    findings = []
    for name, each in of_kind(objects, "Deployment").items():
        spec = each["spec"]["template"]["spec"]
        (first, *_) = spec["containers"]
        files = [entry["name"] for entry in first.get("env", ()) if entry["name"].endswith("_FILE")]
        if not (secret := mounted(objects, name)):
            continue
        if secret not in kept:
            findings.append(Finding("missing", "secrets", f"{name}: there is no secret {secret}"))
            continue
        for variable in (file.removesuffix("_FILE") for file in files):
            if variable not in kept[secret].get("data", {}):
                findings.append(Finding("missing", "secrets", f"{name}: {secret} has no {variable}"))
            elif not value(kept[secret], variable) and (variable in NEEDED or _several(each, variable)):
                findings.append(Finding("missing", "secrets", f"{name}: {variable} is empty in {secret}"))
    return findings or [Finding("ok", "secrets", "every service has its own")]


def _several(deployment: Mapping[str, Any], variable: str) -> bool:
    """Each replica would have a database of its own."""
    return variable == "PARLEY_DATABASE_URL" and deployment["spec"].get("replicas", 1) > 1


def certificates(secrets: Objects, now: datetime | None = None) -> list[Finding]:
    """Which of them end soon, or when the first one does."""
    at = now or datetime.now(UTC)
    lasting: list[tuple[datetime, str]] = []
    findings = []
    for name, secret in of_kind(secrets, "Secret").items():
        if secret.get("type") != "kubernetes.io/tls":
            continue
        try:
            found = x509.load_pem_x509_certificate(value(secret, "tls.crt").encode())
        except ValueError:
            findings.append(Finding("missing", "certificates", f"{name}: tls.crt is no certificate"))
            continue
        ends, life = found.not_valid_after_utc, found.not_valid_after_utc - found.not_valid_before_utc
        if ends <= at:
            findings.append(Finding("missing", "certificates", f"{name} ended on {ends:%Y-%m-%d %H:%M} UTC"))
        elif ends - at < life * LATE_SHARE:
            findings.append(Finding("note", "certificates", f"{name} ends on {ends:%Y-%m-%d}: is it renewed?"))
        lasting.append((ends, name))
    if not lasting and not findings:
        return [Finding("note", "certificates", "none: services talk to each other in the clear")]
    first = [
        Finding("ok", "certificates", f"{len(lasting)}, the first to end is {name} on {ends:%Y-%m-%d}")
        for ends, name in sorted(lasting)[:1]
    ]
    return findings or first
