"""The report in Markdown, for people and for whoever keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

from services.backoffice.compliance.auditing import Judged, Report

WORDS = {
    "fail": "fails",
    "unknown": "could not be checked",
    "declare": "to be declared",
    "declared": "declared",
    "pass": "passes",
}
ORDER = tuple(WORDS)
"""What is to be done comes first."""
NOTE = (
    "Checked against the running installation by Parley. It finds what is plainly missing; it is no legal advice and "
    "no certificate. What could not be checked does not count as passed."
)


def ordered(report: Report) -> list[Judged]:
    severities = ("high", "medium", "low")
    return sorted(
        report.judged,
        key=lambda each: (ORDER.index(each.finding.result), severities.index(each.control.severity)),
    )


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def in_short(report: Report) -> str:
    """`Score 92 of 100: 25 pass, 2 fail, …`."""
    parts = [f"{report.count(result)} {WORDS[result]}" for result in ORDER if report.count(result)]
    return f"Score {report.score} of 100: {', '.join(parts)}"


def declared(judged: Judged) -> str:
    by = judged.declared
    return f"declared by {by.who}, {moment(by.at_ms / 1000)}: {by.note}" if by is not None else ""


def markdown(report: Report) -> str:
    lines = [
        "# Compliance audit",
        "",
        f"{moment(report.at_s)}. {in_short(report)}.",
        "",
        NOTE,
        "",
        "| Control | | Result | Severity | Found | Remedy |",
        "|---|---|---|---|---|---|",
    ]
    for each in ordered(report):
        control, finding = each.control, each.finding
        found = ". ".join(filter(None, (finding.detail, declared(each))))
        remedy = "" if finding.result in ("pass", "declared") else control.remedy
        cells = (
            control.title,
            f"{control.law} {control.paragraph}",
            WORDS[finding.result],
            control.severity,
            found,
            remedy,
        )
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Names of accounts and notes are people's own words: none of them makes another column, or a link."""
    plain = " ".join(text.split()).replace("\\", "\\\\")
    for char in "|[]<>*":
        plain = plain.replace(char, f"\\{char}")
    return plain
