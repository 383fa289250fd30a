"""TLS between services: both sides show a certificate of the same authority, and the table here says who may call whom.

Who a process is stands in its certificate as a DNS name, the service's plain name (`stt`). A client believes a server
only if the name is that of the service it wants, wherever the address came from; a server lets in the names of CALLERS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import structlog
from prometheus_client import Counter

from parley.errors import Misconfigured, NotAllowed
from parley.process.log_limit import Seldom
from parley.security.certificates import Certificate, Certificates

log = structlog.get_logger()

CALLERS: Mapping[str, frozenset[str]] = {
    "stt": frozenset({"gateway"}),
    "tts": frozenset({"gateway", "backoffice"}),
    "orchestrator": frozenset({"gateway", "backoffice"}),
    "llm": frozenset({"orchestrator", "backoffice"}),
    "tools": frozenset({"orchestrator", "gateway"}),  # the gateway: a card's number, which the orchestrator never knows
    "rag": frozenset({"orchestrator"}),
    "gateway": frozenset({"mcp-actions"}),  # `parley mcp --allow-actions`
}
"""Service -> who may call it. Nobody else, whatever the authority signed."""

_HEALTH = "/grpc.health.v1.Health/"
"""May be asked by whoever has a certificate: probes show the service's own."""
_KNOWN = frozenset(CALLERS) | frozenset().union(*CALLERS.values())

_refusals = Counter("voice_callers_refused_total", "Calls of services that may not call here", ["caller"])

Options = Sequence[tuple[str, int]]


class Gate:
    """Who may call a server."""

    def __init__(self, service: str, certificates: Certificates) -> None:
        """Raises Misconfigured: the service is in no table, or its certificate is somebody else's."""
        if service not in CALLERS:
            raise Misconfigured(f"nobody may call {service}: the table of callers does not have it")
        if service not in (names := certificates.now().names):
            raise Misconfigured(f"PARLEY_TLS_CERT: it is for {', '.join(names)}; this is {service}")
        self._service = service
        self._certificates = certificates
        self._showing = certificates.now()
        self._trouble = Seldom()

    def credentials(self) -> grpc.ServerCredentials:
        """For a port. Each new connection sees the certificate of that moment; open ones stay."""
        return grpc.dynamic_ssl_server_credentials(
            _shown(self._showing), self._renewed, require_client_authentication=True
        )

    def _renewed(self) -> Any:
        """What is to be shown from now on, None for what is shown already. Asked by threads of gRPC."""
        if (now := self._certificates.now()) is self._showing:
            return None
        self._showing = now
        return _shown(now)

    def check(self, method: str, context: Any) -> None:
        """Raises NotAllowed."""
        if method.startswith(_HEALTH):
            return
        names = [name.decode(errors="replace") for name in context.auth_context().get("peer_dns", ())]
        if CALLERS[self._service].isdisjoint(names):
            caller = next((name for name in names if name in _KNOWN), "another")
            _refusals.labels(caller).inc()
            self._trouble.warning(
                "a caller is refused", caller=", ".join(names)[:200], method=method, address=context.peer()
            )
            raise NotAllowed(f"{', '.join(names) or 'a nameless certificate'} may not call {self._service}")


def _shown(certificate: Certificate) -> Any:
    return grpc.ssl_server_certificate_configuration([(certificate.key, certificate.cert)], certificate.ca)


def channel(address: str, service: str, certificate: Certificate | None, options: Options) -> grpc.aio.Channel:
    """To a replica of a service; without a certificate in the clear."""
    if certificate is None:
        return grpc.aio.insecure_channel(address, options=options)
    credentials = grpc.ssl_channel_credentials(certificate.ca, certificate.key, certificate.cert)
    # Replicas are reached by IP address; the name to expect is the service's.
    named = [*options, ("grpc.ssl_target_name_override", service)]
    return grpc.aio.secure_channel(address, credentials, options=named)
