"""Where a request comes from: this machine, our own page, or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit


def from_here(peer: str, headers: Mapping[str, str]) -> bool:
    """The request comes from this machine. Behind a proxy or tunnel on this machine everybody looks local."""
    return is_loopback(peer) and "x-forwarded-for" not in headers and "forwarded" not in headers


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def same_host(headers: Mapping[str, str], public_url: str) -> bool:
    """A browser names the page it comes from; only our own may. Other clients name none, and need a token anyway."""
    origin = headers.get("origin", "")
    if not origin:
        return True
    ours = {headers.get("host", ""), urlsplit(public_url).netloc} - {""}
    return urlsplit(origin).netloc in ours
