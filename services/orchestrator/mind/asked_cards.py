"""Whether the bot's own words ask for a payment card's number, or for the code on its back. Pure.

For agents that take payments. Of the last sentences that ask for anything the last one counts.
"""

from __future__ import annotations

import re

from services.orchestrator.mind.state import BotLine, Call

CARD, CARD_CODE = "card", "card_code"

_CODE = re.compile(
    r"\b(?:security|verification|card) (?:code|number on the back)\b|\bc[vs][vc]2?\b|\bdigits? on the (?:back|front)\b|"
    r"\bcode on the (?:back|front)\b|\bprüf(?:ziffer|nummer)\b|\bsicherheitscode\b|\bcódigo de seguridad\b|"
    r"\bcryptogramme\b|\bcode de sécurité\b",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"\b(?:card|credit card|debit card)(?:'s)? numbers?\b|\blong number\b|\bnumber (?:of|on|from|across) (?:your|the) "
    r"(?:\w+ )?card\b|\bdigits (?:of|on) (?:your|the) (?:\w+ )?card\b|\b(?:read|give|tell|enter|key|type)\b[^.?!]*"
    r"\bcard\b|\b(?:kredit|bank)?kartennummer\b|\bnummer (?:ihrer|deiner|der) (?:kredit|bank)?karte\b|"
    r"\bnúmero de (?:su|tu|la) tarjeta\b|\bnúmero de tarjeta\b|\bnuméro de (?:votre |la )?carte\b",
    re.IGNORECASE,
)
_LAST_FOUR = re.compile(
    r"\b(?:last|first) (?:four|4)\b|\bletzten vier\b|\búltimos cuatro\b|\bquatre derniers\b", re.IGNORECASE
)
_NO_QUESTION = re.compile(
    r"\bending (?:in|with)\b|\b(?:is|was) (?:charged|paid|declined)\b|\b(?:do not|don't|never) (?:give|tell|say)\b|"
    r"^\W*(?:(?:great|thanks|thank you|okay|perfect|good)[,. ]+)*(?:i|we)(?:'ve| have)? (?:got|have|received|noted)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.?!]+[.?!]*")


def asked_card(text: str) -> str:
    """`card`, `card_code`, or "": these words ask for none of them."""
    for sentence in reversed(_SENTENCE.findall(text)):
        if _NO_QUESTION.search(sentence):
            continue
        if _CODE.search(sentence):
            return CARD_CODE
        if _CARD.search(sentence) and not _LAST_FOUR.search(sentence):
            return CARD
        if sentence.rstrip().endswith("?"):
            return ""
    return ""


def asked_before(call: Call) -> str:
    """What the bot's last words asked for that began to sound: for a new leg, whose ears do not know it."""
    if not call.policy.payment:
        return ""
    lines = (line for line in reversed(call.history) if isinstance(line, BotLine) and line.kind != "filler")
    for line in lines:
        if (asked := asked_card(line.text)) or line.heard:
            return asked
    return ""
