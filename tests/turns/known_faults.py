"""Scripts that fail because the product does, by the id of their test and why. Strict: one that passes is taken out."""

REAL: dict[str, str] = {}
VIRTUAL: dict[str, str] = {}
