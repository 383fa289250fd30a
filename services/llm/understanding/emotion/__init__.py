"""How a caller feels, by what they say. One file of phrases and examples per language."""
