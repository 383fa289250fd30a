"""What a model writes for itself is never spoken, what it writes for the caller always is, however it comes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.errors import TooLate
from services.llm.addressed import Habits, addressed
from services.llm.addressed.capture import MAX_BLOCK
from services.llm.addressed.marks import MAX_MARK
from services.llm.addressed.said import MAX_SUSPECT
from services.llm.contract import (
    ChatRequest,
    Finish,
    FinishReason,
    LlmEvent,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolSpec,
    Unsay,
    Usage,
)
from services.llm.providers.openai_answer import MAX_WORDS
from testbed.rounds import Round

NAME = "check_order_status"
SCHEMA = '{"type":"object","properties":{"order":{"type":"string"},"rush":{"type":"boolean"}},"required":["order"]}'
TOOLS = (ToolSpec(NAME, "", SCHEMA), ToolSpec("end_call", "", "{}"))
GIVEN = '{"order": "1234"}'
CALL = f'{{"name": "{NAME}", "arguments": {GIVEN}}}'
NS = "ant" + "ml:"  # the namespace of Claude's tags


def tags(ns: str = "", outer: str = "function_calls") -> str:
    inner = f'<{ns}invoke name="{NAME}">\n<{ns}parameter name="order">1234</{ns}parameter>\n</{ns}invoke>'
    return f"<{ns}{outer}>\n{inner}\n</{ns}{outer}>"


THOUGHTS = {
    "<think>She asks.</think>Hello": "Hello",
    "<think>\n</think>\n\nHello": "Hello",
    "<thinking>x</thinking>All well.": "All well.",
    '<THINK depth="2">x</THINK>\n\nHello': "Hello",
    "<thought>x</thought>Hello": "Hello",
    "<reasoning>a<reflection>b</reflection>c</reasoning>Hello": "Hello",
    "<scratchpad>x</scratchpad>Hello": "Hello",
    "<analysis>x</analysis>Hello": "Hello",
    "<inner_monologue>x</inner_monologue>Hello": "Hello",
    "<think>a</thinking>Hello": "Hello",
    "<think>a <think> b</think>Hello": "Hello",
    "<think/>Hello": "Hello",
    "Hi.<think>x</think> You.<think>z</think> End": "Hi. You. End",
    "Hi.<thinking>x</thinking>\n<reflection>y</reflection>There": "Hi.\nThere",
    "Hello<think>x</think>there": "Hello there",
    "<think>5 < 6 and a <b> tag</think>Hello": "Hello",
    "<think>unclosed, to the end": "",
    "Hello <think>unclosed": "Hello ",
    "</think>\n\nHello": "Hello",
    f"<{NS}thinking>x</{NS}thinking>Hello": "Hello",
    "<seed:think>x</seed:think>Hello": "Hello",
    "[THINK]x[/THINK]Hello": "Hello",
    "◁think▷x◁/think▷Hello": "Hello",
    "<|begin_of_thought|>x<|end_of_thought|><|begin_of_solution|>Hello<|end_of_solution|>": "Hello",
    "<|START_THINKING|>x<|END_THINKING|><|START_RESPONSE|>Hello<|END_RESPONSE|>": "Hello",
    "<|inner_prefix|>x<|inner_suffix|>Hello": "Hello",
    "<|channel>thought\nx<channel|>Hello": "Hello",
    "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Hello<|return|>": "Hello",
    "<|channel|>analysis<|message|>Hm<|end|>assistant<|channel|>final<|message|>Hello": "Hello",
    "<|start|>assistant<|channel|>analysis<|message|>Hm": "",
    "<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant<|channel|>final<|message|>Hi": "Hi",
    "<|channel|>final<|message|>Hello": "Hello",
    "<|start|>assistant<|message|>Hello<|end|>": "Hello",
    "analysisWe need a final answer.assistantfinalHello": "Hello",
    "analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Hello": "Hello",
    "Thought: I know it.\nFinal Answer: Hello": "Hello",
    "Hello<|im_end|>": "Hello",
    "Hello</s>": "Hello",
    "<s>Hello<|eot_id|>": "Hello",
    "Hello<|endoftext|>": "Hello",
    "Hello<|end|>": "Hello",
    "Hello<｜end▁of▁sentence｜>": "Hello",
    "<|im_start|>assistant\nHello<|im_end|>": "Hello",
    "<|start_header_id|>assistant<|end_header_id|>\n\nHello": "Hello",
    "<start_of_turn>model\nHello<end_of_turn>": "Hello",
    "Hello.<|im_end|>\n<|im_start|>user\nAnd what else?<|im_end|>": "Hello.\n",
    "Hello.<|user|>\nAnd what else?<|assistant|>": "Hello.",
    "Hello.<tool_response>{}</tool_response>": "Hello.",
    "Hello.</tool_response>": "Hello.",
    "<system-reminder>be nice</system-reminder>Hello": "Hello",
    "<answer>Hello</answer>": "Hello",
    "It is `<think>`.\n<think>x</think>Hello": "It is `<think>`.\nHello",
    "It is `code`<think>x</think>Hello": "It is `code`Hello",
    "<think a='b' c=d>x</think>Hello": "Hello",
    "Hello<|im_e": "Hello",
}

WORDS = [
    "a <b> tag",
    "5 < 6, and 7 > 6",
    "I think so",
    "the analysis of it",
    "analysis of your order",
    "finally we are done",
    "Hello <this> is it",
    "<thi",
    "<thinner than air>",
    "You can <think it over> and call again.",
    "<answer me> soon, <final call = now or never>",
    "Models put it into `<think>` tags, which `</think>` ends.",
    "`<think>..</think>` holds it",
    "it is `a`, `<think>` or ` that",
    "write to <john@example.com> <- there",
    "x <| y or <T> or a<b>c</b>",
    "[laughs] Well, [1] is it",
    "a [link](https://example.com) and `code` and ```\nmore\n```",
    "{x} and { y } and {}",
    '{"name": "Anna", "age": 5}',
    '{"orders": [1, 2]} is all',
    '```json\n{"a": 1}\n```',
    '[{"name": "Anna"}]',
    "The order has shipped.",
    "Okay, so your order is on its way.",
    "Let me check that for you.",
    "I need to look that up. One moment.",
    "Thoughtful gifts: three.",
    "您好。您的订单<已经>发货了。",
    "Der Preis ist < 5 € [inkl. MwSt.]",
    "check_order is a word, and book(s) too",
    "end_call is a tool",
    '{"thought": "she asks", "mood": "good"}',
    "  Hello",
    "\n",
    "",
]

CALLS = {
    "Hermes": f"<tool_call>{CALL}</tool_call>",
    "Hermes, spaced": f"<tool_call>\n{CALL}\n</tool_call>\n",
    "Hermes, a list": f"<tool_call>\n[{CALL}]\n</tool_call>",
    "Hermes, unclosed": f"<tool_call>{CALL}",
    "Hermes, upper case": f"<TOOLCALL>[{CALL}]</TOOLCALL>",
    "Hermes, single quotes": f"<tool_call>{CALL}</tool_call>".replace('"', "'"),
    "Hermes, a name alone": f"<tool_call>{NAME}\n{GIVEN}</tool_call>",
    "Llama": f"<function={NAME}>{GIVEN}</function>",
    "Llama, a name": f'<function name="{NAME}">{GIVEN}</function>',
    "Llama, a tag": "<|python_tag|>" + CALL.replace("arguments", "parameters") + "<|eom_id|>",
    "Llama, code": f'<|python_tag|>{NAME}.call(order="1234")',
    "Llama, a list of code": f'[{NAME}(order="1234")]',
    "bare code": f'{NAME}(order="1234")',
    "bare JSON": CALL,
    "bare JSON, parameters": CALL.replace("arguments", "parameters"),
    "bare JSON, a type": f'{{"type": "function", "function": {CALL}}}',
    "bare JSON, a list": f"[{CALL}]",
    "bare JSON in a fence": f"```json\n{CALL}\n```",
    "bare JSON, quoted": CALL.replace(GIVEN, json.dumps(GIVEN)),
    "tool_calls": f'{{"tool_calls": [{CALL}]}}',
    "a name as the key": f'{{"{NAME}": {GIVEN}}}',
    "functools": f"functools[{CALL}]",
    "tags": tags(),
    "tags with a namespace": tags(NS),
    "MiniMax": tags("minimax:", "tool_call"),
    "Qwen": f"<tool_call>\n<function={NAME}>\n<parameter=order>\n1234\n</parameter>\n</function>\n</tool_call>",
    "GLM": f"<tool_call>{NAME}\n<arg_key>order</arg_key>\n<arg_value>1234</arg_value>\n</tool_call>",
    "Mistral": f"[TOOL_CALLS] [{CALL}]",
    "Mistral, ended": f"[TOOL_CALLS][{CALL}]</s>",
    "Mistral, ARGS": f"[TOOL_CALLS]{NAME}[ARGS]{GIVEN}",
    "Mistral, CALL_ID": f"[TOOL_CALLS]{NAME}[CALL_ID]abcdefghi[ARGS]{GIVEN}",
    "Granite": f"<|tool_call|>[{CALL}]<|/tool_call|>",
    "Gemma 3": f'```tool_code\nprint({NAME}(order="1234"))\n```',
    "FunctionGemma": f"<start_function_call>call:{NAME}{{order:<escape>1234<escape>}}<end_function_call>",
    "FunctionGemma, a result": f"<start_function_call>call:{NAME}{{order:<escape>1234<escape>}}<end_function_call>"
    "<start_function_response>response:it{on:<escape>its way<escape>}<end_function_response>",
    "Gemma 4": f'<|tool_call>call:{NAME}{{order:<|"|>1234<|"|>}}<tool_call|>',
    "DeepSeek": f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>{NAME}\n```json\n{GIVEN}\n```"
    "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "DeepSeek 3.1": f"<｜tool▁call▁begin｜>{NAME}<｜tool▁sep｜>{GIVEN}<｜tool▁call▁end｜>",
    "DeepSeek 3.2": f'<｜DSML｜function_calls>\n<｜DSML｜invoke name="{NAME}">\n'
    '<｜DSML｜parameter name="order" string="true">'
    "1234</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
    "Kimi": f"<|tool_calls_section_begin|><|tool_call_begin|>functions.{NAME}:0<|tool_call_argument_begin|>{GIVEN}"
    "<|tool_call_end|><|tool_calls_section_end|>",
    "Cohere": f'<|START_ACTION|>[{{"tool_call_id":"0","tool_name":"{NAME}","parameters":{GIVEN}}}]<|END_ACTION|>',
    "harmony": f"<|channel|>commentary to=functions.{NAME} <|constrain|>json<|message|>{GIVEN}<|call|>",
    "harmony, a role": f"<|start|>assistant to=functions.{NAME}<|channel|>commentary json<|message|>{GIVEN}",
    "harmony, in thought": f"<|channel|>analysis to=functions.{NAME} code<|message|>{GIVEN}<|call|>",
    "harmony, stripped": f"commentary to=functions.{NAME} json{GIVEN}",
    "harmony, stripped, behind a thought": f"analysisWe look.assistantcommentary to=functions.{NAME} json{GIVEN}",
    "ReAct": f"Thought: I look.\nAction: {NAME}\nAction Input: {GIVEN}",
    "a tag of its name": f"<{NAME}>\n<order>1234</order>\n</{NAME}>",
    "a name and JSON": f"{NAME}: {GIVEN}",
    "tags of a kind": f"<tool_use><name>{NAME}</name><arguments>{GIVEN}</arguments></tool_use>",
    "glaive": f'<functioncall> {{"name": "{NAME}", "arguments": \'{GIVEN}\'}}',
    "a thought beside it": f'{{"thought": "she asks", "tool": "{NAME}", "args": {GIVEN}}}',
    "an action": f'{{"action": "{NAME}", "action_input": {GIVEN}}}',
    "InternLM": f"<|action_start|><|plugin|>\n{CALL}<|action_end|>",
    "behind an unclosed thought": f"<think>Let us go.<tool_call>{CALL}</tool_call>",
}


async def model(pieces: Sequence[str], calls: Sequence[ToolCall] = ()) -> AsyncIterator[LlmEvent]:
    for piece in pieces:
        yield TextDelta(piece)
    for call in calls:
        yield call
    yield Usage(1, 1)
    yield Finish(FinishReason.STOP)


async def hear(
    text: str | Sequence[str], habits: Habits | None = None, calls: Sequence[ToolCall] = (), **more: Any
) -> Round:
    request = ChatRequest(**{"tools": TOOLS, **more})
    pieces = [text] if isinstance(text, str) else text
    made = Round()
    async for event in addressed(model(pieces, calls), request, habits or Habits(), "engine"):
        made.take(event)
    return made


def heard(text: str | Sequence[str], **more: Any) -> Round:
    """Without a loop: nothing here waits."""
    running = hear(text, **more)
    try:
        running.send(None)
    except StopIteration as e:
        made: Round = e.value
        return made
    raise AssertionError


def in_pieces(text: str) -> list[list[str]]:
    """The text in pieces of each size, and cut in two at each place."""
    sizes = [[text[n : n + size] for n in range(0, len(text), size)] for size in (1, 2, 3, 4, 5, 7, 11, 23)]
    return [[text], *sizes, *([text[:at], text[at:]] for at in range(1, len(text)))]


@pytest.mark.parametrize("text", THOUGHTS)
def test_thoughts_and_tokens_are_not_spoken(text: str) -> None:
    for pieces in in_pieces(text):
        made = heard(pieces)
        assert (made.text, made.calls) == (THOUGHTS[text], []), pieces


@pytest.mark.parametrize("text", WORDS)
def test_words_are_spoken_as_they_are(text: str) -> None:
    for pieces in in_pieces(text):
        made = heard(pieces)
        assert (made.text, made.calls) == (text, []), pieces


ONLY_FIRST = ("bare code", "functools", "ReAct", "a name and JSON", "harmony, stripped")
CASES = [(case, before) for case in CALLS for before in ("", "Let me look.\n")]


@pytest.mark.parametrize(
    ("case", "before"), [(case, before) for case, before in CASES if not (before and case.startswith(ONLY_FIRST))]
)
def test_calls_that_are_written_are_carried_out(case: str, before: str) -> None:
    for pieces in in_pieces(before + CALLS[case]):
        made = heard(pieces)
        assert made.text.strip() == before.strip(), pieces
        assert [(c.name, json.loads(c.arguments), c.mistake) for c in made.calls] == [(NAME, {"order": "1234"}, "")], (
            pieces
        )
        assert made.finish is not None
        assert made.finish.reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>", 2),
        (f"<tool_call>{CALL}\n{CALL}</tool_call>", 2),
        (f"<|python_tag|>{CALL}; {CALL}", 2),
        (f"[{CALL}, {CALL}]", 2),
        (f'[{NAME}(order="1234"), {NAME}(order="1234")]', 2),
        (f"[TOOL_CALLS]{NAME}[ARGS]{GIVEN}[TOOL_CALLS]{NAME}[ARGS]{GIVEN}", 2),
        (f"<think>x</think><tool_call>{CALL}</tool_call>", 1),
        (tags().replace("</function_calls>", "") + tags().replace("<function_calls>", ""), 2),
    ],
)
def test_several_calls_are_all_carried_out(text: str, count: int) -> None:
    for pieces in in_pieces(text):
        assert [call.mistake for call in heard(pieces).calls] == [""] * count, pieces


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('<tool_call>{"name": "check_order_status", "argum', "could not be read"),
        ("<tool_call>please check the order</tool_call>", "could not be read"),
        ("<tool_call></tool_call>", "could not be read"),
        ('<tool_call>{"name": "check_weather", "arguments": {}}</tool_call>', "no tool 'check_weather'"),
        ('{"name": "check_weather", "arguments": {"day": 1}}', "no tool 'check_weather'"),
        ('{"name": "check_order_status", "arguments": {"ord', "could not be read"),
        (f"<function={NAME}>[1, 2]</function>", "not one JSON object"),
        (f"[TOOL_CALLS]{NAME}[ARGS]", "needed are: order"),
        (f"<|channel|>commentary to=functions.{NAME}<|message|>order 12<|call|>", "not one JSON object"),
        (f"[{NAME}(order=which)]", "not one JSON object"),
        ("<tool_call>" + "x" * (MAX_BLOCK + 10) + "</tool_call>", "could not be read"),
    ],
)
def test_a_written_call_that_cannot_be_carried_out_is_told_and_not_spoken(text: str, told: str) -> None:
    for size in (len(text), *((1, 2, 3, 7) if len(text) < 1000 else (1000,))):
        made = heard([text[n : n + size] for n in range(0, len(text), size)])
        assert made.text == ""
        assert [told in call.mistake for call in made.calls] == [True], made.calls


@pytest.mark.parametrize("case", [case for case in CALLS if "unclosed thought" not in case])
def test_no_written_call_is_carried_out_or_spoken_when_none_may_be(case: str) -> None:
    made = heard(CALLS[case], tool_choice=ToolChoice.NONE)
    assert (made.text.strip(), made.calls) == ("", [])


def test_an_answer_that_is_a_tool_s_name_is_a_call() -> None:
    for pieces in in_pieces("end_call"):
        made = heard(pieces)
        assert (made.text, [call.name for call in made.calls]) == ("", ["end_call"])


def test_without_tools_json_is_words() -> None:
    assert heard(CALL, tools=()).text == CALL


def test_a_call_within_a_thought_that_ends_is_a_thought() -> None:
    assert heard(f"<think>I may <tool_call>{CALL}</tool_call> it.</think>Hello").calls == []
    assert heard("<think>I use <tool_call> now.</think>Hello").text == "Hello"


def test_a_call_that_is_given_and_written_is_done_once() -> None:
    made = heard(f"<tool_call>{CALL}</tool_call>", calls=[ToolCall("x", NAME, '{"order":"1234"}')])
    assert len(made.calls) == 1


def test_values_between_tags_have_the_types_of_the_tool() -> None:
    text = f"<function={NAME}><parameter=order>007</parameter><parameter=rush>true</parameter></function>"
    assert json.loads(heard(text).calls[0].arguments) == {"order": "007", "rush": True}


def test_words_do_not_wait() -> None:
    """Behind the beginning nothing waits but what may still be a marker."""
    text = "Your order 5 < 6 has a [red] bell, a {blue} one and `code`. I think so."
    seen: list[str] = []

    async def listen() -> None:
        async def letters() -> AsyncIterator[LlmEvent]:
            for place, letter in enumerate(text):
                yield TextDelta(letter)
                if letter not in "<[{`":
                    assert "".join(seen) == text[: place + 1]

        async for event in addressed(letters(), ChatRequest(tools=TOOLS), Habits()):
            assert isinstance(event, TextDelta)
            seen.append(event.text)

    with pytest.raises(StopIteration):
        listen().send(None)


@pytest.mark.parametrize("begun", ["<think", "<tool_call x", "<｜tool", '{"name', "◁th", "[{", "```json"])
def test_what_never_becomes_a_marker_is_not_held_for_ever(begun: str) -> None:
    made: list[str] = []

    async def listen() -> None:
        async for event in addressed(
            model([f"Hello {begun}", *[" "] * MAX_MARK, " x"]), ChatRequest(tools=TOOLS), Habits()
        ):
            if isinstance(event, TextDelta):
                made.append(event.text)
                if len(made) > 5:
                    break

    listen().close()
    assert "".join(heard([f"Hello {begun}", *[" "] * MAX_MARK, " x"]).text.split()).startswith("Hello")


# A thought whose beginning was in the prompt


LONE = "She wants the hours. They are nine to six.</think>\n\nFrom nine to six."


def test_a_thought_without_a_beginning_is_taken_back_as_far_as_it_can() -> None:
    made: list[LlmEvent] = []

    async def listen() -> None:
        async for event in addressed(model(LONE), ChatRequest(tools=TOOLS), Habits()):
            made.append(event)

    with pytest.raises(StopIteration):
        listen().send(None)
    places = [n for n, event in enumerate(made) if isinstance(event, Unsay)]
    assert len(places) == 1
    assert "".join(e.text for e in made[places[0] :] if isinstance(e, TextDelta)) == "From nine to six."


def test_the_next_answers_of_that_model_are_held_until_their_thought_has_ended() -> None:
    habits = Habits()
    heard(list(LONE), habits=habits)
    made = heard(list(LONE), habits=habits)
    assert made.text == "From nine to six."
    assert made.deltas == len("From nine to six."), "behind the thought nothing waits"
    assert heard(list(LONE), habits=habits, model="other").deltas > len(made.text), "another model is another matter"


def test_a_model_that_no_longer_thinks_so_is_heard_at_once_again() -> None:
    habits = Habits()
    heard(LONE, habits=habits)
    assert heard(["From nine ", "to six."], habits=habits).text == "From nine to six."
    assert heard(["From nine ", "to six."], habits=habits).deltas == 2


@pytest.mark.parametrize(
    "thought",
    [
        "The user wants hours. I say them.",
        "Okay, so the user is asking for hours.",
        "We need to answer. ",
        "Hmm, the caller is late.",
    ],
)
def test_what_begins_like_a_thought_waits_for_its_end(thought: str) -> None:
    for pieces in in_pieces(f"{thought}</think>From nine."):
        made = heard(pieces)
        assert made.text == "From nine."
        assert made.deltas <= len("From nine.")
    assert heard(thought).text == thought, "without an end it is said"


def test_what_begins_like_a_thought_does_not_wait_for_ever() -> None:
    made = heard(["The user manual says: ", *["words "] * 2000])
    assert made.deltas > 100
    assert made.text.startswith("The user manual says: words")
    assert len(made.text) > MAX_SUSPECT


def test_a_model_that_answered_well_is_not_suspected_for_what_it_needs() -> None:
    habits = Habits()
    heard("From nine to six.", habits=habits)
    assert heard(["I need to ", "know your ", "name."], habits=habits).deltas == 3


async def test_thinking_aloud_is_thinking_and_may_not_take_for_ever() -> None:
    events = addressed(model(["<think>", *["hm "] * 50]), ChatRequest(), Habits(), first_word_s=-1.0)
    with pytest.raises(TooLate, match="thinks"):
        await anext(events)


@pytest.mark.parametrize("text", ["<", "[{", "`", "<a><b>", '{"name": ', "<think>", "[check_order_status(", "◁", "{}"])
@pytest.mark.parametrize("begun", ["", "<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "<think>"])
def test_a_server_that_means_harm_costs_little(text: str, begun: str) -> None:
    """As much as an answer may have; without bounds on every step this would take minutes."""
    assert heard(begun + text * (MAX_WORDS // len(text))).finish is not None


# Laws, over any pieces


@given(st.data())
def test_pieces_change_nothing(data: st.DataObject) -> None:
    texts = [*THOUGHTS, *WORDS, *CALLS.values()]
    text = " ".join(data.draw(st.lists(st.sampled_from(texts), min_size=1, max_size=3)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole, cut = heard(text), heard(pieces)
    assert cut.text == whole.text
    assert [(c.name, c.arguments, c.mistake) for c in cut.calls] == [
        (c.name, c.arguments, c.mistake) for c in whole.calls
    ]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="<[{`◁")), min_size=1, max_size=8))
def test_text_without_brackets_is_said_as_it_is(pieces: list[str]) -> None:
    text = "Well done: " + "".join(pieces)
    assert heard(["Well done: ", *pieces]).text == text


@given(st.text(st.sampled_from("<>[]{}()|/`\"'=:,. abthinkTOOLcall_◁▷｜▁\n"), max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    assert heard(list(text)).finish is not None
