"""The softphone page's files, with what a browser must know to keep them safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import HTTPException, Response
from fastapi.staticfiles import StaticFiles

import web

PAGE = Path(web.__file__).parent
HEADERS = {
    # Nothing from elsewhere, no inline script or style; sockets to this host are `self` too.
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Asked for again each time, answered with 304: modules of two versions never meet.
    "Cache-Control": "no-cache",
}


CONSOLE = "admin"
SAME = ("demo", "voice-demo")
"""Further addresses of the one page: it looks at its own. At `/demo` it is a text chat."""


class PageFiles(StaticFiles):
    """Serves `web/`, but for the console: that is backoffice's, and behind a login there."""

    def __init__(self) -> None:
        super().__init__(directory=PAGE, html=True)

    async def get_response(self, path: str, scope: Any) -> Response:
        if Path(path).parts[:1] == (CONSOLE,):
            raise HTTPException(404)
        if path in SAME:
            path = "index.html"
        return await super().get_response(path, scope)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(HEADERS)
        return response
