"""What an agent's file may say about specialists and guardrails, and what it is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.agents.agent import Agent
from parley.agents.files import _FILES, load_agent
from parley.errors import Misconfigured
from services.orchestrator.mind.policy import Specialist
from services.orchestrator.wire.messages import policy_of

HEAD = "company: A\nprompt: You are A.\ngreeting: Hello.\n"


def agent(folder: Path, text: str) -> Agent:
    (folder / "a").mkdir(exist_ok=True)
    (folder / "a" / "agent.yaml").write_text(HEAD + text)
    _FILES.clear()
    return load_agent(folder, "a")


ONE = "specialists: {billing: {about: bills, prompt: Bills.%s}}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("specialists: {front: {about: x, prompt: y}}", r"specialists: 'front': .*`front` is the agent itself"),
        ("specialists: {Billing: {about: x, prompt: y}}", r"a name is small letters"),
        ("specialists: {billing: {prompt: y}}", r"specialists.billing.about: "),
        (ONE % ", phrases: ['[a']", r"specialists.billing.phrases: phrase '\[a': column 1: '\[' is never closed"),
        (ONE % ", phrases: ['my {bill}']", r"there are no slots here; leave it out"),
        (ONE % ", patterns: ['(']", r"pattern '\(': no regular expression"),
        (ONE % ", patterns: ['x*']", r"pattern 'x\*': it is found in any text"),
        ("tools: [end_call]\n" + ONE % ", tools: [pay]", r"specialists.billing.tools: pay is not among this agent's"),
        (ONE % "" + "variables: {specialist: x}", r"variables.specialist: says which specialist a call begins with"),
        ("escalate: {}", r"escalate: nobody to give a call to; write `transfer_to`, or `escalate.to`"),
        (ONE % "" + "escalate: {to: sales}", r"escalate.to: there is no specialist sales; known are billing"),
        ("escalation: {do: offer}", r"escalation: nobody to connect a caller to; write `escalation.to` or `transfer"),
        ("escalation: {do: maybe}", r"escalation.do: "),
        ("escalation: {to: '555'}", r"escalation.to: "),
        ("escalation: {ask: '?'}", r"escalation.ask: '\?' has no word in it"),
        (
            "language: es\nescalation: {do: offer, to: '+15550100', ask: Quiere hablar con alguien?}",
            r"escalation.say: missing; write it in the agent's language, es",
        ),
        ("guardrails: {refuse_topics: {legal: {say: No.}}}", r"legal: has neither phrases nor patterns nor examples"),
        ("guardrails: {refuse_topics: {legal: {phrases: [law]}}}", r"refuse_topics.legal.say: "),
        ("guardrails: {refuse_topics: {'A b': {phrases: [law], say: No.}}}", r"a topic's name is small letters"),
        ("guardrails: {unsourced: replace}", r"are for an agent with `numbers: from_sources`"),
        ("guardrails: {numbers: always}", r"guardrails.numbers: "),
        ("guardrails: {never_say: {patterns: ['[']}}", r"never_say.patterns: pattern '\['"),
        ("guardrails: {must_say: {before_greeting: {txt: x}}}", r"before_greeting: unknown txt"),
        ("guardrails: {must_say: {before_greeting: {interruptible: true}}}", r"before_greeting.text: missing"),
        ("guardrails: {must_say: {may_interrupt: [x]}}", r"may_interrupt: not a field"),
        ("guardrails: {must_say: {opening: x}}", r"must_say.opening: there is no such field"),
    ],
)
def test_what_is_wrong_is_told_with_field_and_remedy(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        agent(tmp_path, text)


def test_what_must_be_said_is_heard_to_its_end_unless_it_says_otherwise(tmp_path: Path) -> None:
    policy = policy_of(
        agent(
            tmp_path,
            """
guardrails:
  must_say:
    before_greeting: This call is recorded.
    before_transfer: {text: The next line is recorded., interruptible: true}
    before_hang_up: {text: Keep your number.}
""",
        )
    )
    assert (policy.before_greeting, policy.after_greeting) == ("This call is recorded.", "")
    assert policy.must_hear[-2:] == ("before_greeting", "before_hang_up")


def test_the_mind_knows_of_specialists_only_whose_tools_are_whose(tmp_path: Path) -> None:
    made = agent(tmp_path, ONE % ", tools: [pay], examples: [a long example of what callers say]")
    assert policy_of(made).specialists == (Specialist("billing", ("pay",)),)
