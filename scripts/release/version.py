"""Which version comes next, and where it is written. Pure."""

from __future__ import annotations

import re

from packaging.version import InvalidVersion, Version

_LINE = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)


class WrongVersion(ValueError):
    """No version, or one that can not come next."""


def current(pyproject: str) -> str:
    """The version that pyproject.toml names. Raises WrongVersion."""
    if not (found := _LINE.search(pyproject)):
        raise WrongVersion("pyproject.toml names no version")
    return found[1]


def following(wanted: str, now: str, tags: list[str]) -> str:
    """`wanted`, when it may be released: three numbers, perhaps rc1, above all released ones. Raises WrongVersion.

    now: the version of pyproject.toml, which may be released itself once; tags: v1.2.3, as git has them.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+(rc\d+)?", wanted):
        raise WrongVersion(f"VERSION={wanted}: three numbers are wanted, as 1.2.3, or 1.2.3rc1")
    if f"v{wanted}" in tags:
        raise WrongVersion(f"{wanted} is released already: tag v{wanted}")
    known = [parsed for tag in tags if (parsed := _parsed(tag))]
    if any(parsed > Version(wanted) for parsed in known) or Version(wanted) < Version(now):
        raise WrongVersion(f"{wanted} is older than {max([*known, Version(now)])}")
    return wanted


def written(pyproject: str, version: str) -> str:
    """pyproject.toml with that version. Raises WrongVersion."""
    current(pyproject)
    return _LINE.sub(f'version = "{version}"', pyproject, count=1)


def _parsed(tag: str) -> Version | None:
    try:
        return Version(tag.removeprefix("v"))
    except InvalidVersion:
        return None
