"""Whose request it is, and whom to believe."""

from __future__ import annotations

from typing import Any

import pytest

from parley.errors import Misconfigured
from parley.limits.client import HOPS, Proxies


def scope(peer: str, *headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    lines = [(name.encode(), value.encode()) for name, value in headers]
    return {"client": (peer, 1234), "headers": lines, "scheme": scheme}


def forwarded(text: str) -> tuple[str, str]:
    return ("x-forwarded-for", text)


@pytest.mark.parametrize(
    ("trusted", "peer", "said", "whose"),
    [
        ("", "203.0.113.5", None, "203.0.113.5"),
        ("", "203.0.113.5", "1.2.3.4", "203.0.113.5"),
        ("", "127.0.0.1", "1.2.3.4", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("127.0.0.1", "127.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.0/8", "10.1.1.1", "6.6.6.6, 1.2.3.4, 10.2.2.2", "1.2.3.4"),
        ("10.0.0.0/8", "10.1.1.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.0/8", "10.1.1.1", "1.2.3.4, nonsense", "10.1.1.1"),
        ("10.0.0.0/8", "10.1.1.1", "1.2.3.4:5678", "1.2.3.4"),
        ("10.0.0.0/8", "::ffff:10.1.1.1", "[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("", "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("", "", None, "unknown"),
    ],
)
def test_the_last_hop_that_is_no_trusted_proxy(trusted: str, peer: str, said: str | None, whose: str) -> None:
    headers = [forwarded(said)] if said is not None else []
    assert Proxies(trusted).client(scope(peer, *headers)) == whose


def test_several_lines_are_one_list() -> None:
    lines = [forwarded("6.6.6.6"), forwarded("1.2.3.4, 10.2.2.2")]
    assert Proxies("10.0.0.0/8").client(scope("10.1.1.1", *lines)) == "1.2.3.4"


def test_a_header_of_a_megabyte_is_looked_at_from_its_end() -> None:
    proxies = Proxies("10.0.0.0/8")
    assert proxies.client(scope("10.1.1.1", forwarded("1.2.3.4," + "10.0.0.1," * HOPS * 1000))) == "10.0.0.1"


def test_what_is_no_network_is_told_with_the_remedy() -> None:
    with pytest.raises(Misconfigured, match=r"PARLEY_TRUSTED_PROXIES: 'proxy' is no address.*10\.0\.0\.0/8"):
        Proxies("10.0.0.0/8, proxy")


def test_https_is_what_the_browser_spoke() -> None:
    said = ("x-forwarded-proto", "https")
    assert Proxies("").is_https(scope("1.2.3.4", scheme="https"))
    assert Proxies("10.0.0.0/8").is_https(scope("10.1.1.1", said))
    assert not Proxies("").is_https(scope("10.1.1.1", said))


def test_who_is_on_this_machine() -> None:
    assert Proxies("").is_here(scope("127.0.0.1"))
    assert Proxies("").is_here(scope("::1"))
    assert not Proxies("").is_here(scope("127.0.0.1", forwarded("1.2.3.4")))
    assert not Proxies("").is_here(scope("10.0.0.1"))
