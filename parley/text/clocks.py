"""Times of the day as they are said: "half past nine", "ten in the morning", "15 30 oclock". English; pure.

Works on normalised text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from parley.text.spoken import NUMBER_RUN, words_to_digits

_UNIT = "(?:one|two|three|four|five|six|seven|eight|nine)"
_MINUTE = rf"\d{{2}}|oh {_UNIT}|ten|fifteen|(?:twenty|thirty|forty|fifty)(?: {_UNIT})?"
_LATE = r"(?:thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty(?: one| two| three)?)"
_SOURCE = (
    rf"(?:(?P<noon>noon|midnight)|(?P<past>half|quarter) past (?P<ph>{NUMBER_RUN})|quarter to (?P<to>{NUMBER_RUN})|"
    rf"(?P<late>{_LATE}) (?P<late_minute>hundred(?: hours)?|\d{{2}}|oh {_UNIT}|fifteen|thirty|forty five)|"
    r"(?P<hour>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
    rf"(?: (?P<minute>{_MINUTE}))?)"
    r"(?: oclock)?(?:(?: (?:in the |at )?|(?<=\d))(?P<part>am|pm|a m|p m|morning|afternoon|evening|night))?"
)
_CLOCK = re.compile(rf"\b{_SOURCE}\b")
SOURCE = re.sub(r"\(\?P<\w+>", "(?:", _SOURCE)
"""Regex source, no groups: a time in normalised text; a bare number may be one."""
_BEFORE = re.compile(r"(?:^| )(?:at|around)(?: about| around)? $")
_AFTER = re.compile(r"^ (?:dollars?|cents?|minutes?|hours?|days?|weeks?|people|percent|miles?|bikes?)\b")
_LATE_PARTS = ("pm", "afternoon", "evening", "night")


@dataclass(frozen=True, slots=True)
class Clock:
    """`hour` as it was said, 0 to 23; `part` "late", "early", or "" where that was not said; `span` in the text.
    `marked`: its words say that it is a time, or "at" stands before it.
    """

    hour: int
    minute: int
    part: str
    span: tuple[int, int]
    marked: bool

    @property
    def settled(self) -> bool:
        """Whether it can only be this hour, and not the one twelve hours later."""
        return bool(self.part) or self.hour > 12 or self.hour == 0

    def on_24(self, late: bool) -> tuple[int, int]:
        """Hour and minute, 0 to 23; `late`: after noon, where that was not said."""
        if self.hour > 12 or (self.hour == 0 and not self.part):
            return self.hour, self.minute
        after_noon = self.part == "late" or (not self.part and late)
        return self.hour % 12 + 12 * after_noon, self.minute


def clocks(said: str) -> list[Clock]:
    """The times in a normalised sentence, in order."""
    found = (_clock(said, m) for m in _CLOCK.finditer(said) if m[0].strip())
    return [clock for clock in found if clock is not None]


def by_day(clock: Clock) -> str:
    """ "HH:MM": an hour whose half of the day was not said is one in which people are about, seven to half past six."""
    hour, minute = clock.on_24(late=clock.hour % 12 < 7)
    return f"{hour:02d}:{minute:02d}"


def _clock(said: str, m: re.Match[str]) -> Clock | None:
    read = _hour_and_minute(m)
    if read is None or _AFTER.match(said[m.end() :]):
        return None
    hour, minute = read
    part = (m["part"] or "").replace(" ", "")
    named = bool(m["noon"] or m["past"] or m["to"] or m["late"] or part or " oclock" in m[0])
    if m["noon"]:
        return Clock(hour, minute, "late" if hour else "early", m.span(), True)
    if hour > 23 or minute > 59:
        return None
    half = "" if not part else "late" if part in _LATE_PARTS else "early"
    half = "early" if part == "night" and hour % 12 < 5 else half  # "two at night"
    return Clock(hour, minute, half, m.span(), named or _BEFORE.search(said[: m.start()]) is not None)


def _hour_and_minute(m: re.Match[str]) -> tuple[int, int] | None:
    if m["noon"]:
        return (12 if m["noon"] == "noon" else 0), 0
    if m["past"] or m["to"]:
        hour = words_to_digits(m["ph"] or m["to"])
        if not hour or int(hour) > 12:
            return None
        return (int(hour), 30 if m["past"] == "half" else 15) if m["past"] else ((int(hour) - 1) % 12 or 12, 45)
    if m["late"]:
        minute = "0" if m["late_minute"].startswith("hundred") else m["late_minute"].removeprefix("oh ")
        return int(words_to_digits(m["late"])), int(words_to_digits(minute) or 99)
    hour = words_to_digits(m["hour"])
    minute = words_to_digits(m["minute"].removeprefix("oh ")) if m["minute"] else "0"
    return (int(hour), int(minute or 99)) if hour else None
