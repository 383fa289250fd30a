"""A speakerphone: what the bot says comes back, later and weaker."""

from __future__ import annotations

import random

import pytest

from services.gateway.reflex.echo import Echo
from services.gateway.reflex.onset import Onset

SPEECH_MS = 20.0


def voice(frames: int, seed: int = 1) -> list[int]:
    """Levels of running speech at -20 dBov: syllables of 100-250 ms, gaps, now and then a pause."""
    chance = random.Random(seed)
    levels: list[int] = []
    while len(levels) < frames:
        peak = chance.gauss(66, 8)
        length = chance.randint(5, 12)
        levels += [max(0, int(peak - 10 * abs(i - length / 2) / length + chance.gauss(0, 3))) for i in range(length)]
        levels += [chance.randint(0, 20)] * (chance.randint(0, 4) if chance.random() < 0.8 else 20)
    return levels[:frames]


class Speakerphone:
    """What is sent comes back after `delay` frames, `loss` units weaker, over a line of its own noise."""

    def __init__(self, delay: int, loss: int) -> None:
        self.echo = Echo()
        self.onset = Onset(self.echo)
        self.delay, self.loss = delay, loss
        self.now = 50_000.0
        self.sent: list[int] = []
        self.loud: list[bool] = []
        self._chance = random.Random(7)

    def frames(self, bot: list[int], caller: int = 0) -> list[bool]:
        """Which of these frames were louder than noise and echo."""
        loud = []
        for level in bot:
            self.now += 20
            self.echo.sent(self.now, [level])
            self.sent.append(level)
            back = self.sent[-1 - self.delay] if len(self.sent) > self.delay else 0
            came = max(int(back - self.loss + self._chance.gauss(0, 2)), caller, 4 + self._chance.randint(0, 1))
            loud.append(self.onset.loud(came, self.now, maybe_speech=False))
        return loud


@pytest.mark.parametrize("delay", [3, 8, 15, 30])
@pytest.mark.parametrize("loss", [8, 25, 40])
def test_delay_and_loss_are_learned_within_two_seconds(delay: int, loss: int) -> None:
    phone = Speakerphone(delay, loss)
    phone.frames(voice(100 + delay))
    assert phone.echo.delay is not None
    assert abs(phone.echo.delay - delay) <= 1
    assert abs(phone.echo.loss - loss) <= 10
    assert sum(phone.frames(voice(1_500, seed=2))) <= 15, "frames of half a minute that stand out of the echo"


def test_a_caller_who_is_louder_than_the_echo_is_noticed() -> None:
    phone = Speakerphone(10, 30)
    phone.frames(voice(300))
    assert sum(phone.frames(voice(25, seed=3), caller=62)) >= 20


def test_without_an_echo_none_is_expected() -> None:
    phone = Speakerphone(10, 127)
    phone.frames(voice(1_000))
    assert phone.echo.delay is None
    assert sum(phone.frames(voice(10, seed=3), caller=30)) == 10


def test_somebody_who_talks_over_the_bot_is_no_echo() -> None:
    phone = Speakerphone(10, 127)
    bot, caller = voice(1_000), voice(1_000, seed=9)
    learned = 0
    for mine, theirs in zip(bot, caller, strict=True):
        phone.frames([mine], caller=theirs)
        learned += phone.echo.delay is not None
    assert learned <= 100


@pytest.mark.parametrize("after", [5, 15, 30])
def test_somebody_who_begins_just_after_the_bot_is_no_echo(after: int) -> None:
    phone = Speakerphone(10, 127)
    phone.frames([0] * 100)
    caller = voice(60, seed=9)
    for n, level in enumerate(voice(60)):
        phone.frames([level], caller=caller[n - after] if n >= after else 0)
    phone.echo.learn()
    assert phone.echo.delay is None


def test_an_echo_that_is_gone_is_forgotten() -> None:
    phone = Speakerphone(10, 10)
    phone.frames(voice(300))
    phone.loss = 127
    phone.frames(voice(3_000, seed=4))
    assert sum(phone.frames(voice(20, seed=5), caller=40)) >= 15


def test_while_the_bot_is_silent_nothing_is_learned_of_its_echo() -> None:
    phone = Speakerphone(10, 20)
    phone.frames(voice(400))
    known = phone.echo.loss
    for level in [*voice(75, seed=6), *voice(75, seed=8)]:
        phone.frames([0], caller=level)
    phone.echo.learn()
    assert phone.echo.delay is not None
    assert abs(phone.echo.loss - known) < 12


def test_what_was_cleared_has_no_echo() -> None:
    phone = Speakerphone(10, 10)
    phone.frames(voice(300))
    phone.echo.sent(phone.now + 20, [90] * 10)
    phone.echo.cleared(phone.now)
    for _ in range(20):
        phone.now += 20
        expected = phone.echo.heard(4, phone.now)
    assert expected == 0


def test_frames_that_stop_coming_and_frames_that_come_in_bursts_are_put_in_their_place() -> None:
    phone = Speakerphone(10, 15)
    phone.frames(voice(300))
    phone.now += 60_000
    phone.sent = []
    assert not any(phone.frames([0] * 30))
    burst = Echo()
    for n in range(200):
        at = 90_000 + 20 * n
        burst.sent(at, [voice(200)[n]])
        if n % 3 == 2:
            for _ in range(3):
                burst.heard(10, at)
    assert abs(burst._slot - (90_000 + 20 * 199) // 20) <= 3
