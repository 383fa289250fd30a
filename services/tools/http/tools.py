"""The tools of `tools.yaml`, and the HTTP clients they share. What they need is imported by the first such file."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from parley.secrets import Secrets
from services.tools.schema import LoadedTool

if TYPE_CHECKING:
    from services.tools.http.web import Web

FILE = "tools.yaml"


class HttpTools:
    """For all agents of the process. Threads may share it."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._web: Web | None = None
        self._making = threading.Lock()

    def load(self, home: Path, sources: Mapping[str, bytes]) -> dict[str, LoadedTool]:
        """Of the agent's folder `home`, by name. `sources`: its tools' files, by name. Raises Misconfigured."""
        if FILE not in sources:
            return {}
        from services.tools.http.loading import load_http_tools
        from services.tools.http.web import Web

        with self._making:
            web = self._web = self._web or Web()
        return load_http_tools(home / FILE, sources, web, self._secrets)

    async def close(self) -> None:
        if self._web is not None:
            await self._web.close()
