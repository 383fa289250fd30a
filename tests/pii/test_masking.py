"""What stands where personal data stood: in texts, log fields and stored transcripts."""

from __future__ import annotations

from collections import Counter

import pytest

from parley.pii import mask, mask_value
from parley.pii.leaving import leaving
from parley.pii.stored import covered, kept, opened

CARD = "my card is 4242 4242 4242 4242"


def backwards(data: bytes) -> bytes:
    return data[::-1]


def test_kinds_stand_where_data_stood() -> None:
    assert mask("I'm ann@example.com, card 4242 4242 4242 4242.") == "I'm [email], card [card]."


def test_values_are_masked_at_any_depth_that_json_has() -> None:
    webhook = {"text": CARD, "turns": [{"said": ["call 415-555-0132", 7, None]}]}
    assert mask_value(webhook) == {"text": "my card is [card]", "turns": [{"said": ["call [phone]", 7, None]}]}


def test_what_is_nested_without_an_end_is_cut() -> None:
    value: object = CARD
    for _ in range(40):
        value = [value]
    assert "4242" not in str(mask_value(value))


def test_fields_leave_without_what_is_personal() -> None:
    seen: Counter[str] = Counter()
    fields = {
        "event": "no such caller +14155550132", "text_pii": "anything", "call_id": "CA4155550132", "turn": 3,
        "tried": ["ann@example.com"], "exception": "Traceback\n  ValueError: 4242 4242 4242 4242",
    }  # fmt: skip
    assert leaving(fields, lambda kind: seen.update([kind])) == {
        "event": "no such caller +[phone]", "text_pii": "<8 characters>", "call_id": "CA4155550132", "turn": 3,
        "tried": ["[email]"], "exception": "Traceback\n  ValueError: [card]",
    }  # fmt: skip
    assert seen == {"phone": 1, "email": 1, "card": 1}


def test_machines_of_the_installation_keep_their_names_and_callers_do_not() -> None:
    fields = leaving({"peer": "10.1.2.3:50051", "here": "::1", "client": "93.184.216.34"})
    assert fields == {"peer": "10.1.2.3:50051", "here": "::1", "client": "[ip]"}


def test_transcripts_are_masked_kept_or_sealed() -> None:
    assert kept([CARD], "mask") == ["my card is [card]"]
    assert kept([CARD], "keep") == [CARD]
    (sealed,) = kept([CARD], "encrypt", backwards)
    assert "4242" not in sealed
    assert covered(sealed) == "my card is [card]"
    assert opened(sealed, backwards) == CARD


def test_a_number_that_is_said_over_lines_is_sealed_in_all_of_them_once_it_is_known() -> None:
    lines = ["Your social?", "one two three", "forty five"]
    assert kept(lines, "encrypt", backwards) == lines
    sealed = kept([*lines, "six seven eight nine"], "encrypt", backwards)
    assert [covered(line) for line in sealed] == ["Your social?", "[ssn]", "[ssn]", "[ssn]"]
    again = kept([*sealed[1:], "Thank you."], "encrypt", backwards)
    assert again == [*sealed[1:], "Thank you."]


def test_what_was_sealed_with_a_key_that_is_gone_stays_hidden() -> None:
    def gone(data: bytes) -> bytes:
        raise KeyError("no such key")

    (sealed,) = kept([CARD], "encrypt", backwards)
    assert opened(sealed, gone) == "my card is [card]"


def test_nothing_is_stored_as_it_was_said_because_a_key_is_missing() -> None:
    with pytest.raises(ValueError, match="PARLEY_BACKOFFICE_KEY"):
        kept([CARD], "encrypt")
