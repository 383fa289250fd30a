"""What an agent's file may say about interruptions, and what it is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from parley.agents.agent import MAX_SENTENCES_BYTES, Agent
from parley.agents.files import _FILES, agent_now, load_agent
from parley.errors import Misconfigured
from parley.text.backchannels import backchannels_of
from parley.text.placeholders import filled, names_in
from services.orchestrator.wire.messages import policy_of, session_of

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
    assert not policy_of(loaded, "phone").push_to_talk, "a telephone has no button"
    assert session_of(loaded, "en", channel="phone").endpointing.expect == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("greeting: Hello.\ninterruption: {min_speech_ms: 9000}", r"interruption.min_speech_ms: .*5000, not 9000"),
        ("greeting: Hello.\ninterruption: {wordless_ms: 10}", r"interruption.wordless_ms: .*300, not 10"),
        ("greeting: Hello.\ninterruption: {keys: perhaps}", r"interruption.keys: .*boolean.*"),
        ("greeting: Hello.\ninterruption: {minwords: 2}", r"interruption.minwords: .*did you mean min_words"),
        ("greeting: {text: Hello., interruptible: 1}", r"greeting.interruptible: 1 is neither true nor false"),
        ("greeting: {interruptible: false}", r"greeting.text: missing; write the words to be said"),
        ("greeting: {text: Hello., loud: true}", r"greeting: unknown loud; a sentence has `text` and `interruptible`"),
        ("greeting: Hello.\nmust_hear: [greeting]", r"must_hear: not a field; write \{text"),
        ("greeting: Hello.\nsentences: {trouble: {text: }}", r"sentences.trouble.text: missing"),
        (
            "greeting: 'Hello {name}.'",
            r"greeting: nothing is known for \{name\}; give it a default, `variables: \{name: ...\}`",
        ),
        ("voice: {local: en}", r"greeting: missing; write one, or speaks_first: caller"),
        ("speaks_first: caller\nopening: {say: 'Hello {name}?'}", r"opening.say: nothing is known for \{name\}"),
        ("greeting: Hello.\nvariables: {the name: x}", r"variables: 'the name': a name is a letter, then up to 39"),
        ("greeting: Hello.\nvariables: {transfer: x}", r"variables: transfer: is known of every call"),
        (f"greeting: Hello.\nvariables: {{name: {'x' * 101}}}", r"variables: name: its default has 101 characters"),
        (
            "greeting: Hello.\ndomain:\n  intents:\n    a:\n      phrases:\n        - 'how much [is'",
            r"domain.intents.a.phrases.0: phrase 'how much \[is': column 10: '\[' is never closed \(line 8\)$",
        ),
        (
            "greeting: Hello.\ndomain:\n  slots: {flower: {ask: Which?}}\n  intents:\n    a:\n      phrases: [x]\n"
            "      needs: [flowr]",
            r"domain.intents.a.needs: there is no slot flowr, did you mean flower\? \(line 9\)",
        ),
        (
            "greeting: Hello.\ndomain:\n  slots:\n    n: {kind: digits}\n  intents:\n    a: {phrases: [x], needs: [n]}",
            r"domain.slots.n.ask: is empty, and intent a needs it; write the question \(line 6\)",
        ),
        (
            "greeting: Hello.\ndomain:\n  slots:\n    n:\n      values: [a]\n      also: {b: [c]}",
            r"domain.slots.n: also: 'b' is none of values; known are a \(line 8\)",
        ),
        ("greeting: Hello.\nspeaks_first: me", r"speaks_first: Input should be .*'bot' or 'caller', not 'me'"),
        ("speaks_first: bot", r"greeting: empty, and speaks_first is bot"),
        ("greeting: Hello.\nopening: {wait_s: 3}", r"opening: is for an agent with speaks_first: caller"),
        ("speaks_first: caller\nopening: {wait_s: 0}", r"opening.wait_s: .*0.5, not 0"),
        ("greeting: ''\nsilence: {prompts: []}", r"opening.say: empty, as are greeting and silence.prompts"),
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


@pytest.mark.parametrize(
    ("text", "caller_first_ms", "words"),
    [
        ("greeting: Hello.", 0, "Hello."),
        ("greeting: Hello.\nspeaks_first: bot", 0, "Hello."),
        ("greeting: Hello.\nspeaks_first: caller", 5000, "Hello."),
        ("greeting: ''", 5000, "Are you still there?"),
        ("speaks_first: caller\nopening: {wait_s: 2.5, say: 'Is somebody there?'}", 2500, "Is somebody there?"),
        ("greeting: Hello.\nspeaks_first: caller\nopening: {say: 'Yes?'}", 5000, "Yes?"),
    ],
)
def test_who_speaks_first_and_what_is_said_when_the_caller_does_not(
    tmp_path: Path, text: str, caller_first_ms: int, words: str
) -> None:
    policy = policy_of(agent(tmp_path, text + "\n"))
    assert (policy.caller_first_ms, policy.greeting) == (caller_first_ms, words)


def test_places_are_for_variables_and_what_every_call_has(tmp_path: Path) -> None:
    text = "Hello {name}, {{braces}} {not one} {} {'json': 1} {direction} {purpose}"
    loaded = agent(tmp_path, f'greeting: "{text}"\nvariables: {{name: there}}\n')
    assert names_in(loaded.greeting) == ("name", "direction", "purpose")
    assert filled(loaded.greeting, str.upper) == "Hello NAME, {braces} {not one} {} {'json': 1} DIRECTION PURPOSE"


def test_the_version_is_of_the_two_files_that_a_call_is_decided_with(tmp_path: Path) -> None:
    first = agent(tmp_path, "greeting: Hello.\n").version
    (tmp_path / "a" / "knowledge").mkdir()
    (tmp_path / "a" / "knowledge" / "a.md").write_text("A page.")
    (tmp_path / "a" / "wrapper.json").write_text("{}")
    assert agent_now(tmp_path, "a").version == first
    (tmp_path / "a" / "tools.py").write_text("x = 1\n")
    with_file = agent_now(tmp_path, "a").version
    assert with_file.split(".")[0] == first.split(".")[0]
    assert with_file.split(".")[1] != first.split(".")[1]


def test_an_agent_is_what_was_read_until_somebody_looks_again(tmp_path: Path) -> None:
    before = agent(tmp_path, "greeting: Hello.\n")
    path = tmp_path / "a" / "agent.yaml"
    path.write_text(HEAD + "greeting: Good morning.\n")
    assert load_agent(tmp_path, "a") is before
    assert agent_now(tmp_path, "a").greeting == "Good morning."
    assert load_agent(tmp_path, "a").greeting == "Good morning."
    path.write_bytes(b"\xff\xfe")
    with capture_logs() as logs:
        assert agent_now(tmp_path, "a").greeting == "Good morning."
        path.unlink()
        assert agent_now(tmp_path, "a").greeting == "Good morning."
    assert [log["error"].split(": ")[1] for log in logs] == ["cannot be read", "cannot be read"]


@pytest.mark.parametrize(("said", "expected_ms"), [("", 80), ("knowledge: {wait_ms: 400}\n", 400)])
def test_how_long_knowledge_is_waited_for_is_the_agents_choice(tmp_path: Path, said: str, expected_ms: int) -> None:
    agent(tmp_path, f"greeting: Hello.\n{said}")
    assert policy_of(load_agent(tmp_path, "a")).retrieve_wait_ms == expected_ms


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("greeting: Hello: you", "a colon and a space in it stands in quotes, a field in its column (line 2)"),
        ("greeting: 'Hello' you", "begin in the same column, and what follows a quoted text is a new line (line 2)"),
        ('greeting: "Hello', "a quote or a bracket that was opened is not closed (line"),
        ("keyterms: [a, b", "is not closed, or a comma is missing (line"),
        ("\tgreeting: x", "write spaces and no tabs in front of a field"),
        ("greeting: hello\nno colon here", "every line is a field and a colon, or belongs to the text before it"),
        ("greeting: *hello", "a text that begins with * stands in quotes (line 2)"),
        ('greeting: "a\\d"', "in double quotes a backslash is written twice"),
        ("transfer_to: 555-0100", "transfer_to: must be a telephone number with + and country code, as +1555"),
        ("silence: {prompts: Hello}", "silence.prompts: Input should be a list, as [a, b], not 'Hello' (line 2)"),
        ("silence: 4", "silence: Input should be fields with values, as {name: value}, not 4 (line 2)"),
    ],
)
def test_what_is_wrong_is_told_in_words_for_people_with_the_line(tmp_path: Path, yaml: str, words: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "agent.yaml").write_text(f"company: A\n{yaml}\nprompt: You are A.\n")
    with pytest.raises(Misconfigured) as raised:
        load_agent(tmp_path, "a")
    assert words in str(raised.value)
    assert "unicode string" not in str(raised.value)
    assert "pattern" not in str(raised.value)
