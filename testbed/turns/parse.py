"""Reads `.call` files. What is not understood is an error that names the file, the line and what may stand there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from testbed.turns import script as s
from testbed.turns.expecting import expectation
from testbed.turns.script import Line, Script, When

_WHEN = re.compile(r"(at|after|meanwhile|when)\b([^:\"]*(?:\"[^\"]*\"[^:\"]*)?):\s*(.*)$", re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]*)"')
_GAIN = re.compile(r"\bat\s+([+-]?\d+(?:\.\d+)?)\s*dB\b", re.IGNORECASE)
_MS = r"(\d+)\s*ms"
_LOUDNESS = {"quietly": -12.0, "loudly": 4.0, "": 0.0}


class NotUnderstood(ValueError):
    """A line of a script that says nothing known."""


def read(path: Path) -> list[Script]:
    """The scripts of a file. Raises NotUnderstood."""
    return parse(path.read_text("utf-8"), path.name)


def read_all(folder: Path) -> list[Script]:
    """The scripts of all `.call` files of a folder, by file and place. Raises NotUnderstood; two of one name."""
    scripts = [script for path in sorted(folder.glob("*.call")) for script in read(path)]
    seen: dict[str, Script] = {}
    for script in scripts:
        if (other := seen.setdefault(script.slug, script)) is not script:
            raise NotUnderstood(f"{script.file}:{script.number}: {other.file} has a call of the same name")
    return scripts


def parse(text: str, file: str = "script") -> list[Script]:
    """Raises NotUnderstood: `file:line: what is wrong`."""
    scripts: list[Script] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip().replace("\u201c", '"').replace("\u201d", '"')
        if not line or line.startswith("#"):
            continue
        try:
            if line.lower().startswith("call:"):
                scripts.append(Script(_told(line[5:], "call: needs a name"), file, number))
            elif not scripts:
                raise NotUnderstood('a script begins with "call: NAME"')
            else:
                _line(scripts[-1], number, line)
        except NotUnderstood as error:
            raise NotUnderstood(f"{file}:{number}: {error}\n    {line}") from None
    for script in scripts:
        _whole(script)
    return scripts


def _whole(script: Script) -> None:
    where = f"{script.file}:{script.number}: {script.name}"
    if not script.story:
        raise NotUnderstood(f"{where}: nothing happens in it")
    if not any(line.expects for line in script.story):
        raise NotUnderstood(f"{where}: nothing is expected of it")
    if script.virtual_only:
        if script.play == "real":
            raise NotUnderstood(f"{where}: says play: real, and has a line that only virtual time can do")
        script.play = "virtual"


def _line(script: Script, number: int, line: str) -> None:
    keyword = line.split(None, 1)[0].lower()
    if keyword == "expect":
        if not script.story:
            raise NotUnderstood("an expectation stands below the line of the story that it is about")
        about = next((each for each in reversed(script.story) if not isinstance(each.what, s.Wait)), script.story[-1])
        about.expects.append(_expected(number, line))
    elif (setting := _SETTINGS.get(keyword)) is not None:
        if script.story:
            raise NotUnderstood("settings stand before the story")
        setting(script, line.split(":", 1)[1].strip())
    else:
        script.story.append(_story(number, line, first=not script.story))


def _expected(number: int, line: str) -> s.Expect:
    try:
        return expectation(number, line)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None


# The story


def _story(number: int, line: str, *, first: bool) -> Line:
    found = _WHEN.match(line)
    if found is None:
        return Line(number, line, When(), _what(line))
    when = _when(found[1].lower(), found[2].strip())
    if first and when.kind in ("after", "meanwhile"):
        raise NotUnderstood(f"{when.kind}: there is no line before it")
    return Line(number, line, when, _what(found[3]))


_WHENS = (
    (r"bot starts(?:\s*\+\s*(\d+)\s*ms)?", "starts"),
    (r"bot stops(?:\s*\+\s*(\d+)\s*ms)?", "stops"),
    (r"bot says\s*\"([^\"]+)\"(?:\s*\+\s*(\d+)\s*ms)?", "says"),
    (r"tool\s+(\w+)\s+runs(?:\s*\+\s*(\d+)\s*ms)?", "tool"),
)


def _when(word: str, rest: str) -> When:
    if word != "when":
        found = re.fullmatch(_MS, rest)
        if found is None:
            raise NotUnderstood(f'"{word}" needs a time, as in "{word} 300 ms:"')
        return When(word, int(found[1]))
    for pattern, kind in _WHENS:
        if found := re.fullmatch(pattern, rest, re.IGNORECASE):
            *words, ms = found.groups()
            when = When(kind, int(ms or 0), words[0].lower() if words else "")
            if kind == "tool" and when.words not in s.TOOLS:
                raise NotUnderstood(f"there is no tool {when.words}; known are {', '.join(s.TOOLS)}")
            return when
    raise NotUnderstood(
        'after "when" stands: bot starts, bot stops, bot says "WORDS", tool NAME runs; then perhaps + 200 ms'
    )


def _what(text: str) -> s.What:
    kind, _, rest = text.partition(":")
    rest = rest.strip()
    words = kind.lower().split()
    if words[:1] == ["caller"] and '"' in rest:
        return _words(kind[len("caller") :].strip(), rest)
    if words == ["noise"]:
        return noise(rest)
    if words == ["keys"]:
        if not re.fullmatch(r"[0-9*#]+", digits := rest.replace(" ", "").strip('"')):
            raise NotUnderstood("keys are 0-9, * and #")
        return s.Keys(digits)
    if words == ["ears"]:
        return _ears(rest)
    if words == ["mouth"] and rest.lower() == "heard again":
        return s.Mouth()
    if found := re.fullmatch(rf"wait:?\s+{_MS}", text, re.IGNORECASE):
        return s.Wait(int(found[1]))
    if re.fullmatch(r"(the )?(caller )?hangs up", text, re.IGNORECASE):
        return s.HangUp()
    raise NotUnderstood(
        'what happens? caller: "WORDS"; noise: KIND; keys: 12#; wait 500 ms; hangs up; ears: ...; mouth: heard again'
    )


def _words(how: str, rest: str) -> s.Words:
    gain = _LOUDNESS.get(how.lower())
    if gain is None:
        found = _GAIN.fullmatch(how)
        if found is None:
            raise NotUnderstood(f'"caller {how}": quietly, loudly, or at -6 dB')
        gain = float(found[1])
    if not re.fullmatch(rf'"[^"]+"(?:\s+{_MS}\s+"[^"]+")*', rest):
        raise NotUnderstood('words stand in quotation marks, with silences between: "my number is" 700 ms "four two"')
    silences = [0, *(int(ms) for ms in re.findall(_MS, _QUOTED.sub("", rest)))]
    return s.Words(tuple(zip(silences, (part.lower() for part in _QUOTED.findall(rest)), strict=True)), gain)


def noise(text: str) -> s.Noise:
    """`cough`, `door at -6 dB`, `music 1500 ms at -10 dB`. Raises NotUnderstood."""
    found = re.fullmatch(rf"(\w+)(?:\s+{_MS})?(?:\s+(at\s.*))?", text.strip(), re.IGNORECASE)
    gain = _GAIN.fullmatch(found[3]) if found and found[3] else None
    if found is None or (found[3] and gain is None):
        raise NotUnderstood("a noise is: KIND, perhaps 1500 ms, perhaps at -6 dB")
    kind, ms = found[1].lower(), int(found[2] or 0)
    if kind not in (*s.SHORT_NOISES, *s.LONG_NOISES):
        raise NotUnderstood(f"noise {kind}: known are {', '.join((*s.SHORT_NOISES, *s.LONG_NOISES))}")
    if kind in s.SHORT_NOISES and ms:
        raise NotUnderstood(f"a {kind} is as long as it is; leave out the time")
    return s.Noise(kind, ms, float(gain[1]) if gain else 0.0)


def _ears(rest: str) -> s.Ears:
    found = re.fullmatch(r'(start|stop|interim|final|end)(?:\s+"([^"]*)")?', rest, re.IGNORECASE)
    if found is None:
        raise NotUnderstood('ears report: start, stop, interim "WORDS", final "WORDS", end, end "WORDS"')
    kind, text = found[1].lower(), (found[2] or "").lower()
    if (kind in ("interim", "final")) != bool(text) and kind != "end":
        raise NotUnderstood(f"ears: {kind} {'needs words' if kind in ('interim', 'final') else 'has no words'}")
    return s.Ears(kind, text)


# Settings


def _told(text: str, otherwise: str) -> str:
    if not (text := text.strip()):
        raise NotUnderstood(otherwise)
    return text


def _play(script: Script, text: str) -> None:
    if text not in ("both", "real", "virtual"):
        raise NotUnderstood("play: both, real or virtual")
    script.play = cast(s.Play, text)


def _tags(script: Script, text: str) -> None:
    script.tags = tuple(tag.strip() for tag in text.split(",") if tag.strip())


def _agent(script: Script, text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", key.strip()):
        raise NotUnderstood("agent: KEY = VALUE, as in agent: endpointing.min_delay_ms = 500")
    script.agent[key.strip()] = _value(value.strip())


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return {"yes": True, "no": False}.get(text, text)


def _bot(script: Script, text: str) -> None:
    first, *steps = (part.strip() for part in text.split("->"))
    quoted = [_QUOTED.fullmatch(part) for part in (first, *steps)]
    if not steps or quoted[0] is None or quoted[-1] is None:
        raise NotUnderstood('bot: "WORDS" -> "LINE", or bot: "WORDS" -> tool look_up 800 ms -> "LINE"')
    words, line = quoted[0][1].lower(), quoted[-1][1]
    before, tool, ms = "", "", 0
    for step, said in zip(steps[:-1], quoted[1:-1], strict=True):
        found = re.fullmatch(rf"tool\s+(\w+)\s+{_MS}", step, re.IGNORECASE)
        if said is not None and not tool:
            before = said[1]
        elif found is not None and found[1] in s.TOOLS:
            tool, ms = found[1], int(found[2])
        else:
            raise NotUnderstood(f"{step}: words in quotation marks, or tool {' or '.join(s.TOOLS)} 800 ms")
    if before and not tool:
        raise NotUnderstood("two lines in a row need a tool between them")
    script.rows.append(s.Row(words, line, before, tool, ms))


def _model(script: Script, text: str) -> None:
    script.model_ms = _ms(text, "model: 400 ms")


def _ms(text: str, example: str) -> int:
    if (found := re.fullmatch(_MS, text)) is None:
        raise NotUnderstood(f"a time, as in {example}")
    return int(found[1])


def _carrier(script: Script, text: str) -> None:
    if found := re.fullmatch(rf"latency\s+{_MS}", text):
        script.latency_ms = int(found[1])
    elif found := re.fullmatch(rf"jitter\s+{_MS}", text):
        script.jitter_ms = int(found[1])
    elif found := re.fullmatch(rf"marks\s+{_MS}\s+late", text):
        script.marks_late_ms = int(found[1])
    elif re.fullmatch(r"marks\s+never", text):
        script.marks = False
    elif found := re.fullmatch(rf"echo\s+(-\d+)\s*dB\s+after\s+{_MS}", text, re.IGNORECASE):
        script.echo = s.Echo(float(found[1]), int(found[2]))
    else:
        raise NotUnderstood(
            "line: latency 80 ms, jitter 40 ms, marks 600 ms late, marks never, echo -20 dB after 180 ms; one a line"
        )


def _background(script: Script, text: str) -> None:
    script.background = noise(text)
    if script.background.kind not in s.LONG_NOISES or script.background.ms:
        raise NotUnderstood(f"background: {', '.join(s.LONG_NOISES)}, perhaps at -30 dB")


def _events(text: str) -> Sequence[str]:
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in s.EVENTS]:
        raise NotUnderstood(f"{', '.join(unknown)}: known events are {', '.join(s.EVENTS)}")
    return names


def _late(script: Script, text: str) -> None:
    for part in text.split(","):
        if (found := re.fullmatch(rf"(\w+)\s+{_MS}", part.strip())) is None:
            raise NotUnderstood("late: finals 600 ms")
        script.late[_events(found[1])[0]] = int(found[2])


def _lost(script: Script, text: str) -> None:
    names = _events(text)
    if wrong := [name for name in names if name not in ("starts", "stops", "interims")]:
        raise NotUnderstood(f"{', '.join(wrong)}: only starts, stops and interims may be lost")
    script.lost.update(names)


def _twice(script: Script, text: str) -> None:
    script.twice.update(_events(text))


_SETTINGS: dict[str, Callable[[Script, str], None]] = {
    "play:": _play,
    "tags:": _tags,
    "agent:": _agent,
    "bot:": _bot,
    "model:": _model,
    "line:": _carrier,
    "background:": _background,
    "late:": _late,
    "lost:": _lost,
    "twice:": _twice,
}
