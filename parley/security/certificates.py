"""The certificate that this process shows to others, and the authority whose certificates it believes.

Three files (`PARLEY_TLS_CA`, `PARLEY_TLS_CERT`, `PARLEY_TLS_KEY`), read again when they change. Files that do not fit
each other, have expired or lack a name that stood there before are not taken: the last good ones stay. The check is a
handshake of this process with itself, so that what passes it is what others will accept.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from parley.errors import Misconfigured
from parley.reloading.rereading import Stamp, stamp_of
from parley.settings import Settings

log = structlog.get_logger()

LOOK_S = 1.0
"""The files are looked at when somebody needs them, no more often than this."""
LATE_SHARE = 1 / 3
"""Of a certificate's life. With less left it should have been renewed."""
_VARIABLES = ("PARLEY_TLS_CA", "PARLEY_TLS_CERT", "PARLEY_TLS_KEY")

_expires = Gauge("voice_certificate_expires_seconds", "When this process's certificate expires (unix time)", ["name"])
_late = Gauge("voice_certificate_late", "1 when less than a third of its life is left: it was not renewed", ["name"])
_renewals = Counter(
    "voice_certificate_renewals_total", "New certificate files, as this process took them: taken, refused", ["outcome"]
)


@dataclass(frozen=True, eq=False)
class Certificate:
    """What the files held at one moment, checked. Times in seconds since 1970."""

    ca: bytes
    cert: bytes
    key: bytes
    names: tuple[str, ...]
    """Its DNS names: who this process is to the others."""
    begins: float
    ends: float
    context: ssl.SSLContext
    """For a client that checks the server's name."""

    def late(self, now: float) -> bool:
        return self.ends - now < (self.ends - self.begins) * LATE_SHARE


class Certificates:
    """The files of one process. Threads may share it."""

    def __init__(self, ca: Path, cert: Path, key: Path) -> None:
        """Raises Misconfigured: a file cannot be read, or they do not fit."""
        self._paths = (ca, cert, key)
        self._lock = threading.Lock()
        self._stamp: Stamp = stamp_of(self._paths)
        self._good = read(*self._paths)
        self._looked = time.monotonic()
        self.problem = ""
        """What is wrong with the last change, when it is not taken."""
        name = self._good.names[0]
        _expires.labels(name).set_function(lambda: self.now().ends)
        _late.labels(name).set_function(lambda: float(self.now().late(time.time())))

    @staticmethod
    def of(settings: Settings) -> Certificates | None:
        """Those of the settings, one object for all who ask; None where none is set. Raises Misconfigured."""
        values = (settings.tls_ca, settings.tls_cert, settings.tls_key)
        if not any(values):
            return None
        lacking = [name for name, value in zip(_VARIABLES, values, strict=True) if not value]
        if lacking:
            raise Misconfigured(f"{', '.join(lacking)}: not set; {', '.join(_VARIABLES)} are set together, or none")
        return _shared(*values)

    def now(self) -> Certificate:
        """As the files are now, or as they last were good. Never fails."""
        with self._lock:
            at = time.monotonic()
            if at - self._looked >= LOOK_S:
                self._looked = at
                if (stamp := stamp_of(self._paths)) != self._stamp:
                    self._take(stamp)
            return self._good

    def _take(self, stamp: Stamp) -> None:
        try:
            fresh = read(*self._paths)
            if lost := set(self._good.names) - set(fresh.names):
                raise Misconfigured(f"PARLEY_TLS_CERT: {self._paths[1]}: the name {', '.join(sorted(lost))} is gone")
        except Misconfigured as e:
            if stamp_of(self._paths) != stamp:
                return  # they are being written: the next look sees them whole
            self._stamp, self.problem = stamp, str(e)
            _renewals.labels("refused").inc()
            log.error("new certificate files are not taken, the last good ones stay", error=str(e))
            return
        self._stamp, self._good, self.problem = stamp, fresh, ""
        _renewals.labels("taken").inc()
        log.info("a new certificate is taken", names=fresh.names, hours=round((fresh.ends - time.time()) / 3600, 1))


@lru_cache(maxsize=16)
def _shared(ca: str, cert: str, key: str) -> Certificates:
    return Certificates(Path(ca), Path(cert), Path(key))


def read(ca: Path, cert: Path, key: Path) -> Certificate:
    """Read and check the files. Raises Misconfigured, naming the variable, the file and what is wrong."""
    paths = dict(zip(_VARIABLES, (ca, cert, key), strict=True))
    held = {name: _content(name, path) for name, path in paths.items()}
    server, client = _context(ssl.PROTOCOL_TLS_SERVER, paths, held), _context(ssl.PROTOCOL_TLS_CLIENT, paths, held)
    server.verify_mode = ssl.CERT_REQUIRED
    try:
        seen = _handshake(server, client)
    except ssl.SSLCertVerificationError as e:
        raise Misconfigured(f"PARLEY_TLS_CERT: {cert}: {e.verify_message}, says a check with PARLEY_TLS_CA") from e
    except ssl.SSLError as e:
        raise Misconfigured(f"PARLEY_TLS_CERT: {cert}: not fit for use ({e.reason})") from e
    if any(_content(name, path) != held[name] for name, path in paths.items()):
        raise Misconfigured("PARLEY_TLS_CERT: the files changed while they were read; try again")
    names = tuple(name for kind, name in seen.get("subjectAltName", ()) if kind == "DNS")
    if not names:
        raise Misconfigured(f"PARLEY_TLS_CERT: {cert}: it has no DNS name (subject alternative name)")
    begins, ends = (ssl.cert_time_to_seconds(seen[when]) for when in ("notBefore", "notAfter"))
    client.check_hostname = True
    believed, shown, its_key = held.values()
    return Certificate(believed, shown, its_key, names, begins, ends, client)


def _content(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise Misconfigured(f"{name}: {path} cannot be read: {e.strerror}") from e


def _context(protocol: int, paths: dict[str, Path], held: dict[str, bytes]) -> ssl.SSLContext:
    ca, cert, key = _VARIABLES
    context = ssl.SSLContext(protocol)
    context.check_hostname = False  # until the handshake with ourselves is over
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=held[ca].decode("ascii"))
    except (ssl.SSLError, ValueError) as e:
        raise Misconfigured(f"{ca}: {paths[ca]}: no certificates in PEM format ({e})") from e
    try:
        context.load_cert_chain(paths[cert], paths[key], password=_no_password)
    except (ssl.SSLError, ValueError) as e:
        why = e.reason if isinstance(e, ssl.SSLError) and e.reason else str(e)
        raise Misconfigured(f"{key}: {paths[key]} is no key (PEM) of {paths[cert]} ({why})") from e
    except OSError as e:
        raise Misconfigured(f"{key}: {paths[key]} cannot be read: {e.strerror}") from e
    return context


def _no_password() -> str:
    raise ValueError("the key has a password: give one without")


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> Mapping[str, Any]:
    """Both ends in memory, each checking the other. Gives the certificate as the client saw it. Raises SSLError."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking, serving = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    waiting = [asking, serving]
    while waiting:
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
    return asking.getpeercert() or {}
