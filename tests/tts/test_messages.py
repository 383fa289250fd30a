"""What is made of each message of ElevenLabs: used, skipped, or an error by what it says. And of times that are odd."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parley.errors import AtCapacity, Misconfigured, ParleyError, VendorLost
from services.tts.providers.elevenlabs_messages import Message, parse, refusal
from services.tts.times import NONE, mended

SOUND = b"\x11\x22" * 400  # 100 ms of mulaw
B64 = base64.b64encode(SOUND).decode()
HI = {"chars": ["H", "i"], "charStartTimesMs": [0, 40], "charDurationsMs": [40, 60]}


def read(message: Any) -> Message:
    found = parse(message if isinstance(message, str | bytes) else json.dumps(message), 8)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "hello",
        "[]",
        "7",
        "null",
        '"x"',
        "{}",
        '{"audio": "',
        b"\xff\x00\x01",
        '{"type": "flush_done", "context_id": "a"}',
        '{"audio": null, "isFinal": null, "alignment": null}',
        '{"audio": "", "isFinal": false, "is_final": "false"}',
        '{"message": "welcome"}',
        '{"error": null, "code": null, "message": ""}',
        '{"code": 1000, "message": "bye"}',
        '{"audio": "", "alignment": {"chars": [], "charStartTimesMs": [], "charDurationsMs": []}}',
        '{"alignment": 3}',
        '{"type": "warning", "message": "the voice is old"}',
    ],
)
def test_what_holds_nothing_is_skipped(raw: str | bytes) -> None:
    assert parse(raw, 8) is None


def test_sound_is_sound_however_it_is_wrapped() -> None:
    for text in (B64, B64.rstrip("="), B64[:8] + "\n" + B64[8:] + "\n"):
        assert read({"audio": text}).audio == SOUND
    assert read({"audio": B64, "extra": {"a": 1}, "isFinal": True}).final


@pytest.mark.parametrize("audio", ["!!!!", "a", 5, ["x"], {"a": 1}, "AA\u00e9A"])
def test_sound_that_cannot_be_read_is_none_and_is_known_to_be_missing(audio: Any) -> None:
    message = read({"audio": audio, "alignment": HI})
    assert (message.audio, message.torn, message.chars) == (b"", True, ["H", "i"])


@pytest.mark.parametrize("name", ["isFinal", "is_final"])
@pytest.mark.parametrize(("value", "final"), [(True, True), (1, True), ("true", True)])
def test_the_last_message_in_every_spelling(name: str, value: Any, final: bool) -> None:
    assert read({name: value}).final is final


def test_times_in_every_spelling() -> None:
    short = {"chars": ["H", "i"], "charsStartTimesMs": [0, 40], "charsDurationsMs": [40, 60]}
    for message in (
        {"alignment": HI},
        {"alignment": short},
        {"alignment": None, "normalizedAlignment": HI},
        {"alignment": {"chars": []}, "normalized_alignment": short},
    ):
        assert read({"audio": B64, **message}).times == (["H", "i"], [0, 40], [40, 100])


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"message": "Invalid API key.", "error": "invalid_api_key", "code": 1008}, Misconfigured),
        ({"message": "A voice with id x does not exist.", "error": "voice_id_does_not_exist"}, Misconfigured),
        ({"message": "This request exceeds your quota limit.", "error": "quota_exceeded", "code": 1008}, Misconfigured),
        ({"type": "error", "message": "received 1002 This request exceeds your quota limit."}, Misconfigured),
        ({"message_type": "quota_exceeded", "error": "You have exceeded your quota."}, Misconfigured),
        ({"detail": {"status": "voice_not_found", "message": "gone"}}, Misconfigured),
        ({"error": {"code": "invalid_model", "message": "no"}}, Misconfigured),
        ({"status": 401, "message": "no"}, Misconfigured),
        ({"detail": "Unauthorized"}, Misconfigured),
        ({"error": "max_active_conversations", "message": "5 contexts", "code": 1008}, AtCapacity),
        ({"error": "rate_limit_exceeded"}, AtCapacity),
        ({"code": 429, "message": "slow down"}, AtCapacity),
        ({"error": "internal_error", "message": "the voice could not be loaded", "code": 1011}, VendorLost),
        ({"error": "internal_server_error"}, VendorLost),
        ({"error": True, "message": "boom"}, VendorLost),
        ({"error": "input_timeout_exceeded", "message": "Have not received a new text input"}, VendorLost),
        ({"code": 1011, "message": "unexpected"}, VendorLost),
        ({"code": 503, "message": "the model is unavailable"}, VendorLost),
    ],
)
def test_an_error_is_whose_fault_it_says(message: dict[str, Any], kind: type[ParleyError]) -> None:
    error = read(message).error
    assert type(error) is kind, error


def test_sound_beside_an_error_is_not_lost() -> None:
    message = read({"audio": B64, "error": "internal_error"})
    assert message.audio == SOUND
    assert isinstance(message.error, VendorLost)


@pytest.mark.parametrize(("status", "kind"), [(400, Misconfigured), (401, Misconfigured), (422, Misconfigured)])
def test_a_4xx_is_the_requests_fault_whatever_it_says(status: int, kind: type[ParleyError]) -> None:
    assert type(refusal("internal", "the server broke", status)) is kind


def test_one_time_far_off_does_not_spoil_those_behind_it() -> None:
    assert mended(list("abcde"), [0, 100, 9000, 300, 400], [100] * 5, 500)[1] == [0, 100, 200, 300, 400]
    assert mended(list("abcde"), [0, 100, 5, 300, 400], [100] * 5, 500)[1][3:] == [300, 400]


@pytest.mark.parametrize(
    "starts",
    [
        [0, None, 200, 300],
        [0, -7, 200, 300],
        [0, float("nan"), 200, 300],
        [0, "100", 200, 300],
        [0, 1e12, 200, 300],
        [0, True, 200, 300],
    ],
)
def test_a_time_that_is_none_is_taken_from_its_neighbours(starts: list[Any]) -> None:
    assert mended(list("abcd"), starts, [100] * 4, 400) == (list("abcd"), [0, 100, 200, 300], [100, 200, 300, 400])


def test_lists_of_other_lengths_are_used_as_far_as_they_go() -> None:
    assert mended(list("abcd"), [0, 100], [100], 400)[:2] == (list("abcd"), [0, 100, 100, 100])
    assert mended(list("ab"), [0, 100, 200, 300], [100] * 9, 200) == (list("ab"), [0, 100], [100, 200])
    assert mended(list("ab"), [0, 100], [], 200)[2] == [100, 200]


@pytest.mark.parametrize(
    ("chars", "starts"),
    [
        ([], []),
        (None, [0]),
        ("ab", [0, 1]),
        (["a", None], [0, 1]),
        (["a", "b"], None),
        (["a", "b"], [None, None]),
        (["a", "b"], [5, 5]),
    ],
)
def test_times_that_say_nothing_are_none(chars: Any, starts: Any) -> None:
    assert mended(chars, starts, [10, 10], 100) == NONE


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["audio", "isFinal", "is_final", "alignment", "normalizedAlignment", "error", "message", "code", "detail", "status"]
)


@unhurried
@given(st.dictionaries(NAMES, JSON | st.just(B64) | st.just(HI), max_size=6))
def test_no_message_is_too_odd_to_be_read(message: dict[str, Any]) -> None:
    parse(json.dumps(message), 8)


@unhurried
@given(
    st.lists(st.sampled_from("ab c."), max_size=8),
    st.lists(st.none() | st.floats() | st.integers(-50, 900), max_size=9),
    st.lists(st.none() | st.integers(-50, 900), max_size=9),
)
def test_times_are_in_order_and_none_is_missing(chars: list[str], starts: list[Any], lengths: list[Any]) -> None:
    known, begin, end = mended(chars, starts, lengths, 500)
    assert known in (chars, [])
    assert len(begin) == len(end) == len(known)
    assert begin == sorted(begin)
    assert all(a <= b for a, b in zip(begin, end, strict=True))
