"""Words that a tool wants to be said as they stand: from its result, through the ledger, to the orchestrator."""

from __future__ import annotations

from parley.tooling import Notice, Result
from services.orchestrator.mind import actions
from services.orchestrator.run.organs import outcome_of as read
from services.tools.execution.ledger import dumped, loaded
from services.tools.results import outcome_of


def test_a_notice_is_kept_with_the_outcome_and_told() -> None:
    outcome = outcome_of(Result({"summary": "On."}, say=Notice("This call is recorded.")), "record", effects=True)
    assert loaded(dumped(outcome)) == outcome
    assert read(outcome).say == actions.Notice("This call is recorded.", interruptible=False)


def test_a_notice_that_is_none_is_left_out_and_a_long_one_is_cut() -> None:
    assert outcome_of(Result({"summary": "On."}, say=Notice("  ")), "record", effects=True).HasField("say") is False
    say = outcome_of(Result({"summary": "On."}, say=Notice("a" * 5000)), "record", effects=True).say
    assert len(say.text) == 1000


def test_a_row_of_an_older_version_has_no_notice() -> None:
    old = '{"status": "ok", "result": "{}", "message": "", "hang_up": null, "transfer": null}'
    assert not loaded(old).HasField("say")
