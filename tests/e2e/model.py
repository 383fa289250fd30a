"""What the model stand-in says in these calls."""

from testbed.vendors.openai.script import Messages, Reply, Rule, Tools, by_rules, text_of

HISTORY = (
    "The shop was founded long ago by two sisters who loved old bicycles and wide roads, and since then "
    "it has moved twice, burned down once, and taught half of the town how to ride without falling over."
)

_SCRIPT = by_rules(
    [
        Rule(heard=r"say nothing|said nothing", say="..."),
        Rule(heard=r"order (?:number )?(\d+)", call="check_order_status", arguments={"order_number": "{1}"}),
        Rule(heard=r"check my line", call="check_line"),
        Rule(heard=r"a person", call="transfer_to_human"),
        Rule(heard=r"goodbye", call="end_call"),
        Rule(heard=r"color", say="The bicycle is green."),
        Rule(heard=r"history", say=HISTORY),
        Rule(heard=r"^(\d+)$", say="You pressed {1}."),
        Rule(told=r'"summary": ?"([^"]+)"', say="{1}"),
        Rule(told=r'"message": ?"([^"]+)"', say="{1}"),
    ]
)


def SCRIPT(messages: Messages, tools: Tools) -> Reply:
    """Who asks "quietly" gets the tool's work done and not a word."""
    asked = next((text_of(m) for m in reversed(messages) if m["role"] == "user" and "(" not in text_of(m)), "")
    told = any(message["role"] == "tool" for message in messages)
    return Reply() if told and "quietly" in asked else _SCRIPT(messages, tools)
