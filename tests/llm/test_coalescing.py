"""Words of a model on their way to the voice: few messages, and nothing that the voice waits for comes later."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

import pytest

from services.llm import coalescing
from services.llm.coalescing import Pace, coalesced
from services.llm.contract import Finish, FinishReason, LlmEvent, TextDelta, ToolCall
from services.orchestrator.phrases.speakable import Phraser
from testbed.patience import PATIENCE_S

DONE = Finish(FinishReason.STOP)
ANSWERS = (
    "Yes, we are open today until six in the evening. Come by, and a mechanic has a look at it with you.",
    "A basic tune up that a mechanic does while you have a coffee next door costs sixty five dollars. Anything else?",
    'He said "wait here." Then nothing came; it was late: very late. Is that (really!) so?\nI think it is, yes.',
    "Read [the page, please](https://x.org/a) today and `come, as you are` then, whenever that may suit you best",
    "No. That is 1,000 dollars at 9.30 a.m. on the day that you come in with it, or so.",
    "您好。您的订单已经发货了，预计三天内送达！请问还有什么可以帮您？好的:马上。",
    "お電話ありがとうございます。ご注文は発送済みです、到着は木曜日の予定です。",
    "안녕하세요. 주문하신 상품은 목요일에 도착합니다. 다른 도움이 필요하신가요?",
    "여기 주문하신 상품 두 개가 모두 오늘 오전에 물류 센터를 떠났고 내일 오후에 도착할 예정입니다",
    "สวัสดีค่ะคุณลูกค้า คำสั่งซื้อของคุณจัดส่งแล้ว และจะถึงวันพฤหัสบดี มีอะไรให้ช่วยอีกไหมคะ",
    "नमस्ते। आपका ऑर्डर भेज दिया गया है। क्या और कुछ चाहिए?",
    "السلام علیکم۔ آپ کا آرڈر بھیج دیا گیا ہے، اور کل پہنچے گا۔ کچھ اور؟",
    "ትዕዛዝዎ ተልኳል። ሐሙስ ይደርሳል፣ ዋጋው 250 ብር ነው። ሌላ ጥያቄ አለዎት፧",
    "မင်္ဂလာပါ။ သင့်အော်ဒါကို ပို့ပြီးပါပြီ၊ မကြာမီ ရောက်ပါမည်။",
    "- Returns are free【4:0†source】.\n- **Refunds** take 5 days.\n\n1. Pack it.\n2. Bring it.\n",
)


def tokens(text: str) -> list[str]:
    """As models make them: a space comes with the word after it, marks come alone."""
    return re.findall(r" ?[^\W\u3040-\u9fff]+|[^\w]|\w", text)


class Model:
    """Says a word when it is told to."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[LlmEvent | None] = asyncio.Queue()

    def says(self, *events: LlmEvent | str | None) -> None:
        for event in events:
            self._said.put_nowait(TextDelta(event) if isinstance(event, str) else event)

    async def events(self) -> AsyncGenerator[LlmEvent, None]:
        while (event := await self._said.get()) is not None:
            yield event


async def test_words_that_are_ready_together_are_one_message() -> None:
    model = Model()
    model.says("one ", "two ", "three", DONE, None)
    assert [e async for e in coalesced(model.events())] == [TextDelta("one two three"), DONE]


async def test_words_come_together_but_what_may_end_a_phrase_comes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalescing, "HOLD_S", 60)  # only what is not held comes in the time of a test
    model = Model()
    async with asyncio.timeout(PATIENCE_S):
        heard = coalesced(model.events())
        model.says("Well")
        assert await anext(heard) == TextDelta("Well"), "the model has begun"
        for word in (",", " hello"):
            model.says(word)
            assert await anext(heard) == TextDelta(word), "the voice may wait for it"
        waiting = asyncio.ensure_future(anext(heard))
        for word in (" to", " you"):
            model.says(word)
            await asyncio.sleep(0.005)
            assert not waiting.done()
        model.says(",")
        assert await waiting == TextDelta(" to you,")
        model.says(" and")
        assert await anext(heard) == TextDelta(" and"), "shows that the phrase has ended"
        waiting = asyncio.ensure_future(anext(heard))
        for word in (" welcome", " back"):
            model.says(word)
            await asyncio.sleep(0.005)
            assert not waiting.done()
        model.says(".")
        assert await waiting == TextDelta(" welcome back.")
        model.says(" Now")
        assert await anext(heard) == TextDelta(" Now")
        waiting = asyncio.ensure_future(anext(heard))
        model.says(" wait")
        call = ToolCall("c", "look", "{}")
        await asyncio.sleep(0.005)
        model.says(call, DONE, None)
        assert await waiting == TextDelta(" wait")
        assert [e async for e in heard] == [call, DONE]


async def test_held_words_go_out_when_their_time_is_up() -> None:
    model = Model()
    heard = coalesced(model.events())
    async with asyncio.timeout(PATIENCE_S):
        model.says("I have found your order. ")
        await anext(heard)
        model.says("It")
        await anext(heard)  # right after a mark
        begin = asyncio.get_running_loop().time()
        model.says(" comes")
        assert await anext(heard) == TextDelta(" comes")
        assert asyncio.get_running_loop().time() - begin >= coalescing.HOLD_S * 0.9
        await heard.aclose()


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_phrase_reaches_the_voice_later(answer: str) -> None:
    """With words held as long as can be, each phrase that ends at a mark, and the first, is cut at the same token."""
    plain, paced, pace = Phraser(), Phraser(), Pace()
    held = ""
    for token in tokens(answer):
        cut = plain.push(token)
        held += token
        if pace.urgent(token):
            assert paced.push(held) == cut
            held = ""
        else:
            assert not cut


@pytest.mark.parametrize("mark", list("。！？؟۔।།።។၊，、；：،፣.!?…,;:–—\n"))
def test_a_mark_of_any_script_is_not_held(mark: str) -> None:
    pace = Pace()
    pace.urgent("Well, then ")
    pace.urgent("this goes on until it is long enough")
    pace.urgent("and the voice speaks")
    assert not pace.urgent(" word")
    assert pace.urgent(f" word{mark}")
    assert pace.urgent(" next"), "shows that a phrase has ended"
    assert not pace.urgent(" word")


async def test_a_hundred_words_a_second_make_fewer_messages() -> None:
    words = tokens(" ".join(ANSWERS[:2]) * 2)

    async def talking() -> AsyncGenerator[LlmEvent, None]:
        for word in words:
            await asyncio.sleep(0.01)
            yield TextDelta(word)
        yield DONE

    made = [e async for e in coalesced(talking())]
    assert "".join(e.text for e in made if isinstance(e, TextDelta)) == "".join(words)
    assert len(made) < 0.5 * len(words)
