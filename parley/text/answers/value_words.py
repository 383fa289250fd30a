"""Words that are, or may be, a value of what was asked about: numbers and times of the day; days and parts of them. By
language, without accents. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUMBERS = {
    "en": _words(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million "
        "half quarter dozen couple pair once twice double triple noon midnight oclock first second third fourth fifth "
        "sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth "
        "eighteenth nineteenth twentieth thirtieth"
    ),
    "es": _words(
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis "
        "diecisiete dieciocho diecinueve veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien "
        "ciento quinientos mil millon media docena doble mediodia medianoche primero"
    ),
    "de": _words(
        "null eins zwei zwo drei vier funf sechs sieben acht neun zehn elf zwolf million halb viertel dutzend paar "
        "doppelt einmal zweimal mittag mitternacht uhr erste ersten zweite zweiten dritte dritten"
    ),
    "fr": _words(
        "zero deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt trente "
        "quarante cinquante soixante cent cents mille million demi demie quart douzaine double midi minuit premier"
    ),
}
_NUMBER_ENDS = {"es": ("cientos", "cientas"), "de": ("zehn", "zig", "hundert", "tausend", "zigste", "zigsten")}
_NUMBER_BEGINS = {"es": "veinti"}
_DAYS = {
    "en": _words(
        "monday tuesday wednesday thursday friday saturday sunday weekend weekday today tomorrow tonight week month "
        "morning afternoon evening night january february march april june july august september october november "
        "december"
    ),
    "es": _words(
        "lunes martes miercoles jueves viernes sabado domingo hoy manana semana mes tarde noche enero febrero marzo "
        "abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    ),
    "de": _words(
        "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag heute morgen ubermorgen woche "
        "wochenende monat fruh vormittag nachmittag abend nacht januar februar marz april mai juni juli august "
        "september oktober november dezember"
    ),
    "fr": _words(
        "lundi mardi mercredi jeudi vendredi samedi dimanche demain aujourdhui semaine weekend mois matin soir nuit "
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre"
    ),
}


def has_number(words: Iterable[str], language: str) -> bool:
    """A number or a time of the day. `words`: normalised, without accents; `language`: "en"."""
    known = _NUMBERS.get(language, frozenset())
    ends, begins = _NUMBER_ENDS.get(language, ()), _NUMBER_BEGINS.get(language, " ")
    return any(
        word in known or word.endswith(ends) or word.startswith(begins) or any(map(str.isdigit, word)) for word in words
    )


def has_day(words: Iterable[str], language: str) -> bool:
    known = _DAYS.get(language, frozenset())
    return any(word in known or word.removesuffix("s") in known for word in words)
