"""Who speaks, in which channel, and to whom: headers of harmony messages and of turns. Pure.

    <|start|>assistant<|channel|>commentary to=functions.name <|constrain|>json<|message|>
    <|im_start|>assistant⏎
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OURS = ("assistant", "model", "ai", "bot")
"""The roles whose words are for the caller."""
MAX_HEADER = 240
_ROLES = (*OURS, "user", "system", "developer", "tool", "functions.")
_MESSAGE = re.compile(r"<\|message\|>")
_CHANNEL = re.compile(r"channel\|>\s*(\w+)")
_TO = re.compile(r"to=([\w.:/-]+)")
_SPEAKER = re.compile(r"<\|start\|>\s*(\w*)")
_NEXT = re.compile(r"(?:assistant|user|system|developer|tool|functions\.\w+)(?:<\||\s*to=)")
_NEXT_BEGUN = re.compile(r"(?:assistant|user|system|developer|tool|functions\.\w*)\s*<?\Z")
_ROLE = re.compile(r"\s*([A-Za-z_]{1,20})(?!\w)\s?")
_ROLE_BEGUN = re.compile(r"\s*\w{0,20}\s?\Z")


@dataclass(frozen=True, slots=True)
class Header:
    """`to`: the tool that a message calls. `spoken`: it is for the caller. `length`: characters."""

    to: str
    spoken: bool
    length: int


def header_of(text: str) -> Header | None:
    """The header that `text` begins with; None while it is not whole."""
    found = _MESSAGE.search(text)
    if found is None:
        return None
    header = text[: found.end()]
    to, speaker = _TO.search(header), _SPEAKER.match(header)
    ours = speaker is None or speaker[1].lower() in ("", *OURS)
    return Header(to[1] if to else "", ours and channel_of(header) in ("", "final"), found.end())


def channel_of(header: str) -> str:
    return str((_CHANNEL.findall(header) or [""])[-1])


def behind_channel(text: str) -> str:
    """What stands behind the channel's name, in a message whose own mark was lost."""
    return str(_CHANNEL.split(text)[-1]).partition("<|")[0]


def goes_on(text: str) -> bool | None:
    """Whether, behind the end of a message, another header begins that has lost its first bracket; None: not known."""
    if not text or any(role.startswith(text) for role in _ROLES) or _NEXT_BEGUN.match(text):
        return None
    return _NEXT.match(text) is not None


def role_of(text: str) -> tuple[str, int] | None:
    """The role that a turn begins with and its length; None while it is not whole. "": there is none."""
    if _ROLE_BEGUN.match(text):
        return None
    found = _ROLE.match(text)
    return (found[1].lower(), found.end()) if found else ("", 0)
