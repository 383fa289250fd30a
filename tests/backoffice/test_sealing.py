"""What is sealed opens with the same key for the same thing only; numbers are hashed however they are written."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from parley.errors import Misconfigured
from parley.settings import Settings
from services.backoffice.sealing import FILE, Sealer, Unsealable, key_of, plain_number


def test_what_is_sealed_opens_for_the_same_thing_with_the_same_key(sealer: Sealer) -> None:
    sealed = sealer.seal(b"my number is", about="calls/CA1")
    assert b"number" not in sealed
    assert sealer.seal(b"my number is", about="calls/CA1") != sealed
    assert sealer.open(sealed, about="calls/CA1") == b"my number is"
    for other, about in ((sealer, "calls/CA2"), (Sealer(bytes(31) + b"1"), "calls/CA1")):
        with pytest.raises(Unsealable, match=about):
            other.open(sealed, about=about)
    for broken in (b"", b"\x02", sealed[:-1], b"\x01short"):
        with pytest.raises(Unsealable):
            sealer.open(broken, about="calls/CA1")


@pytest.mark.parametrize("number", ["+1 555 010 9999", "+1 (555) 010-9999", "0015550109999", "15550109999"])
def test_a_number_is_the_same_however_it_is_written(number: str, sealer: Sealer) -> None:
    assert plain_number(number) == "+15550109999"
    assert sealer.number(number) == sealer.number("+15550109999") != sealer.number("+15550109998")


def test_other_addresses_and_none(sealer: Sealer) -> None:
    assert plain_number("SIP:Anna@Example.com") == "sip:anna@example.com"
    assert sealer.number("") == sealer.number("+") == ""


def test_one_replica_makes_its_key_and_keeps_it(tmp_path: Path) -> None:
    settings = Settings.read(data_dir=tmp_path / "data")
    key = key_of(settings)
    assert len(key) == 32
    assert key_of(settings) == key
    file = tmp_path / "data" / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == [FILE]


def test_replicas_are_given_theirs(tmp_path: Path) -> None:
    url = "postgresql://somewhere/parley"
    with pytest.raises(Misconfigured, match="PARLEY_BACKOFFICE_KEY: missing, and replicas"):
        key_of(Settings.read(data_dir=tmp_path, backoffice_database_url=url))
    key = bytes(range(32))
    written = base64.urlsafe_b64encode(key).decode().rstrip("=")
    assert key_of(Settings.read(backoffice_database_url=url, backoffice_key=written)) == key
    with pytest.raises(Misconfigured, match="PARLEY_BACKOFFICE_KEY: not 32 bytes in base64"):
        key_of(Settings.read(backoffice_key="a secret"))
