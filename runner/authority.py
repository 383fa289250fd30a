"""A certificate authority for one run of the house, thrown away with it.

    authority = Authority(folder)                # <folder>/stt/{ca.crt,tls.crt,tls.key}, for this user only
    authority.issue("stt").env                   # PARLEY_TLS_CA, PARLEY_TLS_CERT, PARLEY_TLS_KEY
    authority.renew()                            # new certificates and keys for all, in the same places

The authority's own key is nowhere but in this process. The files are laid out and changed as Kubernetes does it with a
mounted secret: all three of a name at once.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from parley.errors import Misconfigured

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ModuleNotFoundError as e:
    raise Misconfigured(f"--tls: the package {e.name!r} is missing; install parley[cli]") from e

LIFE_S = 24 * 3600.0
"""Renewed long before: `runner.stack`."""
_EARLIER = datetime.timedelta(minutes=5)  # clocks differ
_FILES = ("ca.crt", "tls.crt", "tls.key")


@dataclass(frozen=True)
class Issued:
    """Where the files of a name are."""

    ca: Path
    cert: Path
    key: Path

    @property
    def env(self) -> dict[str, str]:
        return {"PARLEY_TLS_CA": str(self.ca), "PARLEY_TLS_CERT": str(self.cert), "PARLEY_TLS_KEY": str(self.key)}


class Authority:
    """Issues certificates that are good for servers and for clients alike. What `folder` held is gone."""

    def __init__(self, folder: Path, life_s: float = LIFE_S) -> None:
        self._folder = folder
        self._life_s = life_s
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Parley, one run")])
        self._numbers = count(1)
        self._names: dict[str, tuple[str, ...]] = {}
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        made = self._begun(self._name, self._key.public_key(), datetime.timedelta(days=3650))
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = made.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.close()
        folder.mkdir(parents=True)
        folder.chmod(0o700)

    def issue(self, name: str, more: Sequence[str] = (), life_s: float | None = None) -> Issued:
        """A new certificate and key for a service. `more`: further DNS names and IP addresses it is reached by."""
        self._names[name] = tuple(more)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        life = datetime.timedelta(seconds=self._life_s if life_s is None else life_s)
        made = self._begun(subject, key.public_key(), life)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        made = made.add_extension(x509.ExtendedKeyUsage(both), critical=False)
        made = made.add_extension(x509.SubjectAlternativeName([_named(it) for it in (name, *more)]), critical=False)
        certificate = made.sign(self._key, hashes.SHA256())
        contents = (
            self.certificate.public_bytes(Encoding.PEM),
            certificate.public_bytes(Encoding.PEM),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
        self._put(self._folder / name, contents)
        return Issued(*(self._folder / name / file for file in _FILES))

    def renew(self) -> None:
        """All that were issued so far, anew."""
        for name, more in list(self._names.items()):
            self.issue(name, more)

    def close(self) -> None:
        """All certificates and keys are gone."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _begun(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        made = x509.CertificateBuilder().issuer_name(self._name).subject_name(subject).public_key(key)
        made = made.serial_number(x509.random_serial_number())
        return made.not_valid_before(min(now - _EARLIER, now + life - _EARLIER)).not_valid_after(now + life)

    def _put(self, place: Path, contents: tuple[bytes, ...]) -> None:
        place.mkdir(exist_ok=True)
        version = place / f"..{next(self._numbers)}"
        version.mkdir()
        for file, content in zip(_FILES, contents, strict=True):
            with os.fdopen(os.open(version / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(content)
        data, fresh = place / "..data", place / "..fresh"
        before = data.resolve() if data.exists() else None
        fresh.symlink_to(version.name)
        fresh.replace(data)
        for file in _FILES:
            if not (place / file).is_symlink():
                (place / file).symlink_to(Path(data.name) / file)
        if before is not None:
            shutil.rmtree(before)


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
