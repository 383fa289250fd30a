"""Is it really Twilio? It signs each webhook and each WebSocket upgrade with the account's token."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from parley.security.origin import from_here, is_loopback
from parley.settings import Settings
from services.gateway.carriers.twilio.rest import auth_tokens
from services.gateway.doors.websocket import WebSocket

log = structlog.get_logger()

Form = ImmutableMultiDict[str, str]


class Signatures:
    """Checks with every token of the account. Without a token only this machine is trusted, and that is said once."""

    def __init__(self, settings: Settings) -> None:
        self._validators = [RequestValidator(token) for token in auth_tokens(settings)]
        self._public = settings.public_url.rstrip("/")
        self._warned = False

    def base_url(self, scheme: str, host: str) -> str:
        """How the carrier reaches this gateway: by setting, else as the request came."""
        return self._public or f"{scheme}://{host}"

    def stream_url(self, scheme: str, host: str) -> str:
        """The media socket's URL: wss, but ws for plain http on this machine."""
        parts = urlsplit(self.base_url(scheme, host))
        plain = parts.scheme in ("http", "ws") and is_loopback(parts.hostname or "")
        return f"{'ws' if plain else 'wss'}://{parts.netloc}{parts.path}/twilio-stream"

    def webhook_allowed(self, url: str, form: Form, headers: Mapping[str, str], peer: str) -> bool:
        """`url`: path and query exactly as requested, behind `base_url`."""
        if not self._validators:
            return self._unsigned_allowed(peer, headers)
        return self._valid([url], form, headers)

    def upgrade_allowed(self, socket: WebSocket) -> bool:
        """The upgrade's signature covers the wss URL and nothing else."""
        if not self._validators:
            return self._unsigned_allowed(socket.peer, socket.headers)
        url = self.stream_url(socket.scheme.replace("ws", "http"), socket.headers.get("host", ""))
        return self._valid([url, f"{url}/"], None, socket.headers)

    def _valid(self, urls: list[str], form: Form | None, headers: Mapping[str, str]) -> bool:
        signature = headers.get(SIGNATURE_HEADER.lower(), "")
        algorithm = get_signature_algorithm(headers.get(SIGNATURE_SETTINGS_HEADER.lower(), ""))
        return bool(signature) and any(
            validator.validate(url, form, signature, algorithm) for validator in self._validators for url in urls
        )

    def _unsigned_allowed(self, peer: str, headers: Mapping[str, str]) -> bool:
        local = from_here(peer, headers)
        if not self._warned:
            self._warned = True
            log.warning("TWILIO_AUTH_TOKEN is not set: calls are not authenticated and taken from this machine only")
        return local
