"""What the page shows of who is at turn: `speaking` while sound plays, `thinking` while words are due, `listening`."""

from __future__ import annotations

import pytest

from parley.errors import Unavailable
from parley.v1 import conversation_pb2, stt_pb2
from tests.gateway.conftest import House
from tests.gateway.organs import Owner, Talk
from tests.gateway.test_page import FRAME, Page, visit

Say = conversation_pb2.Say


async def talking(house: House) -> tuple[Page, Owner, Talk]:
    page = await visit(house)
    owner: Owner = await house.mind.call()
    ears = await house.stt.call()
    for _ in range(10):
        await page.socket.send(FRAME)
    return page, owner, ears


def turn_ends(ears: Talk, text: str = "where is it") -> None:
    ended = stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_CONFIRMED, text=text, offset_ms=200)
    ears.send(stt_pb2.RecognizeEvent(turn_ended=ended))


def says(
    owner: Owner, utterance: int, text: str, kind: Say.Kind.ValueType = Say.KIND_ANSWER, due: bool | None = None
) -> None:
    say = Say(utterance=utterance, kind=kind, text=text, complete=True, interruptible=True)
    if due is not None:
        say.due = due
    owner.command(1, say=say)


def due(owner: Owner, now: bool) -> None:
    owner.command(1, due=conversation_pb2.Due(due=now))


def states(page: Page) -> list[str]:
    return [str(control["state"]) for control in page.controls if control["type"] == "state"]


async def becomes(page: Page, *wanted: str) -> None:
    """These and no others, in this order."""
    await page.until(lambda: len(states(page)) >= len(wanted))
    await settled(page)
    assert states(page) == list(wanted)


async def settled(page: Page) -> None:
    """All that the page was told until now has come."""
    mark = len([c for c in page.controls if c["type"] == "pong"]) + 1
    await page.say(type="ping", t=mark)
    await page.next("pong", t=mark)


@pytest.mark.parametrize("kind", [Say.KIND_ANSWER, Say.KIND_NOTICE])
@pytest.mark.parametrize("told", [True, False])
async def test_behind_the_last_words_the_page_listens(house: House, kind: Say.Kind.ValueType, told: bool) -> None:
    """An apology is the end of a turn as an answer is; also where the mind does not tell what is due."""
    page, owner, ears = await talking(house)
    turn_ends(ears)
    await page.next("state", state="thinking")
    if told:
        due(owner, True)
    says(owner, 1, "Something went wrong", kind, due=False if told else None)
    await owner.next("heard")
    await becomes(page, "thinking", "speaking", "listening")
    await page.close()


async def test_an_answer_without_a_sound_leaves_no_page_thinking(house: House) -> None:
    page, owner, ears = await talking(house)
    turn_ends(ears)
    await page.next("state", state="thinking")
    due(owner, True)
    says(owner, 1, "...", due=False)
    await owner.next("heard")
    await becomes(page, "thinking", "listening")
    assert not house.voice.talks or not any(r.text for r in house.voice.talks[0].received)
    await page.close()


async def test_a_sound_that_was_no_turn_is_not_thought_about(house: House) -> None:
    page, owner, ears = await talking(house)
    turn_ends(ears, "")
    await page.next("state", state="thinking")
    due(owner, False)
    await becomes(page, "thinking", "listening")
    await page.close()


async def test_while_a_tool_runs_the_page_thinks(house: House) -> None:
    page, owner, ears = await talking(house)
    turn_ends(ears)
    await page.next("state", state="thinking")
    says(owner, 1, "Let me look", due=True)
    await owner.next("heard")
    await becomes(page, "thinking", "speaking", "thinking")
    says(owner, 2, "Here it is", due=False)
    await owner.next("heard", 2)
    await becomes(page, "thinking", "speaking", "thinking", "speaking", "listening")
    await page.close()


async def test_behind_a_filler_the_page_thinks_on(house: House) -> None:
    page, owner, ears = await talking(house)
    turn_ends(ears)
    await page.next("state", state="thinking")
    says(owner, 1, "One moment", Say.KIND_FILLER)
    await owner.next("heard")
    await becomes(page, "thinking", "speaking", "thinking")
    await page.close()


async def test_a_voice_that_fails_leaves_the_page_with_what_is_due(house: House) -> None:
    house.voice.quits = [0] * 9
    page, owner, ears = await talking(house)
    turn_ends(ears)
    await page.next("state", state="thinking")
    due(owner, True)
    says(owner, 1, "Here it is", due=False)
    heard = (await owner.next("heard")).heard
    assert (heard.cut, heard.failed, heard.chars) == (True, True, 0)
    await becomes(page, "thinking", "listening")
    await page.close()


async def test_who_takes_the_floor_for_good_is_listened_to(house: House) -> None:
    page, owner, ears = await talking(house)
    says(owner, 1, "one two three four five six seven eight nine ten")
    await owner.next("utterance_started")
    await page.say(type="button", pressed=True)
    await owner.next("paused")
    owner.command(1, stop=conversation_pb2.Stop())
    assert (await owner.next("heard")).heard.cut
    await becomes(page, "speaking", "paused", "listening")
    await page.close()


async def test_a_pause_for_nothing_is_a_pause(house: House) -> None:
    page, owner, ears = await talking(house)
    says(owner, 1, "one two three four five six seven eight nine ten")
    await owner.next("utterance_started")
    await page.say(type="button", pressed=True)
    await owner.next("paused")
    owner.command(1, resume=conversation_pb2.Resume())
    await owner.next("heard")
    await becomes(page, "speaking", "paused", "speaking", "listening")
    await page.close()


async def test_a_new_mind_says_anew_what_is_due(house: House) -> None:
    page, owner, ears = await talking(house)
    turn_ends(ears)
    due(owner, True)
    await page.next("state", state="thinking")
    owner.fail(Unavailable("gone"))
    second: Owner = await house.mind.call(2)
    due(second, False)
    await becomes(page, "thinking", "listening")
    await page.close()


@pytest.mark.parametrize("answer", ["It shipped.", "..."])
async def test_a_chat_shows_the_same(house: House, answer: str) -> None:
    page = await visit(house, "chat")
    owner: Owner = await house.mind.call()
    await page.say(type="text", text="where is it")
    await owner.next("typed")
    due(owner, True)
    says(owner, 1, answer, due=False)
    await owner.next("heard")
    await becomes(page, "thinking", "speaking", "listening")
    assert any(c for c in page.controls if c["type"] == "say")
    await page.close()
