"""The softphone page's files, with what a browser must know to keep them safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Response
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


class PageFiles(StaticFiles):
    """Serves `web/`."""

    def __init__(self) -> None:
        super().__init__(directory=PAGE, html=True)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(HEADERS)
        return response
