"""`python -m bench.engines.personal`: how well personal data is found, and how long it takes; `--write` to docs."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from parley.pii import KINDS, find
from testbed.personal import BLIND, HELD_OUT, OWN, Score, read, score

PAGE = Path("docs/privacy.md")
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
LINES = {
    "a log line without digits": "stream refused because every replica is away",
    "a log line with numbers": "turn=17 epoch=3.2 latency_ms=412 audio_ms=20480 wrote 1048576 bytes",
    "a sentence of a caller": "Where is my order, I have been waiting for it for two weeks now",
    "a sentence with a card and a phone number": "My card is 4111 1111 1111 1111 and my phone is 415 555 2671",
}
ROUNDS = 2_000


def table(scores: dict[str, Score]) -> str:
    """Recall and precision by kind, of each set."""
    rows = [
        "| kind | " + " | ".join(f"{name}: n, recall, precision" for name in scores) + " |",
        "|---" * (len(scores) + 1) + "|",
    ]
    rows += [f"| `{kind}` | " + " | ".join(_figures(one, kind) for one in scores.values()) + " |" for kind in KINDS]
    return "\n".join([*rows, "| **all** | " + " | ".join(map(_figures, scores.values())) + " |"])


def _figures(found: Score, kind: str = "") -> str:
    there = found.there[kind] if kind else found.there.total()
    if not there:
        return "none"
    return f"{there}, {found.recall(kind):.2f}, {found.precision(kind):.2f}"


def pace() -> str:
    """µs a line, the best of five."""
    rows = ["| text | µs |", "|---|---|"]
    for name, text in LINES.items():
        find(text)
        rows.append(f"| {name} | {min(_once(text) for _ in range(5)):.0f} |")
    return "\n".join(rows)


def _once(text: str) -> float:
    begun = time.perf_counter()
    for _ in range(ROUNDS):
        find(text)
    return (time.perf_counter() - begun) / ROUNDS * 1e6


def main() -> None:
    """Prints both tables; of the own set also what went wrong. Sentences of the others are not shown."""
    own = score(read(OWN))
    found = f"{table({'own': own, 'held out': score(read(HELD_OUT)), 'blind': score(read(BLIND))})}\n\n{pace()}"
    print(found, *own.misses, sep="\n")
    if "--write" in sys.argv:
        page = PAGE.read_text()
        PAGE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{found}\n{END}", page, flags=re.DOTALL))


if __name__ == "__main__":
    main()
