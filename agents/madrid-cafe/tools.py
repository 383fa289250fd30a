"""What Lucía of Café La Golondrina can do: take an order, and help a learner with its Spanish. Tables lie in data/.

The grammar check knows beginners' slips around a café and nothing else. It never says that a sentence is right, only
that it sees no mistake.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from parley.text import slips, telling
from parley.text.slips import plain_words
from parley.tooling import CallContext, HangUp, Result, ToolError, tool

Row = dict[str, Any]
Rows = Mapping[str, Mapping[str, Any]]

NUMBERS = {"un": 1, "una": 1, "uno": 1, "otro": 1, "otra": 1, "par": 2, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5}
NUMBERS |= {
    "seis": 6,
    "siete": 7,
    "ocho": 8,
    "nueve": 9,
    "diez": 10,
    "once": 11,
    "doce": 12,
    "quince": 15,
    "veinte": 20,
}
NUMBERS |= {"cien": 100, "mil": 1000, **{str(n): n for n in range(1, 1000)}}
MOST = 20  # of one thing in an order
ASKS_FOR = re.compile(r"\b(?:quiero|queremos|ponme|dame|traeme|me (?:pones?|das?|traes?)|para mi|necesito|tomo)\b")
POLITE = re.compile(r"\bpor favor\b|\bquisiera|\bme gustaria|\bpodria|\bqueria|\bgracias\b")
TAKES_OFF = re.compile(r"\b(?:quita|quite|quitame|cancela|no quiero|ya no quiero|sin el|sin la)\b")
INSTEAD = re.compile(r"\b(?:en vez|en lugar) del?\b")
SITUATIONS = Literal[
    "saludo", "pedir", "precio", "cambiar", "cuenta", "pagar", "alergia", "baño", "entender", "despedida"
]


@tool(effects=True, idempotent=True)
async def take_order(sentence: str, context: CallContext) -> Result:
    """Put what the guest asks for on the order, change it, or take it off, and check the sentence's grammar as well.
    Use it for every sentence that orders something. Say the summary; ask its question if there is one.

    Args:
        sentence: The guest's whole sentence in Spanish, word for word, mistakes too.
    """
    menu = await context.records.all("menu")
    check = await _checked(sentence, context)
    async with context.records.transaction() as records:
        order = await records.get("orders", context.call_id) or {"lines": {}, "open": {}, "done": ""}
        if order["done"] != context.idempotency_key:  # not an attempt that was cut off behind it
            changed = _changed(order, plain_words(sentence), menu)
            order = {**order, **changed, "done": context.idempotency_key, "changed": changed["said"]}
            await records.put("orders", context.call_id, order)
    said, asked = str(order["changed"]), _question(order["open"], menu)
    if not said and not asked:
        raise ToolError("Perdona, eso no lo tenemos en la carta. Tenemos café, té, zumo, tostadas, bocadillos y tarta.")
    words = " ".join(filter(None, (said, check.advice, asked or "¿Qué más te pongo?")))
    words_met = {_name(menu[key], 1): menu[key]["english"] for key in order["lines"] if key in menu}
    show = {**check.show, "order": _order_card(order["lines"], menu), "words": await _met(words_met, context)}
    return Result({"order": _spoken(order["lines"], menu), **check.told, "summary": words}, show=show)


@tool(effects=True, idempotent=True)
async def grammar_check(sentence: str, context: CallContext) -> Result:
    """Check a Spanish sentence of the guest for beginners' mistakes: articles, ser and estar, verb forms, gustar, a
    missing "por favor". Use it once for each Spanish sentence that orders nothing, and when they ask if one is right.

    Args:
        sentence: The guest's whole sentence, word for word, mistakes too.
    """
    quoted = re.search(r"(?i)(?:está bien|es correcto|se dice)(?: decir)?:?\s+(?P<said>.{4,})", sentence)
    asked = quoted["said"].strip(" ?¿\"'«»") if quoted else sentence
    check = await _checked(asked, context)
    return Result({**check.told, "advice": check.advice or "¡Bien dicho!", "summary": check.verdict}, show=check.show)


@tool
async def hint_generator(context: CallContext, situation: SITUATIONS | None = None) -> Result:
    """A next thing that the guest could say, in Spanish and what it means. Use it when they do not know what to say.

    Args:
        situation: What the guest is about to do. Leave it out to go by how far the order is.
    """
    order = await context.records.get("orders", context.call_id) or {}
    bill = order.get("paid") and "despedida" or order.get("billed") and "pagar" or order.get("lines") and "cuenta"
    wanted = situation or bill or "pedir"
    hints = await context.records.find("hints", situation=wanted)
    progress = await context.records.get("progress", context.call_id) or {}
    heard = int(progress.get("sentences", 0))
    hint = list(hints.values())[heard % len(hints)]
    return Result(
        {**hint, "summary": f"Puedes decir: «{hint['spanish']}»"},
        show={"hint": {"Puedes decir": hint["spanish"], "In English": hint["english"]}},
    )


@tool
async def show_menu(context: CallContext, item: str | None = None) -> Result:
    """What there is, or the price of one thing. Use it for prices and for the card; never tell a price from memory.

    Args:
        item: What the guest asks about, in Spanish, such as café con leche. Leave it out for the card as a whole.
    """
    menu = await context.records.all("menu")
    if not item:
        some = [_name(menu[key], 1) for key in ("cafe_con_leche", "te_verde", "zumo", "tostada_con_tomate", "tortilla")]
        cards = {"menu": [{"title": _name(row, 1), "detail": _figures(row["price"])} for row in menu.values()]}
        said = f"Tenemos, por ejemplo, {_listed(some)}. También hay bocadillos, churros y tarta. ¿Qué te pongo?"
        return Result({"items": [_name(row, 1) for row in menu.values()], "summary": said}, show=cards)
    found = list(_found(plain_words(item), menu))
    rows = [menu[key] for each in found for key in each.keys]
    if not rows:
        raise ToolError("Eso no lo tenemos, lo siento. Pregúntame por el café, el té, las tostadas o los bocadillos.")
    told = [f"{_with_article(row).capitalize()} {_costs(row)} {telling.euros(Decimal(row['price']))}." for row in rows]
    words = await _met({_name(row, 1): row["english"] for row in rows}, context)
    prices = {_name(row, 1): row["price"] for row in rows}
    return Result({"prices": prices, "summary": " ".join(told)}, show={"words": words})


@tool
async def explain_word(word: str, context: CallContext) -> Result:
    """What a Spanish word of the café means in English, or how an English one is said in Spanish.

    Args:
        word: The word alone, in either language.
    """
    asked = plain_words(word).strip()
    asked = re.sub(r"^(?:(?:el|la|los|las|un|una|the|a|an|to) )+|(?: en (?:espanol|ingles))$", "", asked)
    known: dict[str, Row] = {_name(row, 1): row for row in (await context.records.all("menu")).values()}
    known |= await context.records.all("words") | await context.records.all("verbs")
    found = next((name for name in known if plain_words(name) == asked), "") or next(
        (name for name, row in known.items() if asked == plain_words(row["english"]).removeprefix("to ")), ""
    )
    plurals = {plain_words(row["plural"]): name for name, row in known.items() if "noun" not in row and "plural" in row}
    if not (found := found or plurals.get(asked, "")):
        raise ToolError("Esa palabra no la tengo en mi lista. Pregúntame por palabras del café.")
    english = known[found]["english"]
    return Result(
        {"spanish": found, "english": english, "summary": f"«{found.capitalize()}» en inglés es «{english}»."},
        show={"words": await _met({found: english}, context)},
    )


@tool(effects=True, idempotent=True)
async def get_bill(context: CallContext, sentence: str = "") -> Result:
    """The bill: what is on the order and what it costs together, and the grammar of the sentence that asked for it.

    Args:
        sentence: The guest's whole sentence, word for word, mistakes too.
    """
    menu = await context.records.all("menu")
    check = await _checked(sentence, context) if sentence else Check({}, "", "", {})
    async with context.records.transaction() as records:
        order = await records.get("orders", context.call_id)
        if not order or not order["lines"]:
            raise ToolError("Todavía no has pedido nada. ¿Qué te pongo?")
        await records.put("orders", context.call_id, {**order, "billed": True})
    total = _total(order["lines"], menu)
    parts = [_sentence(_spoken(order["lines"], menu)), f"{_comes_to(total)}.", check.advice]
    said = " ".join(filter(None, (*parts, "¿Pagas con tarjeta o en efectivo?")))
    show = {**check.show, "order": _order_card(order["lines"], menu)}
    return Result({"total_euros": str(total), **check.told, "summary": said}, show=show)


@tool
async def review_order(context: CallContext) -> Result:
    """What the guest has ordered so far. Use it when they ask, and when they want nothing more."""
    menu = await context.records.all("menu")
    order = await context.records.get("orders", context.call_id) or {"lines": {}}
    if not order["lines"]:
        return Result({"order": [], "summary": "Todavía no has pedido nada. Cuando quieras, dime qué te pongo."})
    said = _spoken(order["lines"], menu)
    rest = "Ya está pagado." if order.get("paid") else "Cuando quieras, pide la cuenta."
    show = {"order": _order_card(order["lines"], menu)}
    return Result({"order": said, "summary": f"Muy bien: {said}. {rest}"}, show=show)


async def _asks_to_pay(method: str, context: CallContext) -> str:
    order = await context.records.get("orders", context.call_id)
    if not order or not order["lines"] or order.get("paid"):
        raise ToolError("No hay nada que pagar. ¿Quieres pedir algo?")
    total = _total(order["lines"], await context.records.all("menu"))
    return f"{_comes_to(total)}, {'con tarjeta' if method == 'tarjeta' else 'en efectivo'}. ¿De acuerdo?"


@tool(consequential=True, confirm=_asks_to_pay)
async def pay_bill(method: Literal["tarjeta", "efectivo"], context: CallContext) -> Result:
    """Let the guest pay the whole bill. It is part of the role-play: no money moves, never ask for a card number.

    Args:
        method: tarjeta is by card, efectivo is in cash.
    """
    async with context.records.transaction() as records:
        order = await records.get("orders", context.call_id)
        if not order or not order["lines"] or order.get("paid"):
            raise ToolError("No hay nada que pagar. ¿Quieres pedir algo?")
        await records.put("orders", context.call_id, {**order, "paid": method})
    menu = await context.records.all("menu")
    card = [*_order_card(order["lines"], menu), {"title": "Pagado", "status": method, "tone": "good"}]
    return Result({"paid": method, "summary": "Pagado, muchas gracias. ¡Que tengas un buen día!"}, show={"order": card})


@tool(effects=True, idempotent=True)
async def end_call(context: CallContext, reason: str = "the guest said goodbye") -> Result:
    """Hang up. Use it when the guest says goodbye; say a short goodbye in Spanish with it.

    Args:
        reason: Why the call ends, in a few words.
    """
    progress = await context.records.get("progress", context.call_id)
    clean, count = (progress["clean"], progress["sentences"]) if progress else (0, 0)
    told = (
        f" {telling.spanish(clean).capitalize()} de tus {telling.spanish(count)} frases no tenían errores."
        if count > 1
        else ""
    )
    return Result({"ended": True, "summary": f"¡Gracias y hasta luego!{told}"}, then=HangUp(reason))


@dataclass(frozen=True, slots=True)
class Check:
    """What is found: `told` for the model, `advice` in a few words ("" without a mistake), `verdict` as an answer."""

    told: Row
    advice: str
    verdict: str
    show: Row


async def _met(words: Mapping[str, str], context: CallContext) -> list[Row]:
    """The card of the words that came up in this call, the newest first."""
    async with context.records.transaction() as records:
        before = (await records.get("met", context.call_id) or {}).get("words", {})
        met = dict([*words.items(), *((word, english) for word, english in before.items() if word not in words)][:30])
        await records.put("met", context.call_id, {"words": met})
    return [{"title": word, "detail": english} for word, english in met.items()]


async def _checked(sentence: str, context: CallContext) -> Check:
    """Find mistakes, and count the sentence once towards the meter."""
    text = unicodedata.normalize("NFC", " ".join(sentence.split()))[: slips.MAX_CHARS]
    tables = {name: await context.records.all(name) for name in ("menu", "words", "verbs", "slips")}
    nouns = {**{row["noun"]: row for row in tables["menu"].values()}, **tables["words"]}
    verbs, patterns = tables["verbs"], tables["slips"]
    made = slips.apart(
        [*slips.of_patterns(text, patterns), *slips.of_verbs(text, verbs), *slips.of_articles(text, nouns)]
    )
    better = slips.mended(text, made)
    plain = plain_words(text)
    polite = bool(POLITE.search(plain)) or not ASKS_FOR.search(plain) or "?" in text
    if not polite:
        better = f"{better.rstrip(' .!')}, por favor."
    async with context.records.transaction() as records:
        progress = await records.get("progress", context.call_id) or {"sentences": 0, "clean": 0, "last": ""}
        if plain != progress["last"]:
            clean = int(progress["clean"]) + (not made)
            progress = {"sentences": int(progress["sentences"]) + 1, "clean": clean, "last": plain}
            await records.put("progress", context.call_id, progress)
    shown = {"confidence": _meter(progress)}
    mistakes = [{"wrong": text[s.begin : s.end], "right": s.right, "why": s.english} for s in made]
    told = {"correct": not made, "mistakes": mistakes, "better": better, "polite": polite}
    advice, verdict = "", "Muy bien, no veo ningún error."
    if not polite:
        verdict = f"No veo ningún error. Más amable: «{better}»"
    if made:
        first = f"«{made[0].right}»: {made[0].why}"
        advice, verdict = f"Un detalle: se dice {first}.", f"Casi. Se dice {first}. Mejor: «{better.rstrip('.')}»."
    if made or not polite:
        why = [*(s.english for s in made), *([] if polite else ["por favor makes a request polite."])]
        shown["correction"] = {"You said": text, "Better": better, "Why": " ".join(why)}
    return Check(told, advice, verdict, shown)


@dataclass(frozen=True, slots=True)
class Item:
    """Something of the card in a sentence: which it may be, how many, and where it stands."""

    keys: tuple[str, ...]
    count: int
    begin: int


def _found(plain: str, menu: Rows) -> Iterator[Item]:
    names: dict[str, tuple[str, ...]] = {}
    for key, row in menu.items():
        for noun in (row["noun"], row["plural"]):
            alone = () if "kind" not in row else tuple(k for k, r in menu.items() if r["noun"] == row["noun"])
            names[plain_words(noun)] = alone or (key,)
            for kind in {row.get("kind", ""), row.get("kinds", "")} - {""}:
                names[plain_words(f"{noun} {kind}")] = (key,)
    some = "|".join(sorted(names, key=len, reverse=True))
    for found in re.finditer(rf"(?:\b(\w+) )?(?:de )?\b({some})\b", plain):
        yield Item(names[found[2]], NUMBERS.get(found[1] or "", 1), found.start(2))


def _changed(order: Row, plain: str, menu: Rows) -> Row:
    """The order after a sentence, with what is said of it: "un café con leche"; "" if the sentence changes nothing."""
    lines: dict[str, int] = dict(order["lines"])
    waiting: Row = dict(order["open"])
    instead = INSTEAD.search(plain)
    put, off, asked = [], [], {}
    for item in _found(plain, menu):
        key = item.keys[0]
        if TAKES_OFF.search(plain[: item.begin]) or (instead and item.begin > instead.start()):
            gone = [k for k in item.keys if k in lines]
            off += [_one(menu[k], lines.pop(k)) for k in gone]
        elif len(item.keys) > 1:
            asked = {"noun": menu[key]["noun"], "count": item.count}
        else:
            lines[key] = min(MOST, lines.get(key, 0) + item.count)
            put.append(key)
    if not put and not asked and waiting:  # "con leche", to the question which coffee
        for key, row in menu.items():
            kinds = {plain_words(row.get("kind", "")), plain_words(row.get("kinds", ""))} - {""}
            if row["noun"] == waiting["noun"] and any(re.search(rf"\b{kind}\b", plain) for kind in kinds):
                lines[key] = min(MOST, lines.get(key, 0) + int(waiting["count"]))
                put.append(key)
                break
    count = next((NUMBERS[w] for w in plain.split() if w in NUMBERS), 0)
    if not put and not off and not asked and count and lines:  # "no, mejor dos"
        put = [list(lines)[-1]]
        lines[put[0]] = count
    said = [f"Marchando {_listed([_one(menu[k], lines[k]) for k in put])}." if put else ""]
    said += [f"Quito {_listed(off)}." if off else ""]
    return {"lines": lines, "open": asked if asked or put else waiting, "said": " ".join(filter(None, said))}


def _question(waiting: Row, menu: Rows) -> str:
    """Which one? Of coffees, teas, wines."""
    if not waiting:
        return ""
    kinds = [str(row["kind"]) for row in menu.values() if row["noun"] == waiting["noun"]]
    return f"¿El {waiting['noun']}, {', '.join(kinds[:-1])} o {kinds[-1]}?" if len(kinds) > 1 else ""


def _name(row: Mapping[str, Any], count: int) -> str:
    many = count > 1 or row.get("pair")
    kind = row.get("kinds", row.get("kind", "")) if many else row.get("kind", "")
    return f"{row['plural'] if many else row['noun']} {kind}".strip()


def _one(row: Mapping[str, Any], count: int) -> str:
    """ "un café con leche", "dos tostadas"."""
    if row.get("pair"):
        return _name(row, 1) if count == 1 else f"{telling.spanish(count)} de {_name(row, 1)}"
    masculine = row["gender"] == "m" or row.get("el")
    return f"{('un' if masculine else 'una') if count == 1 else telling.spanish(count)} {_name(row, count)}"


def _costs(row: Row) -> str:
    return "cuestan" if row.get("pair") else "cuesta"


def _with_article(row: Row) -> str:
    forms = ("los", "las") if row.get("pair") else ("el", "el" if row.get("el") else "la")
    return f"{forms[row['gender'] == 'f']} {_name(row, 1)}"


def _spoken(lines: Mapping[str, int], menu: Rows) -> str:
    return _listed([_one(menu[key], count) for key, count in lines.items() if key in menu])


def _comes_to(total: Decimal) -> str:
    return f"{'Es' if 1 <= total < 2 else 'Son'} {telling.euros(total)}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _total(lines: Mapping[str, int], menu: Rows) -> Decimal:
    return sum((Decimal(menu[key]["price"]) * count for key, count in lines.items() if key in menu), Decimal())


def _order_card(lines: Mapping[str, int], menu: Rows) -> list[Row]:
    rows = [
        {"title": f"{count} × {_name(menu[key], count)}", "detail": _figures(Decimal(menu[key]["price"]) * count)}
        for key, count in lines.items()
        if key in menu
    ]
    return [*rows[:28], {"title": "Total", "detail": _figures(_total(lines, menu))}] if rows else []


def _meter(progress: Row) -> Row:
    clean, count = int(progress["clean"]), int(progress["sentences"])
    return {"value": round(100 * clean / count), "detail": f"{clean} of {count} sentences without a mistake"}


def _figures(amount: Decimal | str) -> str:
    return f"{Decimal(amount):.2f} €".replace(".", ",")


def _listed(words: list[str]) -> str:
    return " y ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
