"""The agents of these tests: the front desk as it is, and small ones that can be told apart at the vendors."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.e2e import cards

TILL = Path(__file__).parents[1] / "payments" / "agents" / "till"
FRONTDESK = Path(__file__).parents[2] / "agents" / "frontdesk"

PLAIN: dict[str, Any] = {
    "company": "Plain",
    "greeting": "Hello, this is the desk.",
    "prompt": "You answer the telephone.",
    "tools": [],
    "endpointing": {"min_delay_ms": 200, "max_delay_ms": 800},
    "silence": {"prompt_after_s": 30},
    "knowledge": {"retrieve": "never"},
    "sentences": {
        "trouble": "Something went wrong, please say that again.",
        "unavailable": "I can not help you now, goodbye.",
        "too_long": "Let me stop you there for a moment.",
        "time_is_up": "Our time is over, goodbye.",
    },
}

OWN: dict[str, dict[str, Any]] = {
    "plain": {},
    "silent": {
        "greeting": "Hello.",
        "silence": {"prompt_after_s": 0.8, "prompts": ["Are you there?", "Hello again?"], "goodbye": "I hang up now."},
    },
    "slow": {"fillers": {"after_ms": 400, "thinking": ["One moment please.", "Let me see now."]}},
    "early": {"endpointing": {"min_delay_ms": 900, "max_delay_ms": 1200}},
    "patient": {"limits": {"turn_s": 2.5}},
    "hasty": {"limits": {"call_s": 3.0}},
    "line": {"tools": ["check_line"]},
    "upset": {
        "transfer_to": "+15550100",
        "escalation": {"do": "offer", "ask": "Shall I connect you?", "say": "Please wait for my colleague."},
    },
}
"""What differs from PLAIN."""


def write_agents(folder: Path, more: tuple[str, ...] = ()) -> Path:
    """The front desk, the agents of OWN, and plain ones named `more`.

    Each small agent's name is its voice and its model, and stands in its key terms: so a stand-in may be told to fail
    for its calls only.
    """
    shutil.copytree(FRONTDESK, folder / "frontdesk", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*OWN, *more):
        (folder / name).mkdir()
        agent = {**PLAIN, **OWN.get(name, {})}
        agent |= {"voice": {"elevenlabs": name}, "models": {"openai": name}, "keyterms": [name]}
        (folder / name / "agent.yaml").write_text(yaml.safe_dump(agent))
    cards.write(folder / "line")
    shutil.copytree(TILL, folder / "till", ignore=shutil.ignore_patterns("__pycache__"))
    return folder
