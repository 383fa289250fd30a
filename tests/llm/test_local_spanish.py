"""The engine without a vendor in Spanish: the agent's phrases, with or without accents, and its own sentences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from parley.agents.domain import Slot
from parley.agents.files import load_agent
from services.llm.local.languages.language import KNOWN, language_of
from services.llm.local.understanding import slots
from services.llm.local.understanding.domain import Domain
from services.llm.providers.local import Local
from testbed.frontdesk import AGENTS
from testbed.rounds import settings
from testbed.talk import Talk, spec

SPANISH = language_of("es-MX")
AGENT = {
    "company": "Taller Ríos",
    "language": "es",
    "greeting": "Hola, Taller Ríos.",
    "prompt": "Eres la recepción de un taller.",
    "domain": {
        "fallback": "Lo siento, no lo he entendido. Puedo buscar tu coche.",
        "slots": {
            "matricula": {"kind": "digits", "length": 4, "ask": "¿Qué matrícula tiene?"},
            "pieza": {"kind": "choice", "values": ["batería", "luz"], "ask": "¿Qué pieza?"},
            "frase": {"kind": "sentence"},
        },
        "intents": {
            "coche": {"phrases": ["dónde está mi coche", "{matricula}"], "tool": "find_car", "needs": ["matricula"]},
            "pieza": {"phrases": ["[tiene|quiero] [una|la|] {pieza}"], "tool": "part", "needs": ["pieza", "frase"]},
            "queja": {"phrases": ["tengo una queja"], "tool": "complain", "needs": ["frase"]},
            "adios": {"phrases": ["adiós"], "tool": "end_call"},
        },
    },
}


@pytest.fixture
def talk(tmp_path: Path, data_dir: Path) -> Talk:
    (tmp_path / "taller").mkdir()
    (tmp_path / "taller" / "agent.yaml").write_text(yaml.safe_dump(AGENT, allow_unicode=True))
    engine = Local(settings(PARLEY_AGENTS_DIR=tmp_path, PARLEY_AGENT="taller", PARLEY_DATA_DIR=data_dir))
    tools: dict[str, Callable[..., Any]] = {
        "find_car": lambda matricula: {"summary": f"El coche {matricula} está listo."},
        "part": lambda pieza, frase: {"summary": f"{pieza}: {frase}"},
        "complain": lambda frase: {"summary": f"Apuntado: {frase}"},
        "end_call": lambda: {"summary": "Adiós."},
    }
    specs = (spec("find_car", "matricula"), spec("part", "pieza", "frase"), spec("complain", "frase"), spec("end_call"))
    return Talk(lambda: engine, "taller", tools, specs)


async def test_a_call_in_spanish_with_and_without_accents(talk: Talk) -> None:
    assert await talk.say("donde esta mi coche") == "¿Qué matrícula tiene?"
    assert await talk.say("12") == SPANISH.says.so_far.format(said="uno dos")
    assert await talk.say("34") == "El coche 1234 está listo."
    assert await talk.say("¿Tiene la bateria?") == "batería: ¿Tiene la bateria?", "and the sentence as it was said"
    assert await talk.say("¿Cómo?") == "batería: ¿Tiene la bateria?"
    assert await talk.say("adios") == "Adiós."
    assert [name for name, _ in talk.did] == ["find_car", "part", "end_call"]


async def test_a_sentence_is_always_the_newest(talk: Talk) -> None:
    assert await talk.say("tengo una queja") == "Apuntado: tengo una queja"
    assert await talk.say("Hola, tengo una queja, por favor") == "Apuntado: Hola, tengo una queja, por favor"


@pytest.mark.parametrize(
    ("said", "move"),
    [
        ("Sí, por favor", "yes"), ("vale", "yes"), ("no, gracias", "no"), ("No, espera.", "no"), ("no sé", "unsure"),
        ("Más despacio, por favor", "slower"), ("perdona, ¿cómo?", "repeat"), ("no te entiendo", "repeat"),
        ("¿Eres un robot?", "robot"), ("muchas gracias, hasta luego", "goodbye"), ("gracias", "thanks"),
        ("hola, buenas tardes, ¿qué tal?", "how_are_you"), ("un momento, por favor", "wait"),
        ("eh, pues", "unfinished"),
        ("quiero hablar con una persona", "human"), ("sí, digo, no", ""), ("quiero un coche", ""),
    ],
)  # fmt: skip
def test_moves(said: str, move: str) -> None:
    assert SPANISH.move(SPANISH.normalise(said)) == move
    bare = SPANISH.plain(said)
    assert SPANISH.move(SPANISH.normalise(bare)) == move


async def test_what_is_not_understood_is_said_in_spanish(talk: Talk) -> None:
    fallback = str(AGENT["domain"]["fallback"])  # type: ignore[index]
    assert await talk.say("la lluvia en Sevilla es una maravilla") == fallback
    assert await talk.say("¿Quién eres?") == SPANISH.says.who.format(company="Taller Ríos")
    assert await talk.say("quiero hablar con una persona") == SPANISH.says.nobody


def test_every_language_has_a_file_and_others_are_read_as_english() -> None:
    assert KNOWN == ("en", "es")
    assert language_of("fr").code == "en"
    for code in KNOWN:
        language = language_of(code)
        for name in ("who", "no_jokes", "help"):
            assert "{company}" in getattr(language.says, name)
        assert language.offers_human(language.says.offer), "a yes to it is understood"
        assert language.offers_more(language.says.welcome), "and a no to it"


@pytest.mark.parametrize("said", ["un café", "un cafe"])
def test_choices_are_found_without_their_accents(said: str) -> None:
    assert slots.find(Slot(kind="choice", values=("café", "té")), said) == "café"


def test_the_cafe_hears_all_that_is_on_its_card() -> None:
    items = {slots._bare(each) for each in load_agent(AGENTS, "madrid-cafe").domain.slots["item"].values}
    menu = yaml.safe_load((AGENTS / "madrid-cafe" / "data" / "menu.yaml").read_text())
    for row in menu.values():
        for noun, kind in ((row["noun"], row.get("kind", "")), (row["plural"], row.get("kinds", row.get("kind", "")))):
            assert {slots._bare(noun), slots._bare(f"{noun} {kind}".strip())} <= items
    Domain(load_agent(AGENTS, "madrid-cafe"))
