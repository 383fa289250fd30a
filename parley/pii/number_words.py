"""Words that are numbers when a caller reads one out: English, German, Spanish, French."""

from __future__ import annotations

_EN = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen"""
_DE = """null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn
    siebzehn achtzehn neunzehn"""
_ES = """cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete
    dieciocho diecinueve"""
_FR = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
_EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_DE_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
_ES_TENS = "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"
_FR_TENS = "vingt trente quarante cinquante soixante"
_DE_UNITS = "ein zwei drei vier fünf sechs sieben acht neun"
_FILLERS = """and then uh um er erm dash hyphen minus space comma und dann äh ähm strich y luego guion guión eh et
    puis euh tiret"""
_BETWEEN = """no nope wait sorry actually correction rather not pardon oops again okay ok so like well right yeah yes
    hmm hm mm next now it's its that's thats it is that mean meant make scratch strike let let's me see think start
    over repeat hold on hang excuse you know followed by after the my rest last final first second four three two 4
    digits numbers are was be group part once more time this got yep yup sure fine alright go ahead copy gotcha check
    look say said there's there nein moment entschuldigung ich meine also nicht sondern falsch danach weiter noch mal
    das ist die letzten perdón perdon digo espera mejor dicho después sigue i es la el non attendez je veux dire
    ensuite c'est le les"""
_CORRECTED = """no nope wait sorry actually correction rather not pardon oops again mean meant make scratch strike
    over repeat check nein moment entschuldigung meine nicht sondern falsch mal perdón perdon digo espera mejor non
    attendez dire"""
_CODE_WORDS = """alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa
    quebec romeo sierra tango uniform victor whiskey xray yankee zulu"""
_ES_HUNDREDS = "doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
_ES_TWENTIES = "veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve"


def _below_twenty() -> dict[str, int]:
    numbers = {word: n for words in (_EN, _DE, _ES, _FR) for n, word in enumerate(words.split())}
    numbers |= {"oh": 0, "o": 0, "nought": 0, "niner": 9, "zwo": 2, "fuenf": 5, "zwoelf": 12, "zero": 0}
    numbers |= {"dieciseis": 16, "une": 1, "una": 1}
    return numbers


def _tens() -> dict[str, int]:
    languages = _EN_TENS, _DE_TENS, _ES_TENS, _FR_TENS
    tens = {word: 10 * n for words in languages for n, word in enumerate(words.split(), 2)}
    tens |= {"dreissig": 30, "fourty": 40, "vingts": 20}
    return tens | {"septante": 70, "huitante": 80, "octante": 80, "nonante": 90}


def _compounds() -> dict[str, int]:
    """Two digits in one word."""
    numbers = {word: n for n, word in enumerate(_ES_TWENTIES.split(), 21)}
    numbers |= {"veintidos": 22, "veintitres": 23, "veintiseis": 26}
    for ten, word in enumerate(_DE_TENS.split(), 2):
        for unit, first in enumerate(_DE_UNITS.split(), 1):
            numbers[f"{first}und{word}"] = 10 * ten + unit
            numbers[f"{first}und{word.replace('ß', 'ss')}"] = 10 * ten + unit
    return numbers


SMALL = _below_twenty()
"""0 to 19."""
TENS = _tens()
WHOLE = _compounds()
"""21 to 99 in one word."""
REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4, "doble": 2, "doppel": 2}
HUNDRED = {"hundred": 2, "hundert": 2, "thousand": 3, "tausend": 3}
"""Zeros."""
HUNDREDS = {"ciento": 100} | {word: 100 * n for n, word in enumerate(_ES_HUNDREDS.split(), 2)}
"""In one word; two digits may follow."""
FILLERS = frozenset(_FILLERS.split())
"""What may be said between two digits of one number."""
BETWEEN = frozenset((*FILLERS, *_BETWEEN.split()))
"""What may be said between two groups of one number, if nothing else is: "no, wait", "and the last four are"."""
CORRECTED = frozenset(_CORRECTED.split())
"""Of these what says that something is to be heard anew."""
LETTERS = {word: word[0] for word in _CODE_WORDS.split()} | {"alfa": "a", "juliett": "j", "whisky": "w"}
"""By code word."""
ALONE = frozenset(("un", "une", "una", "once", "elf"))
"""Also other words, in one language or another: no number by themselves, nor at the end of a short one."""
OFTEN = frozenset((*ALONE, "one", "uno", "eins", "o", "oh"))
"""By themselves hardly ever a digit: "one moment", "oh no"."""
NUMBERS = frozenset((*SMALL, *TENS, *WHOLE, *HUNDREDS))
