"""Tool calls that a model wrote into its text, read: name and arguments as they stand there. Pure.

    {"name": .., "arguments": {..}}                     also `parameters`, several, a list, in a fence: most models
    name[ARGS]{..}                                      Mistral
    functions.name:0 <token> {..}                       Kimi
    function <token> name ```json {..}                  DeepSeek
    <function=name> <parameter=key> or {..}             Qwen, Llama
    <invoke name=".."> <parameter name="key">           Claude, MiniMax, DeepSeek
    <name><key>..</key></name>                          Cline
    name <arg_key>..</arg_key><arg_value>..</arg_value>   GLM
    [name(key="value"), ..]  print(name(..))  name.call(..)   Llama, Gemma
    call:name{key:<|"|>value<|"|>}                      Gemma; `<escape>` for a quote: FunctionGemma
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from services.llm.addressed.capture import Block
from services.llm.calls import MAX_CALLS, MAX_NAME, UNREADABLE, find, unreadable
from services.llm.contract import ToolCall, ToolSpec

_NAMES = ("name", "function_name", "tool_name", "recipient_name", "tool", "function", "action")
_ARGUMENTS = ("arguments", "parameters", "args", "params", "input", "action_input", "tool_input", "kwargs")
_OTHERS = frozenset(
    ("id", "type", "tool_call_id", "index", "thought", "thoughts", "reasoning", *_NAMES, *_ARGUMENTS)
)
_WRAPPED = ("function", "function_call", "tool_call")
_LISTED = ("tool_calls", "tool_uses", "calls")
_TOKEN = re.compile(r"<[|｜][^<>\n]{0,60}>|<\w{1,40}[|｜]>|\[/?(?:TOOL_CALLS?|ARGS|CALL_ID)\]")
_FENCE = re.compile(r"```\w*")
_NAMESPACE = r"(?:[|｜]DSML[|｜]|\w+:)?"
_CALLED = r"(?:\s*=\s*|\s+name\s*=\s*)[\"']?([\w.:-]+)[\"']?[^<>]*>"
_INVOKE = re.compile(rf"<{_NAMESPACE}(?:invoke|function){_CALLED}")
_PARAMETER = re.compile(
    rf"<({_NAMESPACE}parameter){_CALLED}(.*?)(?:</\1>|(?=<{_NAMESPACE}parameter)|\Z)", re.DOTALL
)
_GLM = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|\Z)", re.DOTALL)
_TAG = re.compile(r"</?[\w:]{1,40}>")
_GEMMA = re.compile(r"call:\s*([\w.-]+)\s*(?=[{(])")
_GEMMA_TEXT = re.compile(r'<\|"\|>(.*?)<\|"\|>|<escape>(.*?)<escape>|"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NAMED = re.compile(r"([A-Za-z_][\w.-]*)(?::\d+)?:?\s*(?:[A-Za-z0-9]{9}\s+)?(?=[{\[])")
_CODE = re.compile(r"\s*(?:\[|print\(|[\w.]+\()")
_MOST = 4 * MAX_CALLS
_MAX_CODE = 8 * 1024

Pair = tuple[str, str]
"""A tool's name and its arguments, as the model wrote them."""


def read(block: Block, tools: Mapping[str, ToolSpec]) -> list[ToolCall] | None:
    """The calls in a block, not yet checked. None: it is no call, but words that look like one."""
    if block.name:
        return [ToolCall("", block.name, _clean(block.text) or "{}")]
    pairs = _pairs(block.text, tools)
    if not block.sure:
        meant = pairs is not None and all(_meant(name, given, tools) for name, given in pairs)
        return [_call(pair) for pair in pairs] if pairs and meant else _broken(block.text, tools)
    if pairs:
        return [_call(pair) for pair in pairs]
    return [unreadable(block.text, tools)]


def _call(pair: Pair) -> ToolCall:
    return ToolCall("", pair[0][: 4 * MAX_NAME], pair[1])


def _meant(name: str, given: str, tools: Mapping[str, ToolSpec]) -> bool:
    """Whether something without a marker is a call: of a known tool, or nothing else than a call."""
    return find(name, tuple(tools.values())) is not None or given != ""


def _broken(text: str, tools: Mapping[str, ToolSpec]) -> list[ToolCall] | None:
    """A call without a marker that broke off: it names a tool and has begun to tell the arguments."""
    named = re.match(r"\s*\[?\s*\{\s*[\"'](?:name|function|tool)\w*[\"']\s*:\s*[\"']([\w.:-]+)", text)
    coded = re.match(r"\s*\[?\s*([\w.]+)\(", text)
    whole = _values(text, lenient=True)
    found = (named or coded) if not whole else None
    if found is None or (tool := find(found[1], tuple(tools.values()))) is None:
        return None
    return [ToolCall("", tool.name, "{}", f"{UNREADABLE}: {' '.join(text.split())[:200]}")]


def _pairs(text: str, tools: Mapping[str, ToolSpec]) -> list[Pair] | None:
    for reader in (_invoked, _keyed, _named_tag, _gemma, _objects, _named, _coded):
        if pairs := list(reader(text, tools)):
            return pairs
    return None


def _invoked(text: str, tools: Mapping[str, ToolSpec]) -> Iterator[Pair]:
    """Calls as tags, their arguments as tags or as JSON."""
    heads = list(_INVOKE.finditer(text))
    for place, head in enumerate(heads):
        body = text[head.end() : heads[place + 1].start() if place + 1 < len(heads) else len(text)]
        given = {key: _typed(value, key, tools.get(head[1])) for _, key, value in _PARAMETER.findall(body)}
        yield head[1], orjson.dumps(given).decode() if given else _clean(_TAG.sub("", body))


def _keyed(text: str, tools: Mapping[str, ToolSpec]) -> Iterator[Pair]:
    if "<arg_key>" in text:
        name = _TAG.sub("", text.partition("<arg_key>")[0]).strip()
        given = {key.strip(): _typed(value, key.strip(), tools.get(name)) for key, value in _GLM.findall(text)}
        yield name, orjson.dumps(given).decode()


def _named_tag(text: str, tools: Mapping[str, ToolSpec]) -> Iterator[Pair]:
    """The tool's name as a tag, arguments as tags or as JSON in it."""
    for found in re.finditer(r"<(\w[\w.-]*)>(.*?)(?:</\1>|\Z)", text, re.DOTALL):
        if (tool := tools.get(found[1])) is None:
            continue
        inner = re.findall(r"<(\w[\w.-]*)>([^<]*)</\1>", found[2])
        given = {key: _typed(value, key, tool) for key, value in inner}
        yield tool.name, orjson.dumps(given).decode() if given else _clean(found[2])


def _gemma(text: str, tools: Mapping[str, ToolSpec]) -> Iterator[Pair]:
    for head in _GEMMA.finditer(text):
        body = text[head.end() :].strip()
        strings: list[str] = []

        def kept(found: re.Match[str], strings: list[str] = strings) -> str:
            strings.append(next((text for text in found.groups() if text is not None), ""))
            return f'"\0{len(strings) - 1}"'

        def told(at: re.Match[str], strings: list[str] = strings) -> str:
            return orjson.dumps(strings[int(at[1])]).decode()

        plain = _GEMMA_TEXT.sub(kept, body)
        plain = re.sub(r"([{(,]\s*)([A-Za-z_][\w-]*)\s*:", r'\1"\2":', plain)
        end = max(plain.rfind("}"), plain.rfind(")"))
        plain = f"{{{plain[1:end]}}}" if end > 0 else plain
        yield head[1], re.sub(r'"\0(\d+)"', told, plain)


def _objects(text: str, tools: Mapping[str, ToolSpec]) -> Iterator[Pair]:
    """Calls as JSON, one or several."""
    for value in _values(_clean(_TAG.sub("", text)), lenient=True) or ():
        for each in value if isinstance(value, list) else [value]:
            found = list(_of_object(each, tools)) if isinstance(each, dict) else []
            if not found:
                return
            yield from found


def _of_object(value: dict[str, Any], tools: Mapping[str, ToolSpec], depth: int = 0) -> Iterator[Pair]:
    for key in _LISTED:
        if isinstance(value.get(key), list) and depth == 0:
            for each in value[key]:
                if isinstance(each, dict):
                    yield from _of_object(each, tools, 1)
            return
    for key in _WRAPPED:
        if isinstance(value.get(key), dict) and depth < 2:
            yield from _of_object(value[key], tools, depth + 1)
            return
    if len(value) == 1 and isinstance(next(iter(value.values())), dict) and next(iter(value)) in tools:
        name, given = next(iter(value.items()))
        yield name, orjson.dumps(given).decode()
        return
    found = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
    given = next((value[key] for key in _ARGUMENTS if key in value), None)
    if found is None or not set(value) <= _OTHERS:
        return
    yield found, given if isinstance(given, str) else "" if given is None else orjson.dumps(given).decode()


def _named(text: str, tools: Mapping[str, ToolSpec]) -> Iterator[Pair]:
    """A name, and its arguments as JSON behind it."""
    plain = _clean(_TAG.sub(" ", _TOKEN.sub(" ", text.replace("[ARGS]", " "))))
    plain = re.sub(r"^function\s+(?=\w)", "", plain)
    for _ in range(_MOST):
        if (head := _NAMED.match(plain.lstrip(" ;,\n"))) is None:
            break
        rest = plain.lstrip(" ;,\n")[head.end() :]
        end = _end_of_json(rest)
        yield head[1], rest[:end]
        plain = _clean(re.sub(r"^\s*function\s+(?=\w)", "", rest[end:]))
    if not plain.strip("`\n ") and not text.strip("`\n "):
        return
    bare = plain.strip()
    if bare in tools:
        yield bare, ""


def _coded(text: str, tools: Mapping[str, ToolSpec]) -> Iterator[Pair]:
    """Calls as Python code; arguments are literals."""
    plain = _clean(_TAG.sub("", _TOKEN.sub("", text))).strip()
    if not _CODE.match(plain) or len(plain) > _MAX_CODE:
        return
    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    found = tree.elts if isinstance(tree, ast.List) else [tree]
    pairs: list[Pair] = []
    for node in found:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print" and node.args:
            node = node.args[0]
        if not isinstance(node, ast.Call):
            return
        name = ast.unparse(node.func).removesuffix(".call")
        try:
            given = {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}
            given |= dict(zip(_parameters(tools.get(name)), map(ast.literal_eval, node.args), strict=False))
            pairs.append((name, orjson.dumps(given).decode()))
        except (ValueError, TypeError, SyntaxError):
            pairs.append((name, ast.unparse(node)[:200]))
    yield from pairs


def _values(text: str, lenient: bool = False) -> list[Any] | None:
    """The JSON values that a text consists of; also Python's way to write them. None: it is something else."""
    found: list[Any] = []
    rest = text.strip(" ;,\n\t`")
    while rest and len(found) < _MOST:
        end = _end_of_json(rest)
        try:
            found.append(orjson.loads(rest[:end]))
        except orjson.JSONDecodeError:
            if not lenient or not rest.startswith(("{", "[")):
                return found or None
            try:
                found.append(ast.literal_eval(rest[:end]))
            except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
                return found or None
        rest = rest[end:].strip(" ;,\n\t`")
        if rest and rest[0] not in "{[":
            break
    return found or None


def _end_of_json(text: str) -> int:
    """Where the value that begins the text ends."""
    depth, quoted, escaped = 0, "", False
    for place, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = char == "\\", "" if char == quoted else quoted
        elif char == '"':
            quoted = char
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth <= 0:
                return place + 1
    return len(text)


def _clean(text: str) -> str:
    """Without fences and tokens around it."""
    return _FENCE.sub("", _TOKEN.sub("", text)).strip()


def _typed(value: str, key: str, tool: ToolSpec | None) -> Any:
    """A value that stood between tags, by its type in the tool's schema; as text where that is not known."""
    text = html.unescape(value.strip())
    schema = _properties(tool).get(key)
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind in ("string", None) and not (kind is None and text[:1] in "{["):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.lower() == "true" if kind == "boolean" and text.lower() in ("true", "false") else text


def _properties(tool: ToolSpec | None) -> dict[str, Any]:
    schema = orjson.loads(tool.parameters or "{}") if tool is not None else {}
    known = schema.get("properties") if isinstance(schema, dict) else None
    return known if isinstance(known, dict) else {}


def _parameters(tool: ToolSpec | None) -> list[str]:
    return list(_properties(tool))
