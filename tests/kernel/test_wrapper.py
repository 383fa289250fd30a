"""What may stand in wrapper.json, and what a tool may show on each kind of card."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from parley.agents.page.cards import MAX_FIELDS, MAX_VALUE_BYTES, checked
from parley.agents.page.wrapper import Wrapper, read_wrapper, wrapper_now
from parley.errors import BadInput, Misconfigured

CARDS: dict[str, dict[str, Any]] = {
    "facts": {},
    "list": {"empty": "Nothing yet."},
    "progress": {"open": True},
    "meter": {"low": 0, "high": 10, "unit": "bar", "ranges": [{"below": 2, "tone": "bad"}, {"tone": "good"}]},
    "form": {"fields": [{"name": "name", "label": "Name"}, {"name": "day", "label": "Day", "kind": "date"}]},
    "link": {"url": "https://example.com/track"},
}


def wrapper(**more: Any) -> Wrapper:
    cards = [{"name": kind, "kind": kind, "title": kind.title(), **its} for kind, its in CARDS.items()]
    return Wrapper.model_validate({"$schema": "../wrapper.schema.json", "cards": cards, **more})


def test_the_page_is_told_all_of_it_and_what_was_not_said_as_it_is_then() -> None:
    told = wrapper(name="Bikes").for_page()
    assert "$schema" not in told
    assert (told["name"], told["subtitles"], told["examples"]) == ("Bikes", "plain", [])
    assert [card["kind"] for card in told["cards"]] == list(CARDS)
    assert told["cards"][3]["ranges"] == [
        {"below": 2.0, "tone": "bad", "label": ""},
        {"tone": "good", "label": ""},
    ]
    json.dumps(told)


A: dict[str, Any] = {"name": "a", "title": "A"}


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ({"exampels": []}, "exampels: there is no such field, did you mean examples? (line 2)"),
        ({"color": "red"}, "color: must be a color as #1f6f5c, not 'red' (line 2)"),
        ({"subtitles": "no"}, "subtitles: Input should be 'plain' or 'blurred_until_heard', not 'no' (line 2)"),
        ({"cards": [{**A, "kind": "gauge"}]}, "cards.0.kind: must be one of 'facts', 'list', 'progress', 'meter', "),
        ({"cards": [A]}, "cards.0: kind: missing; it says which kind this is (line 3)"),
        ({"cards": [{**A, "kind": "meter", "hihg": 1}]}, "cards.0.hihg: there is no such field, did you mean high?"),
        ({"cards": [{**A, "kind": "meter", "low": 5, "high": 5}]}, "cards.0: low: 5 is not below high, 5"),
        (
            {"cards": [{**A, "kind": "meter", "ranges": [{"tone": "bad"}, {"below": 1, "tone": "good"}]}]},
            "cards.0: ranges: each `below` must be higher than the one before",
        ),
        ({"cards": [{**A, "kind": "form"}]}, "cards.0.fields: Field required"),
        ({"cards": [{**A, "kind": "form", "fields": []}]}, "cards.0: fields: there is none"),
        (
            {"cards": [{**A, "kind": "form", "fields": [{"name": "b", "lable": "B"}]}]},
            "cards.0.fields.0.label: Field required (line 8); cards.0.fields.0.lable: there is no such field, did you",
        ),
        (
            {"cards": [{**A, "kind": "form", "fields": [{"name": "b", "label": "B", "kind": "choice"}]}]},
            "cards.0.fields.0: choices: a field of kind choice has two or more",
        ),
        ({"cards": [{**A, "kind": "link", "url": "http://example.com"}]}, "cards.0.url: must be a whole https address"),
        ({"cards": [{**A, "kind": "link", "open": True}]}, "cards.0: url: missing; a card that is open from the"),
        ({"cards": [{**A, "kind": "facts", "name": "An order"}]}, "cards.0.name: String should match pattern"),
        ({"cards": [{**A, "kind": "facts"}] * 2}, "cards: a stands there twice"),
        ({"cards": [{**A, "name": f"a{n}", "kind": "facts"} for n in range(13)]}, "cards: Tuple should have at most"),
        ([], "expected an object at the top"),
    ],
)
def test_what_is_wrong_is_told_with_its_field_its_line_and_the_remedy(tmp_path: Path, file: Any, told: str) -> None:
    path = tmp_path / "wrapper.json"
    path.write_text(json.dumps(file, indent=1))
    with pytest.raises(Misconfigured) as refused:
        read_wrapper(path)
    assert f"{path}: {told}" in str(refused.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('{"name": "A",\n "color" "#000000"}', "not valid JSON: Expecting ':' delimiter (line 2)"),
        ("[" * 100_000, "not valid JSON: nested too deep"),
        ('{"name": "\\ud83d\\ude00",\n\t"color": "red"}', "color: must be a color as #1f6f5c"),  # JSON, and no YAML
    ],
)
def test_what_is_no_json_or_no_yaml_is_told_as_well(tmp_path: Path, source: str, told: str) -> None:
    path = tmp_path / "wrapper.json"
    path.write_text(source)
    with pytest.raises(Misconfigured) as refused:
        read_wrapper(path)
    assert told in str(refused.value)


def test_an_edit_is_taken_and_a_broken_one_leaves_the_last_good(tmp_path: Path) -> None:
    assert wrapper_now(tmp_path, "a") == Wrapper(), "no file is an empty one"
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "wrapper.json"
    path.write_text('{"name": "One"}')
    assert wrapper_now(tmp_path, "a").name == "One"
    path.write_text('{"name": "Two", "cards": 3}')
    with capture_logs() as logs:
        assert wrapper_now(tmp_path, "a").name == "One"
        assert wrapper_now(tmp_path, "a").name == "One"
    assert [(entry["event"], "cards: Input should be" in entry["error"]) for entry in logs] == [
        ("an edit is not taken, the last good one stays", True)
    ]
    path.write_text('{"name": "Three"}')
    assert wrapper_now(tmp_path, "a").name == "Three"


@pytest.mark.parametrize(
    ("kind", "value", "json_text"),
    [
        ("facts", {"Order": 1234, "Paid": True, "By": None}, '{"Order":1234,"Paid":true,"By":null}'),
        ("list", [{"title": "Tune-up", "status": "free", "tone": "good"}], None),
        ("list", [], "[]"),
        ("progress", {"steps": [{"title": "Router", "state": "running"}], "percent": 40}, None),
        ("progress", {"percent": 100}, None),
        ("meter", 3, "3.0"),
        ("meter", {"value": 12.5, "detail": "over the top of the scale"}, None),
        ("form", {}, "{}"),
        ("form", {"name": "Ann", "day": "2027-03-16"}, None),
        ("link", {}, "{}"),
        ("link", {"url": "https://example.com/a?b=c#d", "label": "Here"}, None),
        *((kind, None, "null") for kind in CARDS),
    ],
)
def test_what_fits_is_taken_as_it_is(kind: str, value: Any, json_text: str | None) -> None:
    card = wrapper().card(kind)
    assert card is not None
    text = checked(card, value)
    if json_text is not None:
        assert text == json_text
    elif kind != "progress":
        assert json.loads(text) == value
    assert checked(card, json.loads(text)) == text


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("facts", [1], 'Input should be an object; a card of kind facts takes {"Order": "1234"'),
        ("facts", {"Order": {"deep": 1}}, "Order."),
        ("facts", {"Order": "x" * 301}, "should have at most 300 characters"),
        ("facts", {f"row {n}": n for n in range(31)}, "at most 30 items"),
        ("facts", {"Order": object()}, "it is not JSON: "),
        ("facts", {"Order": "x" * MAX_VALUE_BYTES}, f"bytes of JSON, {MAX_VALUE_BYTES:,} are allowed"),
        ("list", [{"detail": "no title"}], "0.title: Field required; a card of kind list takes"),
        ("list", [{"title": "A", "tone": "green"}], "0.tone: Input should be 'good', 'warn' or 'bad'"),
        ("progress", {}, "it has neither steps nor percent"),
        ("progress", {"percent": 101}, "percent: Input should be less than or equal to 100"),
        ("progress", {"steps": [{"title": "A", "state": "started"}]}, "steps.0.state: Input should be 'waiting', "),
        ("meter", "high", "a card of kind meter takes 72, or"),
        ("meter", {"value": float("inf")}, "a card of kind meter takes"),
        ("form", {"street": "High Street"}, "the form has no field street; it has name, day"),
        ("link", {"url": "javascript:alert(1)"}, "url: Value error, must be a whole https address"),
        ("link", {"url": "http://example.com"}, "must be a whole https address"),
        ("link", {"url": "https://ann:secret@example.com"}, "must be a whole https address"),
        ("link", {"url": "https://[example"}, "must be a whole https address"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(kind: str, value: Any, told: str) -> None:
    card = wrapper().card(kind)
    assert card is not None
    with pytest.raises(BadInput) as refused:
        checked(card, value)
    assert told in str(refused.value)


def test_a_link_needs_its_address_from_one_of_both() -> None:
    card = Wrapper.model_validate({"cards": [{"name": "a", "kind": "link", "title": "A"}]}).cards[0]
    with pytest.raises(BadInput, match=r"url: missing, and wrapper.json has none"):
        checked(card, {})
    assert checked(card, {"url": "https://example.com"}) == '{"url":"https://example.com"}'


def test_the_largest_form_is_a_turn_that_the_gateway_takes() -> None:
    label, value = 60, 200
    assert MAX_FIELDS * (label + len(": ") + value + len("; ")) <= 4_000


def test_what_the_page_on_wrappers_says_is_true() -> None:
    page = (Path(__file__).parents[2] / "docs" / "pages.md").read_text()
    (source,) = re.findall(r"```json wrapper\n(.*?)```", page, re.S)
    example = Wrapper.model_validate_json(source)
    examples = {kind: re.findall(rf"^\| `{kind}` \|.*$", page, re.M)[0] for kind in CARDS}
    for card in example.cards:
        values = re.findall(r"`([\[{][^`]*[\]}]|[0-9.]+)`", examples[card.kind].split("|")[3])
        assert values
        for value in values:
            checked(card, json.loads(value))
