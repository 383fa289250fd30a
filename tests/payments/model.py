"""What the model stand-in says where callers pay: it asks for card and code, and passes on what stands for them."""

from __future__ import annotations

import re

from testbed.vendors.openai.script import Call, Messages, Reply, Tools, text_of, users_of

PROMPT = "You take payments by card"
_TOKEN = {kind: re.compile(rf"\[{kind}-[a-z]{{4}}\]") for kind in ("card", "code")}


def pays(messages: Messages, tools: Tools) -> Reply:
    """The script of agents with PROMPT."""
    last = messages[-1]
    if last["role"] == "tool":
        found = re.search(r'"(?:summary|message)": ?"([^"]+)"', text_of(last))
        return Reply(found[1] if found else text_of(last))
    said = users_of(messages)
    tokens = {kind: [token for text in said for token in pattern.findall(text)] for kind, pattern in _TOKEN.items()}
    if _TOKEN["code"].search(said[-1]) and tokens["card"]:
        return Reply(calls=(Call("pay", {"card": tokens["card"][-1], "code": tokens["code"][-1]}),))
    if _TOKEN["card"].search(said[-1]):
        return Reply("Thank you. And what is the security code on the back?")
    if "part of a number" in said[-1]:
        return Reply("That was not a whole number. What is your card number?")
    if "pay" in said[-1].lower():
        return Reply("Gladly. What is your card number?")
    return Reply("Do you want to pay?")
