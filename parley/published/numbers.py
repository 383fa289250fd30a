"""Which agent a called number reaches, and when: an exact number or SIP address, then the longest prefix, then the row
of all others, then nobody. Pure.

+15551234567            one number
+1555*                  all that begin so
sip:desk@example.com    a SIP address
*                       all others
page                    whoever calls on the gateway's own page, and names no agent
"""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from parley.errors import BadInput, NotFound
from parley.published.changes import MAX_CHANGES, Change
from parley.published.hours import Hours, Outside

MAX_ENTRIES = 5_000
ALL, PAGE = "*", "page"
MAX_DIGITS = 15
_NUMBER = re.compile(rf"\+?[0-9]{{2,{MAX_DIGITS}}}")
_PREFIX = re.compile(rf"\+?[0-9]{{1,{MAX_DIGITS}}}\*")
_SIP = re.compile(r"sips?:([a-z0-9_.!~*'()&=+$,%/-]{1,64})@([a-z0-9.-]{1,190}|\[[0-9a-f:.]{2,45}\])")
_SPACING = re.compile(r"[\s().\-]")


class Numbers(BaseModel):
    """The whole table: pattern -> agent. `hours`: of the rows that are not answered at all times. `changes`: the last
    ones."""

    model_config = ConfigDict(frozen=True)

    entries: dict[str, str] = Field(default_factory=dict, max_length=MAX_ENTRIES)
    hours: dict[str, Hours] = Field(default_factory=dict, max_length=MAX_ENTRIES)
    writer: str = ""
    changes: tuple[Change, ...] = Field((), max_length=MAX_CHANGES)

    def agent_of(self, called: str) -> str:
        """The agent that this number or address reaches; "" when the table does not say."""
        return self.entries.get(self.row_of(called), "")

    def outside(self, called: str, now: datetime) -> Outside | None:
        """What becomes of a call to it now; None: it is answered. Raises Misconfigured: its zone is not known here."""
        hours = self.hours.get(self.row_of(called))
        return None if hours is None or hours.is_open(now) else hours.outside

    def row_of(self, called: str) -> str:
        """The pattern of the row that says what becomes of it; "" when none does."""
        if called == PAGE:
            return PAGE if PAGE in self.entries else ""
        return self._row_of(tidy(called)) or (ALL if ALL in self.entries else "")

    def _row_of(self, address: str) -> str:
        if address in self.entries:
            return address
        if (sip := _SIP.fullmatch(address)) is not None:
            if not _NUMBER.fullmatch(address := sip[1]):
                return ""
            if address in self.entries:
                return address
        for end in range(min(len(address), MAX_DIGITS + 1), 0, -1):
            if (row := f"{address[:end]}*") in self.entries:
                return row
        return ""

    def set(self, pattern: str, agent: str) -> Numbers:
        """Its hours stay. Raises BadInput: no pattern, or too many."""
        entries = {**self.entries, checked(pattern): agent}
        if len(entries) > MAX_ENTRIES:
            raise BadInput(f"the table has {MAX_ENTRIES:,} numbers, which is all it may; a prefix stands for many")
        return self.model_copy(update={"entries": entries})

    def open_at(self, pattern: str, hours: Hours | None) -> Numbers:
        """None: at all times. Raises BadInput (no pattern), NotFound."""
        row = self._there(pattern)
        others = {key: its for key, its in self.hours.items() if key != row}
        return self.model_copy(update={"hours": others | ({row: hours} if hours is not None else {})})

    def remove(self, pattern: str) -> Numbers:
        """Raises BadInput (no pattern), NotFound."""
        row = self._there(pattern)
        entries = {key: name for key, name in self.entries.items() if key != row}
        return self.model_copy(update={"entries": entries, "hours": {k: h for k, h in self.hours.items() if k != row}})

    def _there(self, pattern: str) -> str:
        if (row := checked(pattern)) not in self.entries:
            raise NotFound(f"{row} is not in the table; `parley number list` shows it")
        return row


def checked(pattern: str) -> str:
    """A pattern as the table has it. Raises BadInput."""
    found = tidy(pattern)
    if found in (ALL, PAGE) or any(form.fullmatch(found) for form in (_NUMBER, _PREFIX, _SIP)):
        return found
    raise BadInput(
        f"{pattern[:80]!r}: neither a number (+15551234567), a prefix (+1555*) nor an address (sip:desk@example.com); "
        f"`{ALL}` stands for all others, `{PAGE}` for the page"
    )


def tidy(address: str) -> str:
    """A number without its spacing; an address in small letters, without port and parameters."""
    text = address.strip().lower()
    if not text.startswith(("sip:", "sips:")):
        return _SPACING.sub("", text)
    text = re.split(r"[;?>]", text, maxsplit=1)[0]
    return re.sub(r":[0-9]{1,5}$", "", text)
