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
    "sv": ("ja", "jo", "jaha", "just det", "precis", "okej", "visst", "jag förstår"),
    "da": ("ja", "jo", "nå", "præcis", "okay", "jeg forstår", "netop"),
    "no": ("ja", "jo", "akkurat", "nettopp", "greit", "jeg skjønner"),
    "fi": ("joo", "juu", "kyllä", "niin", "aivan", "selvä", "okei"),
    "pl": ("tak", "no", "aha", "jasne", "dobrze", "dobra", "rozumiem", "okej", "yhm"),
    "cs": ("ano", "jo", "no", "aha", "jasně", "dobře", "rozumím"),
    "ro": ("da", "aha", "bine", "sigur", "înțeleg", "exact"),
    "hu": ("igen", "ja", "aha", "jó", "értem", "persze", "rendben"),
    "el": ("ναι", "μάλιστα", "εντάξει", "σωστά", "κατάλαβα", "αχά"),
    "tr": ("evet", "tamam", "peki", "hı hı", "anladım", "tabii", "doğru"),
    "ru": ("да", "ага", "угу", "так", "понятно", "ясно", "хорошо", "ладно", "конечно", "мм", "э"),
    "uk": ("так", "ага", "угу", "зрозуміло", "ясно", "добре", "гаразд", "мм"),
    "vi": ("vâng", "dạ", "dạ vâng", "ừ", "ừm", "à", "ờ", "được", "đúng rồi", "hiểu rồi"),
    "id": ("iya", "ya", "oke", "baik", "betul", "benar", "siap", "paham", "mengerti"),
    "ms": ("ya", "oke", "baik", "betul", "faham"),
    "zh": (
        "嗯", "啊", "哦", "噢", "喔", "哎", "呃", "额", "对", "对啊", "对的", "是", "是的", "是啊", "好", "好的",
        "好吧", "行", "明白", "明白了", "知道了", "我知道了", "了解", "没错", "對", "對啊", "對的", "沒錯", "係",
        "係呀", "好呀",
    ),
    "ja": (
        "はい", "ええ", "うん", "ああ", "あー", "えー", "えっと", "はあ", "へえ", "へー", "ほう", "そう", "そうです",
        "そうですね", "そうですか", "そうなんですね", "そうだね", "なるほど", "なるほどね", "わかりました",
        "分かりました", "了解", "了解です", "承知しました", "オッケー",
    ),
    "ko": ("네", "예", "응", "음", "아", "어", "네네", "아하", "그래", "그래요", "그렇군요", "맞아요", "알겠습니다"),
    "th": (
        "ครับ", "ครับผม", "ค่ะ", "คะ", "จ้ะ", "จ้า", "อืม", "อือ", "เออ", "เอ่อ", "อ๋อ", "อ้อ", "ใช่", "ใช่ครับ", "ใช่ค่ะ", "โอเค",
        "ได้ครับ", "ได้ค่ะ", "เข้าใจ", "เข้าใจครับ", "เข้าใจค่ะ",
    ),
    "hi": (
        "हाँ", "हां", "जी", "जी हाँ", "जी हां", "हाँ जी", "हां जी", "अच्छा", "ठीक", "ठीक है", "सही", "सही है", "हम्म", "हूँ",
        "समझ गया", "समझ गई", "समझ गयी", "ओके", "बिल्कुल",
    ),
    "ur": ("جی", "ہاں", "جی ہاں", "ہاں جی", "اچھا", "ٹھیک", "ٹھیک ہے", "صحیح", "سمجھ گیا", "سمجھ گئی"),
    "ar": (
        "نعم", "أجل", "اجل", "أيوه", "ايوه", "أيوا", "ايوا", "إي", "اي", "آه", "اه", "طيب", "تمام", "حسنا", "صحيح",
        "مفهوم", "فهمت", "ماشي", "أوكي", "اوكي", "مم", "ممم", "هممم",
    ),
    "fa": ("بله", "آره", "باشه", "خب", "درسته", "فهمیدم", "آها", "اوکی"),
    "he": ("כן", "אוקיי", "אוקי", "בסדר", "נכון", "הבנתי", "אהה", "אה", "טוב"),
}  # fmt: skip
_SAME = {"cmn": "zh", "yue": "zh", "nb": "no", "nn": "no", "in": "id", "iw": "he"}


def backchannels_of(language: str) -> tuple[str, ...]:
    """The list for a BCP 47 tag ("en", "de-AT"). An unknown language has the sounds that are the same anywhere."""
    base = language.replace("_", "-").split("-")[0].lower()
    return _ANYWHERE + _BY_LANGUAGE.get(_SAME.get(base, base), ())
