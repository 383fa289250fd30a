"""A language that no recogniser here knows: a page goes on without ears, and is told; a telephone can not."""

from __future__ import annotations

from parley.errors import BadInput
from parley.v1 import conversation_pb2
from tests.gateway.conftest import House
from tests.gateway.handset import Handset
from tests.gateway.organs import Owner
from tests.gateway.test_page import FRAME, visit

UNKNOWN = BadInput("language: this recogniser knows English only, not 'es'")


async def test_a_page_is_told_to_type_and_hears_the_answers(house: House) -> None:
    house.stt.refuse = UNKNOWN
    page = await visit(house)
    owner: Owner = await house.mind.call()
    assert (await page.next("deaf"))["language"] == "en"
    for _ in range(40):
        await page.socket.send(FRAME)  # sound that nobody listens to pauses nothing
    await page.say(type="text", text="un café")
    assert (await owner.next("typed")).typed.text == "un café"
    owner.say(1, "Marchando", turn=1)
    assert (await owner.next("heard")).heard.complete
    assert not owner.events("trouble")
    assert not owner.events("paused")
    await page.close()


async def test_another_language_is_listened_to_again(house: House) -> None:
    house.stt.refuse = UNKNOWN
    page = await visit(house)
    owner: Owner = await house.mind.call()
    await page.next("deaf")
    house.stt.refuse = None
    owner.command(0, session=conversation_pb2.Session(voice="amy", language="fr", agent="frontdesk"))
    ears = await house.stt.call()
    for _ in range(10):
        await page.socket.send(FRAME)
    await ears.until(lambda: any(request.audio for request in ears.received))
    await page.close()


async def test_on_the_telephone_it_is_a_trouble(house: House) -> None:
    house.stt.refuse = UNKNOWN
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    trouble = (await owner.next("trouble")).trouble
    assert trouble.organ == conversation_pb2.Trouble.ORGAN_EARS
    await phone.hang_up()
