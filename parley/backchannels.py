"""Words that say "I am listening" and nothing else, by language. An agent may bring its own."""

from __future__ import annotations

_ANYWHERE = ("uh-huh", "uhuh", "mm-hm", "mm-hmm", "mhm", "mhmm", "mm", "mmm", "hm", "hmm", "ah", "oh", "ok", "okay")

_BY_LANGUAGE: dict[str, tuple[str, ...]] = {
    "en": ("yeah", "yep", "yup", "yes", "right", "sure", "alright", "all right", "i see", "got it", "um", "umm", "uh"),
    "de": ("ja", "jo", "genau", "gut", "stimmt", "richtig", "klar", "alles klar", "ach so", "aha", "verstehe", "äh"),
    "fr": ("oui", "ouais", "d'accord", "bien", "très bien", "je vois", "voilà", "euh"),
    "es": ("sí", "ya", "claro", "vale", "bueno", "entiendo", "de acuerdo", "ajá", "eh"),
    "it": ("sì", "certo", "va bene", "capisco", "d'accordo", "eh"),
    "nl": ("ja", "precies", "goed", "oké", "ik snap het", "eh"),
    "pt": ("sim", "certo", "claro", "tá", "entendi", "está bem", "é"),
}


def backchannels_of(language: str) -> tuple[str, ...]:
    """The list for a BCP 47 tag ("en", "de-AT"). An unknown language has the sounds that are the same anywhere."""
    return _ANYWHERE + _BY_LANGUAGE.get(language.split("-")[0].lower(), ())
