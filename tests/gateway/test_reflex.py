"""When the mouth falls silent by itself, in time that the test makes: the reflex, and what it takes for the caller."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import pytest

from services.gateway.reflex.echo import Echo
from services.gateway.reflex.noise import LEAST, Noise
from services.gateway.reflex.onset import Onset
from services.gateway.reflex.reflex import CONFIRM_MS, DISARMED_MS, LEASE_MS, LONGEST_MS, Reflex, Verdict

QUIET, VOICE = 4, 45
chance = random.Random(1)
"""Levels: a quiet line; speech at about -26 dBov."""


class Body:
    """Ears, mouth and mind around a reflex, one frame every 20 ms. From 400 ms on the mouth has something to say."""

    def __init__(self) -> None:
        self.reflex = Reflex()
        self.onset = Onset(Echo())
        self.now = 1_000.0
        self.in_speech = False
        self.forgiven = 0
        self.paused_at: float | None = None
        self.pauses: list[float] = []
        self.holes: list[float] = []
        self.ends: list[Verdict] = []

    def hears(self, *levels: int) -> Body:
        for level in levels:
            self.now += 20
            maybe = self.in_speech or self.reflex.alarmed
            loud = self.onset.loud(level, self.now, maybe_speech=maybe)
            new = self.reflex.frame(loud, self.now)
            if new and self.now >= 1_400 and self.paused_at is None and self.reflex.alarm(self.now):
                self.pause()
            self.reflex.rearmed(self.now)
            verdict = self.reflex.due(self.now)
            if verdict is Verdict.FALSE_ALARM:
                self.onset.mistook(self.forgiven)
                self.forgiven = 0
            elif verdict is Verdict.SHORT:
                self.ends.append(verdict)
                self.forgive()
            elif verdict is not None:
                self.ends.append(verdict)
                self.resume()
        return self

    def speech(self) -> Body:
        self.in_speech = True
        if self.reflex.speech_started(self.now) and self.paused_at is None and self.onset.somebody:
            self.pause()
        return self

    def quiet(self) -> Body:
        self.in_speech = False
        self.reflex.speech_stopped(self.now)
        return self

    def pause(self) -> None:
        self.paused_at = self.now
        self.pauses.append(self.now)
        self.reflex.paused(self.now)

    def resume(self) -> None:
        assert self.paused_at is not None
        self.holes.append(self.now - self.paused_at)
        self.paused_at = None
        self.onset.mistook()
        self.reflex.resumed(self.now)

    def forgive(self, worded: bool = False) -> None:
        assert self.paused_at is not None
        self.holes.append(self.now - self.paused_at)
        self.paused_at = None
        self.forgiven = self.onset.loudest
        self.reflex.forgiven(self.now, worded)

    def stop(self) -> None:
        self.paused_at = None
        self.onset.right()
        self.reflex.stopped()


def steady(level: float, frames: int, spread: float = 1.0, seed: int = 1) -> Iterable[int]:
    """A noise as it is seen frame by frame."""
    chance = random.Random(seed)
    return (max(0, round(chance.gauss(level, spread))) for _ in range(frames))


@pytest.mark.parametrize("levels", [[VOICE, VOICE], [VOICE, QUIET, VOICE], [20, 22]])
def test_two_of_three_loud_frames_silence(levels: list[int]) -> None:
    body = Body().hears(*[QUIET] * 50)
    onset = body.now + 20
    body.hears(*levels)
    assert len(body.pauses) == 1
    assert body.pauses[0] - onset <= 40


@pytest.mark.parametrize("levels", [[VOICE], [VOICE, QUIET, QUIET, VOICE], [110, QUIET, QUIET, QUIET, 110]])
def test_a_click_does_not(levels: list[int]) -> None:
    assert not Body().hears(*[QUIET] * 50, *levels, *[QUIET] * 10).pauses


def test_a_sound_that_nobody_calls_speech_leaves_a_hole_of_200_ms() -> None:
    body = Body().hears(*[QUIET] * 50, *[90] * 8, *[QUIET] * 30)
    assert body.ends == [Verdict.UNCONFIRMED]
    assert body.holes == [CONFIRM_MS]


def test_a_short_sound_is_forgiven_as_soon_as_it_is_quiet() -> None:
    body = Body().hears(*[QUIET] * 50, *[VOICE] * 4).speech().hears(*[VOICE] * 14, *[QUIET] * 7)
    assert body.ends == [Verdict.SHORT]
    assert body.holes[0] <= 18 * 20 + 120
    body.quiet().hears(*[QUIET] * 20, *[VOICE] * 2)
    assert len(body.pauses) == 2, "what follows it is a new sound"


def test_a_longer_one_waits_for_a_decision() -> None:
    body = Body().hears(*[QUIET] * 50, *[VOICE] * 4).speech().hears(*[VOICE] * 32, *[QUIET] * 20).quiet()
    assert not body.ends


def test_forgiven_wrongly_it_counts_as_no_false_alarm() -> None:
    body = Body().hears(*[QUIET] * 50)
    for _ in range(4):
        body.hears(*[VOICE] * 4).speech().hears(*[VOICE] * 12, *[QUIET] * 8).quiet().stop()
        body.hears(*[QUIET] * 50)
    assert body.reflex.armed
    assert len(body.pauses) == 4


def test_forgiven_rightly_twice_it_disarms() -> None:
    body = Body().hears(*[QUIET] * 50)
    for _ in range(2):
        body.hears(*[VOICE] * 4).speech().hears(*[VOICE] * 12, *[QUIET] * 8).quiet().hears(*[QUIET] * 120)
    assert not body.reflex.armed


def test_what_still_sounds_of_a_forgiven_voice_is_no_new_sound() -> None:
    body = Body().hears(*[QUIET] * 50, *[VOICE] * 4).speech().hears(*[VOICE] * 20)
    body.forgive()
    body.hears(*[VOICE] * 10, *[QUIET] * 8, *[VOICE] * 30, *[QUIET] * 26)
    assert len(body.pauses) == 1
    body.hears(*[VOICE] * 3)
    assert len(body.pauses) == 2


def test_who_speaks_on_behind_words_that_meant_nothing_means_more() -> None:
    body = Body().hears(*[QUIET] * 50, *[VOICE] * 4).speech().hears(*[VOICE] * 10)
    body.forgive(worded=True)
    body.hears(*[VOICE] * 14)
    assert len(body.pauses) == 1
    body.hears(*[VOICE] * 6)
    assert len(body.pauses) == 2


def test_a_long_unconfirmed_sound_silences_once() -> None:
    body = Body().hears(*[QUIET] * 50, *[VOICE] * 40)
    assert len(body.pauses) == 1
    body.hears(*[QUIET] * 10, *[80] * 3)
    assert len(body.pauses) == 2


def test_what_the_ears_confirm_stays_silent_until_1500_ms_after_quiet() -> None:
    body = Body().hears(*[QUIET] * 50, *[VOICE] * 4).speech().hears(*[VOICE] * 100)
    assert not body.ends
    stopped = body.hears(*[QUIET] * 10).quiet().now
    body.hears(*[QUIET] * 80)
    assert body.ends == [Verdict.LEASE]
    assert body.pauses[0] + body.holes[0] == stopped + LEASE_MS


def test_speech_that_stays_faint_is_somewhere_in_the_background() -> None:
    body = Body().hears(*[QUIET] * 50, *[14] * 6).speech()
    assert len(body.pauses) == 1
    body.hears(*[14] * 100)
    assert body.ends == [Verdict.UNCONFIRMED]
    assert body.holes == [300]


def test_speech_from_far_away_does_not_silence() -> None:
    assert not Body().hears(*[QUIET] * 50, *[11] * 6).speech().pauses


def test_speech_that_begins_faint_and_becomes_loud_is_the_caller() -> None:
    body = Body().hears(*[QUIET] * 50, *[14] * 6).speech().hears(*[14] * 5, *[VOICE] * 50)
    assert not body.ends


def test_ears_that_never_say_it_stopped_do_not_hold_the_bot() -> None:
    body = Body().hears(*[QUIET] * 50, *[VOICE] * 4).speech().hears(*[VOICE] * 50, *[QUIET] * 100)
    assert body.ends == [Verdict.LEASE]


def test_nobody_decides_on_somebody_who_never_stops() -> None:
    body = Body().hears(*[QUIET] * 50, *[VOICE] * 4).speech().hears(*[VOICE] * 600)
    assert body.holes == [LONGEST_MS]


def test_a_decision_ends_the_lease() -> None:
    body = Body().hears(*[QUIET] * 50, *[VOICE] * 4).speech()
    body.stop()
    assert not body.hears(*[QUIET] * 700).ends


def test_two_false_alarms_within_10_s_disarm_for_20_s_without_another() -> None:
    body = Body().hears(*[QUIET] * 50)
    for _ in range(2):
        body.hears(*[100] * 8, *[QUIET] * 50)
    assert not body.reflex.armed
    body.hears(*[QUIET] * 500, *[100] * 8, *[QUIET] * 100)
    assert len(body.pauses) == 2
    body.hears(*[QUIET] * 500)
    assert not body.reflex.armed, "the alarm that would have been was false too"
    body.hears(*[QUIET] * int(DISARMED_MS / 20))
    assert body.reflex.armed
    assert len(body.hears(*[110] * 3).pauses) == 3


def test_two_false_alarms_far_apart_do_not() -> None:
    body = Body().hears(*[QUIET] * 50)
    for _ in range(4):
        body.hears(*[100] * 8, *[QUIET] * 510)
    assert body.reflex.armed
    assert len(body.pauses) == 4


def test_while_disarmed_not_even_speech_silences() -> None:
    body = Body().hears(*[QUIET] * 50)
    for _ in range(2):
        body.hears(*[100] * 8, *[QUIET] * 50)
    body.hears(*[VOICE] * 5).speech()
    assert len(body.pauses) == 2


def test_ears_that_are_late_take_the_false_alarm_back() -> None:
    body = Body().hears(*[QUIET] * 50)
    for _ in range(3):
        body.hears(*[VOICE] * 14)
        assert body.ends[-1] is Verdict.UNCONFIRMED
        body.speech()
        assert body.paused_at is not None
        body.stop()
        body.quiet().hears(*[QUIET] * 100)
    assert body.reflex.armed


def test_a_caller_who_says_uh_huh_twice_is_not_stumbled_over_again() -> None:
    body = Body().hears(*[QUIET] * 50)
    for _ in range(3):
        body.hears(*[VOICE] * 4).speech().hears(*[VOICE] * 12, *[QUIET] * 10).quiet()
        if body.paused_at is not None:
            body.resume()
        body.hears(*[QUIET] * 100)
    assert len(body.pauses) == 2


@pytest.mark.parametrize("level", [2, 8, 15, 22, 30, 40, 62])
def test_a_steady_noise_never_silences_and_a_voice_above_it_does(level: int) -> None:
    body = Body().hears(*steady(level, 3_000, spread=1.0 + level / 40))
    assert not body.pauses
    body.hears(*[level + 24] * 3)
    assert len(body.pauses) == 1


def test_a_noise_that_begins_in_the_middle_is_learned() -> None:
    body = Body().hears(*[QUIET] * 500, *steady(35, 3_000))
    assert len(body.pauses) <= 2
    assert all(hole <= 300 for hole in body.holes)
    body.hears(*[60] * 3)
    assert body.pauses[-1] == body.now - 20


def test_when_a_noise_ends_soft_voices_are_noticed_again() -> None:
    noise = Noise()
    for level in steady(50, 500):
        noise.learn(level)
    for level in steady(4, 500):
        noise.learn(level)
    assert noise.above <= 26


@pytest.mark.parametrize("seed", range(10))
def test_music_and_talk_in_the_background_silence_twice_a_minute_at_most(seed: int) -> None:
    chance = random.Random(seed)
    body = Body().hears(*steady(5, 25))
    middle = chance.choice([12, 18, 24, 30])
    while body.now < 61_000:
        loud, length = chance.gauss(middle, 6), chance.randint(4, 20)
        body.hears(*steady(max(2.0, loud), length, spread=2, seed=chance.randint(0, 9999)))
    assert len(body.pauses) <= 2
    assert all(hole <= 300 for hole in body.holes)


def test_what_was_mistaken_for_the_caller_is_not_mistaken_again_but_a_louder_voice_is_heard() -> None:
    body = Body().hears(*[QUIET] * 50, *[26] * 5).speech().hears(*[26] * 10, *[QUIET] * 10).quiet()
    assert body.ends == [Verdict.SHORT]
    body.hears(*[QUIET] * 100, *[26] * 6).speech()
    assert len(body.pauses) == 1
    body.hears(*[QUIET] * 10).quiet().hears(*[VOICE] * 2)
    assert len(body.pauses) == 2


def test_the_quietest_line_still_needs_a_sound() -> None:
    assert Noise().above == LEAST
    assert not Body().hears(*[0] * 500, *[12] * 50).pauses


def test_a_voice_that_begins_softly_silences_within_60_ms_on_a_quiet_line() -> None:
    body = Body().hears(*[2] * 100)
    begins = body.now + 20
    body.hears(14, 14, 13, 14, 20, 30)
    assert [at - begins <= 60 for at in body.pauses] == [True]


def test_a_short_faint_sound_does_not() -> None:
    assert not Body().hears(*[2] * 100, *[15, 15, 2, 2, 2] * 10).pauses


def test_on_a_noisy_line_a_faint_sound_is_noise() -> None:
    assert not Body().hears(*steady(6, 200), *[14] * 50).pauses


@pytest.mark.parametrize("lasts", [80, 120, 200])
def test_cars_that_come_and_go_do_not_silence(lasts: int) -> None:
    """Low noise that swells by 14 dB within half of `lasts` frames; a voice among it still does."""
    swell = [int(27 + 18 * math.sin(2 * math.pi * n / lasts) + chance.gauss(0, 2)) for n in range(1_500)]
    body = Body().hears(*steady(8, 25), *swell)
    assert len(body.pauses) <= 1
    before = len(body.pauses)
    body.hears(*[70] * 3)
    assert len(body.pauses) == before + 1


def test_what_is_mistaken_twice_is_remembered_longer() -> None:
    noise = Noise()
    noise.mistook(30)
    once = _fades(noise)
    noise.mistook(30)
    assert _fades(noise) > 1.5 * once


def _fades(noise: Noise) -> int:
    """Frames until it is forgotten."""
    for frames in range(100_000):
        if noise.mistaken < 10:
            return frames
        noise.learn(0)
    raise AssertionError("never")
