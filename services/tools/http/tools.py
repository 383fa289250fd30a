"""The tools of `tools.yaml`, and the HTTP clients they share. What they need is imported by the first such file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from parley.secrets import Secrets
from services.tools.schema import LoadedTool

if TYPE_CHECKING:
    from services.tools.http.web import Web

FILE = "tools.yaml"


class HttpTools:
    """For all agents of the process."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._web: Web | None = None

    def load(self, home: Path, sources: Mapping[str, bytes]) -> dict[str, LoadedTool]:
        """Of the agent's folder `home`, by name. `sources`: its tools' files, by name. Raises Misconfigured."""
        if FILE not in sources:
            return {}
        from services.tools.http.loading import load_http_tools
        from services.tools.http.web import Web

        self._web = self._web or Web()
        return load_http_tools(home / FILE, sources, self._web, self._secrets)

    async def close(self) -> None:
        if self._web is not None:
            await self._web.close()
