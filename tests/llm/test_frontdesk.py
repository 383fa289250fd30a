"""The front desk of Bellweather Bikes on the engine without a vendor: whole calls, and how well it understands.

The sentences in data/own_*.yaml and the engine have one author; the floors below say what is kept, not what is good.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from parley.agents.files import load_agent
from parley.embedding import Embedder
from services.llm.contract import Passage
from services.llm.local.languages.language import ENGLISH
from services.llm.local.understanding import doubt
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.understanding import Understanding
from services.llm.local.understanding.vocabulary import knowledge_of
from services.llm.providers.local import Local
from services.rag.passages import split
from testbed.frontdesk import AGENTS, ORDERS, SPECS, TOOLS
from testbed.talk import Talk

DATA = Path(__file__).parent / "data"
MOVES = {"who": "who_are_you", "robot": "who_are_you", "help": "what_can_you_do", "thanks": "thanks"}


@pytest.fixture
def talk(engine: Local) -> Talk:
    return Talk(lambda: engine, "frontdesk", TOOLS, SPECS)


async def test_a_call_about_two_orders_the_hours_and_goodbye(talk: Talk) -> None:
    assert "order number" in await talk.say("Hi, where's my order?")
    assert await talk.say("one two three four") == ORDERS["1234"]
    assert await talk.say("and order one two three five?") == ORDERS["1235"]
    assert await talk.say("when are you open on Saturday?") == "Open saturday."
    assert await talk.say("and Sunday?") == "Open sunday."
    assert "Goodbye" in await talk.say("that's all, thank you")
    assert [name for name, _ in talk.did][-1] == "end_call"


async def test_yes_to_the_offer_of_a_colleague(talk: Talk) -> None:
    offer = await talk.say("my washing machine is leaking")
    assert "connect you to a colleague" in offer
    assert await talk.say("yes please") == "I am connecting you."


async def test_an_answer_from_the_shop_s_knowledge(talk: Talk) -> None:
    text = (AGENTS / "frontdesk" / "knowledge" / "prices.md").read_text("utf-8")
    talk.passages = tuple(Passage(part, "prices.md", 0.5) for part in text.split("\n## "))
    assert "forty five dollars" in await talk.say("what would a new chain be?")
    assert await talk.say("say that again") == talk.messages[1].text


async def test_a_person_at_once(talk: Talk) -> None:
    assert await talk.say("I want to talk to a real person") == "I am connecting you."
    assert talk.did == [("transfer_to_human", {})]


async def test_what_is_not_known_is_said_to_be(talk: Talk) -> None:
    fallback = load_agent(AGENTS, "frontdesk").domain.fallback
    assert await talk.say("do you have a warranty") == ENGLISH.does_not_know(fallback)


@pytest.fixture(scope="module")
def understanding(data_dir: Path) -> Understanding:
    knowledge = knowledge_of(AGENTS / "frontdesk" / "knowledge")
    made, embedder = Understanding(Domain(load_agent(AGENTS, "frontdesk"), knowledge)), Embedder.load(data_dir)
    asyncio.run(made.learn(embedder))
    return made


async def test_paraphrases_are_understood(understanding: Understanding) -> None:
    rows: list[list[Any]] = yaml.safe_load((DATA / "own_paraphrases.yaml").read_text("utf-8"))
    assert len(rows) >= 60
    missed, slots_missed = [], []
    for text, intent, *rest in rows:
        meaning = await understanding.of(text)
        question = intent == "knowledge" and understanding.domain.is_question(meaning.intent)
        if not question and meaning.intent != intent:
            missed.append((text, meaning.intent))
        elif meaning.slots != (rest[0] if rest else {}):
            slots_missed.append((text, meaning.slots))
    assert len(missed) <= 0.1 * len(rows), missed
    assert len(slots_missed) <= 0.03 * len(rows), slots_missed


async def test_what_is_off_the_topic_is_left_alone(understanding: Understanding) -> None:
    texts: list[str] = yaml.safe_load((DATA / "own_out_of_domain.yaml").read_text("utf-8"))
    assert len(texts) >= 30
    taken = [(text, m.intent) for text in texts if (m := await understanding.of(text)).intent or m.move]
    assert len(taken) <= 0.06 * len(texts), taken


async def test_no_other_trade_number_or_talk_is_acted_on(engine: Local, data_dir: Path) -> None:
    kinds: dict[str, list[str]] = yaml.safe_load((DATA / "own_foreign.yaml").read_text("utf-8"))
    texts = [text for of_a_kind in kinds.values() for text in of_a_kind]
    assert len(texts) >= 250
    shelf, domain = Shelf(data_dir), Domain(load_agent(AGENTS, "frontdesk"))
    taken, asked_back = [], []
    for text in texts:
        talk = Talk(lambda: engine, "frontdesk", TOOLS, SPECS, shelf.passages(text))
        said = await talk.say(text)
        if not talk.did and doubt.is_question(said, domain):
            asked_back.append(text)
        elif talk.did or not ENGLISH.declines(said, load_agent(AGENTS, "frontdesk").domain.fallback):
            taken.append((text, said, talk.did))
    assert len(taken) <= 0.02 * len(texts), taken
    assert len(asked_back) <= 0.04 * len(texts), asked_back


async def test_requests_as_a_recogniser_writes_them_are_understood(understanding: Understanding) -> None:
    rows: list[list[Any]] = yaml.safe_load((DATA / "own_requests.yaml").read_text("utf-8"))
    assert len(rows) >= 100
    missed, asked_back = [], []
    for text, intent, *rest in rows:
        meaning = await understanding.of(text)
        question = intent == "knowledge" and understanding.domain.is_question(meaning.intent)
        right = question or intent in (meaning.intent, MOVES.get(meaning.move))
        if meaning.maybe == intent:
            asked_back.append(text)
        elif not right or meaning.slots != (rest[0] if rest else meaning.slots):
            missed.append((text, meaning))
    assert len(missed) <= 0.03 * len(rows), missed
    assert len(asked_back) <= 0.03 * len(rows), asked_back


class Shelf:
    """The shop's knowledge, as it is found with a question."""

    def __init__(self, data_dir: Path) -> None:
        self._embedder = Embedder.load(data_dir)
        files = sorted((AGENTS / "frontdesk" / "knowledge").glob("*.md"))
        self._parts = [(p, f.name) for f in files for p in split(f.read_text("utf-8"), self._embedder.tokens).passages]
        self._vectors = self._embedder.embed([f"{p.heading}\n{p.text}" for p, _ in self._parts])

    def passages(self, question: str) -> tuple[Passage, ...]:
        near = self._vectors @ self._embedder.embed([question])[0]
        found = [(*self._parts[i], float(near[i])) for i in near.argsort()[::-1][:3]]
        return tuple(Passage(part.text, f"{name} > {part.heading}", score) for part, name, score in found)


async def test_questions_are_answered_from_knowledge_or_not_at_all(engine: Local, data_dir: Path) -> None:
    shelf, wrong = Shelf(data_dir), []
    rows: list[list[str]] = yaml.safe_load((DATA / "own_knowledge.yaml").read_text("utf-8"))
    for question, words in rows:
        answer = await Talk(lambda: engine, "frontdesk", TOOLS, SPECS, shelf.passages(question)).say(question)
        right = words.lower() in answer.lower() if words else "connect you to a colleague" in answer
        if not right:
            wrong.append((question, answer))
    assert len(wrong) <= 0.1 * len(rows), wrong
