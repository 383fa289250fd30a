"""The console's pages and files. Whoever asks gets them: they hold nothing of the installation, the API they ask does.

/                 to /admin
/admin…, /tracker the one page, which looks at the address itself
/admin/files/…    its modules and styles, and those it shares with the softphone: the folder `web/`
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

import web

FOLDER = Path(web.__file__).parent
PAGE = FOLDER / "admin" / "index.html"
FILES = "/admin/files"
HEADERS = {"Cache-Control": "no-cache"}
"""Asked for again each time, answered with 304: modules of two versions never meet."""


class ConsoleFiles(StaticFiles):
    """Serves `web/`, with an ETag."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(HEADERS)
        return response


def router() -> APIRouter:
    """The page at each of its addresses."""
    pages = APIRouter(include_in_schema=False)

    @pages.get("/")
    async def begin() -> RedirectResponse:
        return RedirectResponse("/admin", 307)

    @pages.get("/admin")
    @pages.get("/admin/{rest:path}")
    @pages.get("/tracker")
    async def page(request: Request) -> Response:
        response = FileResponse(PAGE, headers=HEADERS, stat_result=PAGE.stat())
        if request.headers.get("if-none-match") == response.headers["etag"]:
            return Response(status_code=304, headers={**HEADERS, "ETag": response.headers["etag"]})
        return response

    return pages


def mount(app: FastAPI) -> None:
    """Adds all of it. The files come first: their address is within the page's."""
    app.mount(FILES, ConsoleFiles())
    app.include_router(router())
