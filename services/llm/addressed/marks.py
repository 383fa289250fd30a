"""The markers that models write for their own machinery, and that servers leave in the text. Pure.

    <think> <thinking> <reasoning> ..   tags, in any case, with attributes and namespaces (`antml:`, `seed:`)
    <|begin_of_thought|> <｜tool▁sep｜>   tokens of a tokenizer; DeepSeek's have wide bars
    <|channel|>analysis<|message|>       the harmony format; `<|channel>thought` and `<channel|>` are Gemma's
    [THINK] [TOOL_CALLS]                 Mistral
    ◁think▷                             Kimi
    {"name": .. [{"name": .. [tool(..)]  tool calls without any marker

Sources: the chat templates and tool parsers of vLLM, llama.cpp and Ollama; the harmony response format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

TRIGGER = re.compile(r"[<\[{◁`]")
MAX_MARK = 240
"""Characters of a marker, with its attributes: what may become one waits no longer."""


class Kind(Enum):
    THOUGHT = auto()  # from here to its end nothing is addressed to the caller
    TOOL = auto()  # a call, to its end
    CHANNEL = auto()  # harmony: what follows is a header
    ROLE = auto()  # a turn begins: of `name`, or of whom the next word says
    PLAIN = auto()  # a token between words, not to be spoken
    JSON = auto()  # perhaps a call without a marker
    CODE = auto()  # the same, as code: [tool(a="b")]
    FENCE = auto()  # ``` before one of the two


@dataclass(frozen=True, slots=True)
class Mark:
    """`name`: lower case, without brackets and namespace. `length`: characters of the text it stands in."""

    kind: Kind
    name: str
    length: int
    closing: bool = False


WAIT = "wait"
"""More text decides whether this is a marker."""

_THOUGHTS = frozenset((
    "think", "thinking", "thought", "thoughts", "reasoning", "reflection", "reflect", "scratchpad", "scratch_pad",
    "analysis", "monologue", "inner_monologue", "inner_thought", "inner_thoughts", "internal_thoughts",
    "chain_of_thought", "cot", "deliberation", "planning", "antthinking", "longcat_think", "cot_budget_reflect",
))  # fmt: skip
RESULTS = frozenset((
    "tool_response", "tool_responses", "tool_result", "tool_results", "tool_output", "tool_outputs",
    "function_response", "function_result", "function_results", "function_output", "observation", "system_reminder",
    "start_function_response",
))  # fmt: skip
"""What a model makes up of its tools: it is addressed to nobody, like a thought."""
_TOOLS = frozenset((
    "tool_call", "tool_calls", "toolcall", "toolcalls", "tool_use", "tool_code", "function_call", "function_calls",
    "functioncall", "function", "invoke", "use_tool", "call_tool", "longcat_tool_call", "start_function_call",
))  # fmt: skip
_TRANSPARENT = frozenset((
    "s", "bos", "eos", "pad", "unk", "sop", "eop", "answer", "final_answer", "final", "response", "output",
    "solution", "seed_answer", "tools", "end_of_turn", "parameter",
))  # fmt: skip
_ROLES = frozenset((
    "user", "system", "tool", "developer", "observation", "assistant", "model", "human", "ipython", "environment",
))  # fmt: skip
_NAMESPACES = ("antml:", "seed:", "minimax:", "ant:", "claude:")
_ENDS = {"end_function_call": "start_function_call", "end_function_response": "start_function_response"}
"""Tags that close one of another name: FunctionGemma's."""
_NAMES = _ENDS.keys() | _THOUGHTS | RESULTS | _TOOLS | _TRANSPARENT | {"start_of_turn", "channel", "turn", "tool"}
_PREFIXES = frozenset(name[:n] for name in (*_NAMES, *_NAMESPACES) for n in range(len(name) + 1))

_VALUE = r"""(?:"[^"<>]{0,200}"|'[^'<>]{0,200}'|[^\s"'<>]{1,80})"""
_VALUE_BEGUN = r"""(?:"[^"<>]{0,200}"?|'[^'<>]{0,200}'?|[^\s"'<>]{0,80})"""
_ATTRIBUTES = rf"(?:\s?=\s?{_VALUE})?(?:\s{{1,8}}[\w:.-]{{1,40}}\s?=\s?{_VALUE}){{0,8}}\s{{0,8}}"
"""Each with a value: words behind a name, as in `<think it over>`, make no tag."""
_TAG = re.compile(rf"<(/?)([A-Za-z][\w:-]{{0,40}}){_ATTRIBUTES}(/?)>")
_TAG_BEGUN = re.compile(
    rf"</?(?:([A-Za-z][\w:-]{{0,40}})(?:[|｜]|{_ATTRIBUTES}(?:/|[\w:.-]{{0,40}}\s?(?:=\s?{_VALUE_BEGUN})?))?)?\Z"
)
_DSML = re.compile(r"<(/?)[|｜]DSML[|｜](\w{1,40})(\s[^<>]{0,200})?>")
_TOKEN = re.compile(r"<([|｜])([^<>|｜\n]{1,60})([|｜]?)>")
_TOKEN_END = re.compile(r"<([A-Za-z_▁]{1,30})[|｜]>")
_TOKEN_BEGUN = re.compile(r"</?[|｜](?:[^<>|｜\n]{0,60}(?:[|｜](?:\w{0,40}(?:\s[^<>]{0,200})?)?)?)?\Z")
_SQUARE = re.compile(r"\[(/?)(TOOL_CALLS?|ARGS|CALL_ID|TOOL_RESULTS|TOOL_CONTENT|INST|THINK|think|Think)\]")
_SQUARES = ("TOOL_CALLS", "ARGS", "CALL_ID", "TOOL_RESULTS", "TOOL_CONTENT", "INST", "THINK", "think", "Think")
_SQUARE_PREFIXES = frozenset(
    each[:n] for name in _SQUARES for each in (f"[{name}]", f"[/{name}]") for n in range(1, len(each) + 1)
)
_TRIANGLE = re.compile(r"◁(/?)(\w{1,20})▷")
_TRIANGLE_BEGUN = re.compile(r"◁/?\w{0,20}\Z")
_KEYS = frozenset((
    "name", "function", "function_name", "tool", "tool_name", "tool_call", "tool_calls", "tool_uses",
    "function_call", "recipient_name", "type", "id", "action", "arguments", "parameters", "args",
    "thought", "thoughts", "reasoning",
))  # fmt: skip
_JSON = re.compile(r"(?:\[\s{0,8})?\{\s{0,8}[\"'](\w{1,64})[\"']\s{0,8}:")
_JSON_BEGUN = re.compile(r"(?:\[\s{0,8})?(?:\{\s{0,8}(?:[\"'](\w{0,64})(?:[\"']\s{0,8})?)?)?\Z")
_FENCE = re.compile(r"```(\w{0,12})[ \t]{0,4}\n?\s{0,8}")
_FENCES_OF_CALLS = ("tool_code", "tool_call", "tool_calls")


def mark_at(text: str, tools: frozenset[str]) -> Mark | str | None:
    """The marker that `text` begins with, WAIT, or None. `tools`: names that a call without a marker may have."""
    found: Mark | str | None
    match text[0]:
        case "<":
            found = _angle(text, tools)
        case "[":
            found = _square(text, tools)
        case "◁":
            found = _triangle(text)
        case "{":
            found = _json(text, tools)
        case "`":
            found = _fence(text, tools)
        case _:
            found = None
    return None if found is WAIT and len(text) > MAX_MARK else found


def _angle(text: str, tools: frozenset[str]) -> Mark | str | None:
    if tag := _TAG.match(text) or _DSML.match(text):
        if tag[2] in tools:
            return Mark(Kind.TOOL, tag[2], len(tag[0]), bool(tag[1]))
        return _tag(tag)
    if token := _TOKEN.match(text):
        if token[2] == "channel" and not token[3]:
            return Mark(Kind.THOUGHT, "channel", len(token[0]))
        return _token(token[2], len(token[0]), opening=True)
    if token := _TOKEN_END.match(text):
        return _token(token[1], len(token[0]), opening=False)
    if begun := _TAG_BEGUN.match(text):
        name = (begun[1] or "").lower().replace("-", "_")
        known = name in _PREFIXES or (":" in name and name.rpartition(":")[2] in _PREFIXES)
        return WAIT if known or any(tool.startswith(begun[1]) for tool in tools) else None
    return WAIT if _TOKEN_BEGUN.match(text) else None


def _tag(tag: re.Match[str]) -> Mark | None:
    name, closing, length = _local(tag[2].lower()), bool(tag[1]), len(tag[0])
    if name in _ENDS:
        name, closing = _ENDS[name], True
    self_closed = tag.re is _TAG and bool(tag[3])
    if name in _THOUGHTS or name in RESULTS:
        return Mark(Kind.PLAIN if self_closed else Kind.THOUGHT, name, length, closing)
    if name in _TOOLS:
        return Mark(Kind.TOOL, name, length, closing)
    if name == "start_of_turn":
        return Mark(Kind.ROLE, "", length)
    return Mark(Kind.PLAIN, name, length, closing) if name in _TRANSPARENT else None


_HARMONY = frozenset((
    "start", "channel", "message", "constrain", "end", "return", "call",
))  # fmt: skip
_TURNS = frozenset((
    "im_start", "start_header_id", "turn", "start_of_turn", "header_start",
))  # fmt: skip


def _token(name: str, length: int, opening: bool) -> Mark:
    """A token's meaning by its name: they are too many to list, and alike."""
    name = name.lower().replace("▁", "_").replace(" ", "_")
    closing = not opening or name.startswith(("/", "end_")) or name.endswith(("_end", "_suffix"))
    bare = name.strip("/")
    if bare == "channel" and not opening:
        return Mark(Kind.THOUGHT, bare, length, closing=True)
    if bare in _HARMONY and opening:
        return Mark(Kind.CHANNEL, bare, length)
    if bare in _TURNS:
        return Mark(Kind.PLAIN if closing else Kind.ROLE, "", length)
    if bare in _ROLES:
        return Mark(Kind.ROLE if opening else Kind.PLAIN, bare, length)
    if any(part in bare for part in ("response", "result", "output")) and "tool" in bare:
        return Mark(Kind.THOUGHT, "tool_response", length, closing)
    if any(part in bare for part in ("think", "thought", "reason", "inner_")):
        return Mark(Kind.THOUGHT, "thought", length, closing)
    if any(part in bare for part in ("tool_call", "toolcall", "function_call", "python", "action", "tools_prefix")):
        return Mark(Kind.TOOL, "token", length, closing)
    if "tools_suffix" in bare:
        return Mark(Kind.TOOL, "token", length, closing=True)
    return Mark(Kind.PLAIN, bare, length)


def _square(text: str, tools: frozenset[str]) -> Mark | str | None:
    if square := _SQUARE.match(text):
        name, closing = square[2].lower(), bool(square[1])
        kind = {"think": Kind.THOUGHT, "tool_calls": Kind.TOOL, "tool_call": Kind.TOOL}.get(name, Kind.PLAIN)
        return Mark(kind, "mistral" if kind is Kind.TOOL else name, len(square[0]), closing)
    if text in _SQUARE_PREFIXES:
        return WAIT
    if not tools:
        return None
    called = _called(text[1:].lstrip(), tools)
    return Mark(Kind.CODE, "", 0) if called is True else called or _json(text, tools)


def _called(text: str, tools: frozenset[str]) -> bool | str:
    """Whether `text` begins a call of a known tool as code."""
    for name in tools:
        if text.startswith(f"{name}("):
            return True
        if text and f"{name}(".startswith(text):
            return WAIT
    return False


def _json(text: str, tools: frozenset[str]) -> Mark | str | None:
    if not tools:
        return None
    if begun := _JSON.match(text):
        return Mark(Kind.JSON, "", 0) if begun[1] in _KEYS or begun[1] in tools else None
    if begun := _JSON_BEGUN.match(text):
        key = begun[1] or ""
        return WAIT if any(name.startswith(key) for name in (*_KEYS, *tools)) else None
    return None


def _fence(text: str, tools: frozenset[str]) -> Mark | str | None:
    if not tools or not text.startswith("```"[: len(text)]):
        return None
    fence = _FENCE.match(text)
    if fence is None or fence.end() == len(text):
        return WAIT if len(text) < 32 else None
    inner = text[fence.end() :]
    if fence[1] in _FENCES_OF_CALLS:
        return Mark(Kind.FENCE, fence[1], fence.end())
    if inner[0] not in "{[<":
        return None
    found = mark_at(inner, tools)
    if isinstance(found, Mark):
        return Mark(Kind.FENCE, "", fence.end()) if found.kind in (Kind.JSON, Kind.CODE, Kind.TOOL) else None
    return found


def _triangle(text: str) -> Mark | str | None:
    if triangle := _TRIANGLE.match(text):
        return Mark(Kind.THOUGHT, triangle[2].lower(), len(triangle[0]), bool(triangle[1]))
    return WAIT if _TRIANGLE_BEGUN.match(text) else None


def _local(name: str) -> str:
    """A tag's name without its namespace, written one way."""
    return name.rpartition(":")[2].replace("-", "_")
