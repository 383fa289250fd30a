"""What a process tells operators of how it is set and secured; nothing of it is secret. Pure."""

from __future__ import annotations

from pydantic import SecretStr

from parley.settings import Settings

KNOWN = frozenset({"dev-only", "changeme", "change-me", "secret", "password", "parley", "test", "admin", "nats"})
"""Keys and passwords that stand in documents; whatever begins with `dev-` is in an overlay for trying things out."""


GIVEN = "given"
"""Instead of a secret's value."""
ASKED = {
    "gateway": ("PARLEY_PUBLIC_URL", "TWILIO_AUTH_TOKEN"),
    "stt": ("PARLEY_VAD", "PARLEY_TURN_MODEL"),
    "orchestrator": ("PARLEY_WITHOUT_NATS",),
    "backoffice": (
        "PARLEY_BACKOFFICE_KEY",
        "PARLEY_BACKOFFICE_URL",
        "PARLEY_OIDC_ISSUER",
        "PARLEY_RETENTION",
        "PARLEY_SESSION_IDLE_MINUTES",
        "PARLEY_TLS_CERT",
        "PARLEY_TRANSCRIPTS",
    ),
}
"""Settings of a service that the tracker and the compliance audit ask for: who asks may have another environment."""


def given(settings: Settings, service: str) -> dict[str, str]:
    """Its settings of `ASKED` by variable; a secret is `given`, or empty."""
    asked = ASKED.get(service, ())
    return {
        str(field.alias): _shown(settings, name)
        for name, field in Settings.model_fields.items()
        if field.alias in asked
    }


def _shown(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        return GIVEN if value.get_secret_value() else ""
    return "" if value is None else str(value)


def trust(settings: Settings, service: str) -> dict[str, str]:
    """`tls` on or off; `nats` tls, user or open; `secret` known or own; `log_level`; of a gateway `signatures` checked
    or open."""
    told = {
        "tls": "on" if settings.tls_cert and settings.tls_key and settings.tls_ca else "off",
        "nats": _nats(settings),
        "secret": "known" if any(map(_is_known, _secrets(settings))) else "own",
        "log_level": settings.log_level,
    }
    if service == "gateway":
        told["signatures"] = "checked" if settings.twilio_auth_token.get_secret_value() else "open"
    return told


def _nats(settings: Settings) -> str:
    if not (settings.nats_user and settings.nats_password.get_secret_value()):
        return "open"
    urls = [url.strip() for url in settings.nats_url.split(",") if url.strip()]
    return "tls" if urls and all(url.startswith("tls://") for url in urls) else "user"


def _secrets(settings: Settings) -> list[str]:
    values = (getattr(settings, name) for name in type(settings).model_fields)
    return [secret for value in values if isinstance(value, SecretStr) and (secret := value.get_secret_value())]


def _is_known(secret: str) -> bool:
    return secret.lower() in KNOWN or secret.startswith("dev-")
