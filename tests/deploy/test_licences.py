"""Whose licence an image may not carry is in no service's lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.licences import problem, problems

_ROOT = Path(__file__).resolve().parents[2]


def test_the_locks_hold_nothing_that_an_image_may_not_carry() -> None:
    assert problems(_ROOT) == []


@pytest.mark.parametrize(
    "said",
    [
        "MIT",
        "Apache-2.0 AND BSD-2-Clause",
        "MPL-2.0 AND (Apache-2.0 OR MIT)",
        "GPL-2.0-only OR MIT",
        "ISC License (ISCL)",
    ],
)
def test_what_may_be_given_on_passes(said: str) -> None:
    assert problem("requirements-stt.lock", "some", said) == ""


@pytest.mark.parametrize(
    "said",
    [
        "GPL-3.0-or-later",
        "AGPL-3.0-only",
        "GNU General Public License v3 (GPLv3)",
        "GPL-3.0 AND (MIT OR Apache-2.0)",
        "MIT AND Proprietary",
        "SSPL-1.0",
    ],
)
def test_what_may_not_is_named(said: str) -> None:
    assert problem("requirements-stt.lock", "some", said) == f"requirements-stt.lock: some is under {said}"


def test_who_names_none_is_looked_up_and_espeak_stays_apart() -> None:
    assert "names no licence" in problem("requirements-stt.lock", "some", "")
    assert problem("requirements-stt.lock", "picows", "") == ""
    assert problem("requirements.lock", "espeakng-loader", "") == ""
    assert "GPL-3.0" in problem("requirements-tts.lock", "espeakng-loader", "")
