"""What a query asks for: the names and labels in it, held against those that there are. No Prometheus is needed.

Whether it is well formed says `promtool`; this says whether anything will ever answer it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+|ms|[smhdwy](?:\d+[smhdwy])*)?)
      | (?P<name>[a-zA-Z_:][\w:]*)
      | (?P<sign>=~|!~|!=|==|>=|<=|[^\s\w])""",
    re.VERBOSE,
)
_GROUPING = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan"})
_AGGREGATES = frozenset(
    {"sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile", "stddev", "group", "count_values"}
)
_COLLECTED = frozenset(
    {"up", "process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes"}
)
"""Of Prometheus and of every Python process."""

Known = Mapping[str, frozenset[str]]
"""Name of a series -> its labels."""


@dataclass
class Asked:
    """`selectors`: names of series with their matchers, each label, sign and value. `grouped`: labels in `by (...)`.

    `sums`: it aggregates, so that only labels it groups by are left.
    """

    selectors: list[tuple[str, list[tuple[str, str, str]]]] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)
    sums: bool = False


def asked(query: str) -> Asked:
    """Grafana's `$variables` may stand in it. Raises ValueError for what is no query."""
    found, tokens = Asked(), list(_tokens(query))
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        after = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        at += 1
        if kind != "name":
            continue
        if text in _GROUPING:
            if after == "(":
                end = _closing(tokens, at, ")")
                found.grouped |= {name for each, name in tokens[at:end] if each == "name"}
                at = end + 1
        elif text in _AGGREGATES:
            found.sums = True
        elif text in _WORDS or after == "(":
            continue
        else:
            matchers: list[tuple[str, str, str]] = []
            if after == "{":
                end = _closing(tokens, at, "}")
                matchers = list(_matchers([token for _, token in tokens[at + 1 : end]], query))
                at = end + 1
            found.selectors.append((text, matchers))
    return found


def _recorded(query: str, known: Known) -> frozenset[str]:
    """The labels that a query's answer may have."""
    found = asked(query)
    labels = set(found.grouped)
    if not found.sums:
        labels.update(*(known.get(name, frozenset()) for name, _ in found.selectors))
    return frozenset(labels - {"le"})


def problems(query: str, known: Known, buckets: Mapping[str, tuple[str, ...]]) -> list[str]:
    """In words, what nobody will ever answer. `buckets`: the values of `le`, by histogram."""
    found, told = asked(query), []
    there: set[str] = set()
    for name, matchers in found.selectors:
        labels = known.get(name)
        if labels is None:
            told.append(f"there is no {name}")
            continue
        there |= labels
        for label, sign, value in matchers:
            if label not in labels:
                told.append(f"{name} has no label {label}")
            if label == "le" and sign == "=" and value not in buckets[name.removesuffix("_bucket")]:
                told.append(f"{name} has no bucket le={value}")
    return told + [f"no series here has a label {label}" for label in sorted(found.grouped - there)]


def series(metrics: Known, rules: Mapping[str, str]) -> Known:
    """All that can be asked for: what is scraped, what Prometheus adds, and what rules record, in their order."""
    target = frozenset({"service", "instance", "job"})
    found = {**metrics, **dict.fromkeys(_COLLECTED, target)}
    for name, query in rules.items():
        found[name] = _recorded(query, found)
    return found


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    text = re.sub(r"\$\{?__(rate_interval|interval|range)\}?", "5m", query)
    for match in _TOKEN.finditer(text):
        yield str(match.lastgroup), match.group()


def _closing(tokens: list[tuple[str, str]], begin: int, sign: str) -> int:
    for at in range(begin, len(tokens)):
        if tokens[at][1] == sign:
            return at
    raise ValueError(f"a {sign} is missing")


def _matchers(tokens: list[str], query: str) -> Iterator[tuple[str, str, str]]:
    if len(tokens) % 4 not in (0, 3):
        raise ValueError(f"matchers that cannot be read in {query}")
    for at in range(0, len(tokens), 4):
        label, sign, value = tokens[at : at + 3]
        yield label, sign, value[1:-1]
