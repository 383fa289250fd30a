"""What an agent's file may say about interruptions, and what it is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.agents import _FILES, MAX_SENTENCES_BYTES, Agent, load_agent
from parley.backchannels import backchannels_of
from parley.errors import Misconfigured
from services.orchestrator.wire import policy_of, session_of

HEAD = "company: A\nprompt: You are A.\n"


def agent(folder: Path, text: str) -> Agent:
    (folder / "a").mkdir(exist_ok=True)
    (folder / "a" / "agent.yaml").write_text(HEAD + text)
    _FILES.clear()
    return load_agent(folder, "a")


def test_a_legal_notice_is_marked_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "agent.yaml").write_text(
        HEAD
        + """
greeting: {text: This call is recorded., interruptible: false}
sentences:
  too_long: {text: One moment please., interruptible: true}
  trouble: Pardon?
silence:
  goodbye: {text: Goodbye., interruptible: false}
"""
    )
    policy = policy_of(load_agent(tmp_path, "a"))
    assert (policy.greeting, policy.too_long, policy.goodbye, policy.trouble) == (
        "This call is recorded.",
        "One moment please.",
        "Goodbye.",
        "Pardon?",
    )
    assert policy.must_hear == ("goodbye", "greeting", "time_is_up", "unavailable")


def test_backchannels_are_those_of_the_language_or_the_agents_own(tmp_path: Path) -> None:
    greeting = "greeting: Hallo.\nlanguage: de-AT\n"
    for text, expected in (
        (greeting, backchannels_of("de")),
        (greeting + "interruption: {backchannels: [servus]}\n", ("servus",)),
        (greeting + "interruption: {backchannels: []}\n", ()),
    ):
        agent(tmp_path, text)
        assert policy_of(load_agent(tmp_path, "a")).backchannels == expected
    assert "genau" in backchannels_of("de-AT")
    assert "uh-huh" in backchannels_of("xx")


def test_an_agent_by_button_asks_the_ears_for_it(tmp_path: Path) -> None:
    agent(tmp_path, "greeting: Hello.\ninterruption: {push_to_talk: true}\n")
    loaded = load_agent(tmp_path, "a")
    assert policy_of(loaded).push_to_talk
    assert session_of(loaded, "en").endpointing.expect == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("greeting: Hello.\ninterruption: {min_speech_ms: 9000}", r"interruption.min_speech_ms: .*5000, not 9000"),
        ("greeting: Hello.\ninterruption: {wordless_ms: 10}", r"interruption.wordless_ms: .*300, not 10"),
        ("greeting: Hello.\ninterruption: {keys: perhaps}", r"interruption.keys: .*boolean.*"),
        ("greeting: Hello.\ninterruption: {minwords: 2}", r"interruption.minwords: Extra inputs are not permitted"),
        ("greeting: {text: Hello., interruptible: 1}", r"greeting.interruptible: 1 is neither true nor false"),
        ("greeting: {interruptible: false}", r"greeting.text: missing; write the words to be said"),
        ("greeting: {text: Hello., loud: true}", r"greeting: unknown loud; a sentence has `text` and `interruptible`"),
        ("greeting: Hello.\nmust_hear: [greeting]", r"must_hear: not a field; write \{text"),
        ("greeting: Hello.\nsentences: {trouble: {text: }}", r"sentences.trouble.text: missing"),
    ],
)
def test_a_wrong_value_is_told_with_its_field_and_the_remedy(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=r"agent.yaml: " + told):
        agent(tmp_path, text + "\n")


@pytest.mark.parametrize("char", "a字😀")
def test_an_agents_own_sentences_fit_into_every_calls_state(tmp_path: Path, char: str) -> None:
    loaded = agent(tmp_path, "greeting: a\n")
    known = sum(len(text.encode()) for text in (*loaded.silence.prompts, loaded.silence.goodbye))
    known += sum(len(text.encode()) for text in loaded.sentences.model_dump().values())
    room = MAX_SENTENCES_BYTES - known
    greeting = char * (room // len(char.encode())) + "x" * (room % len(char.encode()))
    for text in (greeting[1:], greeting):
        assert agent(tmp_path, f"greeting: {text}\n").greeting == text
    with pytest.raises(Misconfigured, match="are 6,001 bytes of UTF-8 together; at most 6,000"):
        agent(tmp_path, f"greeting: {greeting}x\n")
