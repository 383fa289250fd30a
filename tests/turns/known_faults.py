"""Scripts that fail because the product does, by the id of their test and why. Strict: one that passes is taken out."""

_ECHO = "the bot takes the echo of its own voice for the caller's, and pauses for it again and again"
_BOTH = {
    "a-good-speakerphone": _ECHO,
    "a-speakerphone": _ECHO,
    "a-bad-speakerphone": _ECHO,
    "breaking-in-through-a-speakerphone": _ECHO,
}
REAL: dict[str, str] = {name: _BOTH[name] for name in ("a-speakerphone", "breaking-in-through-a-speakerphone")}
VIRTUAL: dict[str, str] = {
    **_BOTH,
}
