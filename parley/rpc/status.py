"""ParleyError ⇄ gRPC status, once for all services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from parley import errors

_BY_CODE: dict[str, type[errors.ParleyError]] = {
    cls.code: cls
    for cls in (
        errors.BadInput,
        errors.NotFound,
        errors.AlreadyExists,
        errors.NotAllowed,
        errors.Misconfigured,
        errors.AtCapacity,
        errors.Superseded,
        errors.Unavailable,
        errors.NoSound,
        errors.TooLate,
        errors.NotBuilt,
    )
}


def to_status(error: BaseException) -> tuple[grpc.StatusCode, str]:
    """Status and message for the wire. An error that is not ours says only INTERNAL: its text may hold secrets."""
    if isinstance(error, errors.ParleyError):
        return grpc.StatusCode[error.code], str(error)
    return grpc.StatusCode.INTERNAL, type(error).__name__


def from_rpc(error: grpc.aio.AioRpcError) -> errors.ParleyError:
    """The peer's status as our error. CANCELLED and UNKNOWN from a dying peer count as Unavailable."""
    return by_code(error.code().name, error.details() or error.code().name)


def by_code(code: str, message: str) -> errors.ParleyError:
    """A status by name as our error."""
    cls = _BY_CODE.get(code)
    if code == "INTERNAL" and "from Core" in message:  # a write met the end of the stream: its status is lost
        return errors.Unavailable("the stream ended while it was written to")
    if cls is None:
        cls = errors.Unavailable if code in ("CANCELLED", "UNKNOWN") else errors.ParleyError
    return cls(message)


@contextmanager
def mapped() -> Iterator[None]:
    """Raise the peer's errors as ours."""
    try:
        yield
    except grpc.aio.AioRpcError as e:
        raise from_rpc(e) from e
