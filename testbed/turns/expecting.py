"""The sentences after `expect`, as values."""

from __future__ import annotations

import re

from testbed.turns.script import TOOLS, Expect

_MS = r"(\d+)\s*ms"
_Q = r'"([^"]+)"'

# Each sentence and the fields that its groups are.
_SENTENCES = (
    (rf"bot stops within {_MS}", "stops", ("within_ms",)),
    (rf"bot pauses within {_MS}", "pauses", ("within_ms",)),
    (rf"bot goes on within {_MS}", "goes on", ("within_ms",)),
    (rf"hole at most {_MS}", "hole", ("within_ms",)),
    (r"no pause", "no pause", ()),
    (rf"bot finishes(?:\s+{_Q})?", "finishes", ("text",)),
    (rf"bot answers {_Q}(?:\s+after {_MS})?(?:\s+within {_MS})?", "answers", ("text", "after_ms", "within_ms")),
    (rf"bot says {_Q}", "says", ("text",)),
    (rf"bot never says {_Q}", "never says", ("text",)),
    (rf"bot is silent for {_MS}", "silent", ("within_ms",)),
    (r"bot does not cut in", "no cut in", ()),
    (r"model hears nothing", "hears nothing", ()),
    (rf"model hears {_Q}", "hears", ("text",)),
    (rf"model is told bot said {_Q}", "told", ("text",)),
    (rf"model is not told {_Q}", "not told", ("text",)),
    (r"tool (\w+) ran (\d+) times?", "ran", ("text", "count")),
    (r"call ends by (bot|caller)", "ends", ("text",)),
)


def expectation(number: int, line: str) -> Expect:
    """One `expect` line. Raises ValueError that lists what may be expected."""
    said = " ".join(line.split()[1:])
    if found := re.fullmatch(rf"turns {_Q}(?:\s*/\s*{_Q})*", said, re.IGNORECASE):
        return Expect(number, line, "turns", texts=tuple(text.lower() for text in re.findall(_Q, said)))
    for pattern, kind, names in _SENTENCES:
        if found := re.fullmatch(pattern, said, re.IGNORECASE):
            values: dict[str, str | int] = {}
            for name, value in zip(names, found.groups(), strict=True):
                if value is not None:
                    values[name] = value.lower() if name == "text" else int(value)
            if kind == "ran" and values["text"] not in TOOLS:
                raise ValueError(f"there is no tool {values['text']}; known are {', '.join(TOOLS)}")
            return Expect(number, line, kind, **values)  # type: ignore[arg-type]
    shown = [re.sub(r"\(\?:\\s\+(.*?)\)\?", r" [\1]", pattern) for pattern, _, _ in _SENTENCES]
    plain = [
        each.replace(_MS, "300 ms").replace(_Q, '"WORDS"').replace(r"(\w+) ran (\d+) times?", "book ran 1 time")
        for each in shown
    ]
    raise ValueError(f'it is not known how to expect this; known are: {"; ".join(plain)}; turns "A" / "B"')
