"""Whether a question of another language than English asks for a number that is read out: a few words of each. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple


class _Words(NamedTuple):
    """`asks`: somebody is to say something; in an offer ("le repito el número") it does not stand. `number`: what."""

    asks: re.Pattern[str]
    number: re.Pattern[str]


_WORDS = {
    "es": _Words(
        re.compile(
            r"\bcuál\b|\b(?:dígame|dime|deme|déme|dame|indíqueme|indícame|repita|repite|repítame|necesito|marque|"
            r"teclee|introduzca)\b|\b(?:decir|dar|indicar|repetir|confirmar|facilitar)me\b|\bme (?:da|dice|indica|"
            r"repite|facilita|puede|podría)\b|^(?:¿ ?)?(?:y )?(?:su|tu)\b(?!.*\bes\b)(?=.*(?:\?|por favor))"
        ),
        re.compile(
            r"\b(?:número|código|pin|dígitos|teléfono|dni)\b"
            r"(?! de (?:personas|comensales|invitados|adultos|niños|noches|habitaciones|plazas|entradas|unidades))"
        ),
    ),
    "de": _Words(
        re.compile(
            r"\bwie (?:ist|lautet|war)\b|\bwelche\b|\b(?:brauche|bräuchte|benötige)\b|\b(?:nennen|sagen|geben|"
            r"wiederholen|bestätigen|können|könnten|würden) sie (?:mir|uns|bitte)\b|"
            r"^(?:und )?(?:ihre|deine)\b(?!.*\bist\b)(?=.*(?:\?|bitte))"
        ),
        re.compile(r"\b(?!haus|zimmer)\w*nummer\b|\bpostleitzahl\b|\b(?:pin|plz)\b|\b\w*code\b|\bziffern\b"),
    ),
    "fr": _Words(
        re.compile(
            r"\bquel(?:le)?s?\b|\b(?:donnez|dites|indiquez|répétez|confirmez|communiquez)[- ]moi\b|\b(?:saisissez|"
            r"composez|tapez|entrez)\b|\bme (?:donner|dire|indiquer|répéter|confirmer|communiquer|rappeler)\b|"
            r"\bil me fau(?:t|drait)\b|\bj'a(?:i|urais) besoin\b|^(?:et )?votre\b(?!.*\best\b)"
            r"(?=.*(?:\?|s'il vous plaît))"
        ),
        re.compile(r"\b(?:numéro|code|chiffres)\b(?! de (?:la )?(?:rue|chambre|porte))"),
    ),
}


def asks_for_number(sentence: str, language: str) -> bool:
    """`sentence` in small letters; `language` such as "es". In one that is not known: no."""
    words = _WORDS.get(language)
    return words is not None and bool(words.asks.search(sentence) and words.number.search(sentence))
