"""When an engine is passed over, and when it is asked again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from prometheus_client import REGISTRY

from parley.bus.outages import Report, verdict
from parley.engines.breaker import BUSY_S, OPEN_S, Breakers
from parley.errors import AtCapacity, BadInput, Misconfigured, NotFound, TooLate, VendorLost
from parley.settings import Settings


@dataclass(frozen=True)
class Engine:
    name: str


VENDOR, OTHER = Engine("vendor"), Engine("other")


class Calls:
    """Callers one after the other, on a clock of their own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.breakers = Breakers("test", lambda: self.now)

    def asked(self) -> list[str]:
        """The engines in the order in which a call would try them now."""
        return [engine.name for engine in self.breakers.choices([VENDOR, OTHER])]

    def fails(self, error: Exception, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(type(error)), self.breakers.of("vendor").begin():
                raise error

    def works(self) -> None:
        with self.breakers.of("vendor").begin() as attempt:
            attempt.succeeded()

    @property
    def shown(self) -> float | None:
        return REGISTRY.get_sample_value("voice_breaker_open", {"service": "test", "engine": "vendor"})


@pytest.mark.parametrize("error", [VendorLost("stalled"), TooLate("no token"), RuntimeError("bug")])
def test_after_three_failures_in_a_row_the_next_engine_comes_first(error: Exception) -> None:
    calls = Calls()
    calls.fails(error, times=2)
    assert calls.asked() == ["vendor", "other"]
    calls.fails(error)
    assert calls.asked() == ["other", "vendor"]
    assert calls.shown == 1


def test_a_success_in_between_begins_the_count_anew() -> None:
    calls = Calls()
    calls.fails(VendorLost("gone"), times=2)
    calls.works()
    calls.fails(VendorLost("gone"), times=2)
    assert calls.asked() == ["vendor", "other"]
    assert calls.shown == 0


@pytest.mark.parametrize("error", [BadInput("400"), Misconfigured("401"), NotFound("404"), AtCapacity("429")])
def test_the_requests_own_faults_open_nothing(error: Exception) -> None:
    calls = Calls()
    calls.fails(error, times=10)
    assert not calls.breakers.of("vendor").is_open


def test_who_hangs_up_says_nothing_about_the_engine() -> None:
    calls = Calls()
    calls.fails(VendorLost("gone"), times=2)
    with calls.breakers.of("vendor").begin():
        """The caller breaks in."""
    calls.fails(VendorLost("gone"))
    assert calls.asked() == ["other", "vendor"]


def test_after_half_a_minute_one_call_tries_it_and_the_others_wait_for_what_becomes_of_it() -> None:
    calls = Calls()
    calls.fails(VendorLost("gone"), times=3)
    calls.now += OPEN_S - 1
    assert calls.asked() == ["other", "vendor"]
    calls.now += 1
    assert calls.asked() == ["vendor", "other"]
    with calls.breakers.of("vendor").begin() as probe:
        assert calls.asked() == ["other", "vendor"]
        probe.succeeded()
    assert calls.asked() == ["vendor", "other"]
    assert calls.shown == 0


def test_a_probe_that_fails_costs_another_half_a_minute() -> None:
    calls = Calls()
    calls.fails(VendorLost("gone"), times=3)
    calls.now += OPEN_S
    calls.fails(VendorLost("gone"))
    assert calls.asked() == ["other", "vendor"]
    calls.now += OPEN_S
    assert calls.asked() == ["vendor", "other"]


def test_a_probe_whose_caller_hangs_up_leaves_room_for_the_next() -> None:
    calls = Calls()
    calls.fails(VendorLost("gone"), times=3)
    calls.now += OPEN_S
    with calls.breakers.of("vendor").begin():
        """Hung up."""
    assert calls.asked() == ["vendor", "other"]


def test_a_long_call_from_better_days_does_not_close_it_but_a_last_resort_that_works_does() -> None:
    calls = Calls()
    with calls.breakers.of("vendor").begin() as long:
        calls.fails(VendorLost("gone"), times=3)
        long.succeeded()
        assert calls.asked() == ["other", "vendor"]
    calls.works()
    assert calls.asked() == ["vendor", "other"]


def test_when_all_are_open_the_one_that_is_over_first_is_tried() -> None:
    calls = Calls()
    calls.fails(VendorLost("gone"), times=3)
    calls.now += 5
    for _ in range(3):
        with pytest.raises(VendorLost), calls.breakers.of("other").begin():
            raise VendorLost("gone")
    assert calls.asked() == ["vendor", "other"]


def test_a_vendor_that_is_busy_gets_no_more_at_once_than_it_was_serving() -> None:
    calls = Calls()
    vendor = calls.breakers.of("vendor")
    with vendor.begin(), vendor.begin():
        calls.fails(AtCapacity("429"))
        assert calls.asked() == ["other", "vendor"]
    with vendor.begin():
        assert calls.asked() == ["vendor", "other"]
        with vendor.begin():
            assert calls.asked() == ["other", "vendor"]
            calls.now += BUSY_S
            assert calls.asked() == ["vendor", "other"]


def test_two_replicas_within_ten_seconds_speak_for_all() -> None:
    first, soon, late = Report(100, 130), Report(109, 139), Report(111, 141)
    assert verdict({"a": first}, 110) == 0
    assert verdict({"a": first, "b": soon}, 110) == 29
    assert verdict({"a": first, "b": late}, 112) == 0
    assert verdict({"a": first, "b": soon}, 131) == 0  # one of them is over
    assert verdict({"a": Report(100, 130, alone=True)}, 110) == 20
    assert verdict({}, 110) == 0


def test_a_breaker_is_for_one_account_in_one_region() -> None:
    def account(**env: str) -> str:
        return Settings.model_validate(env).account("deepgram", "stt")

    first = account(DEEPGRAM_API_KEY="one")
    assert first == account(DEEPGRAM_API_KEY="one")
    assert "one" not in first
    assert len({first, account(DEEPGRAM_API_KEY="two"), account(DEEPGRAM_BASE_URL="https://api.eu.deepgram.com")}) == 3
    assert Settings.model_validate({}).account("local", "stt") == ""
