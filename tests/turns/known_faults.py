"""Scripts that fail because the product does, by the id of their test and why. Strict: one that passes is taken out."""

_ECHO = "the bot takes the echo of its own voice for the caller's, and pauses for it again and again"
REAL: dict[str, str] = {"a-speakerphone": _ECHO, "breaking-in-through-a-speakerphone": _ECHO}
VIRTUAL: dict[str, str] = {"a-good-speakerphone": _ECHO}
