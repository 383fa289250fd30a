"""What the model stand-in answers: a function of the conversation, or rules as data."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Messages = Sequence[Mapping[str, Any]]
Tools = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `arguments` is a dict, or a string sent as it is (so that it may be broken JSON)."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)

    @property
    def wire(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: words, tool calls, or words and then tool calls. `wait_ms`: longer before the first token.

    `tokens_per_s`: instead of the stand-in's own; 0: that. `refusal`: what it says in place of an answer. `finish`: as
    `length` or `content_filter`; else what fits.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    wait_ms: float = 0
    tokens_per_s: float = 0
    refusal: str = ""
    finish: str = ""


Script = Callable[[Messages, Tools], Reply]
Thinks = Callable[[Messages, Tools], Awaitable[Reply]]
"""A script that takes its time."""


@dataclass(frozen=True, slots=True)
class Rule:
    """If the last message is the user's and matches `heard`, or a tool's and matches `told`: answer this.

    Patterns are regular expressions, case ignored. `say` and string arguments may use the pattern's groups as {1}, {2}
    and the last message's text as {0}. Without a match in any rule the answer quotes the last message.
    """

    heard: str = ""
    told: str = ""
    say: str = ""
    call: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


_REFERENCE = re.compile(r"<reference>.*</reference>\s*", re.DOTALL)
_CONNECTED = "(The call is connected.)"


def text_of(message: Mapping[str, Any]) -> str:
    """A message's text, whether content is a string, a list of parts or null; of a user's what it says, without the
    knowledge that the platform puts before it."""
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    text = content or ""
    return _REFERENCE.sub("", text, count=1) if message.get("role") == "user" else text


def users_of(messages: Messages) -> list[str]:
    """All that the user said, in order: without the line before a greeting, which nobody spoke."""
    said = [text_of(message) for message in messages if message.get("role") == "user"]
    return said[1:] if said[:1] == [_CONNECTED] else said


def lines_of(messages: Messages) -> list[str]:
    """All that the bot said, in order: lines in a row stand in one message."""
    said = (text_of(message) for message in messages if message.get("role") == "assistant")
    return [line for text in said for line in text.split("\n") if line.strip("\u2014 ")]


def last_heard(messages: Messages) -> str:
    """The last thing the user said."""
    said = users_of(messages)
    return said[-1] if said else ""


def by_rules(rules: Sequence[Rule]) -> Script:
    """A script from rules; the first that matches answers. A call to a tool that was not offered is left out."""

    def script(messages: Messages, tools: Tools) -> Reply:
        offered = {tool.get("function", {}).get("name") for tool in tools}
        last = messages[-1] if messages else {}
        text = text_of(last)
        for rule in rules:
            pattern = rule.told if last.get("role") == "tool" else rule.heard
            match = re.search(pattern, text, re.IGNORECASE) if pattern else None
            if match is None or (rule.call and rule.call not in offered):
                continue
            calls = (Call(rule.call, {k: _fill(v, text, match) for k, v in rule.arguments.items()}),)
            return Reply(_fill(rule.say, text, match), calls if rule.call else ())
        return polite(messages, tools)

    return script


def _fill(value: Any, text: str, match: "re.Match[str]") -> Any:
    if not isinstance(value, str):
        return value
    parts = [text, *(group or "" for group in match.groups())]
    return re.sub(r"\{(\d)\}", lambda hole: parts[int(hole[1])] if int(hole[1]) < len(parts) else hole[0], value)


def polite(messages: Messages, _tools: Tools) -> Reply:
    """The answer without a script: quotes what was said, or what the tool told."""
    if messages and messages[-1].get("role") == "tool":
        return Reply(f"Here is what I found. {text_of(messages[-1])}")
    heard = last_heard(messages)
    if not heard:
        return Reply("Hello, how can I help you today?")
    return Reply(f"You said: {heard.strip().rstrip('.?!')}. I am happy to help you with that today.")


def rules_from(data: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Rules from JSON. Raises ValueError that names the entry."""
    rules = []
    for place, entry in enumerate(data):
        try:
            rule = Rule(**entry)
            for pattern in (rule.heard, rule.told):
                re.compile(pattern)
        except (TypeError, re.error) as error:
            raise ValueError(f"rules[{place}]: {error}; fields are heard, told, say, call, arguments") from error
        rules.append(rule)
    return rules
