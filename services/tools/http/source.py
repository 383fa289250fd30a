"""The text of `tools.yaml`, and what is beside it: parsed, with errors that name file, field, remedy and line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml
from pydantic import ValidationError

from parley.errors import Misconfigured
from parley.field_errors import line_of, told, yaml_told
from services.tools.http.endpoint import Address, BadUrl, address_of
from services.tools.http.file import HttpTool, ToolsFile
from services.tools.http.openapi import BadOperation, document_of

MAX_BYTES = 256 * 1024
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Source:
    """`path`: of the file. `sources`: what it and those beside it say, by file name. Raises Misconfigured."""

    def __init__(self, path: Path, sources: Mapping[str, bytes]) -> None:
        self._path = path
        self._sources = sources
        self._documents: dict[str, Mapping[str, Any]] = {}
        if (size := len(sources[path.name])) > MAX_BYTES:
            raise Misconfigured(f"{path}: {size} bytes; at most {MAX_BYTES}")
        try:
            self._text = sources[path.name].decode()
            data = yaml.load(self._text, _YAML)  # noqa: S506 - a safe loader, in C where there is one
        except UnicodeDecodeError as e:
            raise Misconfigured(f"{path}: not UTF-8 text; save it as UTF-8") from e
        except yaml.YAMLError as e:
            raise Misconfigured(f"{path}: {yaml_told(e)}") from e
        except RecursionError as e:
            raise Misconfigured(f"{path}: not valid YAML: it is nested too deeply") from e
        if data is not None and not isinstance(data, dict):
            raise Misconfigured(f"{path}: expected a mapping at the top")
        try:
            self.file = ToolsFile.model_validate(data or {})
        except ValidationError as e:
            raise Misconfigured(f"{path}: {told(e, self._text, ToolsFile)}") from None

    def document(self, name: str, tool: HttpTool) -> Mapping[str, Any]:
        """The OpenAPI description that a tool's operation is in."""
        file = tool.openapi or self.file.defaults.openapi
        if not file:
            self.wrong((name, "operation"), "which description? write openapi: openapi.yaml")
        if file not in self._sources:
            known = ", ".join(each for each in self._sources if each.startswith("openapi")) or "none"
            told = f"there is no {file} beside it, named openapi*.yaml or openapi*.json; there are {known}"
            self.wrong((name, "openapi" if tool.openapi else "operation"), told)
        if file not in self._documents:
            try:
                self._documents[file] = document_of(file, self._sources[file])
            except BadOperation as e:
                raise Misconfigured(f"{self._path.parent / file}: {e}") from e
        return self._documents[file]

    def address(self, url: str, place: tuple[str, ...]) -> Address:
        try:
            return address_of(url)
        except BadUrl as e:
            self.wrong(place, str(e))

    def wrong(self, place: tuple[str, ...], message: str) -> NoReturn:
        """Raises Misconfigured. `place`: below `tools`."""
        whole = ("tools", *place)
        line = line_of(yaml.compose(self._text, _YAML), whole)
        raise Misconfigured(f"{self._path}: {'.'.join(whole)}: {message} (line {line})")
