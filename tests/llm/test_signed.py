"""What a vendor wants back with a tool call goes back to it, on the call that it belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from services.llm.contract import MAX_CARRY, ChatRequest, Finish, Message, Role, ToolCall
from services.llm.providers.openai import OpenAI
from services.llm.providers.openai_answer import Answer
from services.llm.providers.openai_request import Form, messages
from services.llm.providers.openai_signed import MAX_THOUGHT
from testbed.rounds import heard, settings
from testbed.talk import spec
from tests.llm.odd_server import calls, delta, odd_server

ORDER, BOOK = spec("order", "number"), spec("book", "day")


def signature(text: str) -> dict[str, Any]:
    return {"extra_content": {"google": {"thought_signature": text}}}


def fragment(name: str, arguments: str, **more: Any) -> dict[str, Any]:
    return {"id": "", "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def carry_of(*chunks: Any, before: bytes = b"") -> bytes:
    """Of a round of these chunks."""
    answer = Answer("m", 1, (ORDER, BOOK), before)
    for chunk in chunks:
        answer.feed(chunk)
    (finish,) = (event for event in answer.end() if isinstance(event, Finish))
    return finish.carry


def asked(carry: bytes, *rounds: tuple[ToolCall, ...], plain: bool = False) -> list[dict[str, Any]]:
    """The assistant's messages of a request after these rounds of one turn."""
    said = [Message(Role.USER, "hi")]
    for each in rounds:
        said.append(Message(Role.ASSISTANT, tool_calls=each))
        said += [Message(Role.TOOL, "{}", tool_call_id=call.id) for call in each]
    made = messages(ChatRequest(messages=tuple(said), tools=(ORDER, BOOK), carry=carry), Form(plain=plain))
    return [message for message in made if message["role"] == "assistant"]


def extra(message: dict[str, Any]) -> list[str]:
    found = (call.get("extra_content", {}).get("google", {}) for call in message["tool_calls"])
    return [each.get("thought_signature", "") for each in found]


def test_each_call_has_its_own_and_all_rounds_of_the_turn_have_theirs() -> None:
    first = carry_of(calls(fragment("order", '{"number": "1"}', **signature("A")), fragment("book", "{}")))
    second = carry_of(calls(fragment("order", '{"number":"2"}', **signature("B"))), before=first)
    rounds = (
        (ToolCall("c00000001", "order", '{"number":"1"}'), ToolCall("c00000002", "book", "{}")),
        (ToolCall("c00000003", "order", '{"number": "2"}'),),
    )
    assert [extra(message) for message in asked(second, *rounds)] == [["A", ""], ["B"]]
    assert [call["id"] for message in asked(second, *rounds) for call in message["tool_calls"]] == [
        "c00000001",
        "c00000002",
        "c00000003",
    ], "nothing of ours is written over"


def test_the_same_call_of_an_earlier_turn_does_not_get_it() -> None:
    carry = carry_of(calls(fragment("order", "{}", **signature("A"))))
    one = (ToolCall("c00000001", "order", "{}"),)
    other = (ToolCall("c00000002", "order", "{}"),)
    assert [extra(message) for message in asked(carry, one, other)] == [[""], ["A"]]


def test_a_call_whose_arguments_were_refused_or_cut_gets_it_too() -> None:
    carry = carry_of(calls(fragment("order", '{"number": ', **signature("A"))))
    assert extra(asked(carry, (ToolCall("c00000001", "order", "{}"),))[0]) == ["A"]
    carry = carry_of(calls(fragment("order", '{"number": "1"}', **signature("A"))))
    assert extra(asked(carry, (ToolCall("c00000001", "order", "{}"),))[0]) == ["A"]


def test_what_is_not_signed_does_not_go_back() -> None:
    assert carry_of(calls(fragment("order", "{}", extra_content={"google": {}}, custom=None, note="x"))) == b""
    assert carry_of(delta(content="Hello", reasoning_content="They greet.")) == b"", "no call, no next round"


def test_blocks_of_thoughts_go_back_whole() -> None:
    def details(**fields: Any) -> dict[str, Any]:
        return delta(content="", reasoning_details=[{"type": "reasoning.text", "index": 0, **fields}])

    call = calls(fragment("order", "{}"))
    carry = carry_of(details(text="They "), details(text="ask."), details(text="", signature="S"), call)
    (message,) = asked(carry, (ToolCall("c00000001", "order", "{}"),))
    whole = {"type": "reasoning.text", "index": 0, "text": "They ask.", "signature": "S"}
    assert message["reasoning_details"] == [whole]
    assert carry_of(details(text="unsigned"), call) == b""


def test_a_thought_that_nobody_signed_goes_back_in_short() -> None:
    carry = carry_of(delta(reasoning_content="a" * 50_000), calls(fragment("order", "{}")))
    (message,) = asked(carry, (ToolCall("c00000001", "order", "{}"),))
    assert message["reasoning_content"] == "a" * MAX_THOUGHT


@pytest.mark.parametrize("size", [MAX_CARRY, 1_000_000])
def test_what_is_too_much_is_not_carried(size: int) -> None:
    assert carry_of(calls(fragment("order", "{}", **signature("A" * size)))) == b""
    signed = {"type": "reasoning.encrypted", "data": "A" * size}
    assert carry_of(delta(reasoning_details=[signed]), calls(fragment("order", "{}"))) == b""
    before = carry_of(calls(fragment("order", "{}", **signature("A" * (MAX_CARRY // 2)))))
    assert before
    assert carry_of(calls(fragment("book", "{}", **signature("A" * (MAX_CARRY // 2)))), before=before) == b""


@pytest.mark.parametrize("carry", [b"\xff", b"{}", b"[1]", b'["a", "b", {}, 5]', b'[["order", "{}", {"id": "x"}, {}]]'])
def test_a_carry_of_another_engine_changes_nothing(carry: bytes) -> None:
    rounds = (ToolCall("c00000001", "order", "{}"),)
    assert asked(carry, rounds) == asked(b"", rounds)


def test_a_history_that_is_told_plainly_has_none() -> None:
    carry = carry_of(calls(fragment("order", "{}", **signature("A"))))
    (message,) = asked(carry, (ToolCall("c00000001", "order", "{}"),), plain=True)
    assert set(message) == {"role", "content"}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "Failed to call a function.", "code": "tool_use_failed", "failed_generation": "order(1"}),
        (500, {"message": "error parsing tool call: raw='order(1', err=unexpected end of JSON input"}),
        (500, {"message": "Failed to parse input at pos 7: order(1"}),
    ],
    ids=["Groq", "Ollama", "llama.cpp"],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_bad_call_that_the_server_reports_is_the_model_s(
    status: int, error: dict[str, Any], streamed: bool
) -> None:
    async with odd_server({"error": {**error, "code": error.get("code", status)}}) as odd:
        if not streamed:
            odd.refuse_with = (status, {"error": error})
        model = OpenAI(settings(odd.url))
        made = await heard(model, ChatRequest(messages=(Message(Role.USER, "hi"),), tools=(ORDER, BOOK)))
        (call,) = made.calls
        assert (call.name, made.text, len(odd.bodies)) == ("order", "", 1)
        assert "order(1" in call.mistake
        await model.aclose()


async def test_a_call_that_gemini_cannot_read_is_told_the_model() -> None:
    async with odd_server(delta("function_call_filter: MALFORMED_FUNCTION_CALL")) as odd:
        model = OpenAI(settings(odd.url))
        made = await heard(model, ChatRequest(messages=(Message(Role.USER, "hi"),), tools=(ORDER, BOOK)))
        assert [bool(call.mistake) for call in made.calls] == [True]
        await model.aclose()
