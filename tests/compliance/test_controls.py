"""An installation that has all that is asked for, and one with a fault planted for each control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.backoffice.compliance.auditing import DECLARED_DAYS, audited
from services.backoffice.compliance.controls import CONTROLS
from services.backoffice.compliance.seen import Chain, Declared, House, Person, Process, Scan, Seen

NOW_S = 1_796_000_000.0
BY_HAND = {
    control.id
    for control in CONTROLS
    if control.check(Seen(NOW_S, House("", "", "encrypt", {}, 0, 0, 0, False, False, ()))).result == "declare"
}
TRUST = {"tls": "on", "nats": "tls", "secret": "own", "log_level": "info"}

GOOD = Seen(
    now_s=NOW_S,
    house=House(
        public_url="https://voice.example.com",
        console_url="https://voice.example.com",
        transcripts="encrypt",
        retention={"transcripts": 30.0, "records": 400.0},
        idle_minutes=15.0,
        free_logins=5,
        shortest_password=12,
        key_given=True,
        oidc=False,
        vendors=("deepgram",),
    ),
    processes=(
        Process("gateway-1", "gateway", NOW_S - 2, {**TRUST, "signatures": "checked"}),
        Process("stt-1", "stt", NOW_S - 4, TRUST),
    ),
    people=(Person("ann", "admin", True), Person("bob", "viewer", True)),
    chain=Chain(1200),
    transcripts=Scan(200),
    logs=Scan(500),
    declared={name: Declared("ann", int(NOW_S * 1000) - 5_000, "signed") for name in BY_HAND},
)


def trusting(**told: str) -> Callable[[Seen], Seen]:
    """The first process tells this of itself."""
    return lambda seen: replace(
        seen,
        processes=(replace(seen.processes[0], trust={**seen.processes[0].trust, **told}), *seen.processes[1:]),  # type: ignore[index]
    )


def housing(**changed: object) -> Callable[[Seen], Seen]:
    return lambda seen: replace(seen, house=replace(seen.house, **changed))  # type: ignore[arg-type]


def having(**changed: object) -> Callable[[Seen], Seen]:
    return lambda seen: replace(seen, **changed)  # type: ignore[arg-type]


FAULTS: dict[str, Callable[[Seen], Seen]] = {
    "hipaa-named-people": having(people=(Person("admin", "admin", True),)),
    "hipaa-log-off": housing(idle_minutes=240.0),
    "hipaa-audit": having(chain=Chain(1200, 7, "its hash is another")),
    "hipaa-authentication": having(people=(Person("ann", "admin", False),)),
    "hipaa-transmission": trusting(tls="off"),
    "hipaa-transmission-nats": trusting(nats="user"),
    "hipaa-transmission-callers": housing(public_url="http://voice.example.com"),
    "hipaa-least": having(people=tuple(Person(name, "admin", True) for name in ("ann", "bob", "cid", "dot"))),
    "hipaa-logs": having(logs=Scan(500, {"email": 2})),
    "hipaa-transcripts": having(transcripts=Scan(200, {"ssn": 1})),
    "pci-defaults": trusting(secret="known"),
    "pci-nats-users": trusting(nats="open"),
    "pci-retention": housing(retention={"transcripts": 40_000.0}),
    "pci-codes": having(transcripts=Scan(200, {"cvv": 1})),
    "pci-masked": having(transcripts=Scan(200, {"card": 1})),
    "pci-keys": housing(key_given=False),
    "pci-console": housing(console_url=""),
    "pci-debug": trusting(log_level="debug"),
    "pci-signatures": trusting(signatures="open"),
    "pci-idle": housing(idle_minutes=30.0),
    "pci-lock-out": housing(free_logins=100),
    "pci-passwords": housing(shortest_password=8),
    "pci-second-factor": having(people=()),
    "pci-audit": having(chain=Chain(0)),
    "pci-clocks": having(processes=(Process("stt-1", "stt", NOW_S - 90, TRUST),)),
}


def result(seen: Seen, name: str) -> str:
    return next(each.finding.result for each in audited(seen).judged if each.control.id == name)


def test_there_are_twenty_controls_and_more_each_with_paragraph_and_remedy() -> None:
    assert len(CONTROLS) >= 20
    assert len({control.id for control in CONTROLS}) == len(CONTROLS)
    assert {control.law for control in CONTROLS} == {"HIPAA", "PCI DSS"}
    assert all(control.paragraph and control.title and control.remedy for control in CONTROLS)


def test_an_installation_that_has_everything_passes() -> None:
    report = audited(GOOD)
    assert {
        each.control.id: each.finding.detail
        for each in report.judged
        if each.finding.result not in ("pass", "declared")
    } == {}
    assert report.score == 100


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str) -> None:
    assert result(GOOD, name) == "pass"
    report = audited(FAULTS[name](GOOD))
    (judged,) = [each for each in report.judged if each.control.id == name]
    assert judged.finding.result == "fail", judged.finding.detail
    assert judged.finding.detail
    assert report.score < 100


def test_every_control_has_a_fault_or_is_declared_by_hand() -> None:
    at_rest = "hipaa-at-rest"  # what is not sealed may lie on an encrypted volume
    assert {control.id for control in CONTROLS} == FAULTS.keys() | BY_HAND | {at_rest}
    plain = housing(transcripts="mask")(GOOD)
    assert result(plain, at_rest) == "declare"
    assert result(replace(plain, declared={at_rest: Declared("ann", int(NOW_S * 1000), "LUKS")}), at_rest) == "declared"


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_what_cannot_be_looked_at_never_passes(name: str) -> None:
    """NATS is away, the database does not answer."""
    blind = replace(GOOD, processes=None, people=None, chain=None, transcripts=None, logs=None)
    looked_at = blind.house is GOOD.house and result(blind, name) == "pass"
    assert result(blind, name) in ("unknown", "pass")
    assert looked_at == (name in OF_THE_HOUSE), "what is told without looking is of this process"


OF_THE_HOUSE = {
    "hipaa-log-off",
    "hipaa-transmission-callers",
    "pci-retention",
    "pci-keys",
    "pci-console",
    "pci-idle",
    "pci-lock-out",
    "pci-passwords",
}


def test_a_process_that_tells_nothing_is_not_taken_for_a_good_one() -> None:
    silent = having(processes=(Process("stt-1", "stt", NOW_S),))(GOOD)
    for name in ("hipaa-transmission", "pci-nats-users", "pci-debug", "pci-signatures", "pci-defaults"):
        assert result(silent, name) == "unknown"


def test_nothing_was_scanned_is_not_nothing_was_found() -> None:
    empty = having(transcripts=Scan(0), logs=Scan(0))(GOOD)
    for name in ("hipaa-logs", "hipaa-transcripts", "pci-codes", "pci-masked"):
        assert result(empty, name) == "unknown"


def test_a_declaration_is_good_for_a_year_and_for_what_it_was_made() -> None:
    assert result(having(declared={})(GOOD), "hipaa-vendors") == "declare"
    year_ms = DECLARED_DAYS * 86_400_000
    old = {"hipaa-vendors": Declared("ann", int(NOW_S * 1000) - year_ms - 1, "signed")}
    (judged,) = [each for each in audited(having(declared=old)(GOOD)).judged if each.control.id == "hipaa-vendors"]
    assert judged.finding.result == "declare"
    assert "declare it anew" in judged.finding.detail
    forced = {"pci-keys": Declared("ann", int(NOW_S * 1000), "it is fine")}
    assert result(replace(housing(key_given=False)(GOOD), declared=forced), "pci-keys") == "fail"
