"""Small rules that hearing and answering share: timers, and which words count."""

from __future__ import annotations

import re
from dataclasses import replace

from services.orchestrator import history
from services.orchestrator.effects import CancelTimer, Effect, StartTimer
from services.orchestrator.state import Call, Listening, Timer

UNHEARD_MS = 30_000  # for the gateway to tell what was heard, after the time it takes to say it
CHAR_MS = 150  # of slow speech, per character

_WORD = re.compile(r"[\w'-]+")


def start(call: Call, out: list[Effect], name: str, at_ms: int) -> Call:
    out.append(StartTimer(name, at_ms))
    others = tuple(timer for timer in call.timers if timer.id != name)
    return replace(call, timers=(*others, Timer(name, at_ms)))


def stop_timers(call: Call, out: list[Effect], *names: str) -> Call:
    running = {timer.id for timer in call.timers}.intersection(names)
    if not running:
        return call
    out.extend(CancelTimer(name) for name in names if name in running)
    return replace(call, timers=tuple(timer for timer in call.timers if timer.id not in running))


def has_timer(call: Call, name: str) -> bool:
    return any(timer.id == name for timer in call.timers)


def silence_timer(call: Call, out: list[Effect], at_ms: int) -> Call:
    """The caller has the floor and is quiet: ask after a while whether anybody is there."""
    if not isinstance(call.floor, Listening) or call.hearing.since_ms or call.channel == "chat":
        return call
    return start(call, out, "away", at_ms + call.policy.away_ms)


def await_hearing(call: Call, out: list[Effect], at_ms: int) -> Call:
    """What becomes of words is told by the gateway; a call must not hang on one that never does."""
    left = [len(line.text) - line.heard for line in history.unheard(call)]
    if not left:
        return stop_timers(call, out, "unheard")
    return start(call, out, "unheard", at_ms + UNHEARD_MS + CHAR_MS * sum(left))


def spent(call: Call, input_tokens: int, output_tokens: int) -> Call:
    """Tokens of a round, for the cost of the call."""
    tally = call.tally
    read, written = tally.input_tokens + input_tokens, tally.output_tokens + output_tokens
    return replace(call, tally=replace(tally, input_tokens=read, output_tokens=written))


def same_words(a: str, b: str) -> bool:
    """Equal but for case and punctuation."""
    return a == b or _WORD.findall(a.lower()) == _WORD.findall(b.lower())


def has_words(text: str, words: str) -> bool:
    """Whether `words` stand in `text` in a row, but for case and punctuation."""
    return f" {_plain(words)} " in f" {_plain(text)} "


def real_words(call: Call, text: str) -> int:
    """Words that are more than a backchannel ("uh-huh", "okay")."""
    rest = _plain(text)
    for phrase in sorted(call.policy.backchannels, key=len, reverse=True):
        rest = re.sub(rf"(?<![\w']){re.escape(_plain(phrase))}(?![\w'])", " ", rest)
    return len(rest.split())


def sure_words(call: Call, text: str) -> int:
    """`real_words` of words that may go on: an "i" may become "i see"."""
    begun = begun_backchannel(call, text)
    return real_words(call, _plain(text).removesuffix(begun))


def begun_backchannel(call: Call, text: str) -> str:
    """The last words, if they are the beginning of a backchannel and not all of it; else empty."""
    words = f" {_plain(text)}"
    for phrase in call.policy.backchannels:
        parts = _plain(phrase).split()
        for length in range(len(parts) - 1, 0, -1):
            begun = " ".join(parts[:length])
            if words.endswith(f" {begun}"):
                return begun
    return ""


def _plain(text: str) -> str:
    """Words with single spaces; recognisers write "uh-huh", "uh huh" and "Uh, huh" for the same sound."""
    return " ".join(_WORD.findall(text.lower().replace("-", " ")))
