"""Whose request it is. What a header says of that is believed only when a trusted proxy sent it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from parley.errors import Misconfigured
from parley.settings import addresses

Scope = MutableMapping[str, Any]
_FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip")
HOPS = 16
"""Entries of `X-Forwarded-For` that are looked at, from the last."""
UNKNOWN = "unknown"


class Proxies:
    """`trusted`: addresses and networks, comma-separated. Raises Misconfigured."""

    def __init__(self, trusted: str) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        for each in addresses(trusted):
            try:
                self._networks.append(ip_network(each, strict=False))
            except ValueError:
                raise Misconfigured(
                    f"PARLEY_TRUSTED_PROXIES: {each!r} is no address and no network; write 10.0.0.7 or 10.0.0.0/8"
                ) from None

    def client(self, scope: Scope) -> str:
        """The address that a limit counts by: of IPv6 the network of 64 bits, which one subscriber has."""
        found = self._client(scope)
        if found is None:
            return UNKNOWN
        if isinstance(found, IPv6Address):
            return str(ip_network((int(found) >> 64 << 64, 64)))
        return str(found)

    def is_https(self, scope: Scope) -> bool:
        """Whether the browser spoke TLS, to this process or to a trusted proxy."""
        if scope.get("scheme") in ("https", "wss"):
            return True
        said = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
        return bool(said) and self._trusts(_peer(scope)) and said[-1].split(b",")[-1].strip() in (b"https", b"wss")

    def is_here(self, scope: Scope) -> bool:
        """A program of this machine asks. Behind a proxy or tunnel that says for whom it asks, nobody is here."""
        peer = _peer(scope)
        return peer is not None and peer.is_loopback and not any(name in _FORWARDED for name, _ in scope["headers"])

    def _client(self, scope: Scope) -> IPv4Address | IPv6Address | None:
        """The last hop that is no trusted proxy: whatever stands before it, the client may have written itself."""
        hop = _peer(scope)
        for said in _hops(scope["headers"]):
            if not self._trusts(hop):
                break
            found = _parsed(said)
            if found is None:
                break
            hop = found
        return hop

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _peer(scope: Scope) -> IPv4Address | IPv6Address | None:
    return _parsed((scope.get("client") or ("", 0))[0])


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    lines = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    return [part.decode("latin-1").strip() for part in reversed(lines.rsplit(b",", HOPS)[-HOPS:]) if part.strip()]


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Also as some proxies write it, with a port: `1.2.3.4:5678`, `[2001:db8::1]:5678`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
