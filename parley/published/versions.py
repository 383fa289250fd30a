"""The published versions of one agent: which one new calls have, and what may be done to that. Pure.

publish      the new version is current, or a canary beside it
promote      the canary is current
rollback     a canary ends; without one, what was current before is again (or a version that is named); once more: what
             was before that, never what was just left
unpublish    calls have the folder again; the versions stay
"""

from __future__ import annotations

import hashlib
import re

from pydantic import BaseModel, ConfigDict, Field

from parley.errors import BadInput, NotFound
from parley.published.changes import MAX_CHANGES, Change

MAX_VERSIONS = 20
MAX_NOTE = 200
MAX_NAME = 40
_SHOWN = 5
_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")


def is_name(name: str) -> bool:
    """Whether an agent of this name can be published: it is part of a key and of a path."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None


class Version(BaseModel):
    """One of them. `digest`: of its content, in hex; `at`: published, Unix seconds; `knowledge`: what its knowledge
    counts for."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern="^[0-9a-f]{12}$")
    digest: str = Field(pattern="^[0-9a-f]{64}$")
    size: int
    at: float
    note: str = ""
    knowledge: str = ""


class Versions(BaseModel):
    """All of an agent, newest first. `current` empty: calls have the folder. `percent`: of new calls, for `canary`.
    `previous`: was current before; `earlier`: before that, one after another. `writer`: a nonce of who wrote it last.
    `changes`: the last of them.
    """

    model_config = ConfigDict(frozen=True)

    current: str = ""
    canary: str = ""
    percent: float = Field(0.0, ge=0, le=100)
    previous: str = ""
    versions: tuple[Version, ...] = Field((), max_length=MAX_VERSIONS)
    writer: str = ""
    earlier: tuple[str, ...] = Field((), max_length=MAX_VERSIONS)
    changes: tuple[Change, ...] = Field((), max_length=MAX_CHANGES)

    @property
    def live(self) -> tuple[str, ...]:
        """Those that new calls may have, and the one to go back to."""
        return tuple(dict.fromkeys(id for id in (self.current, self.canary, self.previous) if id))

    def of_call(self, call_id: str) -> str:
        """The version of a new call; every process decides alike, and whoever asks again gets the same."""
        return self.canary if self.canary and share(call_id) < self.percent else self.current

    def find(self, wanted: str) -> Version | None:
        return next((version for version in self.versions if version.id == wanted), None)

    def named(self, wanted: str) -> Version:
        """By id or the beginning of one. Raises BadInput (several begin so), NotFound (lists the newest)."""
        found = [version for version in self.versions if version.id.startswith(wanted)] if wanted else []
        if len(found) > 1:
            raise BadInput(f"version {wanted!r}: {len(found)} begin so; write more of it")
        if not found:
            known = ", ".join(version.id for version in self.versions[:_SHOWN]) or "none"
            raise NotFound(f"there is no version {wanted!r}; known are {known}")
        return found[0]

    def publish(self, version: Version, percent: float | None = None) -> Versions:
        """`percent`: as a canary, for so many of a hundred new calls. Raises BadInput."""
        if percent is None:
            return self._with(version).model_copy(update=self._now(version.id))
        if not self.current:
            raise BadInput("--canary: nothing is published yet beside which it could run; publish without it first")
        if version.id == self.current:
            raise BadInput(f"--canary: {version.id} is what all calls have already")
        return self._with(version).model_copy(update={"canary": version.id, "percent": percent})

    def try_out(self, wanted: str, percent: float) -> Versions:
        """A kept version as a canary, or another share for it: `percent` of new calls. Raises BadInput, NotFound."""
        version = self.named(wanted)
        if not self.current or version.id == self.current:
            raise BadInput(f"version: {version.id} cannot run beside itself, or beside the folder; choose another one")
        if not 0 < percent < 100:
            raise BadInput(f"percent: {percent:g} of new calls; more than 0 and less than 100")
        return self.model_copy(update={"canary": version.id, "percent": percent})

    def promote(self) -> Versions:
        """Raises BadInput: there is no canary."""
        if not self.canary:
            raise BadInput("there is no canary to promote; `parley agent publish NAME --canary 10%` begins one")
        return self.model_copy(update=self._now(self.canary))

    def rollback(self, wanted: str = "") -> Versions:
        """Raises BadInput, NotFound."""
        if wanted:
            version = self.named(wanted)
            if version.id == self.current and not self.canary:
                raise BadInput(f"{version.id} is what all calls have already")
            return self.model_copy(
                update=self._back(version.id) if version.id in self._before else self._now(version.id)
            )
        if self.canary:
            return self.model_copy(update={"canary": "", "percent": 0.0})
        if not self._before:
            raise BadInput(
                f"there is no version before {self.current or 'the folder'} to go back to; `parley agent versions` "
                "lists those that are kept, `parley agent rollback NAME VERSION` goes to one of them"
            )
        return self.model_copy(update=self._back(self._before[0]))

    def unpublish(self) -> Versions:
        """Raises BadInput: nothing is published."""
        if not self.current:
            raise BadInput("nothing is published; calls have the folder already")
        return self.model_copy(update=self._now(""))

    @property
    def _before(self) -> tuple[str, ...]:
        """What was current before, the last first, as far as it is kept."""
        return tuple(id for id in (self.previous, *self.earlier) if self.find(id) is not None)

    def _now(self, current: str) -> dict[str, object]:
        """A step forward."""
        return _current(current, (self.current, self.previous, *self.earlier))

    def _back(self, to: str) -> dict[str, object]:
        """What is left on the way is no more before anything."""
        return _current(to, self._before[self._before.index(to) + 1 :])

    def _with(self, version: Version) -> Versions:
        """The version first, with the note it had unless it brings one; of the others those that are live, and the
        newest while there is room."""
        if (known := self.find(version.id)) is not None and not version.note:
            version = version.model_copy(update={"note": known.note})
        others = [other for other in self.versions if other.id != version.id]
        spare = [other for other in others if other.id not in self.live]
        dropped = spare[max(0, MAX_VERSIONS - 1 - (len(others) - len(spare))) :]
        return self.model_copy(update={"versions": (version, *(o for o in others if o not in dropped))})


def _current(current: str, before: tuple[str, ...]) -> dict[str, object]:
    previous, *earlier = [id for id in dict.fromkeys(before) if id not in ("", current)] or [""]
    kept = tuple(earlier)[:MAX_VERSIONS]
    return {"current": current, "previous": previous, "earlier": kept, "canary": "", "percent": 0.0}


def share(call_id: str) -> float:
    """Where a call falls between 0 and 100, evenly."""
    return int.from_bytes(hashlib.sha256(call_id.encode()).digest()[:8]) * 100 / (1 << 64)
