"""How wrong a transcript is."""


def word_errors(said: str, heard: str) -> int:
    """Words to insert, leave out or replace, at least, to make `said` of `heard` (Levenshtein over words)."""
    reference, hypothesis = said.split(), heard.split()
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        above, row[0] = row[:], i
        for j, other in enumerate(hypothesis, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (word != other))
    return row[-1]
