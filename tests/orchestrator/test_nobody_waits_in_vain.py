"""Whatever model, tools, voice and owners do: after each turn the caller hears words, soon, or the call ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.orchestrator.mind.bot.unanswered import MAX_EMPTY
from services.orchestrator.mind.policy import Specialist
from tests.orchestrator.calls import POLICY, replayed
from tests.orchestrator.world import World

WAIT_MS = 90_000
"""Four rounds of the model with their second tries, tools of 6 s between them, and three utterances."""
PATIENT = replace(POLICY, retry_ms=1000, filler_ms=800, fillers=("One moment.", "Let me see."), away_ms=10_000_000)
TRIES = 8
"""Of a round that fails, within `retry_ms`: quick ones, and one more."""


def _world(data: st.DataObject, **policy: Any) -> World:
    return World(lambda choices: data.draw(st.sampled_from(choices)), replace(PATIENT, **policy))


def _answered(world: World, turns: int) -> bool:
    return bool(world.heard) or world.ended or world.call.state.turn > turns


@given(st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_after_every_turn_the_caller_hears_words_or_the_call_ends(data: st.DataObject) -> None:
    world = _world(data, rounds=data.draw(st.sampled_from([0, 1, 3])))
    world.runs(5_000)
    for _ in range(data.draw(st.integers(1, 4))):
        if world.ended:
            break
        world.heard.clear()
        thinks, owners = len(world.thinks), world.owners
        world.says(data.draw(st.sampled_from(["where is my order then", "book the visit please"])))
        for happens in (world.changes_owner, world.coughs, world.comes_back):
            if data.draw(st.integers(0, 2)) == 0 and not world.ended:
                world.runs(data.draw(st.integers(0, 4_000)))
                if not world.ended:
                    happens()
        if data.draw(st.booleans()):  # and may break in soon
            world.runs(data.draw(st.integers(0, 3_000)), lambda: bool(world.heard))
            continue
        world.runs(WAIT_MS, lambda: bool(world.heard) and world.listens)
        assert world.heard or world.ended, "the caller waits in vain"
        asked = len(world.thinks) - thinks
        assert asked <= (world.policy.rounds + 1) * TRIES + MAX_EMPTY + 2 * (world.owners - owners)
    assert replayed(world.call) == world.call.outputs


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_so_it_is_when_the_model_thinks_ahead(data: st.DataObject) -> None:
    world = _world(data, ahead="stable")
    world.runs(5_000)
    for _ in range(data.draw(st.integers(1, 3))):
        if world.ended:
            break
        world.heard.clear()
        world.call.starts()
        world.call.words("where is my order then")
        world.call.eager("where is my order then")
        world._carry_out()
        world.runs(data.draw(st.integers(0, 2_000)))
        if world.ended:
            break
        world.call.final("where is my order then")
        world.call.stops()
        world.call.ends("where is my order then")
        world._carry_out()
        world.runs(WAIT_MS, lambda: bool(world.heard) and world.listens)
        assert world.heard or world.ended, "the caller waits in vain"


MUCH_TO_SAY = {
    "before_greeting": "This call is recorded.",
    "before_transfer": "So is the next one.",
    "before_hang_up": "Keep your number.",
    "must_hear": (*POLICY.must_hear, "before_greeting", "before_transfer"),
    "specialists": (Specialist("billing", ("book_visit",)),),
}


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_so_it_is_among_specialists_with_much_to_say(data: st.DataObject) -> None:
    world = _world(data, **MUCH_TO_SAY, caller_first_ms=data.draw(st.sampled_from([0, 4_000])))
    world.tools = ("book_visit", "find_order", "hand_over")
    world.runs(data.draw(st.sampled_from([0, 5_000])))
    for _ in range(data.draw(st.integers(1, 4))):
        if world.ended:
            break
        world.heard.clear()
        world.says("where is my order then")
        for happens in (world.changes_owner, world.coughs, world.comes_back):
            if data.draw(st.integers(0, 2)) == 0 and not world.ended:
                world.runs(data.draw(st.integers(0, 4_000)))
                if not world.ended:
                    happens()
        world.runs(WAIT_MS, lambda: bool(world.heard) and world.listens)
        assert world.heard or world.ended, "the caller waits in vain"
    assert replayed(world.call) == world.call.outputs


@pytest.mark.parametrize("seed", range(3))
def test_a_model_that_never_says_a_word_costs_so_many_requests(seed: int) -> None:
    """Without errors: two for each turn, whatever it gives in place of words."""
    silent = iter(range(1_000_000))

    def draw(choices: list[Any]) -> Any:
        if "silent" in choices:
            return "silent"
        return choices[(next(silent) * (seed + 1)) % len(choices)] if len(choices) == 5 else choices[0]

    world = World(draw, PATIENT)
    world.runs(5_000)
    for turn in (1, 2):
        world.heard.clear()
        world.says("where is my order then")
        world.runs(WAIT_MS, lambda: bool(world.heard) and world.listens)
        assert world.heard == [POLICY.trouble]
        assert len(world.thinks) == 2 * turn
