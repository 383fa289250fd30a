"""Certificate files: what is taken, what is refused and why, and how long one lasts."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from parley.errors import Misconfigured
from parley.security import certificates
from parley.security.certificates import Certificates, read
from parley.settings import Settings
from runner.authority import Authority, Issued


def of(issued: Issued) -> Certificates:
    return Certificates(issued.ca, issued.cert, issued.key)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LOOK_S", 0.0)


def test_none_set_is_no_tls() -> None:
    assert Certificates.of(Settings.read()) is None


def test_one_object_for_all_who_ask(authority: Authority) -> None:
    settings = Settings.read(**authority.issue("stt").env)
    found = Certificates.of(settings)
    assert found is not None
    assert found is Certificates.of(settings)
    assert found.now().names == ("stt",)


@pytest.mark.parametrize("left_out", ["PARLEY_TLS_CA", "PARLEY_TLS_CERT", "PARLEY_TLS_KEY"])
def test_two_of_three_are_refused_by_name(authority: Authority, left_out: str) -> None:
    env = {**authority.issue("stt").env, left_out: ""}
    with pytest.raises(Misconfigured, match=f"^{left_out}: not set; PARLEY_TLS_CA, PARLEY_TLS_CERT, PARLEY_TLS_KEY"):
        Certificates.of(Settings.read(**env))


def test_what_does_not_fit_is_told_by_variable_and_file(authority: Authority, tmp_path: Path) -> None:
    stt, llm = authority.issue("stt"), authority.issue("llm")
    stranger = Authority(tmp_path / "strangers").issue("stt")
    old = authority.issue("old", life_s=-1)
    rubbish, sealed = tmp_path / "rubbish", tmp_path / "sealed"
    rubbish.write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    sealed.write_bytes(_sealed(stt.key))
    for files, words in (
        ((stt.ca, stt.cert, tmp_path / "none"), r"PARLEY_TLS_KEY: .*none cannot be read: No such file"),
        ((stt.ca, stt.cert, llm.key), r"PARLEY_TLS_KEY: .*is no key .*MISMATCH"),
        ((stt.ca, stt.cert, sealed), r"PARLEY_TLS_KEY: .*the key has a password"),
        ((rubbish, stt.cert, stt.key), r"PARLEY_TLS_CA: .*rubbish: no certificates in PEM format"),
        ((stt.ca, rubbish, stt.key), r"PARLEY_TLS_KEY: .*is no key .*rubbish"),
        ((stranger.ca, stt.cert, stt.key), r"PARLEY_TLS_CERT: .*tls.crt: "),
        ((old.ca, old.cert, old.key), r"PARLEY_TLS_CERT: .*certificate has expired"),
    ):
        with pytest.raises(Misconfigured, match=words):
            read(*files)


def _sealed(key: Path) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    private = s.load_pem_private_key(key.read_bytes(), None)
    return private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"secret"))


def test_new_files_are_taken_and_wrong_ones_are_not(authority: Authority) -> None:
    issued = authority.issue("stt")
    mine = of(issued)
    first = mine.now()
    authority.renew()
    second = mine.now()
    assert second is not first
    assert second.cert == issued.cert.read_bytes()

    whole = issued.cert.read_bytes()
    issued.cert.write_bytes(b"half a")
    assert mine.now() is second
    assert "PARLEY_TLS_KEY" in mine.problem
    issued.cert.write_bytes(whole)
    assert mine.now().cert == whole
    assert mine.problem == ""


def test_a_new_certificate_without_the_name_is_not_taken(authority: Authority) -> None:
    issued, other = authority.issue("stt"), authority.issue("llm")
    mine = of(issued)
    first = mine.now()
    issued.cert.write_bytes(other.cert.read_bytes())
    issued.key.write_bytes(other.key.read_bytes())
    assert mine.now() is first
    assert "the name stt is gone" in mine.problem


def test_metrics_say_when_it_expires_and_whether_that_is_late(authority: Authority) -> None:
    issued = authority.issue("tts", life_s=3600)
    mine = of(issued)

    def sample(name: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"name": "tts"})

    assert sample("voice_certificate_expires_seconds") == mine.now().ends
    assert 3000 < mine.now().ends - time.time() <= 3600
    assert sample("voice_certificate_late") == 0
    authority.issue("tts", life_s=60)  # it began five minutes ago
    assert sample("voice_certificate_late") == 1
    assert sample("voice_certificate_expires_seconds") == mine.now().ends < time.time() + 61


def test_files_of_a_run_are_for_this_user_only(authority: Authority) -> None:
    issued = authority.issue("stt")
    assert issued.key.stat().st_mode & 0o077 == 0
    assert issued.key.parent.parent.stat().st_mode & 0o077 == 0
    seen = ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(issued.ca.read_text()))
    assert "PRIVATE" not in seen
    authority.close()
    assert not issued.cert.exists()
