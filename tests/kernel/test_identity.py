"""`identity:` in agent.yaml: what may stand there, and what is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.agents.identity import Factor, Identity
from parley.errors import Misconfigured
from services.orchestrator.wire.messages import policy_of
from tests.kernel.test_agents import agent

FACTORS = "factors: {born: {kind: date, ask: When?}, name: {kind: name, ask: Who?}, pin: {kind: digits, ask: PIN?}}"


def with_identity(folder: Path, text: str) -> Identity:
    loaded = agent(folder, f"greeting: Hello.\nidentity: {{collection: customers, {text}}}\n").identity
    assert loaded is not None
    return loaded


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (FACTORS, r"identity.find_by: Field required"),
        (f"find_by: [], {FACTORS}", r"identity.find_by: .*at least 1 item"),
        (
            f"find_by: [account], {FACTORS}",
            r"identity: find_by: there is no factor account; known are caller, born, na",
        ),
        ("find_by: [caller], factors: {}", r"identity.factors: .*at least 1 item"),
        (
            "find_by: [caller], factors: {pin: {kind: digits, ask: PIN?}}",
            r"identity: levels: .*wants 2 right .*add a fac",
        ),
        (
            "find_by: [caller], factors: {caller: {kind: name, ask: Who?}}",
            r"identity.factors: 'caller': a factor's name",
        ),
        (
            "find_by: [caller], factors: {PIN: {kind: digits, ask: PIN?}}",
            r"identity.factors: 'PIN': a factor's name is",
        ),
        (
            f"find_by: [caller], {FACTORS}, levels: {{1: 4}}",
            r"identity: levels: 1 wants 4 right factors, and there are 3",
        ),
        (f"find_by: [caller], {FACTORS}, levels: {{1: 2, 2: 2}}", r"identity: levels: a higher level must want more"),
        (f"find_by: [caller], {FACTORS}, levels: {{12: 2}}", r"identity: levels: 12: a level is a number from 1 to 9"),
        (f"find_by: [caller], {FACTORS}, tries: {{calls: 3}}", r"identity.tries.calls: .*did you mean call\?"),
        (f"find_by: [caller], {FACTORS}, tries: {{call: 0}}", r"identity.tries.call: .*1, not 0"),
        (f"find_by: [caller], {FACTORS}, expires_s: -1", r"identity.expires_s: .*0, not -1"),
        (f"find_by: [caller], {FACTORS}, date_order: us", r"identity.date_order: .*'dmy', 'mdy' or 'ymd', not 'us'"),
        (f"find_by: [caller], {FACTORS}, country: '+1'", r"identity.country: must be a telephone code in quotes.*"),
        (f"find_by: [caller], {FACTORS}, colection: x", r"identity.colection: .*did you mean collection\?"),
        (
            "find_by: [a], factors: {a: {kind: pin, ask: A?}}",
            r"identity.factors.a.kind: .*'digits', 'date', 'name'.*'pin'",
        ),
        ("find_by: [a], factors: {a: {kind: name}}", r"identity.factors.a.ask: Field required"),
        ("find_by: [a], factors: {a: {kind: name, ask: A?, last: 4}}", r"identity.factors.a: last: is for kind digits"),
    ],
)
def test_what_is_wrong_is_told_with_its_field_and_the_remedy(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=r"agent.yaml: " + told):
        with_identity(tmp_path, text)


def test_two_right_ones_are_level_one_and_three_level_two(tmp_path: Path) -> None:
    identity = with_identity(tmp_path, f"find_by: [caller, pin], {FACTORS}")
    assert [identity.level_of(right) for right in range(4)] == [0, 0, 1, 2]
    assert identity.order == ("pin", "born", "name"), "what finds the record is asked for first"
    own = with_identity(tmp_path, f"find_by: [caller], {FACTORS}, levels: {{1: 1, 5: 3}}")
    assert [own.level_of(right) for right in range(4)] == [0, 1, 1, 5]
    two = Identity(collection="c", find_by=("a",), factors={n: Factor(kind="name", ask="?") for n in "ab"})
    assert [two.level_of(right) for right in range(3)] == [0, 0, 1]


def test_an_agent_with_identity_has_the_tool_and_says_how_long_a_level_holds(tmp_path: Path) -> None:
    text = "greeting: Hello.\ntools: [hours]\nfillers: {by_tool: {verify_customer: [One moment.]}}\n"
    loaded = agent(tmp_path, f"{text}identity: {{collection: c, find_by: [caller], {FACTORS}, expires_s: 60}}\n")
    assert loaded.builtin_tools == ("verify_customer",)
    assert (policy_of(loaded).level_ms, policy_of(loaded).secret_tools) == (60_000, ("verify_customer",))
    plain = agent(tmp_path, "greeting: Hello.\n")
    assert (plain.builtin_tools, policy_of(plain).level_ms, policy_of(plain).secret_tools) == ((), 0, ())
