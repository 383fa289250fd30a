"""Which agent a called number reaches: an exact number or SIP address, then the longest prefix, then nobody. Pure.

+15551234567            one number
+1555*                  all that begin so
sip:desk@example.com    a SIP address
"""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field

from parley.errors import BadInput, NotFound

MAX_ENTRIES = 5_000
MAX_DIGITS = 15
_NUMBER = re.compile(rf"\+?[0-9]{{2,{MAX_DIGITS}}}")
_PREFIX = re.compile(rf"\+?[0-9]{{1,{MAX_DIGITS}}}\*")
_SIP = re.compile(r"sips?:([a-z0-9_.!~*'()&=+$,%/-]{1,64})@([a-z0-9.-]{1,190}|\[[0-9a-f:.]{2,45}\])")
_SPACING = re.compile(r"[\s().\-]")


class Numbers(BaseModel):
    """The whole table: pattern -> agent."""

    model_config = ConfigDict(frozen=True)

    entries: dict[str, str] = Field(default_factory=dict, max_length=MAX_ENTRIES)
    writer: str = ""

    def agent_of(self, called: str) -> str:
        """The agent that this number or address reaches; "" when the table does not say."""
        address = tidy(called)
        if address in self.entries:
            return self.entries[address]
        if (sip := _SIP.fullmatch(address)) is not None:
            if not _NUMBER.fullmatch(address := sip[1]):
                return ""
            if address in self.entries:
                return self.entries[address]
        for end in range(min(len(address), MAX_DIGITS + 1), 0, -1):
            if (agent := self.entries.get(f"{address[:end]}*")) is not None:
                return agent
        return ""

    def set(self, pattern: str, agent: str) -> Numbers:
        """Raises BadInput: no pattern, or too many."""
        entries = {**self.entries, checked(pattern): agent}
        if len(entries) > MAX_ENTRIES:
            raise BadInput(f"the table has {MAX_ENTRIES:,} numbers, which is all it may; a prefix stands for many")
        return self.model_copy(update={"entries": entries})

    def remove(self, pattern: str) -> Numbers:
        """Raises BadInput (no pattern), NotFound."""
        if (known := checked(pattern)) not in self.entries:
            raise NotFound(f"{known} is not in the table; `parley number list` shows it")
        return self.model_copy(update={"entries": {key: name for key, name in self.entries.items() if key != known}})


def checked(pattern: str) -> str:
    """A pattern as the table has it. Raises BadInput."""
    found = tidy(pattern)
    if any(form.fullmatch(found) for form in (_NUMBER, _PREFIX, _SIP)):
        return found
    raise BadInput(
        f'{pattern[:80]!r}: neither a number (+15551234567), a prefix (+1555*) nor an address (sip:desk@example.com)'
    )


def tidy(address: str) -> str:
    """A number without its spacing; an address in small letters, without port and parameters."""
    text = address.strip().lower()
    if not text.startswith(("sip:", "sips:")):
        return _SPACING.sub("", text)
    text = re.split(r"[;?>]", text, maxsplit=1)[0]
    return re.sub(r":[0-9]{1,5}$", "", text)
