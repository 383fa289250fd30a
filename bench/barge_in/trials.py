"""What is tried: kinds of sounds over the bot's voice, each many times, as scripts of a few trials a call."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.turns.script import Line, Noise, Script, What, When, Words

ASK = Words(((0, "tell me the story"),))
TRIALS_A_CALL = 3
_ANCHORS = ("was founded", "ago by", "two sisters", "loved old", "bicycles and")
_OFFSETS_MS = (0, 37, 74, 111, 148, 185, 222)
"""So that trials fall on every part of a word, and of the frames' 20 ms."""
_SAID = (
    "wait what color is it",
    "sorry what are the hours",
    "no what is the price",
    "stop",
    "hold on what color is it",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """`sounds`: one of them in each trial; none: the bot speaks and nobody else does. `real`: it is an interruption."""

    name: str
    sounds: tuple[What, ...] = ()
    real: bool = False
    backchannel: bool = False
    background: Noise | None = None


KINDS = (
    Kind("interruption", tuple(Words(((0, said),)) for said in _SAID), real=True),
    Kind("soft interruption", tuple(Words(((0, said),), -10.0) for said in _SAID), real=True),
    Kind("cough", (Noise("cough"), Noise("cough", 0, -6.0), Noise("sneeze"))),
    Kind("click", (Noise("click"), Noise("tap"), Noise("click", 0, -6.0))),
    Kind("door", (Noise("door"), Noise("knock"), Noise("dish"))),
    Kind("uh-huh", tuple(Words(((0, said),)) for said in ("uh-huh", "mm-hm", "okay", "yeah")), backchannel=True),
    Kind("quiet line"),
    Kind("music", background=Noise("music", 0, -6.0)),
    Kind("street", background=Noise("street", 0, -6.0)),
    Kind("hiss", background=Noise("hiss", 0, -12.0)),
    Kind("hum", background=Noise("hum", 0, -10.0)),
    Kind("other people", background=Noise("talk", 0, -12.0)),
)
"""Levels of backgrounds are below those of speech."""


def scripts(kind: Kind, trials: int) -> list[Script]:
    """Calls that together have so many trials of this kind."""
    found = []
    for first in range(0, trials, TRIALS_A_CALL):
        script = Script(f"{kind.name} {first}", "bench", background=kind.background)
        for trial in range(first, min(trials, first + TRIALS_A_CALL)):
            script.story.append(Line(len(script.story), f"trial {trial}: asks", When(), ASK))
            if kind.sounds:
                what = kind.sounds[trial % len(kind.sounds)]
                when = When("says", _OFFSETS_MS[trial % len(_OFFSETS_MS)], _ANCHORS[trial % len(_ANCHORS)])
                script.story.append(Line(len(script.story), f"trial {trial}: {kind.name}", when, what))
        found.append(script)
    return found
