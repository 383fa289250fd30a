"""CHANGELOG.md, in the form of Keep a Changelog: drafted from commits, edited by a person, then released.

Pure: texts in, texts out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SECTIONS = ("Added", "Changed", "Fixed", "Removed", "Security")
UNRELEASED = "## [Unreleased]"
_BEGINS = {
    "Added": ("add ", "adds ", "new "),
    "Fixed": ("fix ", "fixes ", "fixed ", "mend ", "mended "),
    "Removed": ("remove ", "removes ", "drop ", "drops "),
    "Security": ("security",),
}
# What only those who work on Parley notice.
_INSIDE = ("tests/", "bench/", ".ci/", ".github/", "scripts/", "docs/adr/")


class NoSection(ValueError):
    """The changelog lacks a section that is asked for."""


@dataclass(frozen=True)
class Commit:
    subject: str
    files: tuple[str, ...]


def drafted(commits: list[Commit]) -> str:
    """Sections with one line per commit that a user may notice, newest first; "" when there is none."""
    lines: dict[str, list[str]] = {}
    for commit in commits:
        if not all(name.startswith(_INSIDE) for name in commit.files):
            lines.setdefault(_section(commit.subject), []).append(f"- {commit.subject}")
    return "\n\n".join(f"### {name}\n" + "\n".join(lines[name]) for name in SECTIONS if name in lines)


def _section(subject: str) -> str:
    for name, words in _BEGINS.items():
        if subject.lower().startswith(words):
            return name
    return "Changed"


def unreleased(text: str) -> str:
    """What stands under Unreleased, without the heading. Raises NoSection."""
    return _between(text, UNRELEASED)


def with_draft(text: str, draft: str) -> str:
    """The changelog with `draft` under Unreleased, in place of what was there. Raises NoSection."""
    start, end = _span(text, UNRELEASED)
    return f"{text[:start]}\n{draft}\n\n{text[end:]}"


def released(text: str, version: str, day: str) -> str:
    """What was unreleased is version `version` of `day` (2026-11-30), and nothing is unreleased. Raises NoSection."""
    _span(text, UNRELEASED)
    return text.replace(UNRELEASED, f"{UNRELEASED}\n\n## [{version}] - {day}", 1)


def notes(text: str, version: str) -> str:
    """What is said of a version. Raises NoSection: nothing is."""
    found = _between(text, f"## [{version}] - ")
    if not found:
        raise NoSection(f"CHANGELOG.md says nothing of {version}")
    return found


def _between(text: str, heading: str) -> str:
    start, end = _span(text, heading)
    return text[start:end].strip()


def _span(text: str, heading: str) -> tuple[int, int]:
    """From the end of the heading's line to the next heading of a version, or the end."""
    at = re.search(rf"^{re.escape(heading)}.*\n?", text, re.MULTILINE)
    if not at:
        raise NoSection(f"CHANGELOG.md has no line {heading!r}")
    following = re.search(r"^## \[", text[at.end() :], re.MULTILINE)
    return at.end(), at.end() + following.start() if following else len(text)
