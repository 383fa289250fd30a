"""Where in the caller's side somebody sounded, and not only the bot's echo."""

from __future__ import annotations

import pytest

from services.gateway.reflex.own_sound import own_sound
from tests.gateway.test_echo import Speakerphone, voice

LOSS = 25


def levels(*runs: tuple[int, int]) -> list[int]:
    return [level for level, many in runs for _ in range(many)]


def test_an_echo_is_nobody_and_neither_is_its_loudest_frame() -> None:
    played = levels((60, 52))
    came = levels((35, 20), (50, 2), (35, 28))
    assert own_sound(came, played, LOSS, 5) is None


def test_who_is_louder_is_somebody_from_the_first_frame_to_the_last() -> None:
    assert own_sound(levels((35, 20), (60, 10), (35, 20)), levels((60, 52)), LOSS, 5) == (20, 30)


def test_behind_the_bots_voice_a_room_falls_silent_slowly() -> None:
    played = levels((60, 10), (0, 42))
    dying = [max(0, 35 - 6 * n) for n in range(40)]
    assert own_sound(levels((35, 8)) + dying, played, LOSS, 5) is None
    assert own_sound(levels((35, 10), (30, 38)), played, LOSS, 5) is not None


def test_without_a_known_echo_all_that_is_not_faint_is_somebody() -> None:
    assert own_sound(levels((35, 20)), levels((60, 22)), None, 5) == (0, 20)
    assert own_sound(levels((10, 20)), levels((60, 22)), None, 12) is None


def test_only_an_echo_that_is_known_for_sure_explains_words() -> None:
    phone = Speakerphone(10, LOSS)
    phone.frames(voice(40))
    assert not phone.echo.sure
    phone.frames(voice(400, seed=2))
    assert phone.echo.sure
    assert phone.onset.own(600, 0) == (0, 0)


@pytest.mark.parametrize("seed", range(10, 20))
def test_somebody_who_talks_over_the_bot_for_long_is_never_taken_for_an_echo(seed: int) -> None:
    phone = Speakerphone(10, 127)
    bot, caller = voice(1_500, seed=seed), voice(1_500, seed=seed + 100)
    for mine, theirs in zip(bot, caller, strict=True):
        phone.frames([mine], caller=theirs)
        assert not phone.echo.sure


@pytest.mark.parametrize("ago", [0, 500, 2_000])
def test_a_caller_over_a_known_echo_is_found_also_later(ago: int) -> None:
    phone = Speakerphone(10, LOSS)
    phone.frames(voice(400))
    phone.frames(voice(30, seed=3), caller=62)
    phone.frames(voice(ago // 20, seed=4))
    own = phone.onset.own(ago + 1_000, ago)
    assert own is not None
    assert own[0] == pytest.approx(ago + 600, abs=60)
    assert own[1] == pytest.approx(ago, abs=60)


@pytest.mark.parametrize("delay", [10, 0])
def test_words_that_a_standstill_held_back_are_nobodys_echo(delay: int) -> None:
    """Five seconds of sound come at once: when each frame of it sounded is not known, nor what the bot said then."""
    phone = Speakerphone(delay, LOSS if delay else 127)
    phone.frames(voice(400))
    phone.now += 5_000
    for level in [4] * 20 + [60] * 100 + [4] * 130:
        phone.onset.loud(level, phone.now, maybe_speech=False)
    phone.frames(voice(10, seed=3))
    assert phone.onset.own(4_600, 2_600) is None
    assert phone.onset.own(1_000, 0) is None
    phone.frames(voice(200, seed=4))
    assert phone.onset.own(1_000, 0) is not None


def test_of_words_while_the_bot_was_silent_nothing_is_said() -> None:
    phone = Speakerphone(10, LOSS)
    phone.frames(voice(400))
    phone.frames([0] * 120, caller=50)
    assert phone.onset.own(1_000, 0) is None


def test_who_speaks_over_an_echo_makes_it_expected_louder_only_slowly() -> None:
    phone = Speakerphone(10, LOSS)
    phone.frames(voice(400))
    known = phone.echo.loss
    phone.frames(voice(100, seed=3), caller=58)
    assert phone.echo.loss >= known - 4
