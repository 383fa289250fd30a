"""The words beside a number that say what it is: "my social is ...", "... that's my cell". Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

BEFORE_CHARS = 64
AFTER_CHARS = 36

_CUES: dict[str, str] = {  # each begins with letters: by the first of them it is looked up
    "ssn": """social(?: security)?(?: number| card)? | ssn | s\\.s\\.n | soc | tax id | taxpayer id | itin |
        sozialversicherungsnummer | seguridad social | sécurité sociale""",
    "cvv": """cvv2? | cvc2? | csc | security code | verification (?:code|number|value) |
        three (?:digits? |numbers? )?on the (?:back|front) | four (?:digits? |numbers? )?on the (?:back|front) |
        digits on the (?:back|front) | prüfziffer | prüfnummer | sicherheitscode | código de seguridad |
        codigo de seguridad | cryptogramme | code de sécurité""",
    "card": """card(?: number|'s| no\\.?)? | credit card(?: number)? | debit card(?: number)? | visa | mastercard |
        master card | amex | american express | discover | diners | jcb | maestro | long number | kreditkarte\\w* |
        bankkarte\\w* | karte(?:nnummer)? | kartennummer | tarjetas? | carte(?! d)""",
    "birthdate": """born | birth ?(?:date|day)? | birthday | birthdate | dob | d\\. ?o\\. ?b | geboren | geburtsdatum |
        geburtstag | nací | naci | nacid[oa] | nacimiento | cumpleaños | née? | naissance | anniversaire""",
    "phone": """phone(?: number)? | telephone | mobile | cell | cellphone |
        call(?:ed|ing)? (?:me|us|back|him|her|them|this) |
        text (?:me|us|him|her) | reach (?:me|us|him|her|them) | ring (?:me|us) | dial | sms | whatsapp | fax |
        area code |
        caller | telefon\\w* | handy\\w* | mobil\\w* | rufnummer | erreich\\w* | anrufen | rückruf\\w* | teléfono |
        telefono |
        móvil | movil | celular | llám\\w+ | llam[ae]\\w* | téléphone | portable | appele[zr] | joindre |
        rappele[zr]""",
    "number": "my number(?:'s| is) | her number(?:'s| is) | his number(?:'s| is) | our number(?:'s| is) | "
    "the number(?:'s| is) | meine nummer | mi número | mi numero | mon numéro",
    "iban": "iban | bic",
    "account": """account (?:number|no\\.?) | bank account(?: number)? | kontonummer | número de cuenta |
        numéro de compte""",
    "routing": "routing(?: transit)?(?: number)? | aba | rtn",
    "passport": "passport | reisepass\\w* | passnummer | pasaporte | passeport",
    "licence": """driver'?s?'?[- ](?:licen[cs]e|permit) | driving[- ](?:licen[cs]e|permit) |
        licen[cs]e (?:number|no\\.?|is) | dl | führerschein\\w* | permiso de conducir | carnet de conducir |
        permis de conduire""",
    "record": """medical record(?: number)? | mrn | chart (?:number|no\\.?) | patient (?:id|number|no\\.?|file) |
        patientennummer | historia cl[ií]nica | dossier médical | numéro de patient""",
    "mbi": "medicare(?: number| id| card)? | mbi",
    "": """order | tracking | flight | room | invoice | confirmation | reservation | booking | reference | serial |
        part |
        model | case | ticket | extension | version | article | item | batch | meter | employee | member | customer |
        conference | house number | apartment | exit | page | chapter | line | platform | gate | seat | bus | train |
        zip |
        postal | postcode | area | door | access | pin | discount | promo | gift | sku | ref | price | total | amount |
        balance | costs? | paid | payment of | dollars? | euros? | pounds? | minutes? | hours? | miles | score |
        bestell\\w+ |
        auftragsnummer | rechnung\\w* | zimmer\\w* | kundennummer | postleitzahl | sendungsnummer | termin | pedido |
        habitación | habitacion | factura | vuelo | cita | commande | chambre | facture | vol | ends (?:in|with) |
        ending(?: in| with)?""",
}
_HEAD = re.compile(r"[^\W\d_]{1,3}(?![?*{])|[^\W\d_]{1,2}(?=[^\W\d_][?*{])")


def _by_head() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """Head of a word to the cues that begin with it, longest phrases first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, phrases in _CUES.items():
        for phrase in re.split(r"\s\|\s+", " ".join(phrases.split())):
            head = _HEAD.match(phrase)
            assert head is not None, phrase
            found.setdefault(head[0][:3], []).append((name, phrase))
    return {
        head: [(name, re.compile(rf"{phrase}(?!\w)", re.IGNORECASE)) for name, phrase in sorted(both, key=_longest)]
        for head, both in found.items()
    }


def _longest(named: tuple[str, str]) -> int:
    return -len(named[1])


_BY_HEAD = _by_head()
_WORD = re.compile(r"[^\W\d_]{2,}")
_AFTER = re.compile(
    r"[\s,.;]*(?:and |so |yes )?(?:that'?s|that is|it'?s|is|are|as|das ist|ist|es|c'est)\b[^.?!\d]{0,14}?"
    r"\b(?:my|mine|the|our|her|his|meine?|mi|mon|ma)\b",
    re.IGNORECASE,
)


class Cues:
    """Of one text: where each ends, and what it speaks of. Looked for when they are asked for first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._made: tuple[list[tuple[int, int, str]], list[int]] | None = None

    def _found(self) -> tuple[list[tuple[int, int, str]], list[int]]:
        if self._made is None:
            found = sorted(_cues(self._text), key=lambda cue: cue[1])
            self._made = found, [end for _, end, _ in found]
        return self._made

    def before(self, start: int) -> str | None:
        """What the nearest cue before `start` says; "": that it is nothing personal; None: there is none."""
        found, ends = self._found()
        n = bisect_right(ends, start)
        if not n or start - ends[n - 1] > BEFORE_CHARS:
            return None
        return found[n - 1][2]

    def after(self, end: int) -> str | None:
        """What a phrase such as "that's my cell" right behind `end` says."""
        match = _AFTER.match(self._text, end)
        if match is None:
            return None
        for begin, _, name in self._found()[0]:
            if begin >= match.end() - 4 and name:
                return name if begin - end <= AFTER_CHARS else None
        return None


def _cues(text: str) -> Sequence[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    low, until = text.lower(), 0
    if len(low) != len(text):  # a letter that has another length in lower case
        low = text
    for word in _WORD.finditer(low):
        start = word.start()
        if start < until:
            continue
        named = _BY_HEAD.get(low[start : start + 3]) or _BY_HEAD.get(low[start : start + 2])
        for name, phrase in named or ():
            if (match := phrase.match(low, start)) is not None:
                found.append((start, match.end(), name))
                until = match.end()
                break
    return found
