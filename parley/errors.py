"""The errors of Parley, and what each means to a caller on another machine.

    ParleyError                 code, retryable
    ├── BadInput                INVALID_ARGUMENT      the request is wrong: name the field and the remedy
    ├── NotFound                NOT_FOUND             lists what is known
    ├── AlreadyExists           ALREADY_EXISTS        an intent was reused for something else
    ├── NotAllowed              PERMISSION_DENIED
    ├── Misconfigured           FAILED_PRECONDITION   a key or setting is refused; trying again does not help
    ├── AtCapacity              RESOURCE_EXHAUSTED    take the next replica
    ├── Superseded              ABORTED               a newer owner exists: stop, never come back
    ├── Unavailable             UNAVAILABLE           try elsewhere
    │   └── VendorLost                                the vendor closed, stalled or spoke garbage
    │       └── NoSound         DATA_LOSS             a voice gave no sound for words: elsewhere once, not for long
    ├── TooLate                 DEADLINE_EXCEEDED
    └── NotBuilt                UNIMPLEMENTED         part of the contract, not of this version

`code` is the name of the gRPC status; `parley.rpc` does the mapping, once, in both directions.
"""

from __future__ import annotations

from typing import ClassVar


class ParleyError(Exception):
    """Base of all. `retryable` says whether the same request may succeed elsewhere or later."""

    code: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False


class BadInput(ParleyError):
    code = "INVALID_ARGUMENT"


class NotFound(ParleyError):
    code = "NOT_FOUND"


class AlreadyExists(ParleyError):
    code = "ALREADY_EXISTS"


class NotAllowed(ParleyError):
    code = "PERMISSION_DENIED"


class Misconfigured(ParleyError):
    code = "FAILED_PRECONDITION"


class AtCapacity(ParleyError):
    code = "RESOURCE_EXHAUSTED"
    retryable = True


class Superseded(ParleyError):
    code = "ABORTED"


class Unavailable(ParleyError):
    code = "UNAVAILABLE"
    retryable = True


class VendorLost(Unavailable):
    """The vendor closed the connection, fell silent, or sent what cannot be read."""


class NoSound(VendorLost):
    """A voice ended politely and gave no sound for words, or for the last of them. Asking for long does not help."""

    code = "DATA_LOSS"


class TooLate(ParleyError):
    code = "DEADLINE_EXCEEDED"
    retryable = True


class NotBuilt(ParleyError):
    code = "UNIMPLEMENTED"
