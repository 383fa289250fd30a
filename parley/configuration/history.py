"""What is stored of the configuration: all values of one moment, who made the change, when and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from parley.configuration.sealing import Seals
from parley.configuration.table import checked, known, live_settings
from parley.errors import BadInput, NotFound

MAX_WHO = 100
MAX_NOTE = 200


class Configuration(BaseModel):
    """`values`: variable -> text, a secret sealed; what is not there is as the environment or the default says.
    `changed`: the variables of this change. `undoes`: the revision it took back. `writer`: a nonce of who wrote it."""

    model_config = ConfigDict(frozen=True)

    values: dict[str, str] = Field(default_factory=dict)
    who: str = ""
    at: float = 0.0
    note: str = ""
    changed: tuple[str, ...] = ()
    undoes: int = 0
    writer: str = ""

    def set(
        self, changes: Mapping[str, str | None], seals: Seals, who: str, at: float, note: str = ""
    ) -> Configuration:
        """The next one. None takes a value away. All or nothing.

        Raises BadInput (names the setting and what helps, or: nothing changes), NotFound (no live setting),
        Misconfigured (a secret, and no key to seal it with).
        """
        if not changes:
            raise BadInput("changes: there are none; name at least one setting")
        values = dict(self.values)
        for variable, text in changes.items():
            if text is None:
                known(variable)
                values.pop(variable, None)
                continue
            value = checked(variable, text)
            values[variable] = seals.seal(variable, value) if live_settings()[variable].is_secret else value
        changed = tuple(sorted(name for name in changes if values.get(name) != self.values.get(name)))
        if not changed:
            raise BadInput("changes: nothing would change; these settings have these values already")
        return self._next(values, changed, who, at, note)

    def put_back(self, undone: Revision, before: Configuration, who: str, at: float) -> Configuration:
        """The next one, in which what `undone` changed is as it was `before`. Raises BadInput: nothing would change."""
        values = dict(self.values)
        for variable in undone.configuration.changed:
            if variable in before.values:
                values[variable] = before.values[variable]
            else:
                values.pop(variable, None)
        changed = tuple(sorted(v for v in {*values, *self.values} if values.get(v) != self.values.get(v)))
        if not changed:
            raise BadInput(f"revision: what {undone.revision} changed is as it was before it already")
        return self._next(values, changed, who, at, "").model_copy(update={"undoes": undone.revision})

    def _next(self, values: dict[str, str], changed: tuple[str, ...], who: str, at: float, note: str) -> Configuration:
        if len(note) > MAX_NOTE or (note and not note.isprintable()):
            raise BadInput(f"note: at most {MAX_NOTE} printable characters, on one line")
        return Configuration(values=values, who=who[:MAX_WHO], at=at, note=note, changed=changed)


@dataclass(frozen=True, slots=True)
class Revision:
    """A stored one. `revision` rises with every change."""

    revision: int
    configuration: Configuration


def undone_by(history: Sequence[Revision], revision: int = 0) -> tuple[Revision, Configuration]:
    """What is to be taken back, and what was before it. `history`: newest first; without a revision: the newest.

    Raises NotFound: there is no such change, or it is not known any more what was before it.
    """
    if not history:
        raise NotFound("nothing was ever changed; there is nothing to undo")
    for each, before in zip(history, [*history[1:], None], strict=True):
        if each.revision == (revision or history[0].revision):
            if before is not None:
                return each, before.configuration
            if each.revision == 1:
                return each, Configuration()
            raise NotFound(f"revision {each.revision}: what was before it is not kept any more; set the values anew")
    raise NotFound(f"there is no change {revision}; the newest is {history[0].revision}")
