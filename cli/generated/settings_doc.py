"""docs/settings.md, made from `parley.settings`. `python -m cli.generated.settings_doc [--check] FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from parley.engines import engines_of, named
from parley.secret_files import SUFFIX
from parley.settings import EngineSettings, Settings, Stage

_HEAD = """# Settings

Everything is set by environment variables; there is no settings file. This page is made from `parley/settings.py`
by `make docs`. `make run` chooses the addresses, ports and NATS users by itself.

A secret may stand in a file instead, which `<NAME>_FILE` names, as container platforms mount it; an empty file says
nothing, and what the variable itself says counts more.

What is marked *live* may also be changed while calls go on, with `parley config` or in the console
([operating](operating.md)); what the environment sets counts more.

| Variable | Default | What it does |
|---|---|---|
"""


def document() -> str:
    """The whole page."""
    rows = [_row(field, _engines(name)) for name, field in Settings.model_fields.items()]
    return _HEAD + "".join([*rows, *(_row(field) for own in _own() for field in own.model_fields.values())])


def _engines(setting: str) -> str:
    """The engines that a setting chooses from."""
    if setting not in get_args(Stage):
        return ""
    only = {
        name: f" ({', '.join(row.languages)} only)" if row.languages else ""
        for name, row in engines_of(setting).items()
    }
    return ": " + ", ".join(f"`{name}`{languages}" for name, languages in only.items())


def _own() -> list[type[EngineSettings]]:
    """The rows that engines bring."""
    paths = [row.settings for stage in get_args(Stage) for row in engines_of(stage).values() if row.settings]
    return [named(path) for path in dict.fromkeys(paths)]


def _row(field: FieldInfo, more: str = "") -> str:
    description = (field.description or "").replace("|", "\\|") + more
    if choices := _choices(field.annotation):
        description += f" ({', '.join(f'`{choice}`' for choice in choices if choice)})"
    if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("live"):
        description += " *live*"
    name = f"`{field.alias}`" + (f" or `{field.alias}{SUFFIX}`" if field.annotation is SecretStr else "")
    return f"| {name} | {_default(field.default)} | {description} |\n"


def _choices(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", None) else ""


def main(arguments: list[str]) -> int:
    check = arguments[:1] == ["--check"]
    path = Path(arguments[-1])
    if not check:
        path.write_text(document())
        return 0
    if path.exists() and path.read_text() == document():
        return 0
    print(f"{path} is not what parley/settings.py says: make docs, and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
