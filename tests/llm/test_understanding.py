"""What a caller's turn means: how they feel, what they want. Beside calls, never in their way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from bench.quality import understanding as measured
from parley.embedding import Embedder, Vectors
from parley.errors import AtCapacity, BadInput, NotBuilt, NotFound
from parley.rpc import Admission, Peers, Server, call
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.llm.chat import Chain
from services.llm.contract import Emotion, Message, Role, Turn
from services.llm.servicer import LanguageModel
from services.llm.understanding.aside import REFUSED, Aside
from services.llm.understanding.emotion.wording import EMOTIONS, languages, wording
from services.llm.understanding.softmax import trained
from services.llm.understanding.turns import Turns
from testbed.frontdesk import AGENTS
from testbed.patience import PATIENCE_S
from testbed.rounds import settings

APART_RIGHT = 0.80
CROSSED_RIGHT = 0.72
BLIND_RIGHT = 0.68
FALSE_ALARMS = 0.20
WISHES_RIGHT = {"frontdesk": 0.88, "bank": 0.75, "support": 0.65}
"""Floors, well below what docs/quality.md has."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def turns(data_dir: Path) -> AsyncIterator[Turns]:
    async with measured.turns(data_dir) as made:
        yield made


MODULE = pytest.mark.asyncio(loop_scope="module")


@MODULE
@pytest.mark.parametrize(
    ("text", "feeling"),
    [
        ("where is my order", "neutral"),
        ("yes", "neutral"),
        ("this is the third time I am calling about this", "frustrated"),
        ("You are thieves, I want my money back!", "angry"),
        ("my mother passed away last week", "sad"),
        ("oh that is wonderful thank you so much", "happy"),
        ("sorry, what do you mean by that?", "confused"),
        ("...", "neutral"),
        ("\u200b\ufeff", "neutral"),
    ],
)
async def test_how_a_caller_feels(turns: Turns, text: str, feeling: str) -> None:
    found = (await turns.of(Turn(text, "en-US"))).emotion
    assert found.name == feeling, found
    assert 0 < found.confidence <= 1
    assert found.by in ("phrases", "meaning")


@MODULE
async def test_who_says_the_same_once_more_was_not_understood(turns: Turns) -> None:
    said = Message(Role.USER, "I'd like the blue one, please.")
    assert (await turns.of(Turn("i would like the blue one please", context=()))).emotion.name == "neutral"
    assert (await turns.of(Turn("i would like the blue one please", context=(said,)))).emotion.name == "frustrated"
    heard = Message(Role.ASSISTANT, said.text)
    assert (await turns.of(Turn("i would like the blue one please", context=(heard,)))).emotion.name == "neutral"


@MODULE
async def test_what_a_caller_wants_is_of_the_agent_s_own_domain(turns: Turns) -> None:
    wish = (await turns.of(Turn("where is my order one two three four", "en", "frontdesk"))).wish
    assert (wish.intent, wish.confidence, wish.by) == ("order_status", 1.0, "phrases")
    assert wish.slots == {"order_number": "1234"}
    wish = (await turns.of(Turn("has the thing I bought from you left yet", "en", "frontdesk"))).wish
    assert (wish.intent, wish.by) == ("order_status", "meaning")
    assert 0.3 <= wish.confidence < 1
    wish = (await turns.of(Turn("how do I boil an egg", "en", "frontdesk"))).wish
    assert (wish.intent, wish.slots, wish.by) == ("", {}, "")
    with pytest.raises(NotFound):
        await turns.of(Turn("hello", "en", "nobody"))


@MODULE
async def test_another_language_has_its_phrases_and_no_feelings(turns: Turns) -> None:
    """A Spanish agent: no embeddings for it, and no file of feelings."""
    found = await turns.of(Turn("¿tienen wifi?", agent="madrid-cafe"))
    assert (found.wish.intent, found.wish.by) == ("wifi", "phrases")
    assert found.emotion == Emotion()
    assert languages() == ("en",)


@MODULE
async def test_a_caller_who_does_not_wait_does_not_undo_what_is_being_learned(data_dir: Path, tmp_path: Path) -> None:
    embedder = await asyncio.to_thread(Embedder.load, data_dir)
    begun, go = threading.Event(), threading.Event()

    class Slow:
        name = "slow"

        def embed(self, texts: list[str]) -> Vectors:
            begun.set()
            go.wait(PATIENCE_S)
            return embedder.embed(texts)

    async def embeds() -> Slow:
        return Slow()

    made = Turns(settings(PARLEY_AGENTS_DIR=AGENTS, PARLEY_DATA_DIR=tmp_path), embeds)
    first = asyncio.ensure_future(made.of(Turn("hello")))
    await asyncio.to_thread(begun.wait, PATIENCE_S)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go.set()
    assert (await made.of(Turn("you are thieves"))).emotion.name == "angry"
    await made.aclose()
    embedder.close()


async def test_work_beside_calls_is_bounded_and_on_a_thread_of_its_own() -> None:
    aside, go, before = Aside(2), threading.Event(), REFUSED._value.get()

    async def waits() -> str:
        await asyncio.to_thread(go.wait, PATIENCE_S)
        return threading.current_thread().name

    under_way = [asyncio.ensure_future(aside.run(waits)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(AtCapacity, match="2 turns wait to be understood here"):
        await aside.run(waits)
    assert REFUSED._value.get() == before + 1
    go.set()
    assert await asyncio.gather(*under_way) == ["understanding"] * 2
    assert await aside.run(waits) == "understanding", "there is room again"

    async def breaks() -> None:
        raise BadInput("text: no")

    with pytest.raises(BadInput, match="text: no"):
        await aside.run(breaks)
    hanging = asyncio.ensure_future(aside.run(asyncio.Event().wait))
    await asyncio.sleep(0)
    await aside.aclose()
    with pytest.raises(asyncio.CancelledError):
        await hanging


def test_a_softmax_tells_the_likeliest_and_is_the_same_each_time() -> None:
    rows = np.eye(4, dtype=np.float32)[[0, 0, 0, 1, 2, 2]]
    one, two = (trained(rows, ["a", "a", "a", "b", "c", "c"]) for _ in range(2))
    assert np.array_equal(one.weights, two.weights)
    for row, label in ((0, "a"), (1, "b"), (2, "c")):
        shares = one.of(np.eye(4, dtype=np.float32)[row])
        assert one.labels[int(shares.argmax())] == label
        assert shares.sum() == pytest.approx(1, abs=1e-5)
    pushed = one.of(np.eye(4, dtype=np.float32)[0], np.array([0, 9, 0], np.float32))
    assert one.labels[int(pushed.argmax())] == "b"


def test_every_feeling_has_phrases_and_enough_examples() -> None:
    known = wording("en")
    for emotion in EMOTIONS:
        assert known.phrases[emotion]
        assert sum(of == emotion for _, of in known.examples) >= 60
    assert len({text for text, _ in known.examples}) == len(known.examples)


@MODULE
async def test_the_service_tells_it_and_says_what_is_asked_wrongly(turns: Turns) -> None:
    admission = Admission(1)
    server = Server("llm", "127.0.0.1:0", admission)
    service = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
    servicer = LanguageModel(Chain({}), admission, turns=turns)
    server.add(service, llm_pb2_grpc.add_LanguageModelServicer_to_server, servicer)
    await server.start()
    async with Peers("llm", [f"127.0.0.1:{server.port}"]) as peers:
        assert await peers.ready(PATIENCE_S)

        async def understood(**fields: object) -> llm_pb2.UnderstandResponse:
            asked = llm_pb2.UnderstandRequest(**fields)  # type: ignore[arg-type]
            reply: llm_pb2.UnderstandResponse
            reply = await call(peers, llm_pb2_grpc.LanguageModelStub, "Understand", asked, timeout_s=PATIENCE_S)
            return reply

        with admission.admit():  # every line is taken: that is another matter
            reply = await understood(agent="frontdesk", text="for the third time, where is order 1234?", language="en")
        assert (reply.emotion, reply.emotion_by, reply.intent) == ("frustrated", "phrases", "order_status")
        assert dict(reply.slots) == {"order_number": "1234"}
        assert reply.emotion_confidence > 0.5
        line = llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text="hello")
        for fields, told in (
            ({"text": " "}, "text: has 1 characters"),
            ({"text": "x" * 4_001}, "text: has 4001 characters"),
            ({"text": "x", "context": [line] * 21}, "context: at most 20 messages"),
            ({"text": "x", "context": [llm_pb2.Message(text="y")]}, r"context\[0\].role"),
        ):
            with pytest.raises(BadInput, match=told):
                await understood(**fields)
    await server.drain(0)
    with pytest.raises(NotBuilt, match="no sentence embeddings"):
        await LanguageModel(Chain({}), Admission(1)).Understand(llm_pb2.UnderstandRequest(text="x"), None)


@MODULE
async def test_feelings_are_told_as_well_as_they_were(turns: Turns) -> None:
    apart = await measured.feelings(turns, measured.APART)
    assert apart.total >= 200
    assert apart.accuracy >= APART_RIGHT, apart.table("apart", EMOTIONS)
    assert apart.macro_f1 >= APART_RIGHT
    plain = await measured.everyday(turns)
    assert plain.share_told(measured.NEGATIVE) <= FALSE_ALARMS
    blind = await measured.feelings(turns, measured.BLIND, every=3)
    assert blind.macro_f1 >= BLIND_RIGHT, blind.table("blind, a third of it", EMOTIONS)


@MODULE
async def test_what_was_learned_holds_for_what_was_not(data_dir: Path) -> None:
    assert (await measured.crossed(folder=data_dir)).macro_f1 >= CROSSED_RIGHT


@MODULE
@pytest.mark.parametrize("agent", WISHES_RIGHT)
async def test_wishes_are_told_as_well_as_they_were(turns: Turns, agent: str) -> None:
    blind = measured.wishes_in(measured.BLIND_INTENTS, agent) if agent != "frontdesk" else []
    cases = blind[::2] or measured.held_out_wishes()
    found = await measured.wishes(turns, agent, cases)
    inside = [(pair, often) for pair, often in found.counts.items() if pair[0]]
    right = sum(often for (truth, told), often in inside if truth == told)
    assert right / sum(often for _, often in inside) >= WISHES_RIGHT[agent]
    assert found.of("")[1] >= 0.7, "most of what is not its business is left alone"
