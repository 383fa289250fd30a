"""The engine's own sentences, in one language."""

from __future__ import annotations

from parley.agents.strict import Strict


class Says(Strict):
    """Places in braces: `company` (the agent's), `said` (words or digits that were heard), `about` (an intent's)."""

    robot: str
    welcome: str
    hello: str
    what_can_i_do: str
    help: str
    what_else: str
    all_right: str
    take_your_time: str
    nobody: str
    goodbye: str
    nothing_to_repeat: str
    one_at_a_time: str
    not_the_other: str
    left: str
    not_done: str
    without: str
    no_number: str
    do_not_know: str
    again_not: str
    do_not_understand: str
    not_certain: str
    done: str
    still_at_it: str
    so_far: str
    where: str
    gap: str
    who: str
    well: str
    pleased: str
    calm: str
    calm_alone: str
    no_jokes: str
    listening: str
    yes_or_no: str
    slowly: str
    understood: str
    not_heard: str
    in_other_words: str
    nor_this: str
    neither_known: str
    still_not: str
    or_colleague: str
    one_by_one: str
    still_no_luck: str
    misunderstood: str
    do_you_mean: str
    offer: str
    heard: str
    not_whole: str
    and_: str
