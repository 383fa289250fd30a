"""What the measure of understanding counts as right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.quality import recordings, sets, table
from bench.quality.__main__ import ALONE, PARTS, arguments
from bench.quality.callers import Caller, Said, levelled, roster
from bench.quality.ears import ENGINES, Pace
from bench.quality.judge import ANSWERED, ORDERS, TOOLS, TRANSFER, Outcome, Tally, judged, page_of, words_for
from bench.quality.lines import AFTER_S, BEFORE_S, LINES, carried
from bench.quality.measure import Examples, Miss, Spoken
from bench.quality.sets import Case
from bench.quality.speech import Words
from bench.quality.spelling import comparable, digits
from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.audio import TELEPHONE, mulaw_to_pcm
from services.llm.contract import Passage
from services.llm.local.languages.language import ENGLISH
from testbed.frontdesk import AGENTS


@pytest.fixture(scope="module")
def agent() -> Agent:
    return load_agent(AGENTS, "frontdesk")


def test_every_sentence_has_an_intent_that_can_be_judged(agent: Agent) -> None:
    said = [*sets.own_spoken(), *(one.case for one in sets.held_out_spoken()), *sets.page_examples()]
    cases = [*sets.own_typed(), *sets.held_out_typed(), *said]
    assert len(cases) > 300
    for case in cases:
        known = not case.intent or case.intent in TOOLS or case.intent in ANSWERED
        assert known or words_for(case.intent, agent), case


def test_an_order_without_a_number_is_asked_for_its_number(agent: Agent) -> None:
    case = Case("where is my order", "order_status")
    assert judged(case, Outcome("What is your order number? It has four digits."), agent).request
    made_up = judged(case, Outcome("Shipped.", ((ORDERS, {"order_number": "1234"}),)), agent)
    assert made_up.intent
    assert made_up.invented
    assert not made_up.request


def test_the_wrong_number_is_a_wrong_request(agent: Agent) -> None:
    case = Case("where is order 1234", "order_status", {"order_number": "1234"})
    verdict = judged(case, Outcome("", ((ORDERS, {"order_number": "1235"}),)), agent)
    assert (verdict.intent, verdict.values, verdict.request) == (True, False, False)


def test_to_offer_a_colleague_with_everything_else_is_not_to_connect(agent: Agent) -> None:
    case = Case("a person please", "human")
    assert not judged(case, Outcome(agent.domain.fallback), agent).intent
    assert judged(case, Outcome("One moment.", ((TRANSFER, {}),)), agent).intent


def test_an_answer_counts_by_its_page_and_its_words(agent: Agent) -> None:
    passages = [Passage("A new chain costs\nforty five dollars.", "prices.md > Repair prices")]
    page = page_of("A new chain costs forty five dollars.", passages)
    assert page == "prices.md"
    told = Outcome("A new chain costs forty five dollars.", page=page)
    assert judged(Case("how much is a chain", "prices"), told, agent).intent
    assert judged(Case("how much is a chain", "knowledge", words="Forty five"), told, agent).intent
    assert not judged(Case("how much is a tube", "knowledge", words="eighteen"), told, agent).intent
    assert not judged(Case("can you fix my chain", "repairs"), told, agent).intent
    assert page_of(agent.domain.fallback, passages) == ""


def test_open_sentences_are_many_and_nobodys_business() -> None:
    cases = sets.open_spoken()
    assert len({case.text for case in cases}) == len(cases) >= 100
    assert not any(case.intent for case in cases)


def test_out_of_domain_only_a_refusal_is_right(agent: Agent) -> None:
    tally = Tally()
    pizza = Case("a large pizza please")
    assert tally.add(pizza, Outcome(ENGLISH.does_not_know(agent.domain.fallback)), agent)
    assert tally.add(pizza, Outcome(), agent), "speech that was not understood asks for nothing"
    assert not tally.add(pizza, Outcome("What is your order number? It has four digits."), agent)
    assert not tally.add(pizza, Outcome(agent.domain.fallback, ((TRANSFER, {}),)), agent)
    assert (tally.outside, tally.accepted, tally.answered) == (4, 2, 2)


def test_a_courteous_refusal_leaves_a_sentence_alone_and_is_told_apart(agent: Agent) -> None:
    tally = Tally()
    kind = ENGLISH.says.no_jokes.format(company="Bellweather Bikes")
    assert tally.add(Case("tell me a joke"), Outcome(kind), agent)
    assert not tally.add(Case("tell me a joke"), Outcome(kind, ((TRANSFER, {}),)), agent)
    assert (tally.outside, tally.accepted, tally.answered) == (2, 1, 2)


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("it's order double four one two", "it is order 4412", 0),
        ("order twelve thirty four", "order 1234", 0),
        ("it is double five nine one", "It is double 591.", 0),
        ("it is double five nine one", "It is double for now.", 4),
        ("where is order nine eight six three", "where is order 9663", 1),
        ("Where is my order one two three four?", "Where is my order, 1-2-3-4.", 0),
        ("how much is it to hire two bikes", "How much is it to hire 2 bikes?", 0),
        ("The bill came to thirty eight pounds fifty.", "The bill came to £38.50.", 0),
        ("the price has risen by eleven percent", "The price has risen by 11%", 0),
        ("a hundred and twenty years", "120 years", 0),
        ("a hundred thousand times a day", "100,000 times a day.", 0),
        ("on the third of August nineteen eighty six", "On the 3rd of August 1986", 0),
        ("near the harbour", "near the harbor", 0),
        ("where is my order", "", 4),
    ],
)
def test_only_hearing_is_counted_not_spelling(said: str, heard: str, wrong: int) -> None:
    words = Words()
    words.add(said, heard)
    assert words.errors == wrong
    assert words.words == len(comparable(said).split())
    assert words.lost == (not heard)


@pytest.mark.parametrize(
    ("heard", "right"),
    [("order 4412 please", 1), ("order 441 please", 0), ("order 4412 for 2", 0), ("order four four one two", 1)],
)
def test_a_number_is_right_when_all_of_its_digits_and_no_other_came_out(heard: str, right: int) -> None:
    words = Words()
    words.add("order double four one two please", heard)
    words.add("thank you", heard)
    assert (words.numbers, words.digits_right) == (1, right)
    assert digits(comparable("order 44 12")) == "4412"


def test_every_line_carries_the_same_speech_between_silences() -> None:
    speech = levelled((np.sin(np.arange(8000) / 3) * 0.1).astype(np.float32), 16000)
    for line, form in LINES.items():
        sound = carried(speech, line)
        seconds = len(sound) / form.bytes_per_ms / 1000
        assert seconds == pytest.approx(len(speech) / 16000 + BEFORE_S + AFTER_S, abs=0.05), line
        assert sound == carried(speech, line), "the same each time"
    quiet, loud = (
        float(np.abs(mulaw_to_pcm(carried(speech, line)[: TELEPHONE.bytes_per_ms * 400]).astype(float)).mean())
        for line in ("telephone", "street")
    )
    assert loud > 10 * quiet


def test_a_voice_that_is_not_here_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    _, missing = roster(None)
    assert any("awb (flite): not measured: install flite" in line for line in missing)
    assert any("joe (Piper): not measured: install piper-tts" in line for line in missing)


def test_a_recording_that_is_not_here_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "ASTERISK", tmp_path / "none")
    monkeypatch.setattr(recordings, "LIBRIVOX", tmp_path / "none")
    found, missing = recordings.people()
    assert found == {}
    assert [line.split(": ")[1] for line in missing] == ["not measured"] * 4
    assert "asterisk-core-sounds-en-wav" in missing[0]
    assert "pocketsphinx-testdata" in missing[3]


async def test_what_a_caller_says_is_made_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def speak(text: str) -> tuple[NDArray[np.float32], int]:
        asked.append(text)
        return np.r_[np.zeros(100), np.ones(200), np.zeros(50)].astype(np.float32), 16000

    said = Said(tmp_path)
    first = await said.say(Caller("ann", "Irish", speak), "hello")
    assert len(first) == 200, "without the silence around it"
    assert (await Said(tmp_path).say(Caller("ann", "Irish", speak), "hello") == first).all()
    await said.say(Caller("bob", "Irish", speak), "hello")
    assert asked == ["hello", "hello"]


def test_the_tables_show_both_recognisers_side_by_side(agent: Agent) -> None:
    own, held_out = Tally(), Tally()
    own.add(Case("bye", "goodbye"), Outcome("Goodbye.", (("end_call", {}),)), agent)
    held_out.add(Case("the weather", ""), Outcome(agent.domain.fallback), agent)
    sides = {"own": own, "held out": held_out}
    assert "| intent right | 100 % (1/1) |  |" in table.typed_table(sides)
    assert "| goodbye | 1/1 |  |" in table.intents_table(sides)
    found = Spoken(accents={"ann": "Irish"}, typed={"own": own, "open": held_out})
    for engine, heard in zip(ENGINES, ("order 4412", "order 441"), strict=True):
        for name, case in (("own", Case("order 4412", "goodbye")), ("open", Case("order 4412"))):
            cell = found.cells[name, "page", engine]
            cell.words.add(case.text, heard)
            cell.did.add(case, Outcome(agent.domain.fallback), agent)
        found.by_caller["ann", "page", engine].add("order 4412", heard)
    row = "| own | page | 0.0 % | 20.0 % | 100 % (1/1) | 0 % (0/1) | 0 % (0/1) | 0 % (0/1) | 100 % (1/1) |"
    assert row in table.domain_table(found)
    assert "| open | page | 0 % (0/1) | 0 % (0/1) | 0 % (0/1) |" in table.outside_table(found)
    assert "| page | 0.0 % | 20.0 % | 100 % (1/1) | 0 % (0/1) |" in table.open_table(found, "open")
    assert "| ann | Irish | 5 | 0.0 % | 20.0 % |" in table.callers_table(found)


def test_every_question_that_was_not_answered_right_is_named() -> None:
    found = Examples()
    found.right["ann", "page", "whisper"] = [5, 6]
    assert "No miss." in table.examples_table(found)
    found.misses.append(Miss("ann", "page", "whisper", "Are you open?", "Are you hoping?", ""))
    told = table.examples_table(found)
    assert "| ann | 5/6 |" in told
    assert '- ann, page, whisper: "Are you open?" was heard as "Are you hoping?"; nothing came of it' in told


def test_latency_and_cost_are_of_the_calls_that_had_a_final() -> None:
    pace = Pace(final_ms=[300.0, 400.0, 900.0], calls=4, cpu_s=2.0, speech_s=8.0)
    assert "| whisper | 400 ms | 900 ms | 3 of 4 | 0.25 s |" in table.pace_table({"whisper": pace, "local": Pace()})


def test_a_part_is_written_into_its_own_place(tmp_path: Path) -> None:
    document = tmp_path / "quality.md"
    document.write_text("".join(f"<!-- measured: {p} -->\nold {p}\n<!-- measured: end of {p} -->\n" for p in PARTS))
    table.write("people", ["| new |", ""], document)
    text = document.read_text()
    assert "old people" not in text
    assert "| new |\n<!-- measured: end of people -->" in text
    assert "old typed" in text
    with pytest.raises(ValueError, match="no place for tea"):
        table.write("tea", [], document)
    for part in (*ALONE, *PARTS):
        assert f"<!-- measured: {part} -->" in table.DOCUMENT.read_text("utf-8"), "the real one has a place for each"


def test_part_of_the_sets_is_never_written_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert arguments(["--only", "pace", "--write"]).only == "pace"
    with pytest.raises(SystemExit):
        arguments(["--write", "--take", "3"])
    assert "leave out --take" in capsys.readouterr().err
