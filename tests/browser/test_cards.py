"""What tools show, in a real browser: each kind of card, at a desk and on a telephone, and a form that is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from parley.v1 import conversation_pb2
from testbed.road import Address, road
from tests.browser.chromium import DEVICE_RATE, Chromium, Visit, visiting, write_wav
from tests.browser.conftest import WRAPPER
from tests.gateway.conftest import House, running
from tests.gateway.organs import Owner

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

DESK, PHONE = (1280, 800), (360, 740)
HOSTILE = "<img src=x onerror=\"document.title='taken'\"> <b>bold</b> & \u202e{{7*7}}"
RANGES = [{"below": 2, "tone": "bad", "label": "too low"}, {"below": 7, "tone": "good"}, {"tone": "bad"}]
FIELDS: list[dict[str, Any]] = [
    {"name": "name", "label": "Name"},
    {"name": "day", "label": "Day", "kind": "date"},
    {"name": "people", "label": "People", "kind": "number", "required": False},
    {"name": "where", "label": "Where", "kind": "choice", "choices": ["Inside", "Terrace"]},
]
CARDS: list[dict[str, Any]] = [
    {"name": "order", "kind": "facts", "title": "Your order"},
    {"name": "slots", "kind": "list", "title": "Free times", "open": True, "empty": "Ask for a day first."},
    {"name": "checks", "kind": "progress", "title": "Checking your line"},
    {"name": "pressure", "kind": "meter", "title": "Oil pressure", "high": 10, "unit": "bar", "ranges": RANGES},
    {"name": "details", "kind": "form", "title": "Your details", "submit": "Send them", "fields": FIELDS},
    {"name": "track", "kind": "link", "title": "Your parcel"},
]


@pytest_asyncio.fixture(loop_scope="session")
async def shop(tmp_path: Path) -> AsyncIterator[House]:
    write(tmp_path, CARDS)
    async with running(tmp_path, PARLEY_PROFILE="local") as house:
        yield house


@pytest.fixture
def quiet(sounds: Path) -> Path:
    return write_wav(sounds / "quiet.wav", np.zeros(DEVICE_RATE, np.int16), DEVICE_RATE)


def write(folder: Path, cards: list[dict[str, Any]], **more: Any) -> None:
    (folder / "frontdesk").mkdir(exist_ok=True)
    (folder / "frontdesk" / "wrapper.json").write_text(json.dumps({**WRAPPER, "cards": cards, **more}))


async def called(visit: Visit, house: House, number: int = 1) -> Owner:
    await visit.call()
    owner: Owner = await house.mind.call(number)
    await visit.status("Connected")
    return owner


def show(owner: Owner, name: str, value: object, again: bool = False) -> None:
    owner.command(0, show=conversation_pb2.Show(name=name, json=json.dumps(value), again=again))


def tile(visit: Visit, title: str) -> Any:
    return visit.page.get_by_role("article", name=title, exact=True)


def steps(*states: str) -> dict[str, Any]:
    return {"steps": [{"title": f"Step {number}", "state": state} for number, state in enumerate(states, 1)]}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_each_kind_is_shown_where_there_is_room_and_updated(
    shop: House, chromium: Chromium, quiet: Path, size: tuple[int, int]
) -> None:
    async with visiting(chromium, shop.url, microphone=quiet, size=size, reduced_motion="reduce") as visit:
        await tile(visit, "Free times").get_by_text("Ask for a day first.").wait_for()
        assert await visit.page.get_by_role("article").count() == 1, "the others wait until something is shown"
        owner = await called(visit, shop)
        owner.say(1, "Let me look")

        show(owner, "order", {"Order": 1234, "Paid": True, "Note": None})
        await tile(visit, "Your order").wait_for()
        assert await tile(visit, "Your order").locator("dt, dd").all_text_contents() == [
            *("Order", "1234"),
            *("Paid", "yes"),
            *("Note", "–"),
        ]
        assert await visit.page.locator("#cards-news").text_content() == "Shown: Your order"

        show(
            owner,
            "slots",
            [{"title": "9:30", "detail": "With Ann", "status": "free", "tone": "good"}, {"title": "11:00"}],
        )
        rows = tile(visit, "Free times").get_by_role("listitem")
        await rows.nth(1).wait_for()
        assert await rows.all_text_contents() == ["9:30With Annfree", "11:00"]
        show(owner, "slots", [])
        await tile(visit, "Free times").get_by_text("Ask for a day first.").wait_for()

        show(owner, "checks", steps("done", "running", "waiting"))
        bar = visit.page.get_by_role("progressbar", name="Checking your line")
        await bar.wait_for()
        assert await bar.get_attribute("aria-valuenow") == "33", "without percents: steps that are over"
        told = tile(visit, "Checking your line").locator("[aria-live=polite]")
        assert await told.text_content() == "Step 1: done, Step 2: under way"
        show(owner, "checks", {**steps("done", "failed", "waiting"), "percent": 80})
        await (
            tile(visit, "Checking your line").get_by_role("listitem").get_by_text(": failed").wait_for(state="attached")
        )
        assert await bar.get_attribute("aria-valuenow") == "80"
        assert await told.text_content() == "Step 2: failed", "what is new, and not all of it again"

        meter = visit.page.get_by_role("meter", name="Oil pressure")
        for value, words, now in ((1.5, "1.5 bar, too low", "1.5"), (4, "4 bar, good", "4"), (12, "12 bar, bad", "10")):
            show(owner, "pressure", {"value": value, "detail": "just now"})
            await visit.page.locator(f'[role="meter"][aria-valuetext="{words}"]').wait_for()
            assert await meter.get_attribute("aria-valuenow") == now
        assert await tile(visit, "Oil pressure").locator(".status").text_content() == "bad"

        show(owner, "track", {"url": "https://parcels.example.com/1234?a=b", "label": "Track it"})
        link = visit.page.get_by_role("link", name="Track it (opens in a new tab)")
        await link.wait_for()
        seen = [await link.get_attribute(name) for name in ("href", "target", "rel")]
        assert seen == ["https://parcels.example.com/1234?a=b", "_blank", "noopener noreferrer"]
        assert await tile(visit, "Your parcel").locator(".detail").text_content() == "parcels.example.com"

        show(owner, "order", None)
        await tile(visit, "Your order").wait_for(state="hidden")
        await placed(visit, size)
        assert visit.complaints == []


async def placed(visit: Visit, size: tuple[int, int]) -> None:
    """Beside the conversation at a desk, under it on a telephone; nothing hangs over the edge."""
    boxes = [await visit.page.locator(where).bounding_box() for where in (".talk", ".tile:not([hidden]) >> nth=0")]
    talk, card = boxes
    assert talk is not None
    assert card is not None
    if size == DESK:
        assert card["x"] >= talk["x"] + talk["width"]
    else:
        assert card["y"] >= talk["y"] + talk["height"]
        assert card["y"] < size[1], "its head is to be seen without scrolling"
    width = await visit.page.evaluate("document.documentElement.scrollWidth")
    assert width == size[0]
    over = await visit.page.evaluate(
        "[...document.querySelectorAll('.tile *')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
    )
    assert over == 0


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_a_form_is_filled_in_by_keyboard_and_is_what_the_caller_typed(
    shop: House, chromium: Chromium, quiet: Path, size: tuple[int, int]
) -> None:
    async with visiting(chromium, shop.url, microphone=quiet, size=size) as visit:
        owner = await called(visit, shop)
        show(owner, "details", {"name": "Ann"})
        form = tile(visit, "Your details")
        name, day, where = form.get_by_label("Name"), form.get_by_label("Day"), form.get_by_label("Where")
        await name.wait_for()
        assert await name.input_value() == "Ann"
        send = form.get_by_role("button", name="Send them")
        await send.click()
        assert await day.evaluate("field => field.validity.valueMissing"), "the day is missing: nothing is sent"
        await name.fill("Ann; Day: never")
        await day.fill("2027-03-16")
        show(owner, "details", {"name": "Bob", "people": 4})
        await visit.until(lambda: len(visit.sockets.controls("show", sent=False)) == 2)
        await visit.page.wait_for_function("document.querySelector('[name=people]').value === '4'")
        assert await name.input_value() == "Ann; Day: never", "what is being typed is left alone"
        await where.focus()
        await visit.page.keyboard.press("T")
        await name.focus()
        await visit.page.keyboard.press("Enter")
        typed = (await owner.next("typed")).typed.text
        assert typed == "Name: Ann, Day: never; Day: 2027-03-16; People: 4; Where: Terrace"
        await form.get_by_role("status").get_by_text("Sent").wait_for()
        assert await send.is_disabled()
        await visit.page.locator(".entry.caller .settled", has_text=typed).wait_for()
        show(owner, "details", {"name": "Bob", "people": 4}, again=True)  # by a new owner of the call
        show(owner, "order", {"Order": 1})
        await tile(visit, "Your order").wait_for()
        assert await send.is_disabled(), "it was sent"
        assert await name.input_value() == "Ann; Day: never"
        await form.get_by_label("People").fill("5")
        assert await send.is_enabled()
        await visit.hang_up()
        await visit.status("You hung up.")
        assert await send.is_disabled(), "who asked is not there any more"
        assert len(visit.sockets.controls("text", sent=True)) == 1
        assert visit.complaints == []


async def test_a_form_that_is_open_may_begin_the_conversation(shop: House, chromium: Chromium, tmp_path: Path) -> None:
    write(tmp_path, [{"name": "ask", "kind": "form", "title": "Ask us", "open": True, "fields": FIELDS[:1]}])
    async with visiting(chromium, shop.url) as visit:
        await tile(visit, "Ask us").get_by_label("Name").fill("Ann")
        await visit.page.keyboard.press("Enter")
        owner = await shop.mind.call()
        assert owner.open.channel == conversation_pb2.CHANNEL_CHAT
        assert (await owner.next("typed")).typed.text == "Name: Ann"
        assert await tile(visit, "Ask us").get_by_role("status").text_content() == "Sent"


async def test_hostile_values_are_text(shop: House, chromium: Chromium, quiet: Path, tmp_path: Path) -> None:
    hostile = [{**card, "title": HOSTILE[:60]} for card in CARDS if card["kind"] != "form"]
    write(tmp_path, hostile)
    async with visiting(chromium, shop.url, microphone=quiet) as visit:
        owner = await called(visit, shop)
        show(owner, "order", {HOSTILE: HOSTILE, "__proto__": "x", "constructor": "y"})
        show(owner, "slots", [{"title": HOSTILE, "detail": HOSTILE, "status": HOSTILE, "tone": "good"}])
        show(owner, "checks", {"steps": [{"title": HOSTILE, "state": "running", "detail": HOSTILE}]})
        show(owner, "pressure", {"value": 3, "detail": HOSTILE})
        for url in ("javascript:alert(1)", "http://example.com", "data:text/html,<b>"):
            show(owner, "track", {"url": url, "label": HOSTILE})
        await visit.page.locator(".tile .detail", has_text=HOSTILE).nth(2).wait_for()
        await visit.page.locator(".entry.card").nth(2).wait_for()  # what the card does not take
        assert await visit.page.locator(".tile dt").all_text_contents() == [HOSTILE, "__proto__", "constructor"]
        assert await visit.page.locator(".tile :is(img, b, a, script)").count() == 0
        assert "taken" not in await visit.page.title()
        assert visit.complaints == []


async def test_what_no_card_is_for_stands_in_the_conversation(shop: House, chromium: Chromium, quiet: Path) -> None:
    async with visiting(chromium, shop.url, microphone=quiet) as visit:
        owner = await called(visit, shop)
        show(owner, "another", {"arrives_on": "Monday"})
        await visit.page.locator(".entry.card dd", has_text="Monday").wait_for()


async def test_a_page_that_was_away_is_shown_what_it_missed_in_its_cards(
    shop: House, chromium: Chromium, quiet: Path
) -> None:
    door: Address = ("127.0.0.1", int(shop.url.rpartition(":")[2]))
    async with road(door) as way, visiting(chromium, way.url, microphone=quiet) as visit:
        owner = await called(visit, shop)
        show(owner, "order", {"Order": 1})
        show(owner, "checks", steps("running"))
        await tile(visit, "Checking your line").wait_for()
        way.cut()
        await visit.status("Connection lost, coming back")
        way.mend()
        again = await shop.mind.call(2)
        await visit.status("Connected")
        show(again, "order", {"Order": 1})
        show(again, "checks", steps("done"))
        await visit.page.get_by_role("progressbar").and_(visit.page.locator("[aria-valuenow='100']")).wait_for()
        assert await tile(visit, "Your order").count() == 1


async def test_a_new_call_begins_with_the_wrapper_as_it_is_now(
    shop: House, chromium: Chromium, quiet: Path, tmp_path: Path
) -> None:
    async with visiting(chromium, shop.url, microphone=quiet) as visit:
        owner = await called(visit, shop)
        show(owner, "order", {"Order": 1})
        await tile(visit, "Your order").wait_for()
        await visit.hang_up()
        await visit.status("You hung up.")
        assert await tile(visit, "Your order").is_visible(), "what was shown can be read after the call"
        write(tmp_path, [{**CARDS[0], "title": "Another order"}], name="Other Bikes")
        owner = await called(visit, shop, 2)
        show(owner, "order", {"Order": 2})
        await tile(visit, "Another order").wait_for()
        assert await visit.page.get_by_role("article").count() == 1
        assert await visit.page.get_by_role("heading", name="Other Bikes").is_visible()


VEILED = """() => {
    const open = document.querySelector(".entry.veiled .open");
    return open?.textContent.includes("six") && open.getAttribute("aria-hidden") === "true"
        && getComputedStyle(open).filter.includes("blur");
}"""
"""All at one look: a little later the words may have been heard."""


async def test_words_stay_blurred_until_they_are_heard_or_tapped(
    shop: House, chromium: Chromium, quiet: Path, tmp_path: Path
) -> None:
    write(tmp_path, [], subtitles="blurred_until_heard")
    first, text = "One two three four five six", " ".join(f"word{number}" for number in range(40))
    async with visiting(chromium, shop.url, microphone=quiet) as visit:
        owner = await called(visit, shop)
        owner.say(1, first)
        await visit.page.wait_for_function(VEILED)
        await owner.next("heard")
        await visit.page.locator(".entry:not(.veiled) .settled", has_text=first).wait_for()
        assert await visit.entries() == [("agent", first, "")]
        owner.say(2, text)
        await visit.page.get_by_role("button", name="Show the words").click()
        last = visit.page.locator(".entry").nth(1)
        await last.locator(".open", has_text="word39").wait_for()
        assert await last.locator(".open").evaluate("e => getComputedStyle(e).filter") == "none"
        owner.command(0, stop=conversation_pb2.Stop())
        await visit.page.locator(".entry.cut").wait_for()
        owner.say(3, text, turn=1)
        await visit.page.locator(".entry.veiled").wait_for()
        owner.command(1, stop=conversation_pb2.Stop())
        await visit.page.locator(".entry.cut.veiled").wait_for()
        assert visit.complaints == []
