"""Slips of beginners in Spanish, with the tables of agents/madrid-cafe: what is mended, and what is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from parley.text import slips

DATA = Path(__file__).parents[2] / "agents" / "madrid-cafe" / "data"
MENU, WORDS, VERBS, PATTERNS = (
    yaml.safe_load((DATA / f"{name}.yaml").read_text()) for name in ("menu", "words", "verbs", "slips")
)
NOUNS: dict[str, dict[str, Any]] = {**{row["noun"]: row for row in MENU.values()}, **WORDS}


def found(text: str) -> list[slips.Slip]:
    every = (slips.of_patterns(text, PATTERNS), slips.of_verbs(text, VERBS), slips.of_articles(text, NOUNS))
    return slips.apart([slip for each in every for slip in each])


@pytest.mark.parametrize(
    ("said", "better"),
    [
        ("yo quiero una café por favor", "yo quiero un café por favor"),
        ("yo quiero una cafe", "yo quiero un café"),
        ("Yo quiere un café con leche", "Yo quiero un café con leche"),
        ("nosotros quiero dos tés", "nosotros queremos dos tés"),
        ("tú quiere pagar", "tú quieres pagar"),
        ("querer un café", "quiero un café"),
        ("Hola, quiere un té verde", "Hola, quiero un té verde"),
        ("quiero dos café", "quiero dos cafés"),
        ("Quiero un cafés", "Quiero un café"),
        ("los tostada", "las tostadas"),
        ("unos cafés solo", "unos cafés solos"),
        ("un vino blanca", "un vino blanco"),
        ("Quiero el cuenta", "Quiero la cuenta"),
        ("la agua está fría", "el agua está fría"),
        ("una agua por favor", "un agua por favor"),
        ("soy cansado", "estoy cansado"),
        ("Estoy americano", "Soy americano"),
        ("estoy de Londres", "soy de Londres"),
        ("soy veinte años", "tengo veinte años"),
        ("soy hambre", "tengo hambre"),
        ("¿Dónde es el baño?", "¿Dónde está el baño?"),
        ("El café es frío", "El café está frío"),
        ("me gusta los churros", "me gustan los churros"),
        ("un otro café", "otro café"),
        ("para yo un té", "para mí un té"),
        ("¿puedo tener un café?", "¿me pone un café?"),
        ("buenos tardes", "buenas tardes"),
    ],
)
def test_it_is_mended(said: str, better: str) -> None:
    mistakes = found(said)
    assert slips.mended(said, mistakes) == better
    assert all(slip.why and slip.english.endswith(".") for slip in mistakes)
    assert not found(better), "what it says is better has no mistake that it knows of"


@pytest.mark.parametrize(
    "said",
    [
        "Quiero un café con leche y una tostada con tomate, por favor.",
        "un cafe con leche", "un agua fría por favor", "el agua", "un café con leche frío", "un café con leche fría",
        "¿Quiere un café?", "él quiere un té", "usted tiene la cuenta", "tengo veinte años", "estoy de vacaciones",
        "soy de Londres", "soy vegetariana", "la cuenta, por favor", "dos cortados", "otra cerveza", "mucho azúcar",
        "yo no quiero azúcar", "como una ensalada", "El café de la esquina está bien", "", "¿?", "İ un café",
    ],
)  # fmt: skip
def test_it_is_left_alone(said: str) -> None:
    assert found(said) == []


def test_two_mistakes_in_one_sentence() -> None:
    said = "Yo quiere una café y dos tostada"
    assert slips.mended(said, found(said)) == "Yo quiero un café y dos tostadas"
